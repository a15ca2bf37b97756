"""Sends an e-mail for each record; a message that may or may not have been sent is sent again or skipped."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ferryman.api import Assigned, Committed, Examination, Finding, Sink, SinkContext
from ferryman.connectors.email.courier import Courier
from ferryman.connectors.email.effects import effects
from ferryman.connectors.email.sent_events import Events
from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.email.smtp.examination import Mail, findings
from ferryman.effects import Effect
from ferryman.errors import TaskError
from ferryman.kafka.callbacks import Producer
from ferryman.record import Batch, TopicPartition

log = logging.getLogger(__name__)


class EmailSinkConnector(Sink[EmailSinkConfig]):
    """The sink and its tasks. ``in_doubt_window`` explains what is in doubt after a crash, and why no more is."""

    config_class = EmailSinkConfig
    truth = "the metadata of the group's offsets, which lists what may have been sent"

    _courier: Courier | None = None

    @classmethod
    def needs_classic_group(cls, config: EmailSinkConfig) -> str | None:
        """The offset's metadata list what may have been sent."""
        return "the metadata of the group's offsets lists what may have been sent already"

    @classmethod
    def explain(cls, config: EmailSinkConfig, context: SinkContext, batches: Sequence[Batch]) -> Iterable[Effect]:
        """The messages."""
        return effects(config, batches)

    @classmethod
    def examine(cls, config: EmailSinkConfig, examination: Examination) -> Iterable[Finding]:
        """The mail server, and whether it takes sender and recipients."""
        server = replace(config.server, connect_timeout=examination.seconds, timeout=examination.seconds)
        return findings(server, Mail(config.fixed_sender, config.fixed_recipients, config.mail_max_bytes))

    def start(self) -> None:
        """Reads the templates. A server that is away is waited for in put."""
        config, context = self.config, self.context
        if config.smtp_username and config.smtp_security == "none":
            log.warning("%s: smtp.security=none sends smtp.password readable over the network", context.connector)
        events = None
        if config.event_topic:
            producer = Producer(config.event_producer(context.raw, context.task))
            converter = config.event_converter(context.raw)
            events = Events(producer, converter, config.event_topic, context.connector)
        self._courier = Courier(config, context, events)

    def stop(self) -> None:
        """Breaks off what is on its way; it is in doubt."""
        if self._courier is not None:
            self._courier.stop()

    @property
    def _started(self) -> Courier:
        if self._courier is None:
            raise TaskError("The e-mail sink has not been started")
        return self._courier

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Lists what is in doubt. The group's offsets hold."""
        self._started.open(partitions)
        self._tell()
        return {}

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Gives the partitions up."""
        self._started.close(partitions)
        self._tell()

    def put_batch(self, batch: Batch) -> None:
        """Sends the batch's messages. After a RetriableError the same batch comes again, and only the rest is sent."""
        try:
            self._started.deliver(batch)
        finally:
            self._tell()
        self.context.request_commit()

    def _tell(self) -> None:
        self.context.in_doubt(self._started.in_doubt)

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """All that was delivered, with what is under way beyond it."""
        return self._started.offsets_to_commit(offsets)

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """From now on what these windows announce may be sent."""
        self._started.on_committed(offsets)
