"""Options that all commands have which ask a worker, and their argument that is a connector's name."""

import functools
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from ferryman.client import contexts
from ferryman.client.contexts import Context
from ferryman.client.worker import Worker

Called = Callable[..., Any]
_MISSING = (AttributeError, LookupError, TypeError, ValueError)
"""What it leads to when a field of an answer is taken that is not there, or is something else."""
_FILE = click.Path(dir_okay=False)
_ABOUT: tuple[Callable[[Called], Called], ...] = (
    click.option("--url", envvar="FERRYMAN_URL", help="The worker's address."),
    click.option("--user", help="The user to log in as; the password is in FERRYMAN_PASSWORD."),
    click.option("--password-file", type=_FILE, help="A file with the password instead."),
    click.option(
        "--token-file",
        type=_FILE,
        help="A file with a token, instead of a user; the token may also be in FERRYMAN_TOKEN.",
    ),
    click.option("--ca", type=_FILE, help="PEM file of the authorities to trust."),
    click.option("--certificate", type=_FILE, help="PEM file of the client's certificate."),
    click.option("--key", type=_FILE, help="PEM file of the client's key."),
)
_NAMES = ("url", "user", "password_file", "token_file", "ca", "certificate", "key")


def about_context(command: Called) -> Called:
    """Gives a command the options that make a context."""
    for each in reversed(_ABOUT):
        command = each(command)
    return command


def asks(command: Called) -> Called:
    """Gives a command the options that say which worker is meant, and hands it that ``worker``."""

    @functools.wraps(command)
    def called(context: str | None, **given: Any) -> Any:
        said = {name: given.pop(name) for name in _NAMES}
        worker = Worker(_meant(context, said))
        try:
            return command(worker=worker, **given)
        except _MISSING as error:
            raise worker.strange() from error

    option = click.option("--context", envvar="FERRYMAN_CONTEXT", help="The context to use, by name.")
    return option(about_context(called))


def _meant(name: str | None, said: dict[str, str | None]) -> Context:
    """An address that is given is not a context's: the context's user and certificates are not used for it."""
    base = Context() if said.get("url") and not name else contexts.load().of(name)
    return base.changed(**said)


def _completed(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    try:
        said = {each: ctx.params.get(each) for each in _NAMES}
        known = Worker(_meant(ctx.params.get("context"), said)).names()
    except click.ClickException:
        return []
    return [CompletionItem(each) for each in known if each.startswith(incomplete)]


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
watched = click.option("--watch", is_flag=True, help="Show it again every two seconds, until Ctrl-C.")
name = click.argument("name", shell_complete=_completed)
names = click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=_completed)
connector_names = click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=_completed)
