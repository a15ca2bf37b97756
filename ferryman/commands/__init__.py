"""The command line. One command is one file in this folder, imported only when it is called."""

from importlib import import_module
from pathlib import Path

import click

from ferryman import __version__


class Commands(click.Group):
    """Finds a command in the module of its name, so that starting one does not import the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        files = sorted(Path(__file__).parent.glob("[!_]*.py"))
        return [file.stem.replace("_", "-") for file in files]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = import_module(f"ferryman.commands.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Commands)
@click.version_option(__version__, prog_name="ferryman")
def main() -> None:
    """Kafka Connect in Python."""
