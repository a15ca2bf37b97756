"""The metrics that Kafka Connect has, under the names that the JMX exporter gives them with Strimzi's rules.

Which there are, and what each counts, is Kafka's ConnectMetricsRegistry; helps are our own words. Times are
milliseconds and percentages parts of one, as there.
"""

from ferryman.metrics.family import Family, figures, texts

DOMAIN = "kafka.connect"
CONNECTOR, TASK = ("connector",), ("connector", "task")
CLIENT = ("clientid",)

_WORKER = {
    "connector-count": "Connectors that run on this worker.",
    "task-count": "Tasks that run on this worker.",
    **{
        f"{what}-startup-{name}": text.format(f"{what}s")
        for what in ("connector", "task")
        for name, text in {
            "attempts-total": "How often this worker has begun to start {}.",
            "success-total": "How often a start of {} succeeded.",
            "failure-total": "How often a start of {} failed.",
            "success-percentage": "The part of recent starts of {} that succeeded, from 0 to 1.",
            "failure-percentage": "The part of recent starts of {} that failed, from 0 to 1.",
        }.items()
    },
}
STATES = ("running", "paused", "failed", "unassigned", "destroyed", "restarting")
"""The states that tasks are counted by. No task is ever shown as destroyed; Kafka Connect has the figure all the
same."""
_OF_CONNECTOR = {
    "connector-total-task-count": "Tasks of the connector, on whichever workers.",
    **{f"connector-{state}-task-count": f"Tasks of the connector that are {state}." for state in STATES},
}
_REBALANCE = {
    "epoch": "The generation of the group that this worker is in.",
    "completed-rebalances-total": "Rebalances of the group that this worker has been through.",
    "rebalancing": "Whether this worker is in a rebalance: 1, or 0.",
    "rebalance-max-time-ms": "The longest of the recent rebalances.",
    "rebalance-avg-time-ms": "The mean of the recent rebalances.",
    "time-since-last-rebalance-ms": "Time since the last rebalance was complete.",
}
_COORDINATOR = {
    "assigned-connectors": "Connectors that the group has given to this worker.",
    "assigned-tasks": "Tasks that the group has given to this worker.",
}
_TASK = {
    "running-ratio": "The part of its life that the task was running.",
    "pause-ratio": "The part of its life that the task was paused.",
    "offset-commit-max-time-ms": "The longest of the recent commits.",
    "offset-commit-avg-time-ms": "The mean of the recent commits.",
    "batch-size-max": "Records in the largest of the recent batches.",
    "batch-size-avg": "The mean number of records in recent batches.",
    "offset-commit-failure-percentage": "The part of recent commits that failed, from 0 to 1.",
    "offset-commit-success-percentage": "The part of recent commits that succeeded, from 0 to 1.",
}
_TASK_TEXTS = {
    f"{part}-{what}": f"The {what} of the task's {part.replace('-', ' ')}."
    for part in ("connector", "task", "key-converter", "value-converter", "header-converter")
    for what in ("class", "version")
} | {"connector-type": "source or sink."}
_SOURCE = {
    "source-record-poll-rate": "Records a second that the connector handed over.",
    "source-record-poll-total": "Records that the connector handed over.",
    "source-record-write-rate": "Records a second that were written to Kafka, after transforms.",
    "source-record-write-total": "Records that were written to Kafka, after transforms.",
    "poll-batch-max-time-ms": "The longest of the recent polls that handed something over.",
    "poll-batch-avg-time-ms": "The mean of the recent polls that handed something over.",
    "source-record-active-count": "Records handed over that are not committed in Kafka yet.",
    "source-record-active-count-max": "The most of them, recently.",
    "source-record-active-count-avg": "The mean of them, recently.",
    "transaction-size-min": "Records in the smallest of the recent transactions.",
    "transaction-size-max": "Records in the largest of the recent transactions.",
    "transaction-size-avg": "The mean number of records in recent transactions.",
}
_SINK = {
    "sink-record-read-rate": "Records a second that were read from Kafka.",
    "sink-record-read-total": "Records that were read from Kafka.",
    "sink-record-send-rate": "Records a second that the sink has taken, after transforms.",
    "sink-record-send-total": "Records that the sink has taken, after transforms.",
    "partition-count": "Partitions that are assigned to the task.",
    "offset-commit-seq-no": "The number of the last commit.",
    "offset-commit-completion-rate": "Commits a second that the group has accepted.",
    "offset-commit-completion-total": "Commits that the group has accepted.",
    "offset-commit-skip-rate": "Commits a second that were refused, since the partitions had been reassigned.",
    "offset-commit-skip-total": "Commits that were refused, since the partitions had been reassigned.",
    "put-batch-max-time-ms": "The longest of the recent puts.",
    "put-batch-avg-time-ms": "The mean of the recent puts.",
    "sink-record-active-count": "Records read whose offsets are not committed yet.",
    "sink-record-active-count-max": "The most of them, recently.",
    "sink-record-active-count-avg": "The mean of them, recently.",
}
_ERRORS = {
    "total-record-failures": "Failures of records and of other systems, each try counted.",
    "total-record-errors": "Records that were found bad.",
    "total-records-skipped": "Bad records that were skipped.",
    "total-retries": "Waits before another try.",
    "total-errors-logged": "Bad records that errors.log.enable has logged.",
    "deadletterqueue-produce-requests": "Dead letters that were sent off.",
    "deadletterqueue-produce-failures": "Dead letters that the broker did not accept.",
    "last-error-timestamp": "When the last failure was, in milliseconds since 1970; 0 for none.",
}
FAMILIES: tuple[Family, ...] = (
    *figures(DOMAIN, "connect-worker-metrics", (), _WORKER),
    *figures(DOMAIN, "connect-worker-metrics", CONNECTOR, _OF_CONNECTOR),
    *texts(
        DOMAIN,
        "connect-worker-rebalance-metrics",
        (),
        {
            "leader-name": "The URL of the group's leader.",
            "connect-protocol": "The protocol of assignment that the group speaks.",
        },
    ),
    *figures(DOMAIN, "connect-worker-rebalance-metrics", (), _REBALANCE),
    *figures(DOMAIN, "connect-coordinator-metrics", CLIENT, _COORDINATOR),
    *texts(
        DOMAIN,
        "connector-metrics",
        CONNECTOR,
        {
            "status": "What the connector shows: unassigned, running, paused, stopped, failed or restarting.",
            "connector-type": "source or sink.",
            "connector-class": "The connector's class.",
            "connector-version": "The connector's version.",
        },
    ),
    *texts(DOMAIN, "connector-task-metrics", TASK, {"status": "What the task shows: running, paused, failed, …"}),
    *texts(DOMAIN, "connector-task-metrics", TASK, _TASK_TEXTS),
    *figures(DOMAIN, "connector-task-metrics", TASK, _TASK),
    *(
        family
        for kind in ("transform", "predicate")
        for family in texts(
            DOMAIN,
            f"connector-{kind}-metrics",
            (*TASK, kind),
            {f"{kind}-{what}": f"The {what} of a {kind}, by its alias." for what in ("class", "version")},
        )
    ),
    *figures(DOMAIN, "source-task-metrics", TASK, _SOURCE),
    *figures(DOMAIN, "sink-task-metrics", TASK, _SINK),
    *figures(DOMAIN, "task-error-metrics", TASK, _ERRORS),
)
