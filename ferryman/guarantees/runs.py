"""What is guaranteed of backfills of a connector, and of replays of its dead letters."""

from collections.abc import Collection, Sequence

from ferryman.api import Source
from ferryman.connectors.sql.sink import SqlSinkConfig
from ferryman.guarantees.guarantee import Condition, Facts, Guarantee

_COMMAND = "tests/backfill/test_command.py"
_OVER_REST = "tests/backfill/test_over_rest.py"
_OF_SOURCES = "tests/backfill/test_of_sources.py"
_TABLE = "tests/replay/test_into_a_table.py"
_LATEST = "tests/connectors/sql/latest_only"


def _upserts(*keys: str) -> Condition:
    return lambda facts: _is_upsert(facts, keys)


def _is_upsert(facts: Facts, keys: Collection[str]) -> bool:
    config = facts.config
    return isinstance(config, SqlSinkConfig) and config.mode != "insert" and config.pk_mode in keys


def _runs_again(facts: Facts) -> bool:
    keeps = not facts.is_sink and facts.plugin.history.__func__ is not Source.history.__func__  # type: ignore[attr-defined]
    return keeps and facts.transactional and facts.goes_on_exactly


RUNS: Sequence[Guarantee] = (
    Guarantee(
        "promise",
        "After a backfill into its table, whatever is killed and while it goes on itself, the table is the fold of the "
        "topic, and no row has gone back to an older state or come back after it was deleted.",
        _upserts("record_key"),
        "SQL sink, insert.mode=upsert or update, pk.mode=record_key",
        (
            "tests/backfill/test_two_days.py::"
            "test_two_days_killed_beside_live_leave_the_fold_of_the_topic_and_take_no_row_back",
            "tests/backfill/test_in_a_group.py::test_killed_in_a_group_it_completes_and_the_table_is_the_fold_of_the_topic",
            f"{_LATEST}/test_latest_only.py::test_whatever_comes_between_the_table_is_the_fold_of_what_live_has_read",
            "tests/backfill/test_beside_live.py::"
            "test_a_key_in_two_partitions_ends_the_run_before_a_row_goes_back_in_time",
        ),
    ),
    Guarantee(
        "promise",
        "A backfill by a version changes a row of its table only to a newer version, whatever is killed and whoever "
        "writes meanwhile, and brings back none that was deleted.",
        _upserts("record_key", "record_value"),
        "SQL sink, insert.mode=upsert or update, pk.mode=record_key or record_value",
        (
            f"{_LATEST}/test_newer_only.py::test_after_live_and_a_run_over_all_the_table_is_the_fold_by_version",
            f"{_LATEST}/test_newer_only.py::test_a_deleted_row_stays_deleted_and_none_is_added_where_rows_are_deleted",
            "tests/backfill/test_by_version.py::test_killed_beside_live_it_leaves_the_table_as_the_fold_by_version",
        ),
    ),
    Guarantee(
        "promise",
        "A backfill delivers the records of its bounds as the connector delivers its own, goes on where it stood after "
        "any kill, and leaves the connector's own position alone.",
        lambda facts: facts.is_sink,
        "all sinks",
        (
            f"{_COMMAND}::test_ended_again_and_again_it_goes_on_where_it_stood",
            f"{_COMMAND}::test_times_choose_each_record_by_its_own_timestamp",
            f"{_OVER_REST}::test_a_run_is_made_beside_its_live_connector_and_ends_by_itself",
        ),
    ),
    Guarantee(
        "promise",
        "A backfill hands over each record of its bounds once, whatever is killed.",
        _runs_again,
        "sources with a history, with transactions",
        (
            f"{_OF_SOURCES}::test_killed_again_and_again_it_goes_on_where_it_stood",
            f"{_OF_SOURCES}::test_several_tasks_of_a_group_end_together_and_any_worker_tells_of_them",
            "tests/backfill/test_twice_at_once.py::test_of_two_calls_for_the_same_run_of_a_source_one_writes_its_records_once",
        ),
    ),
    Guarantee(
        "promise",
        "A backfill that would make doubles of what is there is refused unless that is allowed by name.",
        lambda facts: facts.is_sink and not _is_upsert(facts, ("record_key", "record_value", "kafka")),
        "all sinks but SQL upserts",
        (
            f"{_COMMAND}::test_what_would_be_there_twice_is_refused_unless_it_is_allowed_by_name",
            f"{_OVER_REST}::test_what_would_do_harm_is_refused_until_it_is_allowed_by_name",
        ),
    ),
    Guarantee(
        "promise",
        "A dead letter is taken by one replay, however many ask for it at once and whatever is killed, and that one "
        "delivers it as the connector delivers its records.",
        lambda facts: facts.is_sink and facts.dead_letters,
        "sinks with a topic for dead letters",
        (
            f"{_TABLE}::test_letters_are_replayed_when_the_cause_is_mended_and_only_once",
            f"{_TABLE}::test_of_two_replays_at_once_one_has_the_letter_and_the_other_hears_of_it",
            f"{_TABLE}::test_killed_again_and_again_it_writes_each_letter_once",
            "tests/replay/test_into_mail.py::"
            "test_each_letter_becomes_one_mail_and_a_kill_doubles_none_that_is_not_listed",
            "tests/replay/test_killed_worker.py::test_what_a_dead_worker_has_begun_is_finished_or_owns_nothing",
        ),
    ),
    Guarantee(
        "limit",
        "A replay of dead letters may take a row back to an older state, so that it must be allowed by name.",
        lambda facts: facts.dead_letters and _is_upsert(facts, ("record_key", "record_value")),
        "SQL sink with upserts and a topic for dead letters",
        (f"{_TABLE}::test_rows_that_could_go_back_in_time_are_allowed_by_name_only",),
    ),
)
