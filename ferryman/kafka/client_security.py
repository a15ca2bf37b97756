"""How a Kafka client proves who it is and whom it trusts: Java's security settings as librdkafka's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ferryman.config import split_list, trim
from ferryman.java import jaas
from ferryman.kafka.client_keys import Value
from ferryman.telemetry import redaction
from ferryman.tls import stores
from ferryman.tls.stores import Store

_LOGINS: Mapping[str, str] = {
    "org.apache.kafka.common.security.plain.PlainLoginModule": "PLAIN",
    "org.apache.kafka.common.security.scram.ScramLoginModule": "SCRAM-",
}
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
KEYS = ("security.protocol", "sasl.", "ssl.", "security.providers")
_NO_EFFECT = re.compile(
    r"ssl\.(keymanager|trustmanager)\.algorithm|ssl\.secure\.random\.implementation"
    r"|security\.providers|sasl\.kerberos\..*|sasl\.login\..*"
)
_NATIVE = frozenset(
    {
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.certificate.pem",
        "ssl.key.location",
        "ssl.key.pem",
    }
)
NAMES = _NATIVE | {
    "sasl.jaas.config",
    "sasl.mechanism",
    "sasl.mechanisms",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "ssl.enabled.protocols",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.protocol",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
}
"""The settings that are known here by name."""
_PEM = {
    "ssl.keystore.key": "ssl.key.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.truststore.certificates": "ssl.ca.pem",
}
_PEM_FILES = (".pem", ".crt")
_STORES = ("JKS", "PKCS12", "PEM")


@dataclass(slots=True)
class Security:
    """What Java's security settings come to."""

    values: dict[str, Value] = field(default_factory=dict, repr=False)
    """librdkafka's settings."""
    problems: dict[str, str] = field(default_factory=dict)
    """What is not supported, by Java's key."""
    invalid: dict[str, str] = field(default_factory=dict)
    """What is wrong with a value, by Java's key."""
    warnings: dict[str, str] = field(default_factory=dict)
    """What is without effect, by Java's key."""


def is_security(key: str) -> bool:
    """Whether a Java client key is handled here."""
    return key.startswith(KEYS)


def speaks_tls(protocol: str) -> bool:
    """Whether a client with this security.protocol uses its keys for TLS at all; otherwise, as in Java, it is not
    checked whether the files that they name exist."""
    return trim(protocol).lower() in {"ssl", "sasl_ssl"}


def translate(given: Mapping[str, str]) -> Security:
    """Java's security settings as librdkafka's."""
    result = Security()
    handled = set[str]()
    for part in (_protocol, _mechanism, _login, _trust, _identity, _tls):
        handled |= part(given, result)
    for key in given.keys() - handled:
        if _NO_EFFECT.fullmatch(key):
            result.warnings[key] = "has no effect here"
        elif key in _NATIVE:
            result.values[key] = trim(given[key])
        else:
            result.problems[key] = "it has no equivalent in this client; leave it out"
    return result


def _protocol(given: Mapping[str, str], result: Security) -> set[str]:
    value = trim(given.get("security.protocol", "plaintext")).lower()
    if value not in _PROTOCOLS:
        known = ", ".join(one.upper() for one in _PROTOCOLS)
        result.problems["security.protocol"] = f"String must be one of (case insensitive): {known}"
    elif "security.protocol" in given:
        result.values["security.protocol"] = value
    return {"security.protocol"}


def _mechanism(given: Mapping[str, str], result: Security) -> set[str]:
    key = "sasl.mechanisms" if "sasl.mechanisms" in given else "sasl.mechanism"
    uses_sasl = trim(given.get("security.protocol", "")).lower().startswith("sasl")
    if key not in given and not uses_sasl:
        return {key}
    value = trim(given.get(key, "GSSAPI")).upper()
    if value in _MECHANISMS:
        result.values["sasl.mechanism"] = value
    elif uses_sasl:
        where = key if key in given else "security.protocol"
        known = ", ".join(_MECHANISMS)
        result.problems[where] = f"the SASL mechanism {value} is not supported; set sasl.mechanism to one of {known}"
    else:
        result.warnings[key] = "has no effect without a SASL security.protocol"
    return {key}


def _login(given: Mapping[str, str], result: Security) -> set[str]:
    for key in ("sasl.username", "sasl.password"):
        if key in given:
            result.values[key] = given[key]
            redaction.protect(given[key] if key == "sasl.password" else None)
    text = given.get("sasl.jaas.config")
    if text:
        try:
            result.values.update(_from_jaas(text, str(result.values.get("sasl.mechanism", ""))))
        except ValueError as error:
            result.problems["sasl.jaas.config"] = str(error)
    return {"sasl.username", "sasl.password", "sasl.jaas.config"}


def _from_jaas(text: str, mechanism: str) -> dict[str, Value]:
    try:
        found = jaas.module(text)
    except ValueError as error:
        raise ValueError(f"it is not one login module with its options, ended by a semicolon: {error}") from None
    login = _LOGINS.get(found.name)
    if login is None:
        raise ValueError(f"the login module {found.name} is not supported; only {' and '.join(_LOGINS)} are")
    if mechanism and not mechanism.startswith(login):
        raise ValueError(f"the login module {found.name} does not fit sasl.mechanism {mechanism}")
    if not {"username", "password"} <= found.options.keys():
        raise ValueError('its options must be username and password, each as name="value"')
    redaction.protect(found.options["password"])
    return {"sasl.username": found.options["username"], "sasl.password": found.options["password"]}


def _trust(given: Mapping[str, str], result: Security) -> set[str]:
    location, name = trim(given.get("ssl.truststore.location", "")), "ssl.truststore.location"
    kind = _kind(given, "ssl.truststore.type", result)
    if location and (kind == "PEM" or location.endswith(_PEM_FILES)):
        result.values["ssl.ca.location"] = location
    elif location and speaks_tls(given.get("security.protocol", "")):
        store = _store(given, "ssl.truststore", result)
        if store is not None and not store.authorities:
            result.invalid[name] = "the truststore holds no certificate"
        elif store is not None:
            result.values["ssl.ca.pem"] = store.authorities
    return {name, "ssl.truststore.type", "ssl.truststore.password"}


def _identity(given: Mapping[str, str], result: Security) -> set[str]:
    location, name = trim(given.get("ssl.keystore.location", "")), "ssl.keystore.location"
    kind = _kind(given, "ssl.keystore.type", result)
    if "ssl.key.password" in given:
        result.values["ssl.key.password"] = trim(given["ssl.key.password"])
    if location and (kind == "PEM" or location.endswith(_PEM_FILES)):
        result.values |= {"ssl.certificate.location": location, "ssl.key.location": location}
    elif location and speaks_tls(given.get("security.protocol", "")):
        store = _store(given, "ssl.keystore", result)
        if store is not None and store.identity is None:
            result.invalid[name] = "the keystore holds no private key with its certificate"
        elif store is not None and store.identity is not None:
            redaction.protect(store.identity.key)
            result.values |= {"ssl.certificate.pem": store.identity.chain, "ssl.key.pem": store.identity.key}
            result.values.pop("ssl.key.password", None)
    result.values |= {native: given[key] for key, native in _PEM.items() if key in given}
    for key in ("ssl.keystore.password", "ssl.key.password", "ssl.keystore.key", "ssl.truststore.password"):
        redaction.protect(given.get(key))
    return {name, "ssl.keystore.type", "ssl.keystore.password", "ssl.key.password"} | _PEM.keys()


def _kind(given: Mapping[str, str], key: str, result: Security) -> str:
    kind = trim(given.get(key, "JKS")).upper()
    if kind not in _STORES:
        result.problems[key] = f"a store of type {kind} cannot be read; known are {', '.join(_STORES)}"
    return kind


def _store(given: Mapping[str, str], prefix: str, result: Security) -> Store | None:
    location = trim(given[f"{prefix}.location"])
    try:
        return stores.load(location, _password(given, f"{prefix}.password"), _password(given, "ssl.key.password"))
    except (OSError, ValueError) as error:
        result.invalid[f"{prefix}.location"] = str(error.strerror if isinstance(error, OSError) else error)
    return None


def _password(given: Mapping[str, str], key: str) -> str | None:
    return trim(given[key]) if key in given else None


def _tls(given: Mapping[str, str], result: Security) -> set[str]:
    checks: Mapping[str, Callable[[str], bool]] = {
        "ssl.enabled.protocols": lambda value: "TLSv1.2" in split_list(value),
        "ssl.protocol": lambda value: trim(value) in {"TLS", "TLSv1.2", "TLSv1.3"},
    }
    for key, accepted in checks.items():
        if key in given and not accepted(given[key]):
            result.problems[key] = "this client speaks TLS 1.2 and 1.3 and cannot be limited further; leave it out"
    name = "ssl.endpoint.identification.algorithm"
    value = trim(given.get(name, "https")).lower()
    if value not in {"https", "", "none"}:
        result.problems[name] = "String must be one of: https, or empty"
    elif name in given:
        result.values[name] = value or "none"
    return {*checks, name}
