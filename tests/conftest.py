"""One embedded stack for the whole run: started by the process that collects, shared by all workers of pytest-xdist."""

import gc
import os
import time
import uuid
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import sqlalchemy as sa
from confluent_kafka.admin import AdminClient
from hypothesis import HealthCheck

from ferryman.stack import Stack
from ferryman.telemetry import free_text, redaction, subject
from tests import order
from tests.differential import search
from tests.places import ROOT
from tests.running import Worker, borrowed, fresh, settings, worker
from tests.shared_stack import SharedStack, started

pytest_plugins = [
    "tests.reliability.chaos.summary",
    "tests.reliability.scoreboard.plugin",
    "tests.worker.simulation.summary",
]
ANY_MACHINE = hypothesis.settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
hypothesis.settings.register_profile("ordinary", ANY_MACHINE, derandomize=True)
hypothesis.settings.register_profile("given a seed", ANY_MACHINE)
hypothesis.settings.register_profile("long", ANY_MACHINE, max_examples=2000)
# Most servers' clocks are UTC's, and those of most who build this are not. Nothing may depend on it: all tests, and the
# processes that they start, live where dates change at other hours, and summers have a time of their own.
os.environ["TZ"] = "America/St_Johns"
time.tzset()
_stack: SharedStack | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="Run each repeated test in its higher count.")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: nobody looks through it for garbage, again and again."""
    gc.disable()
    done = yield
    gc.freeze()
    gc.enable()
    return done


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile(_profile(config))
    if hasattr(config, "workerinput") and config.args == ["tests"]:
        config.args = order.parts(ROOT / "tests", *_place(config))


def _profile(config: pytest.Config) -> str:
    """How Hypothesis searches: the same examples in each ordinary run, twenty times as many new ones with --long."""
    if config.getoption("--long"):
        return "long"
    return "ordinary" if config.getoption("--hypothesis-seed") is None else "given a seed"


def _place(config: pytest.Config) -> tuple[int, int]:
    """Which one of how many processes that run tests this is."""
    given: dict[str, Any] = getattr(config, "workerinput", {"workerid": "gw0", "workercount": 1})
    return int(given["workerid"].removeprefix("gw")), given["workercount"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items[:] = order.ordered(items, _place(config)[1])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hands the addresses to a worker of pytest-xdist, if there is one."""
    shared = _shared()
    node.workerinput["stack"] = shared.addresses, str(shared.outcome)


def _shared() -> SharedStack:
    global _stack
    if _stack is None:
        _stack = SharedStack()
    return _stack


_compared: list[tuple[int, dict[str, int]]] = []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Notes how many cases were compared with Java; a worker of pytest-xdist tells the process that collects."""
    found = (search.seed_of(bool(session.config.getoption("--long"))), search.compared)
    if not search.compared:
        return
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["compared"] = found
    else:
        _compared.append(found)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if "compared" in getattr(node, "workeroutput", {}):
        _compared.append(node.workeroutput["compared"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for seed, counts in _compared:
        terminalreporter.write_line(f"{sum(counts.values()):,} cases compared with Java, seed {seed}: {counts}")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _stack is not None:
        _stack.stop()


@pytest.fixture(autouse=True)
def _nothing_of_other_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """What earlier tests of this process protected is not hidden from this one, and no worker of theirs writes its
    lines."""
    monkeypatch.setattr(redaction, "_values", free_text.Values())
    monkeypatch.setattr(redaction, "_refused", {})
    subject.is_worker("")


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> dict[str, str]:
    """The addresses of the shared stack, by component. Tests isolate themselves by topic, schema and connector name."""
    given = getattr(request.config, "workerinput", None)
    addresses, outcome = given["stack"] if given else (_shared().addresses, _shared().outcome)
    started(Path(outcome))
    return dict(addresses)


@pytest.fixture(scope="session")
def kafka(stack: dict[str, str]) -> str:
    """bootstrap.servers of the shared broker."""
    return stack["kafka"]


@pytest.fixture(scope="session")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """One worker for all tests that need none of their own. Files with plugins have another one, by this name."""
    name = fresh("lasting")
    with worker(tmp_path_factory.mktemp(name), settings(kafka, name)) as one:
        yield one


@pytest.fixture
def running(lasting: Worker, unique: str) -> Iterator[Worker]:
    """The worker that lasts, as this test sees it."""
    with borrowed(lasting, unique) as one:
        yield one


@pytest.fixture(scope="session")
def registry(stack: dict[str, str]) -> str:
    """schema.registry.url of the shared registry."""
    return stack["registry"]


@pytest.fixture(scope="session")
def s3_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an S3 server that no test stops: the shared one, or, where nobody else needs a stack, one alone."""
    given = getattr(request.config, "workerinput", None)
    if given or _stack:
        yield request.getfixturevalue("stack")["s3"]
    else:
        with Stack(("s3",)) as alone:
            yield alone.addresses["s3"]


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
def postgres(stack: dict[str, str], unique: str) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of this test's own."""
    owner = sa.create_engine(stack["postgres"], isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with owner.connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{unique}"'))
    yield sa.make_url(stack["postgres"]).set(database=unique).render_as_string(hide_password=False)
    with owner.connect() as connection:
        connection.execute(sa.text(f'DROP DATABASE IF EXISTS "{unique}" WITH (FORCE)'))


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[str]:
    """The SQLAlchemy URL of a MariaDB of this process's own. It is no part of the shared stack: few tests need it."""
    with Stack(("mariadb",)) as stack:
        yield stack.addresses["mariadb"]


@pytest.fixture
def mariadb(mariadb_server: str, unique: str) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database of this test's own."""
    owner = sa.create_engine(mariadb_server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    name = f"ferryman_{unique}"
    with owner.connect() as connection:
        # Not utf8mb4: the sink may not depend on what a database was made with.
        connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET latin1")
    url = sa.make_url(mariadb_server).set(database=name, query={"ssl_disabled": "true"})
    yield url.render_as_string(hide_password=False)
    with owner.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def admin(kafka: str) -> AdminClient:
    """An admin client of the shared broker."""
    return AdminClient({"bootstrap.servers": kafka})


@pytest.fixture
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the higher counts were asked for."""
    return bool(request.config.getoption("--long"))
