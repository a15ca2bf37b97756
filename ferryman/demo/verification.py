"""The archive compared with its topics by their offsets, with the code of `ferryman verify`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ferryman.archives import kafka
from ferryman.archives.comparison import compare
from ferryman.connectors.s3 import archive as archives
from ferryman.demo.facts import flows
from ferryman.demo.facts.ledger import Found
from ferryman.demo.worker import environment
from ferryman.settings import settings


def findings(
    configs: Path, variables: Mapping[str, str], login: Mapping[str, str], topics: Sequence[str]
) -> Iterator[Found]:
    """What `ferryman verify` finds wrong with these topics' archive: kind, topic and partition, and how many records.

    ``variables`` is the environment that the files in ``configs`` refer to, ``login`` what a worker's file needs
    besides, to come in to Kafka. Raises FerrymanError if the archive or a topic cannot be read.
    """
    with environment(variables):
        worker = settings.load(configs / "worker.properties", login)
        config = worker.providers.resolve({**flows.restore(configs).config, "name": flows.RESTORE}).values
    look = archives.look(archives.source_config(config))
    for topic in topics:
        for finding in compare(
            topic, list(look.examined(topic)), kafka.held(worker, topic, lambda count: None)
        ).findings:
            yield (finding.kind, topic, finding.partition), finding.count
