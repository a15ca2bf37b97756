"""What can go wrong with the demo itself, in words for the person who started it."""


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


class Stalled(DemoError):
    """Not everything arrives; the ledger shows what is missing."""
