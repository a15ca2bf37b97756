"""From the files on the command line to what is to be checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ferryman.doctor import registry
from ferryman.doctor.job import Job, What
from ferryman.errors import ConfigError, KeyProblem, RequestError
from ferryman.files import documents
from ferryman.findings import Finding, left_out, mend, warning
from ferryman.java import properties
from ferryman.settings import config_providers, settings
from ferryman.settings.config_providers import Resolution
from ferryman.settings.modes import DISTRIBUTED, STANDALONE, Mode
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.telemetry.references import References
from ferryman.validation import connector_config
from ferryman.worker import connector_file

_JSON = "org.apache.kafka.connect.json.JsonConverter"
_CLASS = "connector.class"
NO_WORKER = "without a worker's file the brokers are not known: name the file with --worker"


@dataclass
class Reading:
    """What the files say."""

    read_only: bool
    seconds: float
    found: list[Finding] = field(default_factory=list)
    """What is known from the files alone."""
    jobs: list[Job] = field(default_factory=list)

    def read(self, files: Sequence[Path], worker: Path | None) -> None:
        """All files. Raises ConfigError for those that no worker would take, with every problem."""
        workers, connectors = [worker] if worker is not None else [], list[tuple[Path, Mapping[str, str]]]()
        for path in files:
            config = _connector(path)
            if config is None:
                workers.append(path)
            else:
                connectors.append((path, config))
        if len(workers) > 1:
            raise ConfigError.for_key("", f"{workers[1]}: there can be only one worker's file; {workers[0]} is another")
        given = self._worker(workers[0] if workers else None)
        if given is None:
            self.found += [left_out(str(path), "correct the worker's references first") for path, _ in connectors]
            return
        problems: list[KeyProblem] = []
        for path, config in connectors:
            problems += self._with(path, config, given)
        if problems:
            raise ConfigError(*problems)

    def _worker(self, path: Path | None) -> "_Worker | None":
        raw = settings.source_values(path)
        mode = DISTRIBUTED if _is_distributed(raw) else STANDALONE
        if path is None:
            raw = {"key.converter": _JSON, "value.converter": _JSON, **raw}
        providers = config_providers.declared(raw)[0]
        resolution = providers.resolve(raw)
        if self._unresolved("worker", resolution):
            return None
        try:
            found = settings.parse(raw, mode)
        except ConfigError as error:
            if path is None:
                raise
            raise ConfigError(*(KeyProblem(each.key, f"{path}: {each.named}") for each in error.problems)) from None
        worker = _Worker(found, mode, knows_kafka=path is not None or "bootstrap.servers" in raw)
        if path is not None:
            self.found += [warning("worker", each) for each in found.warnings]
        if worker.knows_kafka:
            self._job("worker", "worker", worker, {}, found.references)
            if registry.converts(found.values, {}):
                self._job("registry", "worker", worker, {}, found.references)
        return worker

    def _unresolved(self, subject: str, resolution: Resolution) -> bool:
        problems = [*resolution.problems, *resolution.missing]
        for each in problems:
            what = "put the value where the reference points, or correct the reference or config.providers"
            self.found.append(mend(f"{subject}: {each.key}", each.message, what))
        return bool(problems)

    def _with(self, path: Path, raw: Mapping[str, str], worker: "_Worker") -> Iterator[KeyProblem]:
        """Adds the jobs of a connector; yields what is wrong with its config."""
        name = raw["name"]
        resolution = worker.settings.providers.resolve(raw)
        redaction.protect_config(raw)
        if self._unresolved(name, resolution):
            return
        try:
            checked = connector_config.check(raw, worker.settings)
        except ConfigError as error:
            yield from (KeyProblem(each.key, f"{path}: {each.named}") for each in error.problems)
            return
        except RequestError as error:
            yield KeyProblem(_CLASS, f"{path}: {error}")
            return
        self.found += [warning(name, each) for each in checked.warnings]
        references = worker.settings.references + resolution.references
        if worker.knows_kafka:
            self._job("kafka", name, worker, resolution.values, references)
        else:
            self.found.append(left_out(f"{name}: kafka", NO_WORKER))
        if any(resolution.values.get(f"{side}.converter") for side in registry.SIDES) and registry.converts(
            worker.settings.values, resolution.values
        ):
            self._job("registry", name, worker, resolution.values, references)
        self._job("system", name, worker, resolution.values, references)

    def _job(self, what: What, subject: str, worker: "_Worker", raw: Mapping[str, str], references: References) -> None:
        distributed = worker.mode is DISTRIBUTED
        rows = references.rows()
        values = worker.settings.values
        self.jobs.append(Job(what, subject, values, distributed, raw, rows, self.read_only, self.seconds))


@dataclass(frozen=True, slots=True)
class _Worker:
    settings: Settings
    mode: Mode
    knows_kafka: bool


def _connector(path: Path) -> Mapping[str, str] | None:
    """The connector in a file; None for a worker's file, which has properties and no name."""
    if path.suffix.lower() not in (".json", ".yaml", ".yml"):
        try:
            payload = path.read_bytes()
        except OSError as error:
            raise ConfigError.for_key("", f"{path}: {error.strerror}") from None
        if not documents.is_object(payload) and not {"name", _CLASS} & _properties(path, payload).keys():
            return None
    return connector_file.read(path).config


def _properties(path: Path, payload: bytes) -> Mapping[str, str]:
    try:
        return properties.load(payload)
    except ConfigError as error:
        raise ConfigError.for_key("", f"{path}, {error}") from None


def _is_distributed(raw: Mapping[str, str]) -> bool:
    return "group.id" in raw and "config.storage.topic" in raw
