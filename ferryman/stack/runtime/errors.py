"""What goes wrong while the embedded world is fetched, started or watched."""


class StackError(Exception):
    """The embedded world cannot do what was asked; the message says why and what to do."""
