"""References like ``${file:/etc/secrets.properties:password}`` in configs, and the providers that resolve them.

Only the worker's own file can declare a provider (KIP-297, KIP-421), so a connector config reaches no file and no
variable that the operator did not open. Resolved values are protected from being written anywhere.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ferryman.config import split_list, trim
from ferryman.errors import ConfigError, KeyProblem
from ferryman.java import properties, spelling
from ferryman.regex.pattern import TooSlow, compiled
from ferryman.settings.references import Reference, replaced
from ferryman.telemetry.references import Found, References, in_plain_words


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no value."""

    why: str
    """A clause that says what is missing."""


Lookup = Callable[[str, str], str | Absent]
"""Path (may be empty) and key to a value. Raises ConfigError with what is wrong."""
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""What Python makes of other bytes of an environment."""
_NO_PATH = Absent("it contains no path")


def _denied(message: str) -> ConfigError:
    return ConfigError.for_key("", message)


def _allowed(path: str, roots: tuple[Path, ...] | None) -> Path:
    real = Path(os.path.realpath(path))
    if roots is not None and not any(real == root or root in real.parents for root in roots):
        raise _denied(f"The path {path} is not allowed to be accessed; the worker's allowed.paths does not contain it")
    return real


def _roots(params: Mapping[str, str]) -> tuple[Path, ...] | None:
    """The folders and files of ``allowed.paths``; ConfigError for one that is misspelled, which would allow nothing."""
    parts = [part for part in split_list(trim(params.get("allowed.paths", ""))) if part]
    for part in parts:
        if not os.path.isabs(part):
            raise ConfigError.for_key("allowed.paths", f"allowed.paths: Path {part} is not absolute")
        if not os.path.exists(part):
            raise ConfigError.for_key("allowed.paths", f"allowed.paths: Path {part} does not exist")
    return tuple(Path(os.path.realpath(part)) for part in parts) if parts else None


def file_provider(params: Mapping[str, str]) -> Lookup:
    """FileConfigProvider: the path is a properties file, the key one of its keys."""
    roots = _roots(params)

    def lookup(path: str, key: str) -> str | Absent:
        if not path:
            return _NO_PATH
        try:
            found = properties.load(_allowed(path, roots).read_bytes())
            return found.get(key, Absent(f"the file has no key {key}"))
        except OSError as error:
            raise _denied(f"Could not read properties from file {path}: {error.strerror}") from None

    return lookup


def directory_provider(params: Mapping[str, str]) -> Lookup:
    """DirectoryConfigProvider: the path is a directory, the key a file in it, the value that file's whole content."""
    roots = _roots(params)

    def lookup(path: str, key: str) -> str | Absent:
        if not path:
            return _NO_PATH
        if not key or key in {".", ".."} or "/" in key or os.sep in key:
            return Absent("its key is not the name of a file")
        folder = _allowed(path, roots)
        try:
            return _allowed(str(folder / key), roots).read_bytes().decode()
        except FileNotFoundError:
            return Absent("there is no such file")
        except OSError as error:
            raise _denied(f"Could not read file {key} of directory {path}: {error}") from None
        except UnicodeDecodeError:
            raise _denied(f"Could not read file {key} of directory {path}: it is not UTF-8") from None

    return lookup


def variable_provider(params: Mapping[str, str]) -> Lookup:
    """EnvVarConfigProvider: the key is an environment variable that ``allowlist.pattern`` matches. It is looked up in
    the environment as it is now, since a worker takes variables out of its own (ferryman.settings.ambient)."""
    environment = dict(os.environ)
    text = params.get("allowlist.pattern", ".*")
    try:
        pattern = compiled(text, "allowlist.pattern")
    except ConfigError as error:
        raise ConfigError.for_key(
            "allowlist.pattern", f"allowlist.pattern {text} is not a regular expression: {error}"
        ) from None

    def lookup(path: str, key: str) -> str | Absent:
        if path:
            raise _denied(f"Path is not supported for EnvVarConfigProvider, invalid value '{path}'")
        try:
            if not pattern.matches(key):
                return Absent("the provider's allowlist.pattern does not let that variable be read")
            found = environment.get(key)
            if found is None:
                return Absent("there is no such variable")
            if not found.isascii() and _NOT_UTF8.search(found):
                raise _denied(f"The environment variable {key} is not UTF-8")
            return found
        except TooSlow as error:
            raise _denied(str(error)) from None

    return lookup


@dataclass(frozen=True, slots=True)
class ProviderClass:
    """What a worker's config can name as a provider."""

    make: Callable[[Mapping[str, str]], Lookup]
    """Makes one from its parameters."""
    limit: str
    """The parameter without which connector configs may read everything."""


_KAFKA = "org.apache.kafka.common.config.provider."
_FILE = ProviderClass(file_provider, "allowed.paths")
_DIRECTORY = ProviderClass(directory_provider, "allowed.paths")
_VARIABLE = ProviderClass(variable_provider, "allowlist.pattern")
CLASSES: Mapping[str, ProviderClass] = {
    f"{prefix}{alias}{suffix}": found
    for alias, found in {"File": _FILE, "Directory": _DIRECTORY, "EnvVar": _VARIABLE}.items()
    for prefix, suffix in ((_KAFKA, "ConfigProvider"), ("", "ConfigProvider"), ("", ""))
} | {"io.strimzi.kafka.EnvVarConfigProvider": _VARIABLE}


@dataclass(frozen=True, slots=True)
class Resolution:
    """A config with its references resolved."""

    values: Mapping[str, str] = field(repr=False)
    """All keys; references that nothing is found for stay as text."""
    problems: tuple[KeyProblem, ...] = ()
    """Keys whose references cannot be resolved."""
    warnings: tuple[str, ...] = ()
    """Text that looks like a reference but is not, since no such provider is declared."""
    missing: tuple[KeyProblem, ...] = ()
    """Keys with a reference in which a provider that is declared finds nothing: no connector starts with that."""
    references: References = field(default_factory=References)
    """What the references in ``values`` resolved to."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """The warnings for somebody who makes a connector of it."""
        return (*self.warnings, *(f"{each.message}; the connector does not start" for each in self.missing))

    @property
    def kept(self) -> tuple[str, ...]:
        """The warnings for a worker, which starts with what is missing, as Kafka Connect's does."""
        return (*self.warnings, *(f"{each.message}; the text is left unresolved" for each in self.missing))


@dataclass(frozen=True, slots=True)
class Providers:
    """The providers that a worker declares."""

    lookups: Mapping[str, Lookup] = field(default_factory=dict, repr=False)
    """By the name under which references call them."""

    def resolve(self, raw: Mapping[str, str]) -> Resolution:
        """Resolves a config's references; what they resolve to is written nowhere from then on."""
        if not any("${" in value for value in raw.values()):
            return Resolution(dict(raw))
        values, problems, warnings = dict[str, str](), list[KeyProblem](), list[str]()
        missing, resolved = list[KeyProblem](), list[Found]()
        for key, value in raw.items():
            try:
                values[key] = _substituted(key, value, self.lookups, warnings, missing, resolved)
            except ConfigError as error:
                values[key] = value
                problems.append(KeyProblem(key, f"{key} cannot be resolved: {error}"))
        known = References(in_plain_words(resolved, raw, lambda value: replaced(value, lambda found: "")))
        known.protect()
        return Resolution(values, tuple(problems), tuple(warnings), tuple(missing), known)


def _substituted(
    key: str,
    text: str,
    lookups: Mapping[str, Lookup],
    warnings: list[str],
    missing: list[KeyProblem],
    resolved: list[Found],
) -> str:
    def value(found: Reference) -> str:
        lookup = lookups.get(found.provider)
        if lookup is None:
            why = f"the config provider {found.provider!r} is not declared in the worker's config.providers"
            warnings.append(f"{key} keeps {found.text} as text: {why}")
            return found.text
        result = lookup(found.path, found.key)
        if isinstance(result, Absent):
            nothing = f"the config provider {found.provider!r} finds nothing for {found.text}: {result.why}"
            missing.append(KeyProblem(key, f"{key} cannot be resolved: {nothing}"))
            return found.text
        resolved.append(Found(key, found.text, result))
        return result

    return replaced(text, value)


def declared(worker: Mapping[str, str]) -> tuple[Providers, list[KeyProblem], list[str]]:
    """The providers of a worker config's ``config.providers.*`` keys, what is wrong with them, and warnings by name."""
    lookups, problems, warnings = dict[str, Lookup](), list[KeyProblem](), list[str]()
    for name in filter(None, split_list(worker.get("config.providers", ""))):
        prefix = f"config.providers.{name}."
        given = trim(worker.get(f"{prefix}class", ""))
        found = CLASSES.get(given)
        if found is None:
            problems.append(_unknown(f"{prefix}class", given))
            continue
        params = {
            key.removeprefix(f"{prefix}param."): worker[key] for key in worker if key.startswith(f"{prefix}param.")
        }
        try:
            lookups[name] = found.make(params)
        except ConfigError as error:
            problems.append(KeyProblem(f"{prefix}param.{error.problems[0].key}", f"{prefix}param.{error}"))
        warnings += [
            f"{prefix}param.{param} is not a parameter of {given}{spelling.meant(param, [found.limit])}"
            for param in params
            if param != found.limit
        ]
        if found.limit not in params:
            warnings.append(
                f"{prefix}param.{found.limit} is not set: connector configs may read everything that the worker can"
            )
    return Providers(lookups), problems, warnings


def _unknown(key: str, given: str) -> KeyProblem:
    if not given:
        return KeyProblem(key, f'Missing required configuration "{key}" which has no default value.')
    known = ", ".join(sorted(name for name in CLASSES if name.startswith(_KAFKA)))
    return KeyProblem(
        key, f"Invalid value {given} for configuration {key}: Class {given} could not be found. Known ones are {known}"
    )
