"""Patterns out of configs: which engine matches them, and what happens to those that would not end."""

import os
import signal
import threading

import pytest

from ferryman.connector import SinkConfig
from ferryman.errors import ConfigError, DataError
from ferryman.java.regex.parser import MAX_DEPTH, MAX_PATTERN_CHARACTERS
from ferryman.kafka.topic_creation import groups
from ferryman.regex import pattern
from ferryman.regex.killable import CHILD, Child, OutOfTime
from ferryman.regex.pattern import LONGEST_NAME, Pattern, TooSlow, compiled
from ferryman.settings.config_providers import variable_provider
from ferryman.transforms.predicates.topic_name_matches import TopicNameMatchesConfig
from ferryman.transforms.regex_router import RegexRouter

ENDLESS = r"(?=(a+)+$)x"
"""It needs a look-ahead, so RE2 cannot do it, and it backtracks for ages on a's with something else behind."""
VICTIM = "a" * 60 + "!"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "CPU_SECONDS", 0.2)


@pytest.mark.parametrize("text", ["(a+)+$", "(a|a)*b", "(.*)*x", "([a-z]+)*-dlq", "(a|aa)+", "(.*.*.*.*.*.*)x"])
def test_a_pattern_that_python_would_chew_on_for_ages_is_matched_in_one_pass(text: str) -> None:
    ours = Pattern(text, "regex")
    assert ours.linear is not None
    assert ours.matches(VICTIM * 1000) is False


@pytest.mark.parametrize("text", [r"(?!__).*", r"(\w)\1", "a++b", "(?>a|ab)c", r"(?<=\.)x", "a{1,1001}"])
def test_what_re2_cannot_express_is_matched_by_a_child(text: str) -> None:
    assert Pattern(text, "regex").linear is None
    assert Pattern(r"(?!__)(?<name>.*)", "regex").renamed("orders", "x-${name}") == "x-orders"


def test_a_text_that_takes_too_long_is_a_data_error_that_names_the_key_and_the_next_text_is_matched() -> None:
    ours = Pattern(ENDLESS, "transforms.r.regex")
    with pytest.raises(
        TooSlow, match=r"transforms\.r\.regex: matching the pattern .* takes too long for the text 'aaa"
    ):
        ours.matches(VICTIM)
    assert Pattern(r"(?!__).*", "regex").matches("orders")


def test_many_texts_are_matched_together_and_the_slow_one_is_named() -> None:
    topics = [f"orders-{number}" for number in range(2500)]
    ours = Pattern(r"(?!orders-1)[a-z]+-\d+|(?=(a+)+$)x", "topics.regex")
    assert ours.matching(topics) == [topic for topic in topics if not topic.startswith("orders-1")]
    with pytest.raises(TooSlow, match=f"text '{VICTIM}'"):
        ours.matching([*topics[:10], VICTIM])


def test_a_child_that_was_killed_by_somebody_else_is_started_again() -> None:
    ours = Pattern(r"(?!__).*", "regex")
    assert ours.matches("one")
    assert CHILD.process is not None
    os.kill(CHILD.process.pid, signal.SIGKILL)
    assert ours.matches("two")


def test_a_fork_does_not_share_its_parents_child() -> None:
    ours = Pattern(r"(?!__).*", "regex")
    assert ours.matches("before")
    assert CHILD.process is not None
    before = CHILD.process.pid
    if (forked := os.fork()) == 0:
        right = ours.matches("within") and not ours.matches("__x") and CHILD.process.pid != before
        CHILD.end()
        os._exit(0 if right else 1)
    assert os.waitpid(forked, 0)[1] == 0
    assert ours.matches("behind")
    assert CHILD.process.pid == before


def test_the_child_is_killed_for_the_cpu_that_it_takes_and_not_for_the_time() -> None:
    child = Child()
    try:
        assert child.found("a", "fullmatch", ["a"], 0.2) == [((0, 1),)]
        assert child.process is not None
        os.kill(child.process.pid, signal.SIGSTOP)
        threading.Timer(0.5, os.kill, (child.process.pid, signal.SIGCONT)).start()
        assert child.found("a", "fullmatch", ["a"], 0.2) == [((0, 1),)]
        with pytest.raises(OutOfTime):
            child.found("(a+)+$", "fullmatch", [VICTIM], 0.2)
    finally:
        child.end()


def test_the_child_knows_nothing_of_the_environment_and_the_current_folder(
    tmp_path: os.PathLike[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (planted := os.path.join(tmp_path, "json.py"))
    with open(planted, "w", encoding="utf-8") as file:
        file.write("raise SystemExit('planted')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = Child()
    assert child.found("a", "search", ["ba"], 1) == [((1, 2),)]
    child.end()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[", "Unclosed character class near index 1"),
        ("a**", "Dangling meta character '*' near index 2"),
        ("(a", "Unclosed group near index 2"),
        ("a)", "Unmatched closing ')' near index 1"),
        ("a{2,1}", "Illegal repetition range near index 2"),
        (r"(?<a>x)(?<a>y)", "Named capturing group <a> is already defined"),
        (r"\q", "Illegal/unsupported escape sequence near index 2"),
        ("[a-c&&b]", "intersections (&&) of character classes are not supported here"),
        (r"\X", r"\X is not supported here"),
        (r"\p{IsGreek}", r"the class \p{IsGreek} is not supported here"),
        ("(?x)a", "the flag x is not supported here"),
        ("(?<=a*)b", "look-behind requires fixed-width pattern"),
        ("(" * (MAX_DEPTH + 1), f"groups are nested more than {MAX_DEPTH} deep"),
        ("a" * (MAX_PATTERN_CHARACTERS + 1), f"it has more than {MAX_PATTERN_CHARACTERS:,} characters"),
    ],
)
def test_a_pattern_that_is_none_or_cannot_be_honoured_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as raised:
        compiled(text)
    assert str(raised.value) == f"Invalid regex: {reason}"


def test_a_text_too_long_for_a_topic_is_a_data_error() -> None:
    with pytest.raises(DataError, match="regex: a text of 100,001 characters cannot become the name of a topic"):
        compiled("(.*)").renamed("a" * (LONGEST_NAME + 1), "$1$1")


class TestEveryKeyThatBringsAPattern:
    """Each is refused, or is a data error, where Python's engine would not come to an end."""

    def test_topics_regex_is_refused_where_matching_the_dead_letter_queue_takes_too_long(self) -> None:
        keys = {"name": "c", "connector.class": "x", "errors.deadletterqueue.topic.name": VICTIM}
        assert SinkConfig.read({**keys, "topics.regex": "(a+)+$"})[1] == []
        problems = SinkConfig.read({**keys, "topics.regex": ENDLESS})[1]
        assert [problem.key for problem in problems] == ["topics.regex"]
        assert problems[0].message.startswith("topics.regex: matching the pattern (?=(a+)+$)x takes too long")

    def test_regex_router_gives_up_on_a_topic_that_takes_too_long(self) -> None:
        router = RegexRouter(RegexRouter.config_class.parse({"regex": ENDLESS, "replacement": "x"}))
        with pytest.raises(TooSlow, match="regex: matching"):
            router.renamed(VICTIM)

    def test_topic_name_matches_refuses_a_pattern_that_is_none(self) -> None:
        with pytest.raises(ConfigError, match="configuration pattern: Invalid regex: Unclosed group"):
            TopicNameMatchesConfig.parse({"pattern": "("})

    def test_topic_creation_groups_are_matched_in_time_and_a_pattern_that_is_none_is_refused(self) -> None:
        keys = {"replication.factor": "1", "partitions": "1"}
        raw = {f"topic.creation.{group}.{key}": value for group in ("default", "g") for key, value in keys.items()}
        raw |= {"topic.creation.groups": "g", "topic.creation.g.include": "(a+)+$, ^x"}
        assert groups(raw)[0].matches(VICTIM) is False
        with pytest.raises(ConfigError, match=r"topic\.creation\.g\.include: Invalid regex: Unclosed group"):
            groups(raw | {"topic.creation.g.include": "("})

    def test_the_allow_list_of_a_config_provider_is_refused_where_it_takes_too_long(self) -> None:
        lookup = variable_provider({"allowlist.pattern": ENDLESS})
        with pytest.raises(ConfigError, match=r"allowlist\.pattern: matching the pattern"):
            lookup("", VICTIM)
