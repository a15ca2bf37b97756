"""Which media types a client takes and sends: JSON is all that there is, in Kafka Connect as well."""

_TAKES_JSON = frozenset({"", "*", "*/*", "application/*", "application/json"})


def takes_json(text: str) -> bool:
    """Whether a header Accept lets the answer be JSON. As in JAX-RS a weight (``;q=0``) takes nothing back."""
    return any(_name(one) in _TAKES_JSON for one in text.split(","))


def is_json(text: str) -> bool:
    """Whether a header Content-Type means JSON, under any of its names (``application/vnd.kafka.v2+json``)."""
    name = _name(text)
    return name == "application/json" or name.endswith("+json")


def _name(text: str) -> str:
    return text.partition(";")[0].strip().lower()
