"""Every error that the runtime acts on. The class says who is at fault and what happens next.

Errors that only one part tells apart are subclasses of these, declared there.

FerrymanError
├── ConfigError        the config's fault: refused with all messages at once, nothing is started (HTTP 400)
├── DataError          this record's fault: meets errors.tolerance (fail, or skip and dead-letter)
│   ├── UnknownField       a field that the schema does not have
│   ├── SchemaMismatch     a schema that cannot be built, or a value that does not fit its schema
│   ├── MissingValue       a null where the transform needs a value
│   ├── TooLarge           a record that the producer's own limits refuse
│   ├── BadValues          several records of a batch, each with its own error: never met outside a batch
│   └── BadRecords         (``ferryman.api``) several records of a put, each with its own error: the others come again
├── RetriableError     the neighbour's fault (registry, database, broker away): retried without end, with back-off
│   ├── RefusedError       it answers and says no (wrong password, no such bucket): after a grace the task fails
│   ├── Indeterminate      a commit without an answer: the session starts anew and reads what holds
│   └── Unfinished         nobody's fault: a sink goes on with the same records after it let the loop do its rounds
├── TaskError          nobody can go on: the task fails, with its trace in the status
│   ├── ToleranceError     a data error that errors.tolerance=none does not let pass
│   ├── FencedError        another process has taken this task's identity: it fails and is not restarted
│   └── UnsafeRun          a run that would do harm, or of which nobody can tell: it fails and is not restarted
└── RequestError       a REST request that cannot be met; carries its HTTP status
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


class FerrymanError(Exception):
    """The root; ``java`` is the class name that Kafka Connect would report for it."""

    java: ClassVar[str] = "org.apache.kafka.connect.errors.ConnectException"
    permanent: ClassVar[bool] = False
    """Whether a task that fails with it would fail again for certain: only another config or record helps."""


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """One thing that is wrong with one key."""

    key: str
    """Empty for what is wrong with the config as a whole."""
    message: str
    """A complete sentence, in Kafka's words if it has any."""

    @property
    def named(self) -> str:
        """The message, with the key in front unless it names it: for readers who see only the text."""
        return self.message if self.key in self.message else f"{self.key}: {self.message}"

    def under(self, prefix: str) -> "KeyProblem":
        """The same problem where the config is part of a larger one, below a prefix: with the full key in its text."""
        key, message = prefix + self.key, self.message
        for pattern in ('"{}"', "configuration {}:", "{} is not supported", "Configuration '{}'"):
            part = pattern.format(self.key)
            if part in message:
                message = message.replace(part, pattern.format(key), 1)
                break
        return KeyProblem(key, message)


class ConfigError(FerrymanError):
    """A config that cannot be used. Holds every problem found, not only the first."""

    java = "org.apache.kafka.common.config.ConfigException"
    permanent = True

    def __init__(self, *problems: KeyProblem) -> None:
        super().__init__("\n".join(problem.message for problem in problems))
        self.problems: Sequence[KeyProblem] = problems

    @classmethod
    def for_key(cls, key: str, message: str) -> "ConfigError":
        """One problem of one key."""
        return cls(KeyProblem(key, message))


class DataError(FerrymanError):
    """A record that cannot be decoded, transformed or written; its neighbours can."""

    java = "org.apache.kafka.connect.errors.DataException"
    permanent = True
    field: str = ""
    """The path of the field at fault, names between dots, places in lists and keys of maps in brackets; each struct,
    list or map that the error passes through adds its own part in front."""
    kind: str = ""
    """The Connect type of that field, where it is known."""

    @property
    def reason(self) -> str:
        """What is wrong, in Kafka's words if it has any, without the field."""
        return super().__str__()

    def in_field(self, name: str, kind: str = "") -> "DataError":
        """This error, as one of a field of that Connect type, or of something inside it."""
        if self.field:
            self.field = f"{name}{self.field}" if self.field.startswith("[") else f"{name}.{self.field}"
        else:
            self.field, self.kind = name, kind
        return self

    def __str__(self) -> str:
        parts = ", ".join(filter(None, (self.field, self.kind)))
        return f"{self.reason} (field {parts})" if self.field else self.reason


class UnknownField(DataError):
    """A transform named a field that the record's schema does not have."""

    java = "java.lang.IllegalArgumentException"


class SchemaMismatch(DataError):
    """A schema that cannot be built (a field name given twice), or a value that its schema does not allow."""

    java = "org.apache.kafka.connect.errors.SchemaBuilderException"


class MissingValue(DataError):
    """A null where Kafka Connect would meet a null reference."""

    java = "java.lang.NullPointerException"


class TooLarge(DataError):
    """A record that is larger than the producer may send."""

    java = "org.apache.kafka.common.errors.RecordTooLargeException"


class BadValues(DataError):
    """Some records of a batch, by their index in it, each with its error. What raises it has looked at all of them, so
    that nobody need find them one by one; others may be bad for another reason."""

    def __init__(self, errors: Mapping[int, DataError]) -> None:
        super().__init__(next(iter(errors.values())).reason)
        self.errors = errors

    def in_field(self, name: str, kind: str = "") -> "BadValues":
        """Says of each error which field it is about, as ``DataError.in_field``."""
        for error in self.errors.values():
            error.in_field(name, kind)
        super().in_field(name, kind)
        return self

    def among(self, indices: Sequence[int]) -> "BadValues":
        """The same for a batch that the records are part of, by their indices there."""
        return BadValues({indices[at]: error for at, error in self.errors.items()})


class RetriableError(FerrymanError):
    """Another system is away, slow, deadlocked or throttling. ``after`` is the wait it asked for, in seconds."""

    java = "org.apache.kafka.connect.errors.RetriableException"

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RefusedError(RetriableError):
    """Another system answers, and says no: wrong password, no such database, bucket or topic, no permission.

    It may be a rotation or a failover, so it is tried again, but not without end (``ferryman.retry.outage``). ``key``
    is the config key that is most likely wrong; the message names it too.
    """

    def __init__(self, message: str, key: str, after: float | None = None) -> None:
        super().__init__(message if key in message else f"{message} (see {key})", after)
        self.key = key


class Indeterminate(RetriableError):
    """A commit whose outcome is unknown. Nothing may be completed, aborted or truncated on its account."""


class Unfinished(RetriableError):
    """A sink is not through with what it was given, and nothing is wrong. It comes again after ``after`` seconds."""


class TaskError(FerrymanError):
    """The task cannot go on: its state is FAILED, until it is restarted by somebody or by ``retry.restarts``."""


class ToleranceError(TaskError):
    """A data error that the config does not tolerate: the same record would come again. ``place`` is what lines of the
    log tell of that record (``ferryman.telemetry.place``)."""

    permanent = True

    def __init__(self, message: str, place: Mapping[str, object]) -> None:
        super().__init__(message)
        self.place = place


class FencedError(TaskError):
    """Another process has taken this task's identity over; to come back would take it away from that one."""

    permanent = True


class UnsafeRun(TaskError):
    """A run that may not go on, since it would do harm for certain or nobody can tell that it would not."""

    permanent = True


class RequestError(FerrymanError):
    """A request that cannot be met; ``status`` is the HTTP status of the answer."""

    java = "org.apache.kafka.connect.runtime.rest.errors.ConnectRestException"

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
