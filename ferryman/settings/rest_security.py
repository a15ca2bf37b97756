"""What protects the REST API, from a worker's settings: TLS for each kind of listener, and who may come in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ferryman.errors import KeyProblem
from ferryman.java import spelling
from ferryman.kafka import client_security
from ferryman.settings import rest_access
from ferryman.settings.rest_access import LOGIN_CONFIG, Access
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.telemetry import redaction
from ferryman.tls import contexts, keys
from ferryman.tls.keys import TlsConfig

MAIN, ADMIN = "listeners.https.", "admin.listeners.https."
"""The prefixes of TLS settings. If any key has the prefix, only such keys count; else the plain ``ssl.*`` do."""


_NONE = TlsConfig.parse({})


@dataclass(frozen=True, slots=True)
class RestSecurity:
    """What protects the REST API of one worker."""

    tls: TlsConfig = _NONE
    """TLS of the listeners, and of requests to other workers."""
    tls_prefix: str = ""
    """What its keys begin with in the worker's file."""
    admin_tls: TlsConfig = _NONE
    """TLS of the admin listeners."""
    access: Access | None = None
    """Who may come in by ``rest.auth``; None for everybody."""
    login_files: tuple[str, ...] | None = None
    """The property files of Kafka's basic authentication extension; None without it."""


def read(config: WorkerConfig, values: Mapping[str, str]) -> tuple[RestSecurity, list[KeyProblem]]:
    """What protects the REST API, and what is wrong with it; ``values`` are all keys as text."""
    problems = list[KeyProblem]()
    tls = _tls(MAIN, values, any(each.secure for each in config.addresses), problems)
    admin_tls = _tls(ADMIN, values, any(each.secure for each in config.admin_addresses), problems)
    prefix = MAIN if _own(MAIN, values) else ""
    return RestSecurity(tls, prefix, admin_tls, _access(config, problems), _login_files(config, problems)), problems


def warnings(config: WorkerConfig, values: Mapping[str, str]) -> Iterator[str]:
    """Settings of TLS without effect, by name."""
    known = TlsConfig.keys() | client_security.NAMES | keys.NO_EFFECT.keys()
    for name in values:
        if name.startswith("ssl.") and name not in known:
            yield f"{name} is not a setting of TLS and has no effect{spelling.meant(name, sorted(known))}"
    for prefix, addresses in ((MAIN, config.addresses), (ADMIN, config.admin_addresses)):
        if prefix == ADMIN and not any(each.secure for each in addresses) and _own(ADMIN, values):
            yield f"{prefix}* has no effect: no listener in admin.listeners is https"
        given = [name.removeprefix(prefix) for name in values if name.startswith(prefix)]
        for name in given:
            if reason := keys.NO_EFFECT.get(name):
                yield f"{prefix}{name} has no effect: {reason}"
        for name in TlsConfig.strangers(each for each in given if each not in keys.NO_EFFECT):
            hint = spelling.meant(prefix + name, [prefix + each for each in sorted(TlsConfig.keys())])
            yield f"{prefix}{name} is not a setting of a listener and has no effect{hint}"


def _own(prefix: str, values: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}


def _tls(prefix: str, values: Mapping[str, str], used: bool, problems: list[KeyProblem]) -> TlsConfig:
    own = _own(prefix, values)
    name = prefix if own else ""
    config, found = TlsConfig.read(own or {key: value for key, value in values.items() if key.startswith("ssl.")})
    if not used and not own:
        # The plain keys are for Kafka's clients then, which have the say about what is wrong with them; but where other
        # workers of the group have https addresses, requests go there by them, as in Kafka Connect.
        return _NONE if config is None or found else config
    problems += [problem.under(name) for problem in found]
    if config is None or found:
        return _NONE
    try:
        contexts.server(config) if used else contexts.client(config)
    except (OSError, ValueError) as error:
        key = f"{name}ssl.keystore.location"
        problems.append(KeyProblem(key, f"{key}: {error}"))
    return config


def _access(config: WorkerConfig, problems: list[KeyProblem]) -> Access | None:
    if config.rest_auth is None:
        return None
    found = Access.parse(config.rest_auth.get_secret_value())
    if config.rest_extension_classes:
        text = "rest.auth and rest.extension.classes both say who may log in; set only one of them"
        problems.append(KeyProblem("rest.auth", text))
    for secret in found.secrets:
        redaction.protect(secret)
    for file in found.files:
        try:
            rest_access.credentials(file)
        except ValueError as error:
            problems.append(KeyProblem("rest.auth", f"rest.auth: {error}"))
    return found


def _login_files(config: WorkerConfig, problems: list[KeyProblem]) -> tuple[str, ...] | None:
    path = config.java_security_auth_login_config
    if not config.rest_extension_classes:
        return None
    if path is None:
        text = (
            f"rest.extension.classes needs a login configuration with the entry {rest_access.ENTRY}: name its file by "
            f"{LOGIN_CONFIG}, here or as -D{LOGIN_CONFIG}=FILE in the environment variable KAFKA_OPTS"
        )
        problems.append(KeyProblem("rest.extension.classes", text))
        return ()
    try:
        return rest_access.login_files(path)
    except ValueError as error:
        problems.append(KeyProblem(LOGIN_CONFIG, f"{LOGIN_CONFIG}: {error}"))
    return ()
