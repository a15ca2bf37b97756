"""What the bodies of requests for runs have in common. Pure."""

from collections.abc import Sequence
from typing import Any

from ferryman.errors import RequestError


def checked(posted: Any, known: Sequence[str]) -> dict[str, Any]:
    """A body that is an object with none but known fields. RequestError 400 for any other."""
    if not isinstance(posted, dict):
        raise RequestError(400, f"An object is expected, with any of {', '.join(known)}")
    for key in posted.keys() - set(known):
        raise RequestError(400, f'Unrecognized field "{key}": known are {", ".join(known)}')
    return posted


def flag(name: str, value: Any) -> bool:
    """A field that is true, false or left out. RequestError 400 for any other."""
    if not isinstance(value, bool | None):
        raise RequestError(400, f"{name} must be true or false")
    return bool(value)
