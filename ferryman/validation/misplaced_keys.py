"""Keys that begin as if they were a client's or a transform's, and are not: what may have been meant. Pure."""

from collections.abc import Iterable, Mapping

from ferryman.chain import chain_config
from ferryman.java import spelling
from ferryman.kafka.client_keys import Role

ROLES: tuple[Role, ...] = ("producer", "consumer", "admin")
"""The clients whose settings a connector's config may override (KIP-458)."""


def meant(key: str, prefixes: Iterable[str], values: Mapping[str, str]) -> str:
    """What to add to the warning about such a key; empty if it is not one. ``prefixes`` are the known ones."""
    first, _, rest = key.partition(".")
    if first in ROLES and rest:
        return spelling.meant(key, (), prefixes) or f"; did you mean {first}.override.{rest}?"
    if first in ("transforms", "predicates") and "." in rest:
        listed = ", ".join(chain_config.aliases(values, first)) or "nothing"
        return spelling.meant(key, (), prefixes) or f"; {first} lists {listed}"
    return ""
