"""`ferryman demo`: payments and events through real systems, with kills on the way and a ledger at the end."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

if TYPE_CHECKING:
    from ferryman.demo.scenario import Options

_WIDTH = 130


@click.command("demo")
@click.option(
    "--events",
    type=click.IntRange(2_000, 50_000_000),
    metavar="N",
    help="How many events; 200,000, or with --rate one minute's worth.",
)
@click.option(
    "--rate",
    type=click.IntRange(100, 1_000_000),
    metavar="N",
    help="Send N events a second, kill nothing, and measure how late rows are.",
)
@click.option("--cluster", is_flag=True, help="Three brokers and a group of three workers; some of both are killed.")
@click.option("--secure", is_flag=True, help="With --cluster: brokers and registry require logins.")
@click.option("--keep", is_flag=True, help="Leave stack and worker running when done; `ferryman stack down` ends them.")
@click.option("--json", "as_json", is_flag=True, help="Print the ledger as one JSON object; progress goes to stderr.")
@click.option(
    "--configs", type=click.Path(path_type=Path, file_okay=False), help="Folder with the demo's config files."
)
def command(as_json: bool, **chosen: Any) -> None:
    """Watch payments cross real systems while workers are killed, and see that nothing is lost or doubled.

    Starts Kafka, a schema registry, PostgreSQL, a payment gateway and a worker on this machine, and takes everything
    down in the end. The exit code is 0 only if nothing is lost or doubled.
    """
    from ferryman.demo import report, scenario
    from ferryman.demo.demo_stack import COMPONENTS
    from ferryman.demo.facts.errors import DemoError
    from ferryman.demo.terminal import Lines, Picture
    from ferryman.stack.runtime.download import download
    from ferryman.stack.runtime.errors import StackError
    from ferryman.stack.runtime.interruption import Interruption
    from ferryman.stack.services import artifacts_of

    options = _options(**chosen)
    out = Console(width=None if sys.stdout.isatty() else _WIDTH)
    progress = Console(stderr=True, width=None if sys.stderr.isatty() else _WIDTH) if as_json else out
    _call_this_machine_directly()
    try:
        with Interruption().heard() as interruption:
            download(artifacts_of(COMPONENTS))
            with (Picture if progress.is_terminal else Lines)(progress) as view:
                outcome = scenario.run(options, view, interruption)
            interruption.check()
    except (DemoError, StackError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("ended before the ledger; nothing is left running", err=True)
        raise
    if as_json:
        click.echo(json.dumps(report.as_json(outcome)))
    else:
        report.render(outcome, out)
    raise click.exceptions.Exit(0 if outcome.clean else 1)


def _options(
    events: int | None, rate: int | None, cluster: bool, secure: bool, keep: bool, configs: Path | None
) -> "Options":
    from ferryman.demo.facts import flows
    from ferryman.demo.scenario import Options

    if secure and not cluster:
        raise click.UsageError("--secure needs --cluster")
    if cluster and (keep or rate):
        raise click.UsageError(f"--cluster cannot be combined with {'--keep' if keep else '--rate'}")
    count = events or (rate * 60 if rate else 200_000)
    return Options(count, keep, rate, cluster, secure, configs or flows.CONFIGS)


def _call_this_machine_directly() -> None:
    """A proxy in the environment, meant for the world outside, would be asked for 127.0.0.1 too."""
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))
