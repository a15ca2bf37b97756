"""Ferryman's own metrics. Times are seconds, sizes bytes, as Prometheus has them."""

from collections.abc import Sequence

from ferryman.metrics.family import Family, Labels

TASK: Labels = ("connector", "task")
SECONDS: Sequence[float] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 86400)
"""Upper bounds of the buckets for times."""
SIZES: Sequence[float] = (1, 10, 100, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000)
"""Upper bounds of the buckets for numbers of records."""

BUILD = Family("ferryman_build_info", "gauge", "Ferryman's version.", ("version",))
READY = Family("ferryman_worker_ready", "gauge", "Whether the worker has completed its start: 1, or 0.", ())
LAG = Family(
    "ferryman_sink_lag_records",
    "gauge",
    "Records between what the sink has taken and the ends of its partitions, all together.",
    TASK,
)
LAG_MAX = Family("ferryman_sink_lag_records_max", "gauge", "The same of the partition that is furthest behind.", TASK)
LAG_OF = Family(
    "ferryman_sink_partition_lag_records",
    "gauge",
    "The same by partition, with ferryman.metrics.partitions=true.",
    (*TASK, "topic", "partition"),
)
OLDEST = Family(
    "ferryman_sink_oldest_undelivered_record_age_seconds",
    "gauge",
    "Age of the oldest record that was read and not taken by the sink. For one that is not read yet, how long it "
    "has been known. 0 for none.",
    TASK,
)
DELIVERY = Family(
    "ferryman_sink_delivery_latency_seconds",
    "histogram",
    "From a record's timestamp until it is durable: put has returned, or for sinks that keep records back its offset "
    "is committed.",
    TASK,
)
SOURCE_DELIVERY = Family(
    "ferryman_source_delivery_latency_seconds",
    "histogram",
    "From the poll that handed a record over until it is committed in Kafka.",
    TASK,
)
BATCH = Family(
    "ferryman_batch_records",
    "histogram",
    "Records that a sink was given at once, or a source has handed over at once.",
    TASK,
)
COMMIT = Family("ferryman_commit_seconds", "histogram", "Time that a commit took.", TASK)
FORMS = Family(
    "ferryman_chain_records_total",
    "counter",
    "Records by step of the chain and the form they had there, and why if they were rows.",
    (*TASK, "side", "step", "form", "reason"),
)
SKIPPED = Family(
    "ferryman_skipped_records_total",
    "counter",
    "Bad records that were skipped, by the stage that failed.",
    (*TASK, "stage"),
)
LETTERS = Family(
    "ferryman_dead_letters_total",
    "counter",
    "Dead letters that the broker has, by the stage that failed.",
    (*TASK, "stage"),
)
IN_DOUBT = Family("ferryman_in_doubt_messages", "gauge", "Messages that may or may not have arrived.", TASK)
BACKING_OFF = Family("ferryman_task_backing_off", "gauge", "Whether the task waits for another system: 1, or 0.", TASK)
TRIES = Family("ferryman_task_backoff_tries", "gauge", "Tries that have failed since it began to wait.", TASK)
SINCE = Family("ferryman_task_backoff_seconds", "gauge", "How long it has been waiting.", TASK)
PARKED = Family(
    "ferryman_task_parked", "gauge", "Whether the task stands still, as its lease was not renewed: 1, or 0.", TASK
)
MEMORY = Family("ferryman_task_memory_bytes", "gauge", "Memory that the task's process has for itself.", TASK)
CPU = Family("ferryman_task_cpu_seconds_total", "counter", "CPU time of the task's process.", TASK)
STARTS = Family(
    "ferryman_task_process_starts_total", "counter", "Processes that this worker has started for the task.", TASK
)
AGE = Family("ferryman_task_metrics_age_seconds", "gauge", "Time since the task last reported.", TASK)
# What Strimzi's dashboards ask about a JVM, said of what runs instead of one.
JVM_MEMORY = Family(
    "jvm_memory_used_bytes",
    "gauge",
    "Memory of the worker and of all tasks, in the place of a JVM's heap.",
    ("area",),
)
JVM_THREADS = Family("jvm_threads_current", "gauge", "Threads of the worker and of all tasks.", ())
JVM_GC = Family(
    "jvm_gc_collection_seconds_sum",
    "gauge",
    "Time that the worker and its tasks have spent in Python's collector.",
    ("gc",),
)
TASK_THREADS = Family("ferryman_task_threads", "gauge", "Threads of the task's process.", TASK)
TASK_GC = Family(
    "ferryman_task_gc_seconds_total", "counter", "Time that the task has spent in Python's collector.", TASK
)
FAMILIES: tuple[Family, ...] = (
    *(BUILD, READY, LAG, LAG_MAX, LAG_OF, OLDEST, DELIVERY, SOURCE_DELIVERY, BATCH, COMMIT, FORMS, SKIPPED, LETTERS),
    *(IN_DOUBT, BACKING_OFF, TRIES, SINCE, PARKED, MEMORY, CPU, TASK_THREADS, TASK_GC, STARTS, AGE),
    *(JVM_MEMORY, JVM_THREADS, JVM_GC),
)
