"""The command line. One command is one file in this folder, imported only when it is called; a verb of a noun is one in
``verbs/``."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from ferryman import __version__


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


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="ferryman")
def main() -> None:
    """Kafka Connect in Python."""
