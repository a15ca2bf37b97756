"""Changes of a config as people write them: ``KEY=VALUE`` sets a key, ``KEY-`` removes it."""

from collections.abc import Iterable

import click


def parsed(changes: Iterable[str], hint: str) -> dict[str, str | None]:
    """The values of keys, None for those to be removed. BadParameter about the option ``hint`` for what is neither."""
    found: dict[str, str | None] = {}
    for each in changes:
        key, equals, value = each.partition("=")
        if equals and key:
            found[key] = value
        elif not equals and len(each) > 1 and each.endswith("-"):
            found[each[:-1]] = None
        else:
            raise click.BadParameter(f"{each!r} is neither KEY=VALUE nor KEY-", param_hint=hint)
    return found
