"""DropHeaders: removes headers by name."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated

from ferryman.config import Config, Strings, key
from ferryman.config_fields import NAMES
from ferryman.errors import KeyProblem
from ferryman.record import Batch, Headers
from ferryman.repeated import Repeated
from ferryman.transforms.fields.name_lists import name_problems
from ferryman.transforms.fields.sides import Batched


class DropHeadersConfig(Config):
    headers: Annotated[Strings, NAMES] = key(importance="HIGH")
    """The names of the headers to remove."""

    def problems(self) -> Iterable[KeyProblem]:
        """No name, or an empty one."""
        return name_problems("headers", self.headers)


class DropHeaders(Batched[DropHeadersConfig]):
    """Removes every header that has one of the names; the others stay in their order."""

    config_class = DropHeadersConfig
    classes = ("org.apache.kafka.connect.transforms.DropHeaders",)
    takes_maps = True

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Keys and values stay as they are, in rows or columns."""
        if batch.headers is None:
            return [batch]
        dropped = frozenset(self.config.headers)

        def kept(headers: Headers) -> Headers:
            return tuple([each for each in headers if each.key not in dropped])

        return [replace(batch, headers=Repeated.of(batch.headers).each(kept))]
