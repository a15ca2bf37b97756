"""What is doubtful about a config, in the words in which a worker that is given it warns."""

from collections.abc import Sequence
from dataclasses import replace

from ferryman.dry_run.subject import Subject, any_worker
from ferryman.settings.config_providers import Resolution
from ferryman.validation import connector_config


def of(found: Subject) -> Sequence[str]:
    """The warnings. None is about a reference that a worker which is not named may resolve, or that is wrong."""
    resolution = Resolution(found.raw) if found.worker is None else found.worker.providers.resolve(found.posted)
    told = replace(resolution, problems=(), missing=())
    return connector_config.validate(found.posted, found.worker or any_worker(), told).warnings
