"""A source with a connector object that watches a folder and has a task for each file, installed as anybody's is.

What its config calls a habit it does in the callback that it names, such as "hangs in start".
"""

from pathlib import Path

from tests.plugin_folder import installed

PLUGIN = """
import os, threading, time
from pathlib import Path
from ferryman.api import Connector, Source
from ferryman.config import Password, Str, key
from ferryman.connector import SourceConfig
from ferryman.record import Record

class WatchingConfig(SourceConfig):
    folder: Str = key()
    topic: Str = key("t")
    access_code: Password | None = key(None)
    habit: Str = key("")

    def problems(self):
        return super().problems()

def comes_to(config, place):
    print(f"{config.name} is in {place}, {os.getpid()}", flush=True)
    habit, _, where = config.habit.partition(" in ")
    if where != place or (Path(config.folder) / "mended").exists():
        return
    while habit == "hangs":
        time.sleep(60)
    while habit == "spins":
        pass
    if habit == "dies":
        os._exit(3)
    if habit == "raises":
        code = config.access_code and config.access_code.get_secret_value()
        raise RuntimeError(f"it cannot go on in {place} with {code}")

def files(config):
    return sorted(each.name for each in Path(config.folder).glob("*.txt"))

class Watcher(Connector[WatchingConfig]):
    def __init__(self, config, context):
        super().__init__(config, context)
        comes_to(config, "init")

    def start(self):
        print(f"{self.config.name} says {self.context}", flush=True)
        comes_to(self.config, "start")
        self.seen = files(self.config)
        self.watch = threading.Thread(target=self.look)
        self.watch.start()

    def look(self):
        while not self.context.stopping(0.05):
            if (Path(self.config.folder) / "offsets").exists():
                found = self.context.offsets([{"file": "a.txt"}, {"file": "nobody"}])
                (Path(self.config.folder) / "found").write_text(repr(found))
                (Path(self.config.folder) / "offsets").unlink()
            if (Path(self.config.folder) / "broken").exists():
                self.context.raise_error(RuntimeError("the folder is broken"))
            if (now := files(self.config)) != self.seen:
                self.seen = now
                self.context.request_task_reconfiguration()

    def task_configs(self):
        comes_to(self.config, "task_configs")
        return [{**self.context.raw, "only": name} for name in files(self.config)]

    def stop(self):
        comes_to(self.config, "stop")
        self.watch.join()

class WatchingSource(Source[WatchingConfig]):
    config_class = WatchingConfig
    connector = Watcher

    def start(self):
        self.place = {"file": self.context.raw["only"]}
        self.next = 0

    def poll(self):
        if self.context.stopping(0.2):
            return []
        self.next += 1
        at = {"at": self.next}
        return [Record(topic=self.config.topic, value="x", source_partition=self.place, source_offset=at)]

class AskedSource(WatchingSource):
    connector = None

    @classmethod
    def task_configs(cls, config, raw):
        comes_to(config, "task_configs")
        return [raw]
"""


def with_watching_source(directory: Path) -> Path:
    """Installs it; returns the folder to put on PYTHONPATH."""
    return installed(directory, "watching", PLUGIN, "WatchingSource", "AskedSource")


def watching(name: str, folder: Path, habit: str = "", **more: str) -> dict[str, str]:
    """A config of one, for a folder that has one file at least."""
    folder.mkdir(exist_ok=True)
    (folder / "a.txt").touch()
    config = {"name": name, "connector.class": "WatchingSource", "tasks.max": "9", "folder": str(folder)}
    return config | {"topic": name, "habit": habit} | {key.replace("_", "."): value for key, value in more.items()}
