"""``ferryman translate-offsets``: where consumers of a topic go on in one that was restored from an archive."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ferryman.archives.restored_topic import Origin
    from ferryman.archives.translation import Target
    from ferryman.settings.settings import Settings


@click.command("translate-offsets")
@click.argument("topic")
@click.option("--group", required=True, help="The consumer group.")
@click.option(
    "--offsets",
    "file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A file with its offsets in the original topic, as kafka-consumer-groups --export writes them, if that "
    "topic is gone.",
)
@click.option("--bootstrap", help="The brokers, as host:port,…; for brokers with TLS or logins use --worker.")
@click.option(
    "--worker",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A worker's file, which says how to connect to Kafka.",
)
@click.option("--apply", "write", is_flag=True, help="Commit the offsets. Without it they are only shown.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    topic: str, group: str, file: Path | None, write: bool, as_json: bool, **kafka_is: "str | Path | None"
) -> None:
    """Translate the offsets of a consumer group to a restored TOPIC.

    Its records must have been restored with restore.original.headers=true. No record that the group has not read is
    skipped; where the archive does not contain exact offsets, some are read again. The exit code is 0, or 2 if nothing
    can be translated or written.
    """
    from ferryman.archives import kafka, unreadable

    worker, bootstrap = kafka_is["worker"], kafka_is["bootstrap"]
    with unreadable.exits_with_two():
        settings = kafka.settings_of(Path(worker) if worker else None, str(bootstrap) if bootstrap else None)
        original, targets = _targets(settings, topic, group, file)
        if write:
            kafka.write_offsets(settings, group, topic, {number: each.offset for number, each in targets.items()})
    if as_json:
        table = {number: each._asdict() for number, each in targets.items()}
        click.echo(json.dumps({"group": group, "from": original, "to": topic, "written": write, "partitions": table}))
        return
    for line in _lines(topic, targets, write):
        click.echo(line)


def _targets(settings: "Settings", topic: str, group: str, file: Path | None) -> "tuple[str, Mapping[int, Target]]":
    from ferryman.archives import exported_offsets, kafka
    from ferryman.archives.translation import translated
    from ferryman.errors import ConfigError

    origins = list(_origins(settings, topic))
    originals = sorted({each.topic for each in origins})
    if len(originals) != 1:
        found = ", ".join(originals) or "none; restore it with restore.original.headers=true"
        raise ConfigError.for_key(
            "", f"the records of {topic} must all come from one topic, by their headers; they come from {found}"
        )
    original = originals[0]
    if file is None:
        committed = kafka.group_offsets(settings, group, original)
    else:
        committed = exported_offsets.parsed(exported_offsets.lines(file), original)
    if not committed:
        raise ConfigError.for_key("", f"{group} has no offsets of {original}")
    return original, translated((each.record for each in origins), committed)


def _origins(settings: "Settings", topic: str) -> "Iterable[Origin]":
    from ferryman.archives import kafka
    from ferryman.archives.restored_topic import origin
    from ferryman.kafka import raw_batches

    for number, offset, message in kafka.records(settings, topic, lambda count: None):
        headers = None if message is None else raw_batches.headers(message)
        found = origin(number, offset, list(headers)) if headers else None
        if found is not None:
            yield found


def _lines(topic: str, targets: "Mapping[int, Target]", written: bool) -> Iterable[str]:
    for number, each in sorted(targets.items()):
        again = f", where the group may get {each.again} records a second time" if each.again else ""
        yield f"{topic}-{number}: {each.offset}{again}"
    yield "the group's offsets are committed" if written else "nothing is written: add --apply to commit these offsets"
