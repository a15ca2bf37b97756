"""The command line. One command is one file in this folder, imported only when it is called; a verb of a noun is one in
``verbs/``. A command that a signal ends has the exit code that shells know: 130 for Ctrl-C, 143 for SIGTERM."""

import errno
import io
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from ferryman import __version__
from ferryman.commands.starting import interruptible

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class Commands(click.Group):
    """Finds a command in the module of its name, so that starting one does not import the others."""

    def __init__(self, *args: Any, folder: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._folder = Path(__file__).parent / folder
        self._package = ".".join((__name__, *Path(folder).parts))

    def list_commands(self, ctx: click.Context) -> list[str]:
        files = sorted(self._folder.glob("[!_]*.py"))
        return [file.stem.replace("_", "-") for file in files]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"{self._package}.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)
        return command


class _Ferryman(Commands):
    """All commands, and how their output is handled."""

    def invoke(self, ctx: click.Context) -> Any:
        _make_streams_whole()
        try:
            with interruptible.soon():
                found = super().invoke(ctx)
                sys.stdout.flush()
        except KeyboardInterrupt as error:
            interruptible.leave(getattr(error, "number", signal.SIGINT))
        except OSError as error:
            if error.errno not in _UNWRITABLE or error.filename is not None:
                raise
            raise click.ClickException(f"the output cannot be written: {error.strerror}") from error
        return found


def _make_streams_whole() -> None:
    """Replaces standard streams that were closed at the start, and escapes characters that their encoding lacks."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 (it is open as long as the process is there)
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@click.group(cls=_Ferryman)
@click.version_option(__version__, prog_name="ferryman")
def main() -> None:
    """Kafka Connect in Python."""
