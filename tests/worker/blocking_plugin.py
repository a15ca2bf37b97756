"""A sink that stands still for ever in the callback that its config names, installed as anybody's plugin is."""

from pathlib import Path

from tests.plugin_folder import installed

HABITS = ("problems", "task_configs", "init", "start", "open", "put", "pre_commit", "close", "stop")
PLUGIN = """
import time
from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig

def stand_still():
    while True:
        time.sleep(60)

class BlockingConfig(SinkConfig):
    habit: Str = key()

    def problems(self):
        if self.habit == "problems":
            stand_still()
        return super().problems()

class BlockingSink(Sink[BlockingConfig]):
    config_class = BlockingConfig

    def __init__(self, config, context):
        super().__init__(config, context)
        self.here("init")

    def here(self, name):
        if self.config.habit == name:
            print(f"it blocks in {name}", flush=True)
            stand_still()

    @classmethod
    def task_configs(cls, config, raw):
        if config.habit == "task_configs":
            stand_still()
        return super().task_configs(config, raw)

    def start(self):
        self.here("start")

    def open(self, partitions):
        self.here("open")
        return super().open(partitions)

    def put(self, records):
        self.here("put")

    def pre_commit(self, offsets):
        self.here("pre_commit")
        return super().pre_commit(offsets)

    def close(self, partitions):
        self.here("close")

    def stop(self):
        self.here("stop")
"""


def with_blocking_sink(directory: Path) -> Path:
    """Installs it; returns the folder to put on PYTHONPATH."""
    return installed(directory, "blocking", PLUGIN, "BlockingSink")


def blocking(habit: str, topics: str = "anything") -> dict[str, str]:
    """A config of one."""
    name = f"blocks-in-{habit}"
    return {"name": name, "connector.class": "BlockingSink", "topics": topics, "habit": habit}
