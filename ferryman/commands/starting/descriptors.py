"""How many files and sockets a worker may have open: as many as its machine lets it, as other servers do."""

import resource
from contextlib import suppress

MAX_DESCRIPTORS = 1 << 20
"""More than a worker ever needs. If a machine allows a billion, some programs that plugins may start check every one of
them."""


def raise_limit() -> None:
    """Lets this process and those that it starts have all that they may, as a JVM does (MaxFDLimit). A soft limit is
    1,024 as a rule, for programs that use select, and each task takes a worker two or three."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):  # macOS has another limit above it, and says so here only
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
