"""What is guaranteed of sources."""

from collections.abc import Sequence

from ferryman.connectors.datagen.source import DatagenConfig
from ferryman.connectors.file.source import FileStreamSourceConfig
from ferryman.connectors.s3.source import S3SourceConfig
from ferryman.connectors.stripe.source import StripeSourceConfig
from ferryman.guarantees.guarantee import Facts, Guarantee

_LETTERS = "tests/reliability/test_source_dead_letters.py"
_KILLED = f"{_LETTERS}::test_letters_records_and_offsets_are_there_once_whenever_the_task_is_killed"
_WITHOUT = "tests/reliability/test_source_at_least_once.py"


def _once(facts: Facts) -> bool:
    return facts.transactional and facts.goes_on_exactly


def _is_source(facts: Facts) -> bool:
    return not facts.is_sink


SOURCES: Sequence[Guarantee] = (
    Guarantee(
        "promise",
        "Records and source offsets are one Kafka transaction, so that each record is there exactly once for readers "
        "with isolation.level=read_committed, whatever is killed.",
        _once,
        "sources that go on exactly where their offset says, on a worker with transactions",
        (_KILLED,),
    ),
    Guarantee(
        "promise",
        "A task that was frozen and has a successor writes no more records.",
        lambda facts: _is_source(facts) and facts.transactional,
        "sources on a worker with transactions",
        ("tests/reliability/test_zombies.py::test_a_zombie_source_with_events_in_hand_does_not_write_them",),
    ),
    Guarantee(
        "promise",
        "Nothing is lost: an offset is committed when the broker has all that comes before it.",
        lambda facts: facts.goes_on_exactly and not facts.transactional,
        "sources that go on exactly where their offset says, with exactly.once.source.support=disabled",
        (f"{_WITHOUT}::test_after_kills_nothing_is_lost_and_doubles_begin_at_an_offset_that_was_committed",),
    ),
    Guarantee(
        "limit",
        "A record is there at least once: after a crash what follows the last committed offset comes again.",
        lambda facts: _is_source(facts) and not facts.transactional,
        "sources with exactly.once.source.support=disabled",
        (f"{_WITHOUT}::test_after_kills_nothing_is_lost_and_doubles_begin_at_an_offset_that_was_committed",),
    ),
    Guarantee(
        "limit",
        "The source does not say that it goes on exactly where its offset says, so exactly.once.support=required "
        "is refused.",
        lambda facts: _is_source(facts) and not facts.goes_on_exactly,
        "standard input, and sources that are not Ferryman's and do not say so",
        (
            "tests/validation/test_connector_config.py::test_a_source_that_does_not_say_it_is_refused_if_that_is_required",
        ),
    ),
    Guarantee(
        "limit",
        "Standard input is read once: a line that was not committed before a crash is lost.",
        lambda facts: isinstance(facts.config, FileStreamSourceConfig) and facts.config.file is None,
        "file source without a file",
        ("tests/connectors/file/test_source.py::test_without_a_file_it_reads_standard_input_and_keeps_no_offset",),
    ),
    Guarantee(
        "promise",
        "Reading goes on after the last line that was committed.",
        lambda facts: isinstance(facts.config, FileStreamSourceConfig) and facts.config.file is not None,
        "file source with a file",
        ("tests/connectors/file/test_source.py::test_reading_on_from_any_position_gives_the_rest",),
    ),
    Guarantee(
        "promise",
        "Each event of the gateway is found, and found once, if it shows up in the list no more than overlap.seconds "
        "later than newer ones.",
        lambda facts: isinstance(facts.config, StripeSourceConfig),
        "Stripe source",
        (
            "tests/connectors/stripe/test_source_always.py::test_each_event_is_committed_once_whatever_happens",
            "tests/connectors/stripe/test_source.py::test_a_late_event_within_the_overlap_is_found_once",
        ),
    ),
    Guarantee(
        "promise",
        "Records that were not committed are generated again, the same ones.",
        lambda facts: isinstance(facts.config, DatagenConfig),
        "datagen source",
        ("tests/connectors/datagen/test_source.py::test_what_was_not_committed_is_made_again_the_same",),
    ),
    Guarantee(
        "promise",
        "Each record of the archive is read once, however often the task is killed, including those of objects "
        "that appear meanwhile.",
        lambda facts: isinstance(facts.config, S3SourceConfig),
        "S3 source",
        (
            "tests/connectors/s3/test_source_positions.py::test_every_record_comes_once_however_often_it_is_killed",
            "tests/connectors/s3/test_source_positions.py::"
            "test_objects_that_appear_are_read_too_and_the_last_of_a_bounded_restore_ends_it",
        ),
    ),
    Guarantee(
        "promise",
        "A record that cannot be transformed or written fails the task and stays in the source.",
        lambda facts: _is_source(facts) and facts.config.errors_tolerance == "none",
        "sources, errors.tolerance=none",
        (f"{_LETTERS}::test_without_tolerance_the_record_stays_in_the_source_and_no_queue_is_made",),
    ),
    Guarantee(
        "promise",
        "Dead letters are in the transaction of their poll: each is there once, as records are.",
        lambda facts: _once(facts) and facts.dead_letters,
        "the same, errors.tolerance=all with errors.deadletterqueue.topic.name",
        (_KILLED,),
    ),
    Guarantee(
        "limit",
        "A record that cannot be transformed or written is skipped, and kept nowhere.",
        lambda facts: _is_source(facts) and facts.config.errors_tolerance == "all" and not facts.dead_letters,
        "sources, errors.tolerance=all without errors.deadletterqueue.topic.name",
        ("tests/task/source/test_loop.py::test_failures_are_judged_and_the_rest_goes_its_way",),
    ),
    Guarantee(
        "promise",
        "While the broker is away the task waits, and goes on when it is back.",
        lambda facts: _is_source(facts) and facts.config.errors_retry_timeout <= 0,
        "sources, errors.retry.timeout not above 0",
        ("tests/reliability/test_outages.py::test_a_broker_that_is_away_is_waited_for_by_sinks_and_sources",),
    ),
)
