"""``ferryman contexts``: the workers that commands can mean."""

from ferryman.commands import Commands

command = Commands(
    "contexts", folder="verbs/contexts", help="Remember where workers are, and which of them commands mean."
)
