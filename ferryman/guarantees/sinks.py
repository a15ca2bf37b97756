"""What is guaranteed of every sink, whatever it writes to."""

from collections.abc import Sequence

from ferryman.guarantees.guarantee import Facts, Guarantee
from ferryman.validation.group_protocol import WAITS

_TASK = "tests/task/sink/test_any_order.py::test_commits_go_forward_up_to_what_is_durable_and_all_is_in_the_end"
_POISON = "tests/reliability/test_poison.py"


def _is_sink(facts: Facts) -> bool:
    return facts.is_sink


SINKS: Sequence[Guarantee] = (
    Guarantee(
        "promise",
        "No offset is committed before its record is durable in the target, dropped by a transform, or, as "
        "errors.tolerance says, skipped, with its dead letter acknowledged if there is a queue.",
        _is_sink,
        "every sink",
        (
            _TASK,
            "tests/reliability/test_refused_dead_letters.py::"
            "test_no_offset_passes_a_record_whose_dead_letter_is_refused_and_it_is_not_lost",
        ),
    ),
    Guarantee(
        "promise",
        "A record that cannot be decoded, transformed or written fails the task, which names it: none is skipped.",
        lambda facts: facts.is_sink and facts.config.errors_tolerance == "none",
        "errors.tolerance=none",
        (f"{_POISON}::test_without_tolerance_poison_fails_the_task_and_names_the_record",),
    ),
    Guarantee(
        "promise",
        "A record that cannot be decoded, transformed or written goes to the dead letter queue, and its neighbours "
        "arrive.",
        lambda facts: facts.is_sink and facts.dead_letters,
        "errors.tolerance=all with errors.deadletterqueue.topic.name",
        (f"{_POISON}::test_poison_of_every_stage_is_dead_lettered_and_its_neighbours_arrive",),
    ),
    Guarantee(
        "limit",
        "A dead letter is there at least once: after a crash it may be there twice.",
        lambda facts: facts.is_sink and facts.dead_letters,
        "errors.tolerance=all with errors.deadletterqueue.topic.name",
        (
            f"{_POISON}::test_with_one_percent_poison_and_kills_the_dead_letters_are_the_poison_and_the_rest_arrives_once",
        ),
    ),
    Guarantee(
        "limit",
        "A record that cannot be decoded, transformed or written is skipped, and kept nowhere.",
        lambda facts: facts.is_sink and facts.config.errors_tolerance == "all" and not facts.dead_letters,
        "errors.tolerance=all without errors.deadletterqueue.topic.name",
        ("tests/task/errors/test_error_tolerance.py::test_with_tolerance_failures_are_skipped_and_counted",),
    ),
    Guarantee(
        "limit",
        "After errors.retry.timeout of an outage the task fails.",
        lambda facts: facts.config.errors_retry_timeout > 0,
        "errors.retry.timeout above 0; sources too",
        ("tests/reliability/test_refusals.py::test_errors_retry_timeout_holds_over_sessions",),
    ),
    Guarantee(
        "limit",
        f"{WAITS}.",
        lambda facts: facts.is_sink and not facts.is_classic,
        "group.protocol=consumer",
        (
            "tests/reliability/test_consumer_protocol.py::"
            "test_tasks_that_are_killed_are_succeeded_when_their_sessions_are_over",
        ),
    ),
)
