"""Ferryman's own keys about tasks: a worker has them for all its connectors, a connector for its own tasks.

They all begin with ``ferryman.``, and no answer of the REST API lists them where a config does not name them: clients
of Kafka Connect compare the keys of a connector with those that they know.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

from ferryman.config import Bool, Config, Int, Long, Shown, key
from ferryman.errors import KeyProblem
from ferryman.retry.restarts import Policy

PREFIX = "ferryman."
GROUP = "Failing tasks"


class TaskKeys(Config):
    """What happens to tasks that fail."""

    ferryman_auto_restart_enable: Bool = key(True, shown=Shown(GROUP, 1, "SHORT", "Restart failed tasks"))
    """Whether a task that has failed is started again by itself; false is Kafka Connect's behaviour. Errors that no
    restart gets over leave it FAILED in any case: a bad config, a bad record with errors.tolerance=none, another
    process that has taken its identity."""
    ferryman_auto_restart_max_restarts: Int = key(
        10, at_least=-1, importance="LOW", shown=Shown(GROUP, 2, "SHORT", "Most restarts in a row")
    )
    """After this many restarts in a row the task stays FAILED until somebody acts; -1 is without end. A task that has
    run for ferryman.auto.restart.delay.max.ms begins its count anew."""
    ferryman_auto_restart_delay_ms: Long = key(
        30_000, at_least=1, importance="LOW", shown=Shown(GROUP, 3, "SHORT", "First wait")
    )
    """Milliseconds before the first restart, give or take a quarter; doubled for each one that follows."""
    ferryman_auto_restart_delay_max_ms: Long = key(
        600_000, at_least=1, importance="LOW", shown=Shown(GROUP, 4, "SHORT", "Longest wait")
    )
    """The longest wait before a restart, in milliseconds."""

    ferryman_task_memory_max_bytes: Long = key(
        0, at_least=0, importance="LOW", shown=Shown(GROUP, 5, "MEDIUM", "Most memory of a task")
    )
    """The most memory that a task's process may take, in bytes; it is checked four times a second, and a process that
    takes more is ended and started again. An idle one takes about 50 MB. 0 is without limit."""

    def problems(self) -> Iterable[KeyProblem]:
        """A limit that nobody could keep."""
        if self.ferryman_task_memory_max_bytes and not Path("/proc/self/status").exists():
            yield KeyProblem("ferryman.task.memory.max.bytes", "A limit of memory can be kept on Linux only")

    @classmethod
    def of(cls, worker: Mapping[str, str], connector: Mapping[str, str]) -> Self:
        """What holds for a connector: its own keys over its worker's. ConfigError for values that cannot be."""
        both, known = {**worker, **connector}, cls.keys()
        return cls.parse({name: value for name, value in both.items() if name in known})

    @property
    def restarts(self) -> Policy:
        """When a task that has failed is started again."""
        most = self.ferryman_auto_restart_max_restarts if self.ferryman_auto_restart_enable else 0
        return Policy(
            None if most < 0 else most,
            self.ferryman_auto_restart_delay_ms / 1000,
            self.ferryman_auto_restart_delay_max_ms / 1000,
        )
