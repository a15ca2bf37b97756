"""Plugins of Kafka's tests that misbehave: a transform with bad records, a sink that reports all it gets, and a source
that writes among its own offsets."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ferryman.api import Sink, Source, Transform
from ferryman.config import Config
from ferryman.connector import SinkConfig, SourceConfig
from ferryman.errors import DataError, RetriableError
from ferryman.record import Batch, Record
from ferryman.schema import STRING

_TESTS = "org.apache.kafka.connect.integration"


class FaultyPassthrough(Transform[Config]):
    """Fails at one value the first time only, and at another one each time.

    The Java one raises RetriableException for both. Here that is what a system raises that is away; whoever means the
    record says so.
    """

    config_class = Config
    classes = (f"{_TESTS}.ErrorHandlingIntegrationTest$FaultyPassthrough",)
    failed = False

    def apply(self, record: Record) -> Record:
        if record.value == "value-4" and not self.failed:
            self.failed = True
            raise RetriableError("Error when value='value-4'. A reattempt with this record will succeed.")
        if record.value == "value-7":
            raise DataError("Error when value='value-7'")
        return record


class ErrantRecordSinkConnector(Sink[SinkConfig]):
    """Reports each record, every other one from a thread of its own."""

    config_class = SinkConfig
    classes = (f"{_TESTS}.ErrantRecordSinkConnector",)

    def start(self) -> None:
        self.others = ThreadPoolExecutor(1)

    def put_batch(self, batch: Batch) -> None:
        for index, offset in enumerate(batch.offsets):
            if offset % 2 == 0:
                self.context.report(batch, index, DataError("reported"))
            else:
                self.others.submit(self.context.report, batch, index, DataError("reported"))

    def stop(self) -> None:
        self.others.shutdown()


class NaughtyConnector(Source[SourceConfig]):
    """Asks for its offsets and writes a record to their topic, poll after poll."""

    config_class = SourceConfig
    classes = (f"{_TESTS}.ExactlyOnceSourceIntegrationTest$NaughtyConnector",)

    def poll(self) -> Sequence[Record]:
        self.context.offset({"": None})
        topic = self.config.offsets_storage_topic
        assert topic is not None
        return [Record(topic=topic, value="", value_schema=STRING)]
