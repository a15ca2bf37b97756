"""The body of PATCH /connectors/{name}/offsets. One of another shape is a 500 in Jackson's words, which Kafka's own
OffsetsApiIntegrationTest wants."""

from typing import Any

from ferryman.errors import RequestError
from ferryman.worker.herder import PartitionOffset

NOTHING = "Partitions / offsets need to be provided for an alter offsets request"
_KINDS = ((bool, "Boolean"), (int, "Integer"), (float, "Floating-point"), (str, "String"), (list, "Array"))


def offsets(found: Any) -> list[PartitionOffset]:
    """The offsets in a body. RequestError 500 for another shape than ConnectorOffsets, 400 if there are none."""
    entries = _fields(found, "ConnectorOffsets", ("offsets",)).get("offsets")
    if entries is not None and not isinstance(entries, list):
        raise _another("ArrayList<ConnectorOffset>", entries)
    if not entries:
        raise RequestError(400, NOTHING)
    return [_entry(each) for each in entries]


def unreadable(reason: object) -> RequestError:
    """The answer to a body that is no ConnectorOffsets."""
    return RequestError(500, f"Cannot deserialize the offsets: {reason}")


def _entry(found: Any) -> PartitionOffset:
    one: dict[str, Any] = _fields(found, "ConnectorOffset", ("partition", "offset"))
    for part in one.values():
        if part is not None:
            _object(part, "LinkedHashMap")
    return PartitionOffset(one.get("partition"), one.get("offset"))


def _fields(found: Any, kind: str, known: tuple[str, ...]) -> dict[str, Any]:
    one = _object(found, kind)
    for name in one:
        if name not in known:
            raise unreadable(f'Unrecognized field "{name}" of {kind}; known are {", ".join(known)}')
    return one


def _object(found: Any, kind: str) -> dict[str, Any]:
    if isinstance(found, dict):
        return found
    raise _another(kind, found)


def _another(kind: str, found: Any) -> RequestError:
    value = next((name for one, name in _KINDS if isinstance(found, one)), "Object" if found is not None else "null")
    words = "Cannot construct instance of" if value in ("String", "Integer") else "Cannot deserialize value of type"
    return unreadable(f"{words} {kind} from {value} value")
