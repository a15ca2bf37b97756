"""`python -m ferryman` is the command `ferryman`."""

from ferryman.commands import main

main(prog_name="ferryman")
