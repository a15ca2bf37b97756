"""How a Kafka client proves who it is and whom it trusts: Java's security settings as librdkafka's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ferryman.kafka.client_keys import Value
from ferryman.telemetry import redaction

_JAAS = re.compile(r"(?P<module>[\w.$]+)\s+(?:required|requisite|sufficient|optional)(?P<options>.*);", re.DOTALL)
_OPTION = re.compile(r"\s*(\w+)\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|([^\s;\"']++))\s*+")
_LOGINS: Mapping[str, str] = {
    "org.apache.kafka.common.security.plain.PlainLoginModule": "PLAIN",
    "org.apache.kafka.common.security.scram.ScramLoginModule": "SCRAM-",
}
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
KEYS = ("security.protocol", "sasl.", "ssl.", "security.providers")
_NO_EFFECT = re.compile(
    r"ssl\.(keymanager|trustmanager)\.algorithm|ssl\.secure\.random\.implementation|ssl\.truststore\.password"
    r"|security\.providers|sasl\.kerberos\..*|sasl\.login\..*|ssl\.client\.auth"
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
    "ssl.truststore.type",
}
"""The settings that are known here by name."""
_PEM = {
    "ssl.keystore.key": "ssl.key.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.truststore.certificates": "ssl.ca.pem",
}
_TO_PEM = (
    "convert it to PEM (keytool -exportcert -rfc, or openssl pkcs12 -nokeys) and say {0}.type=PEM, {0}.location=<file>"
)


@dataclass(slots=True)
class Security:
    """What Java's security settings come to."""

    values: dict[str, Value] = field(default_factory=dict, repr=False)
    """librdkafka's settings."""
    problems: dict[str, str] = field(default_factory=dict)
    """What is wrong, by Java's key."""
    warnings: dict[str, str] = field(default_factory=dict)
    """What is without effect, by Java's key."""


def is_security(key: str) -> bool:
    """Whether a Java client key is handled here."""
    return key.startswith(KEYS)


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
            result.values[key] = given[key].strip()
        else:
            result.problems[key] = "it has no equivalent in this client; leave it out"
    return result


def _protocol(given: Mapping[str, str], result: Security) -> set[str]:
    value = given.get("security.protocol", "plaintext").strip().lower()
    if value not in _PROTOCOLS:
        known = ", ".join(one.upper() for one in _PROTOCOLS)
        result.problems["security.protocol"] = f"String must be one of (case insensitive): {known}"
    elif "security.protocol" in given:
        result.values["security.protocol"] = value
    return {"security.protocol"}


def _mechanism(given: Mapping[str, str], result: Security) -> set[str]:
    key = "sasl.mechanisms" if "sasl.mechanisms" in given else "sasl.mechanism"
    uses_sasl = given.get("security.protocol", "").strip().lower().startswith("sasl")
    if key not in given and not uses_sasl:
        return {key}
    value = given.get(key, "GSSAPI").strip().upper()
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
    found = _JAAS.fullmatch(text.strip())
    if not found:
        raise ValueError("it is not one login module with its options, ended by a semicolon")
    login = _LOGINS.get(found["module"])
    if login is None:
        raise ValueError(f"the login module {found['module']} is not supported; only {' and '.join(_LOGINS)} are")
    if mechanism and not mechanism.startswith(login):
        raise ValueError(f"the login module {found['module']} does not fit sasl.mechanism {mechanism}")
    options = _options(found["options"].strip())
    if not {"username", "password"} <= options.keys():
        raise ValueError('its options must be username and password, each as name="value"')
    redaction.protect(options["password"])
    return {"sasl.username": options["username"], "sasl.password": options["password"]}


def _options(text: str) -> dict[str, str]:
    """The options of a login module; none if there is anything else among them."""
    options, at = dict[str, str](), 0
    while at < len(text):
        found = _OPTION.match(text, at)
        if found is None:
            return {}
        name, double, single, bare = found.groups()
        options[name] = re.sub(r"\\(.)", r"\1", double or single or "") or bare or ""
        at = found.end()
    return options


def _trust(given: Mapping[str, str], result: Security) -> set[str]:
    location = given.get("ssl.truststore.location", "").strip()
    kind = given.get("ssl.truststore.type", "PEM" if location.endswith((".pem", ".crt")) else "JKS").strip().upper()
    if location and kind == "PEM":
        result.values["ssl.ca.location"] = location
    elif location:
        advice = _TO_PEM.format("ssl.truststore")
        result.problems["ssl.truststore.location"] = f"a truststore of type {kind} cannot be read; {advice}"
    return {"ssl.truststore.location", "ssl.truststore.type"}


def _identity(given: Mapping[str, str], result: Security) -> set[str]:
    location = given.get("ssl.keystore.location", "").strip()
    guessed = "PKCS12" if location.endswith((".p12", ".pfx")) else "PEM" if location.endswith(".pem") else "JKS"
    kind = given.get("ssl.keystore.type", guessed).strip().upper()
    if location and kind == "PEM":
        result.values |= {"ssl.certificate.location": location, "ssl.key.location": location}
    elif location and (kind == "PKCS12" or guessed == "PKCS12"):
        result.values |= {
            "ssl.keystore.location": location,
            "ssl.keystore.password": given.get("ssl.keystore.password", ""),
        }
    elif location:
        result.problems["ssl.keystore.location"] = f"a keystore of type {kind} cannot be read; use PKCS12 or PEM"
    if "ssl.key.password" in given:
        result.values["ssl.key.password"] = given["ssl.key.password"]
    result.values |= {name: given[key] for key, name in _PEM.items() if key in given}
    for key in ("ssl.keystore.password", "ssl.key.password", "ssl.keystore.key"):
        redaction.protect(given.get(key))
    own = {"ssl.keystore.location", "ssl.keystore.type", "ssl.keystore.password", "ssl.key.password"}
    return own | _PEM.keys()


def _tls(given: Mapping[str, str], result: Security) -> set[str]:
    checks: Mapping[str, Callable[[str], bool]] = {
        "ssl.enabled.protocols": lambda value: "TLSv1.2" in [part.strip() for part in value.split(",")],
        "ssl.protocol": lambda value: value.strip() in {"TLS", "TLSv1.2", "TLSv1.3"},
    }
    for key, accepted in checks.items():
        if key in given and not accepted(given[key]):
            result.problems[key] = "this client speaks TLS 1.2 and 1.3 and cannot be limited further; leave it out"
    name = "ssl.endpoint.identification.algorithm"
    value = given.get(name, "https").strip().lower()
    if value not in {"https", "", "none"}:
        result.problems[name] = "String must be one of: https, or empty"
    elif name in given:
        result.values[name] = value or "none"
    return {*checks, name}
