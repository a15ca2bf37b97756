"""Kafka's clients, so that an error which a callback of theirs raises is what the call raises.

A call that serves callbacks raises KafkaException when the client has met a fatal error, such as being fenced. The
client goes on with the callbacks that are due then, of logs and of messages, while that exception is already set; the
first of them that calls anything built in makes ``SystemError: … returned a result with an exception set`` of it, with
the KafkaException as its cause. Which of the two comes is a matter of the order in which they were queued.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import confluent_kafka
from confluent_kafka import KafkaException, Message


class Producer(confluent_kafka.Producer):
    """Raises KafkaException where it is the cause of a SystemError."""

    def poll(self, timeout: float = -1) -> int:
        with serving():
            return super().poll(timeout)

    def flush(self, timeout: float = -1) -> int:
        with serving():
            return super().flush(timeout)

    def purge(self, in_queue: bool = True, in_flight: bool = True, blocking: bool = True) -> None:
        with serving():
            super().purge(in_queue, in_flight, blocking)

    def init_transactions(self, timeout: float = -1) -> None:
        with serving():
            super().init_transactions(timeout)

    def commit_transaction(self, timeout: float = -1) -> None:
        with serving():
            super().commit_transaction(timeout)

    def abort_transaction(self, timeout: float = -1) -> None:
        with serving():
            super().abort_transaction(timeout)


class Consumer(confluent_kafka.Consumer):
    """Raises KafkaException where it is the cause of a SystemError."""

    def poll(self, timeout: float = -1) -> Message | None:
        # As ``serving``, whose generator takes half as long as a poll that brings nothing: idle tasks do little else.
        # The same of ``consume``, which tasks with few records call as often.
        try:
            return super().poll(timeout)
        except SystemError as error:
            found = _first(error)
            if found is None:
                raise
            raise found from None

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        try:
            return super().consume(num_messages, timeout)
        except SystemError as error:
            found = _first(error)
            if found is None:
                raise
            raise found from None

    def unsubscribe(self) -> None:
        with serving():
            super().unsubscribe()

    def close(self) -> None:
        with serving():
            super().close()


@contextmanager
def serving() -> Iterator[None]:
    """A call that serves callbacks. Any other SystemError stays one."""
    try:
        yield
    except SystemError as error:
        found = _first(error)
        if found is None:
            raise
        raise found from None


def _first(error: BaseException | None) -> KafkaException | None:
    """The KafkaException behind an error, however many callbacks have met it."""
    while error is not None and not isinstance(error, KafkaException):
        error = error.__cause__
    return error
