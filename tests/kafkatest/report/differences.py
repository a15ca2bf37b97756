"""Where a worker of ours and Kafka's answer the transcribed tests otherwise: each difference once, with its reason.

A test that expects one thing of ours and another of Kafka's asks ``Whose.differs`` with the difference that it is
about; it has no other way to know whose worker it has. ``page`` makes docs/reference/kafka-tests.md of them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """Something that ours does otherwise than Kafka's on purpose. Texts are Markdown; links begin in docs/."""

    about: str
    """When it shows, in a few words."""
    kafka: str
    """What Kafka's worker does."""
    ferryman: str
    """What ours does."""
    because: str
    """Why that is better for those who use it."""


ANSWER_TO_A_RESTART = Difference(
    about="`POST /connectors/NAME/restart` of a connector whose start fails, or does not end",
    kafka="waits for the start, and answers 500",
    ferryman="answers 204 at once; the status tells what becomes of the start",
    because="a start that fails is tried again, so that one failure is no answer yet; and a plugin that hangs "
    "holds up no request",
)
STARTED_AGAIN = Difference(
    about="a connector whose start fails",
    kafka="stays FAILED until somebody restarts it",
    ferryman="is FAILED, and is started again by itself, with back-off",
    because="most of what fails a start passes, and nobody may be awake "
    "([0021](decisions/0021-connectors-have-processes.md))",
)
FIRST_COMMIT = Difference(
    about="offsets of a sink that fails at its first record",
    kafka="there are none",
    ferryman="there is the offset at which it began",
    because="a sink begins where it began before, whatever `auto.offset.reset` would say by then "
    "([0004](decisions/0004-sinks-choose-their-positions.md))",
)
DROPPED_BY_A_SOURCE = Difference(
    about="offsets of a source whose last records were dropped by a transform",
    kafka="stand at the last record that was written",
    ferryman="stand at the last record that was read",
    because="what was dropped is not read again after a restart",
)
COOPERATIVE_ASSIGNOR = Difference(
    about="`consumer.override.partition.assignment.strategy` with the CooperativeStickyAssignor",
    kafka="takes it: the sink keeps its partitions while others come",
    ferryman="is refused, and the error names the assignors that there are",
    because="a sink's session is one assignment, in which offsets only go forward "
    "([0004](decisions/0004-sinks-choose-their-positions.md)); a key without effect would promise what does not happen",
)
CLASS_OF_A_BAD_RECORD = Difference(
    about="`__connect.errors.exception.class.name` of a record that a transform refuses each time",
    kafka="the transform raises a RetriableException, and after `errors.retry.timeout` the record is put aside",
    ferryman="the transform raises a DataException; a retriable error says that something is away: it dead-letters "
    "nothing",
    because="an outage is never a data error ([0002](decisions/0002-outages-are-not-data-errors.md))",
)
TOO_FEW_BROKERS = Difference(
    about="internal topics that are to have more replicas than there are brokers",
    kafka="the worker ends",
    ferryman="the worker waits for more brokers, and the log names the key",
    because="a cluster that starts together with its workers has few brokers at first",
)
HEALTH_WITHOUT_KAFKA = Difference(
    about="`/health` of a worker of a group that has started, while Kafka is away",
    kafka="500: `Worker was unable to handle this request`",
    ferryman="200: it is the answer of the worker's process, and says nothing of Kafka",
    because="whoever restarts what is unhealthy would restart all workers each time that Kafka is away, and none of "
    "them would come back sooner",
)
START_OF_THE_WORKER = Difference(
    about="the start of a standalone worker whose connector hangs in its start",
    kafka="`/health` says `starting` until the connector has started",
    ferryman="`/health` says `healthy` once the connectors of the command line are created; one that hangs in its "
    "validation holds that up",
    because="a connector runs in a process of its own, which holds up no other "
    "([0021](decisions/0021-connectors-have-processes.md))",
)
FENCED_AT_ONCE = Difference(
    about="a source after a worker was killed in the middle of a transaction",
    kafka="begins when the transaction is timed out, a minute later unless `transaction.timeout.ms` says "
    "otherwise; the test gives it ten seconds",
    ferryman="aborts what its predecessor left open, and begins; the test gives it nothing",
    because="nobody waits longer than needed",
)
LEVELS_OF_LIKES = Difference(
    about="`PUT /admin/loggers/NAME` with the name of a logger of Kafka's",
    kafka="changes the levels of that logger and of those below it",
    ferryman="changes those, and those of `ferryman…` and `librdkafka` that do the same work",
    because="tools and runbooks name Kafka's loggers, and mean what these log ([REST](rest.md))",
)
KEYS_IN_FULL = Difference(
    about="messages about a key of a transform, predicate or converter",
    kafka="have the key without what is before the plugin's own part: `spec`",
    ferryman="have the key in full: `transforms.a.spec`",
    because="a config has many transforms, and the key is what people search their file for",
)
WORDS_FOR_PATTERNS = Difference(
    about="what is wrong with a regular expression",
    kafka="in the words of java.util.regex",
    ferryman="in words of its own",
    because="the pattern is read by another engine, which says what it does not take "
    "([0009](decisions/0009-patterns-that-cannot-hold-a-process-up.md))",
)
DOCUMENTATION_OF_KEYS = Difference(
    about="`documentation` of a key",
    kafka="Kafka's text",
    ferryman="its own text",
    because="it says what the key does here",
)
ORDER_OF_KEYS = Difference(
    about="the place of a key in its group",
    kafka="`order_in_group`; up to 4.1 it was `order`",
    ferryman="`order`",
    because="that is what clients read",
)
SAME_WORDS_AGAIN = Difference(
    about="a second request with a `connector.class` that there is not",
    kafka="`org.apache.kafka.connect.errors.ConnectException: ` is put before the message of the first",
    ferryman="the same message as the first time, `Failed to find any class that implements Connector …`",
    because="clients know it by its beginning",
)
UNKNOWN_IS_NOT_THERE = Difference(
    about="calls that name a connector which a standalone worker does not have",
    kafka="some are answered with 500: by a NullPointerException, or that the task could not be started",
    ferryman="404, as Kafka's worker answers when it runs distributed",
    because="it is no fault of the worker's, and clients take 404 for what it is",
)
UNREADABLE_IS_BAD = Difference(
    about="a body that cannot be read: a text for an object (kafka-connect-py, when it validates), or bytes that are "
    "not UTF-8 (Sourcelab's client)",
    kafka="500",
    ferryman="400, and what was expected",
    because="it is the client's fault, and to try it again does not help",
)
NO_BODY_NO_TYPE = Difference(
    about="a `Content-Type` that is not JSON on a request that needs no body (npm's kafka-connect-client, when it "
    "pauses, resumes or stops)",
    kafka="415",
    ferryman="does what is asked",
    because="there is nothing to be read, and the client works",
)

DIFFERENCES = {difference: name for name, difference in tuple(globals().items()) if isinstance(difference, Difference)}
"""All of them, by the order in which they are declared, with their names."""
