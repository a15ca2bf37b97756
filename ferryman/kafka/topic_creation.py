"""Creates the topics that a source writes to, as topic.creation.* says (KIP-158): first matching group, or default."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.cimpl import NewTopic

from ferryman.config import split_list, trim
from ferryman.errors import ConfigError, KeyProblem, RetriableError, TaskError
from ferryman.java import spelling
from ferryman.kafka import topic_settings
from ferryman.kafka.admin import Admin
from ferryman.kafka.refusals import REFUSED, explained
from ferryman.regex.pattern import Pattern, TooSlow, compiled

PREFIX = "topic.creation."
RESERVED = frozenset({"include", "exclude", "partitions", "replication.factor"})


@dataclass(frozen=True, slots=True)
class TopicGroup:
    """Topics that are created alike."""

    name: str
    """Its alias in topic.creation.groups, or ``default``."""
    include: tuple[Pattern, ...]
    """Patterns, one of which must match a topic's whole name."""
    exclude: tuple[Pattern, ...]
    """Patterns, none of which may match it."""
    partitions: int
    """-1 leaves it to the broker."""
    replication_factor: int
    """-1 leaves it to the broker."""
    settings: Mapping[str, str]
    """The topic's own settings, as the broker takes them."""
    inherits: frozenset[str] = frozenset()
    """Which of partitions and replication.factor come from the default group."""

    def matches(self, topic: str) -> bool:
        """Whether the group creates this topic."""
        included = any(pattern.matches(topic) for pattern in self.include)
        return included and not any(pattern.matches(topic) for pattern in self.exclude)

    def asked(self, code: int) -> str:
        """What the config asks for, by its keys, where the broker refuses just that."""
        match code:
            case KafkaError.INVALID_PARTITIONS:
                return f" ({self._key('partitions')} is {self.partitions})"
            case KafkaError.INVALID_REPLICATION_FACTOR:
                return f" ({self._key('replication.factor')} is {self.replication_factor})"
            case KafkaError.INVALID_CONFIG:
                return f" (the keys are {', '.join(f'{PREFIX}{self.name}.{name}' for name in sorted(self.settings))})"
            case _:
                return ""

    def _key(self, name: str) -> str:
        return f"{PREFIX}{'default' if name in self.inherits else self.name}.{name}"

    def new_topic(self, topic: str) -> NewTopic:
        """The request that creates it."""
        return NewTopic(topic, self.partitions, self.replication_factor, config=dict(self.settings))


def groups(raw: Mapping[str, str]) -> list[TopicGroup]:
    """The groups of a connector's config in order of precedence, the default last; none without topic.creation keys.

    Raises ConfigError with every problem.
    """
    if not any(name.startswith(PREFIX) and name != PREFIX + "enable" for name in raw):
        return []
    aliases = [alias for alias in split_list(raw.get(PREFIX + "groups", "")) if alias]
    problems: list[KeyProblem] = []
    found = [_group(raw, alias, problems) for alias in [*(each for each in aliases if each != "default"), "default"]]
    if problems:
        raise ConfigError(*problems)
    return found


def warnings(raw: Mapping[str, str]) -> list[str]:
    """Keys below ``topic.creation.`` that do nothing, or hardly what was meant, by name."""
    if not any(name.startswith(PREFIX) for name in raw):
        return []
    aliases = [*dict.fromkeys(alias for alias in split_list(raw.get(PREFIX + "groups", "")) if alias), "default"]
    keys = [key for key in raw if key.startswith(PREFIX) and key != PREFIX + "groups"]
    return [text for key in keys if (text := _doubt(key, aliases)) is not None]


def _doubt(key: str, aliases: Sequence[str]) -> str | None:
    if key == PREFIX + "enable":
        return f"{key} has no effect: it is a setting of the worker"
    alias = max((each for each in aliases if key.startswith(f"{PREFIX}{each}.")), key=len, default=None)
    if alias is None:
        known = [f"{PREFIX}groups", *(f"{PREFIX}{each}.{name}" for each in aliases for name in RESERVED)]
        hint = spelling.meant(key, known, [f"{PREFIX}{each}." for each in aliases])
        return f"{key} has no effect: {PREFIX}groups lists {', '.join(aliases[:-1]) or 'no group'}{hint}"
    name = key.removeprefix(f"{PREFIX}{alias}.")
    if alias == "default" and name in ("include", "exclude"):
        return f"{key} has no effect: the default group has the topics that no other group includes"
    return None if name in RESERVED else topic_settings.doubt(f"{PREFIX}{alias}.", name, RESERVED)


def _group(raw: Mapping[str, str], alias: str, problems: list[KeyProblem]) -> TopicGroup:
    prefix = f"{PREFIX}{alias}."
    own = {name.removeprefix(prefix): value for name, value in raw.items() if name.startswith(prefix)}
    return TopicGroup(
        name=alias,
        include=(compiled(".*"),) if alias == "default" else _patterns(prefix + "include", own, problems),
        exclude=() if alias == "default" else _patterns(prefix + "exclude", own, problems),
        partitions=_number(raw, alias, "partitions", problems),
        replication_factor=_number(raw, alias, "replication.factor", problems),
        settings={name: value for name, value in own.items() if name not in RESERVED},
        inherits=frozenset({"partitions", "replication.factor"} - own.keys()),
    )


def _number(raw: Mapping[str, str], alias: str, name: str, problems: list[KeyProblem]) -> int:
    key = f"{PREFIX}{alias}.{name}"
    if key not in raw:
        key = f"{PREFIX}default.{name}"
    value = raw.get(key)
    if value is None:
        problems.append(KeyProblem(key, f'Missing required configuration "{key}" which has no default value.'))
        return -1
    if not re.fullmatch(r"-1|[1-9]\d*", trim(value)):
        problems.append(
            KeyProblem(key, f"Invalid value {value} for configuration {key}: Value must be -1 or at least 1")
        )
        return -1
    return int(trim(value))


def _patterns(key: str, own: Mapping[str, str], problems: list[KeyProblem]) -> tuple[Pattern, ...]:
    text = own.get(key.rpartition(".")[2], "")
    try:
        return tuple(compiled(each, key) for each in split_list(text) if each)
    except ConfigError as error:
        problems.append(KeyProblem(key, f"Invalid value {text} for configuration {key}: {error}"))
        return ()


@dataclass
class TopicCreation:
    """Creates each topic at most once in a task's life, when the first record goes there."""

    admin: Admin
    groups: list[TopicGroup]
    """In order of precedence; none where the broker creates topics by itself."""
    _known: set[str] = field(default_factory=set)
    """Topics that are there for sure, and are not asked about again."""

    @classmethod
    def from_config(cls, admin: Admin, raw: Mapping[str, str], enabled: bool) -> "TopicCreation":
        """As configured; without topic.creation keys, or switched off in the worker, the broker is left to it."""
        return cls(admin, groups(raw) if enabled else [])

    def ensure(self, topic: str) -> None:
        """Creates the topic unless it is there. TaskError if that is refused, RetriableError if the broker is away."""
        if topic in self._known or not self.groups:
            return
        if topic not in self.admin.list_topics(timeout=30).topics:
            try:
                group = next(group for group in self.groups if group.matches(topic))
            except TooSlow as error:
                raise TaskError(str(error)) from error
            self._create(group, topic)
        self.admin.close()
        self._known.add(topic)

    def _create(self, group: TopicGroup, topic: str) -> None:
        try:
            self.admin.create_topic(group.new_topic(topic))
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if reason.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return
            if reason.code() not in REFUSED:
                raise RetriableError(f"topic {topic} cannot be created now: {reason.str()}") from error
            raise TaskError(
                f"Task failed to create new topic {topic}. Ensure that the task is authorized to create topics or that "
                f"the topic exists and restart the task: {explained(reason, topic)}{group.asked(reason.code())}"
            ) from error
