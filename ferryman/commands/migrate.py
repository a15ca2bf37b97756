"""``ferryman migrate``: which connectors of a running Kafka Connect would run here, before anything is moved."""

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

if TYPE_CHECKING:
    from ferryman.migration.verdicts import Checked
    from ferryman.settings.settings import Settings

VARIABLE = "FERRYMAN_MIGRATE_PASSWORD"


@click.group("migrate")
def command() -> None:
    """The move from Kafka Connect."""


@command.command()
@click.argument("address", metavar="URL")
@click.option(
    "--worker",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The workers' property file, which is checked too: its converters, config providers and policies count.",
)
@click.option("--user", help=f"The user to log in as; the password is in {VARIABLE}.")
@click.option(
    "--ca", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="PEM file of the authorities to trust."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(address: str, worker: Path | None, user: str | None, ca: Path | None, as_json: bool) -> None:
    """Say which connectors of the Kafka Connect at URL run here, key by key.

    Only reads there. The exit code is 0 if all run, 1 if something is refused, 2 if it cannot be read.
    """
    from ferryman.migration import old_cluster, verdicts
    from ferryman.migration.report import Report

    login = _login(address, user)
    try:
        found = old_cluster.read(address, login, str(ca) if ca else True)
    except old_cluster.UnreadableCluster as error:
        click.echo(f"{error}", err=True)
        sys.exit(2)
    settings, file = _settings(worker)
    report = Report(found.version, file, [verdicts.check(each, settings) for each in found.connectors])
    if as_json:
        click.echo(json.dumps(report.as_json()))
    else:
        for line in report.lines():
            click.echo(line)
    sys.exit(1 if report.refused else 0)


def _login(address: str, user: str | None) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        raise click.BadParameter("this is not a URL", param_hint="URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.BadParameter("write http://host:port or https://host:port", param_hint="URL")
    if parts.username is not None:
        text = f"everybody can see a process's arguments: give the user with --user, and the password in {VARIABLE}"
        raise click.BadParameter(text, param_hint="URL")
    if user is None:
        return None
    if VARIABLE not in os.environ:
        raise click.UsageError(f"--user needs a password in {VARIABLE}")
    return user, os.environ[VARIABLE]


def _settings(worker: Path | None) -> "tuple[Settings, Checked | None]":
    """The settings to check with, and what there is to say about the file; those of an empty file if it is unusable."""
    from ferryman.errors import ConfigError
    from ferryman.migration import verdicts
    from ferryman.settings import settings
    from ferryman.settings.modes import DISTRIBUTED, STANDALONE

    converter = "org.apache.kafka.connect.json.JsonConverter"
    bare = settings.parse({"key.converter": converter, "value.converter": converter})
    if worker is None:
        return bare, None
    keys: Collection[str] = ()
    try:
        keys = settings.source_values(worker).keys()
        loaded = settings.load(worker, mode=DISTRIBUTED if "config.storage.topic" in keys else STANDALONE)
    except ConfigError as error:
        return bare, verdicts.of_worker(str(worker), keys, problems=error.problems)
    return loaded, verdicts.of_worker(str(worker), keys, loaded.warnings)
