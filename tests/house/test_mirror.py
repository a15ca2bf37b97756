"""tests/ mirrors the tree: what decides has a test of its name, or the list below says which test stands in for it."""

from collections.abc import Iterator, Mapping

from tests.house.test_rings import path, row, trees
from tests.places import ROOT

RINGS = ("pure", "api", "runtime")
STANDS_IN: Mapping[str, str] = {
    # Compared with Java's own classes, for all that Hypothesis can think of.
    "ferryman/facts/internal_json.py": "tests/differential/test_internal_topics.py",
    "ferryman/formats/avro": "tests/differential/test_avro.py",
    "ferryman/formats/avro/schemas": "tests/differential/test_avro.py",
    "ferryman/formats/avro/compatibility.py": "tests/differential/test_avro_compatibility.py",
    "ferryman/formats/header_text.py": "tests/differential/test_headers.py",
    "ferryman/formats/shown_header.py": "tests/differential/test_headers.py",
    "ferryman/formats/json": "tests/differential/test_converters.py",
    "ferryman/formats/json/maps": "tests/formats/json/maps/test_reader.py",
    "ferryman/formats/primitive.py": "tests/differential/test_primitives.py",
    "ferryman/java/gregorian_calendar.py": "tests/java/test_simple_date_format.py",
    "ferryman/java/numbers.py": "tests/differential/test_transforms.py",
    "ferryman/java/zone_names.py": "tests/differential/test_patterns.py",
    "ferryman/java/simple_date_format": "tests/java/test_simple_date_format.py",
    "ferryman/java/regex": "tests/differential/test_patterns.py",
    # Parts of one thing that is tested as a whole.
    "ferryman/dead_letters/header_names.py": "tests/dead_letters/test_letter.py",
    "ferryman/dead_letters/source_converters.py": "tests/task/errors/test_source_letter_writer.py",
    "ferryman/dead_letters/reading.py": "tests/commands/test_dlq.py",
    "ferryman/dead_letters/shown.py": "tests/commands/test_dlq.py",
    "ferryman/replay/deleted_runs.py": "tests/replay/test_what_is_left.py",
    "ferryman/worker/askers.py": "tests/worker/requests/test_turns.py",
    "ferryman/worker/requests/new_runs.py": "tests/backfill/test_over_rest.py",
    "ferryman/plugin_process": "tests/worker/plugin_code/test_processes.py",
    "ferryman/plugin_process/alter_offsets.py": "tests/reliability/test_rogue_plugins.py",
    "ferryman/plugin_process/runs.py": "tests/backfill/test_over_rest.py",
    "ferryman/plugins/others.py": "tests/plugins/test_catalog.py",
    "ferryman/worker/plugin_code": "tests/worker/plugin_code/test_processes.py",
    "ferryman/plugin_process/ends.py": "tests/backfill/test_of_sources.py",
    "ferryman/plugin_process/replays.py": "tests/replay/test_into_a_table.py",
    "ferryman/runs/request_body.py": "tests/backfill/test_over_rest.py",
    "ferryman/runs/progress_text.py": "tests/backfill/test_over_rest.py",
    "ferryman/task/sink/runs/live_watch.py": "tests/backfill/test_beside_live.py",
    "ferryman/worker/requests/dead_letters.py": "tests/commands/test_dlq.py",
    "ferryman/worker/requests/recent_logs.py": "tests/worker/requests/test_herder_on_plane.py",
    "ferryman/worker/control/listener.py": "tests/worker/control/test_reconciler.py",
    "ferryman/connector_process/committed.py": "tests/worker/distributed/test_connector_objects.py",
    "ferryman/offset_reader/brokers.py": "tests/offset_reader/test_following.py",
    "ferryman/offset_reader/spec.py": "tests/worker/processes/test_offset_readers.py",
    "ferryman/connector_process/spec.py": "tests/worker/processes/test_running_connector.py",
    "ferryman/connector_process/reports.py": "tests/connector_process/test_lifecycle.py",
    "ferryman/worker/processes/standby.py": "tests/worker/processes/test_running_connector.py",
    "ferryman/retry/tries.py": "tests/worker/control/test_connector_objects.py",
    "ferryman/worker/control/mode_interfaces.py": "tests/worker/requests/test_herder_on_plane.py",
    "ferryman/worker/requests/offsets.py": "tests/worker/requests/test_herder_on_plane.py",
    "ferryman/chain/chain.py": "tests/chain/test_forms.py",
    "ferryman/task/sink/sink_context.py": "tests/task/sink/test_loop_on_threads.py",
    "ferryman/task/sink/subscription.py": "tests/task/sink/test_loop_on_threads.py",
    "ferryman/task/sink/loop.py": "tests/task/sink/loop/test_polls.py",
    "ferryman/connector.py": "tests/validation/test_connector_config.py",
    "ferryman/formats/polars_types.py": "tests/formats/test_columns_writers.py",
    "ferryman/internal_topics/of_worker.py": "tests/internal_topics/test_config_topic.py",
    "ferryman/metrics/connect.py": "tests/metrics/test_registry.py",
    "ferryman/metrics/clients.py": "tests/metrics/test_registry.py",
    "ferryman/metrics/ours.py": "tests/metrics/test_registry.py",
    "ferryman/task/meters/counted.py": "tests/task/meters/test_sinks.py",
    "ferryman/task/meters/meters.py": "tests/worker/metrics/test_served.py",
    "ferryman/task/setup/metering.py": "tests/worker/metrics/test_served.py",
    "ferryman/worker/metrics/worker_samples.py": "tests/worker/metrics/test_served.py",
    "ferryman/kafka/client_keys.py": "tests/kafka/test_client_config.py",
    "ferryman/kafka/client_security.py": "tests/kafka/test_client_config.py",
    "ferryman/plugins/entry.py": "tests/plugins/test_catalog.py",
    "ferryman/plugins/folders.py": "tests/plugins/test_catalog.py",
    "ferryman/plugins/kinds.py": "tests/plugins/test_catalog.py",
    "ferryman/edits/child.py": "tests/edits/test_program.py",
    "ferryman/killable/process.py": "tests/regex/test_pattern.py",
    "ferryman/regex/child.py": "tests/regex/test_pattern.py",
    "ferryman/regex/killable.py": "tests/regex/test_pattern.py",
    "ferryman/settings/converters.py": "tests/reliability/test_bad_configs.py",
    "ferryman/settings/modes.py": "tests/settings/test_distributed_keys.py",
    "ferryman/settings/worker_keys.py": "tests/settings/test_settings.py",
    "ferryman/task/errors/letter_writer.py": "tests/task/errors/test_dead_letter_queue.py",
    "ferryman/task/sink/ends.py": "tests/task/sink/test_group.py",
    "ferryman/task/source/delivery.py": "tests/task/source/test_loop.py",
    "ferryman/task/setup/spec.py": "tests/task/test_sessions.py",
    "ferryman/telemetry/free_text.py": "tests/telemetry/test_redaction.py",
    "ferryman/telemetry/subject.py": "tests/telemetry/test_logs.py",
    "ferryman/telemetry/lines.py": "tests/telemetry/test_logs.py",
    "ferryman/tls/keys.py": "tests/tls/test_contexts.py",
    "ferryman/validation/chain_infos.py": "tests/rest/test_app.py",
    "ferryman/validation/config_infos.py": "tests/rest/test_app.py",
    "ferryman/validation/converter_infos.py": "tests/validation/test_connector_config.py",
    "ferryman/validation/group_protocol.py": "tests/commands/test_explain.py",
    "ferryman/validation/exactly_once.py": "tests/validation/test_connector_config.py",
    "ferryman/validation/misplaced_keys.py": "tests/validation/test_connector_config.py",
    "ferryman/validation/parts.py": "tests/validation/test_connector_config.py",
    "ferryman/validation/plugin_infos.py": "tests/rest/test_app.py",
    "ferryman/validation/plugin_versions.py": "tests/rest/test_odd_requests.py",
    "ferryman/worker/offsets/connector_offsets.py": "tests/rest/test_app.py",
    "ferryman/backfill": "tests/backfill/test_command.py",
    "ferryman/replay/making.py": "tests/replay/test_into_a_table.py",
    "ferryman/replay/marks.py": "tests/replay/test_into_a_table.py",
    "ferryman/replay/refusal.py": "tests/replay/test_to_topic.py",
    "ferryman/replay/taking.py": "tests/replay/test_into_a_table.py",
    "ferryman/task/sink/runs/replayed_letters.py": "tests/replay/test_into_a_table.py",
    "ferryman/task/sink/reading.py": "tests/task/sink/runs/test_bounds.py",
    "ferryman/validation/own_keys.py": "tests/validation/test_connector_config.py",
    "ferryman/worker/offsets/run_offsets.py": "tests/backfill/test_command.py",
    # They do and do not decide: a process, a signal, a pid, an import.
    "ferryman/forked/die_with_parent.py": "tests/reliability/test_processes.py",
    "ferryman/forked/after_fork.py": "tests/worker/processes/test_running_connector.py",
    "ferryman/forked/line.py": "tests/worker/forks/test_forked.py",
    "ferryman/connector_process/process.py": "tests/worker/processes/test_running_connector.py",
    "ferryman/forked/oom_score.py": "tests/reliability/test_failing_tasks.py",
    "ferryman/task/setup/crash_points.py": "tests/reliability/test_crash_points.py",
    "ferryman/worker/cluster.py": "tests/worker/test_control.py",
    "ferryman/worker/forks/server_process.py": "tests/worker/forks/test_forked.py",
    "ferryman/worker/forks/server.py": "tests/worker/forks/test_forked.py",
    "ferryman/worker/lifetime.py": "tests/worker/test_control.py",
    "ferryman/membership/connection.py": "tests/membership/test_member.py",
    # Nothing but declarations.
    "ferryman/membership/listener.py": "tests/membership/test_member.py",
    "ferryman/api.py": "tests/task/sink/loop/test_polls.py",
    "ferryman/context.py": "tests/task/sink/loop/test_polls.py",
    "ferryman/facts/states.py": "tests/facts/test_config_records.py",
    "ferryman/worker/herder.py": "tests/rest/test_app.py",
}
"""Modules, or whole folders, without a test of their name, and the one that fails when they break."""


def deciding() -> Iterator[str]:
    """The modules that are to have a test."""
    yield from (path(name) for name in trees() if row(name).ring in RINGS and not path(name).endswith("/__init__.py"))


def mirrored(module: str) -> str:
    """Where its test is to be."""
    folder, _, file = module.removeprefix("ferryman/").rpartition("/")
    return f"tests/{folder}/test_{file}".replace("//", "/")


def test_what_decides_has_a_test_of_its_name_or_one_that_stands_in_for_it() -> None:
    missing = [
        f"{module}: write {mirrored(module)}, or say in STANDS_IN which test fails when it breaks"
        for module in deciding()
        if not (ROOT / mirrored(module)).exists()
        and module not in STANDS_IN
        and module.rpartition("/")[0] not in STANDS_IN
    ]
    assert missing == []


def test_what_stands_in_is_there_and_nothing_is_excused_that_needs_no_excuse() -> None:
    assert [test for test in STANDS_IN.values() if not (ROOT / test).exists()] == []
    modules = set(deciding())
    excused = {place for place in STANDS_IN if place.endswith(".py")}
    assert sorted(excused - modules) == []
    assert [module for module in excused if (ROOT / mirrored(module)).exists()] == []
