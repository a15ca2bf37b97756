"""kafka-python's client for a membership, over a simulated network, with what is used of it.

Everything above it is production's own: ferryman.membership, and kafka-python's BaseCoordinator.
"""

import inspect
from collections import deque
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

from kafka import errors
from kafka.future import Future
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.consumer import HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, SyncGroupRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from tests.worker.simulation import threads
from tests.worker.simulation.coordinator import Coordinator, Joined, Synced
from tests.worker.simulation.machine import Host
from tests.worker.simulation.network import Link

RECONNECTS = 0.5
"""Seconds until a connection that broke is made again."""
PATIENCE = 40.0
"""Seconds that a request waits for its answer."""


class Net:
    """The network's thread: here the worker's event loop, which nothing of it ever blocks."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._io_thread = SimpleNamespace(is_alive=lambda: True)
        self._open = True

    def start(self) -> None:
        """It goes by itself."""

    def close(self) -> None:
        self._open = False

    def call_soon(self, begin: Callable[[], Any]) -> None:
        self._host.loop.call_soon(self._begin, begin, (), None)

    def call_soon_threadsafe(self, call: Callable[[], None]) -> None:
        self._host.loop.call_soon(self._begin, call, (), None)

    def call_soon_with_future(self, coroutine: Any, *args: Any) -> Future:
        future = Future()
        self._host.loop.call_soon(self._begin, coroutine, args, future)
        return future

    def call_later(self, seconds: float, call: Callable[[], None]) -> Any:
        return self._host.loop.call_later(seconds, self._begin, call, (), None)

    def cancel(self, timer: Any) -> None:
        timer.cancel()

    def sleep(self, seconds: float) -> Future:
        future = Future()
        self._host.loop.call_later(seconds, future.success, None)
        return future

    def run(self, coroutine: Any, *args: Any) -> Any:
        """Returns what it returns; blocks the thread that calls."""
        future, done = self.call_soon_with_future(coroutine, *args), threads.Event()
        future.add_both(lambda _: done.set())
        done.wait()
        if future.exception is not None:
            raise future.exception
        return future.value

    def _begin(self, call: Any, args: Any, future: Future | None) -> None:
        if not self._open:
            return
        try:
            found = call if inspect.isawaitable(call) else call(*args)
        except Exception as error:
            if future is None:
                raise
            future.failure(error)
            return
        if inspect.iscoroutine(found):
            self._step(found, None, None, future)
        elif isinstance(found, Future) and future is not None:
            found.add_callback(future.success).add_errback(future.failure)
        elif future is not None:
            future.success(found)

    def _step(self, coroutine: Any, value: Any, error: BaseException | None, future: Future | None) -> None:
        if not self._open:
            coroutine.close()
            return
        try:
            waits = coroutine.send(value) if error is None else coroutine.throw(error)
        except StopIteration as end:
            if future is not None:
                future.success(end.value)
        except Exception as raised:
            if future is None:
                raise
            future.failure(raised)
        else:
            soon = self._host.loop.call_soon
            waits.add_callback(lambda value: soon(self._step, coroutine, value, None, future))
            waits.add_errback(lambda error: soon(self._step, coroutine, None, error, future))


class _InOrder:
    """One direction of a connection: what overtakes on the way waits for what was sent before it."""

    def __init__(self) -> None:
        self._sent, self._next = count(), 0
        self._early: dict[int, Callable[[], object]] = {}

    def sent(self, arrives: Callable[[], object]) -> Callable[[], None]:
        """To be called when it arrives."""
        number = next(self._sent)
        return lambda: self._arrived(number, arrives)

    def _arrived(self, number: int, arrives: Callable[[], object]) -> None:
        self._early[number] = arrives
        while (each := self._early.pop(self._next, None)) is not None:
            self._next += 1
            each()


class _Connection:
    """Requests of one connection are answered one after the other; when it breaks, none of them is."""

    def __init__(self, manager: "Manager") -> None:
        self.broken = False
        self._manager = manager
        self._requests, self._answers = _InOrder(), _InOrder()
        self._queue: deque[tuple[Any, Future]] = deque()
        self._waiting: dict[Future, None] = {}
        self._busy = False

    def sends(self, request: Any, within: float) -> Future:
        future, manager = Future(), self._manager
        self._waiting[future] = None
        timer = manager.host.loop.call_later(within, self.breaks)
        future.add_both(lambda _: timer.cancel())
        manager.link.sends(self._requests.sent(lambda: self._arrives(request, future)), self.breaks)
        return future

    def _arrives(self, request: Any, future: Future) -> None:
        if not self.broken:
            self._queue.append((request, future))
            self._go_on()

    def _go_on(self) -> None:
        if self._busy or self.broken or not self._queue:
            return
        request, future = self._queue.popleft()
        self._busy = True

        def answer(found: Any) -> None:
            self._busy = False
            if not self.broken:
                self._manager.link.answers(self._answers.sent(lambda: self._answered(future, found)), self.breaks)
                self._go_on()

        asked(self._manager.group, request, answer)

    def _answered(self, future: Future, found: Any) -> None:
        if not self.broken and not future.is_done:
            self._waiting.pop(future, None)
            future.success(found)

    def breaks(self) -> None:
        """As a client does that waits for an answer in vain."""
        if not self.broken:
            self.broken = True
            self._manager.broke(self)
            for future in list(self._waiting):
                future.failure(errors.KafkaConnectionError("the connection is lost"))
            self._waiting.clear()


class Manager:
    """kafka-python's KafkaConnectionManager."""

    def __init__(self, host: Host, link: Link, group: Coordinator, net: Net) -> None:
        self.host, self.link, self.group = host, link, group
        self.closed = False
        self.cluster = SimpleNamespace(add_coordinator=lambda *_: "coordinator-0", request_update=self._updated)
        self._net = net
        self._connections: dict[object, _Connection] = {}
        self._again: dict[object, float] = {}

    def send(self, request: Any, node_id: object = None, request_timeout_ms: float | None = None) -> Future:
        if self.delay(node_id) > 0 or self.closed:
            return Future().failure(errors.NodeNotReadyError(node_id))
        if node_id not in self._connections:
            self._connections[node_id] = _Connection(self)
        within = PATIENCE if request_timeout_ms is None else request_timeout_ms / 1000
        return self._connections[node_id].sends(request, within)

    def broke(self, connection: _Connection) -> None:
        """It is made again after a while."""
        for node in [node for node, each in self._connections.items() if each is connection]:
            del self._connections[node]
            self._again[node] = self.host.loop.time() + RECONNECTS

    def delay(self, node_id: object) -> float:
        """Seconds until a connection can be made."""
        return max(0.0, self._again.get(node_id, 0.0) - self.host.loop.time())

    def call_soon(self, coroutine: Any, *args: Any) -> Future:
        return self._net.call_soon_with_future(coroutine, *args)

    async def bootstrap_async(self, patience: float) -> None:
        """Asks until somebody answers."""
        until = self.host.loop.time() + patience / 1000
        request = FindCoordinatorRequest(key="", key_type=0, coordinator_keys=[""])
        while self.host.loop.time() < until:
            try:
                await self.send(request, 0, 2000)
                return
            except errors.KafkaError:
                await self._net.sleep(RECONNECTS)
        raise errors.KafkaTimeoutError("nobody answers")

    async def wait_for(self, future: Future, milliseconds: float | None) -> Any:
        if milliseconds is None:
            return await future
        first = Future()
        timer = self.host.loop.call_later(
            milliseconds / 1000,
            lambda: first.is_done or first.failure(errors.KafkaTimeoutError("too late")),
        )
        future.add_callback(lambda value: first.is_done or first.success(value))
        future.add_errback(lambda error: first.is_done or first.failure(error))
        try:
            return await first
        finally:
            timer.cancel()

    async def _updated(self) -> None:
        await self._net.sleep(RECONNECTS)

    async def close(self) -> None:
        self.closed = True
        for connection in list(self._connections.values()):
            connection.breaks()


class Client:
    """kafka-python's KafkaNetClient."""

    def __init__(self, host: Host, link: Link, group: Coordinator) -> None:
        self._net = Net(host)
        self._manager = Manager(host, link, group, self._net)

    def is_disconnected(self, node_id: object) -> bool:
        return self._manager.delay(node_id) > 0

    def connection_delay(self, node_id: object) -> float:
        return self._manager.delay(node_id)

    def least_loaded_node(self) -> int | None:
        return None if self._manager.delay(0) else 0

    def maybe_connect(self, node_id: object) -> None:
        """It is made when somebody sends."""


def asked(group: Coordinator, request: Any, answer: Callable[[Any], None]) -> None:
    """The group's answer to a request, now or later."""
    match request:
        case JoinGroupRequest():
            group.join(
                request.member_id,
                request.session_timeout_ms / 1000,
                request.rebalance_timeout_ms / 1000,
                list(request.protocols),
                lambda found: answer(_joined(found)),
            )
        case SyncGroupRequest():
            told = {member: bytes(each) for member, each in request.assignments}
            generation, member = request.generation_id, request.member_id
            group.sync(member, generation, told, lambda found: answer(_synced(found)))
        case HeartbeatRequest():
            answer(SimpleNamespace(error_code=group.heartbeat(request.member_id, request.generation_id)))
        case LeaveGroupRequest():
            answer(SimpleNamespace(error_code=group.leave(request.member_id), members=[]))
        case FindCoordinatorRequest():
            answer(SimpleNamespace(error_code=0, coordinators=[SimpleNamespace(error_code=0)]))
        case DescribeGroupsRequest():
            members = [SimpleNamespace(member_id=name, member_metadata=data) for name, data in group.describe()]
            protocol_type = "connect" if members else ""
            answer(SimpleNamespace(groups=[SimpleNamespace(members=members, protocol_type=protocol_type)]))
        case _:
            raise AssertionError(f"nobody knows {request}")


def _joined(found: Joined) -> Any:
    return SimpleNamespace(
        error_code=found.error,
        protocol_type="connect",
        generation_id=found.generation,
        member_id=found.member,
        protocol_name=found.protocol,
        leader=found.leader,
        members=[SimpleNamespace(member_id=name, metadata=data) for name, data in found.members],
    )


def _synced(found: Synced) -> Any:
    return SimpleNamespace(error_code=found.error, protocol_type="connect", protocol_name=None, assignment=found.told)
