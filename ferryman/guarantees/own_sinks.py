"""What is guaranteed of the sinks that Ferryman brings along, and what of others."""

from collections.abc import Sequence
from typing import TypeVar

from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.file.sink import FileStreamSinkConfig
from ferryman.connectors.s3.sink import S3SinkConfig
from ferryman.connectors.sql.sink import SqlSinkConfig
from ferryman.guarantees.guarantee import Condition, Facts, Guarantee

ConfigT = TypeVar("ConfigT")
_KILLS = "tests/reliability/test_crash_points.py"
_MAIL = "tests/reliability/test_email.py"
_DOUBT = "tests/connectors/email/test_sink_doubt.py"
_SQL = "tests/connectors/sql/test_sink_once.py"
_GROUPS = "tests/reliability/test_consumer_protocol.py"
_OWN = (SqlSinkConfig, S3SinkConfig, EmailSinkConfig, FileStreamSinkConfig)


def _sql(*modes: str) -> Condition:
    return lambda facts: isinstance(facts.config, SqlSinkConfig) and facts.config.mode in modes


def _s3(facts: Facts, *, heads: bool) -> bool:
    return isinstance(facts.config, S3SinkConfig) and facts.config.conditional_writes is heads


def _mail(doubt: str) -> Condition:
    return lambda facts: isinstance(facts.config, EmailSinkConfig) and facts.config.behavior_on_in_doubt == doubt


def _file(facts: Facts, *, named: bool) -> bool:
    return isinstance(facts.config, FileStreamSinkConfig) and (facts.config.file is not None) is named


def _waits(facts: Facts) -> bool:
    config = facts.config
    waits = isinstance(config, S3SinkConfig) or (isinstance(config, SqlSinkConfig) and config.max_retries is None)
    return waits and config.errors_retry_timeout <= 0


def _gives_up(facts: Facts) -> bool:
    return isinstance(facts.config, SqlSinkConfig) and facts.config.max_retries is not None


OWN_SINKS: Sequence[Guarantee] = (
    Guarantee(
        "promise",
        "Each record is one row, exactly once, whatever is killed: rows and the next offset are one transaction.",
        _sql("insert"),
        "SQL sink, insert.mode=insert",
        (
            f"{_KILLS}::test_each_record_is_one_row_of_the_table",
            f"{_KILLS}::test_each_record_is_one_row_of_a_table_of_mariadb",
            f"{_SQL}::test_a_kill_at_any_point_neither_loses_nor_doubles_an_insert",
        ),
    ),
    Guarantee(
        "promise",
        "The table is as if its records had been written one by one, whatever is killed: rows and the next offset "
        "are one "
        "transaction.",
        _sql("upsert", "update"),
        "SQL sink, insert.mode=upsert or update",
        (f"{_SQL}::test_the_table_is_the_fold_of_the_log", f"{_KILLS}::test_each_record_is_one_row_of_the_table"),
    ),
    Guarantee(
        "promise",
        "A task that was frozen and has a successor writes no more rows, and the database's offsets win over the "
        "group's.",
        _sql("insert", "upsert", "update"),
        "SQL sink",
        (
            "tests/reliability/test_zombies.py::test_a_zombie_with_rows_in_hand_does_not_write_them",
            f"{_SQL}::test_a_zombies_transaction_changes_no_row",
            f"{_SQL}::test_the_database_wins_over_the_groups_offset_with_a_warning",
        ),
    ),
    Guarantee(
        "promise",
        "Each record is in one object, exactly once, whatever is killed and whatever the group's offsets say: "
        "heads in the bucket record how far the archive has got. With servers that do not obey If-Match the "
        "group's offsets do.",
        lambda facts: _s3(facts, heads=True),
        "S3 sink",
        (
            f"{_KILLS}::test_each_record_is_in_one_object",
            "tests/connectors/s3/test_sink_heads.py::test_a_late_commit_to_the_group_changes_nothing",
            "tests/connectors/s3/test_sink_heads.py::test_a_server_without_if_match_leaves_the_truth_to_the_group",
        ),
    ),
    Guarantee(
        "promise",
        "Each record is in one object, exactly once, whatever is killed.",
        lambda facts: _s3(facts, heads=False) and facts.is_classic,
        "S3 sink, enable.conditional.writes=false",
        (f"{_KILLS}::test_each_record_is_in_one_object",),
    ),
    Guarantee(
        "limit",
        "The group's offsets record how far the archive has got, so the group must use the classic protocol.",
        lambda facts: _s3(facts, heads=False),
        "S3 sink, enable.conditional.writes=false",
        (f"{_GROUPS}::test_what_keeps_its_truth_in_the_groups_metadata_is_refused",),
    ),
    Guarantee(
        "limit",
        "No visible object contains a record before its file is closed and committed.",
        lambda facts: isinstance(facts.config, S3SinkConfig),
        "S3 sink",
        ("tests/connectors/s3/test_sink_once.py::test_nothing_is_visible_before_its_commit",),
    ),
    Guarantee(
        "promise",
        "Each record is one line, exactly once, whatever is killed, if it is a regular file: a head beside it "
        "records how much of it counts.",
        lambda facts: _file(facts, named=True),
        "file sink with a file",
        (
            f"{_KILLS}::test_each_record_is_one_line_of_the_file",
            "tests/connectors/file/test_sink_kills.py::test_after_any_kills_the_file_holds_each_log_once",
        ),
    ),
    Guarantee(
        "promise",
        "No message is lost: one that may or may not have been sent is sent again; after in.doubt.max.retries its "
        "record counts as bad.",
        _mail("resend"),
        "e-mail sink, behavior.on.in.doubt=resend",
        (f"{_MAIL}::test_after_a_kill_at_most_max_in_flight_messages_are_double_or_with_skip_missing",),
    ),
    Guarantee(
        "limit",
        "A message may arrive twice: after a crash at most max.in.flight of a task, each listed and with the same "
        "Message-ID.",
        _mail("resend"),
        "e-mail sink, behavior.on.in.doubt=resend",
        (
            f"{_MAIL}::test_after_a_kill_at_most_max_in_flight_messages_are_double_or_with_skip_missing",
            f"{_MAIL}::test_a_message_that_was_kept_but_not_acknowledged_is_double_as_often_as_it_was_in_doubt",
        ),
    ),
    Guarantee(
        "promise",
        "No message is sent twice: one that may or may not have been sent is not sent again.",
        _mail("skip"),
        "e-mail sink, behavior.on.in.doubt=skip",
        (f"{_DOUBT}::test_with_skip_nothing_is_doubled_and_what_may_be_lost_is_listed",),
    ),
    Guarantee(
        "limit",
        "A message may never arrive: after a crash at most max.in.flight of a task, each listed.",
        _mail("skip"),
        "e-mail sink, behavior.on.in.doubt=skip",
        (f"{_MAIL}::test_after_a_kill_at_most_max_in_flight_messages_are_double_or_with_skip_missing",),
    ),
    Guarantee(
        "promise",
        "While the target or the schema registry is away the task waits, however long, and nothing is dead-lettered.",
        _waits,
        "S3 sink, and SQL sink without max.retries; errors.retry.timeout not above 0",
        ("tests/reliability/test_outages.py::test_neighbours_that_are_away_are_waited_for",),
    ),
    Guarantee(
        "limit",
        "When writing to the database has failed max.retries times in a row, the task fails.",
        _gives_up,
        "SQL sink with max.retries",
        (
            "tests/connectors/sql/test_sink_errors.py::"
            "test_a_write_is_tried_again_as_often_as_max_retries_says_and_then_the_task_fails",
        ),
    ),
    Guarantee(
        "promise",
        "While the mail server is away the task waits, however long, and nothing is dead-lettered.",
        lambda facts: isinstance(facts.config, EmailSinkConfig) and facts.config.errors_retry_timeout <= 0,
        "e-mail sink, errors.retry.timeout not above 0",
        (f"{_MAIL}::test_a_mail_server_that_is_away_is_waited_for_and_nothing_is_dead_lettered",),
    ),
    Guarantee(
        "limit",
        "A record arrives at least once: what was put after the last commit comes again after a crash.",
        lambda facts: _file(facts, named=False) or (facts.is_sink and not isinstance(facts.config, _OWN)),
        "file sink without a file; sinks that are not Ferryman's, unless they do better themselves",
        ("tests/task/sink/test_after_a_crash.py::test_what_was_put_after_the_last_commit_comes_again",),
    ),
)
