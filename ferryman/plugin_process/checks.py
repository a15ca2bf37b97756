"""The check of a connector's config, with references that the worker has resolved."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferryman.errors import KeyProblem
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.references import References
from ferryman.validation import connector_config

ASK = "checks"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found in a config."""

    body: Mapping[str, Any]
    """The body of the answer for REST."""
    warnings: tuple[str, ...]
    """By name, for the log."""
    secrets: frozenset[str]
    """The keys whose values no name says to be secret, but a plugin."""

    @property
    def problems(self) -> list[KeyProblem]:
        """What is wrong, in the order of the keys."""
        values = (each["value"] for each in self.body["configs"])
        return [KeyProblem(value["name"], text) for value in values for text in value["errors"]]

    @classmethod
    def load(cls, found: Mapping[str, Any]) -> "Checked":
        """What ``answer`` returns."""
        return cls(found["body"], tuple(found["warnings"]), frozenset(found["secrets"]))


def question(raw: Mapping[str, str | None], resolution: Resolution, connector: str) -> dict[str, Any]:
    """Asks what is wrong with a config: ``connector`` is its name where it is to be run, which is then no secret."""
    return {
        "ask": ASK,
        "raw": dict(raw),
        "connector": connector,
        "values": dict(resolution.values),
        "problems": [[each.key, each.message] for each in resolution.problems],
        "warnings": list(resolution.doubts),
        "references": resolution.references.rows(),
    }


def answer(asked: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Answers that. Raises RequestError without a usable connector.class."""
    raw: Mapping[str, str | None] = asked["raw"]
    references = References.parse(asked["references"])
    problems = tuple(KeyProblem(key, text) for key, text in asked["problems"])
    resolution = Resolution(asked["values"], problems, tuple(asked["warnings"]), (), references)
    owner = Owner(*filter(None, [asked["connector"]]))
    try:
        with owner.keeps():
            if asked["connector"]:
                owner.says(redaction.plain_words({key: value for key, value in raw.items() if value is not None}))
            references.protect()
            found = connector_config.validate(raw, settings, resolution)
    finally:
        owner.release()
    return {"body": found.infos.as_json(), "warnings": found.warnings, "secrets": sorted(found.secrets)}
