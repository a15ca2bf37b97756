"""``ferryman contexts``: the workers that commands can mean."""

from ferryman.commands import Commands

command = Commands(
    "contexts", folder="verbs/contexts", help="Remember the addresses of workers, and which one commands use."
)
