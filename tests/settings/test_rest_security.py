"""TLS and access of the REST API, as a worker's settings say them."""

from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.settings import settings
from ferryman.telemetry import redaction

CONFIGS = Path(__file__).parents[2] / "configs"
STORES = Path(__file__).parents[1] / "tls" / "stores"
WORKER = {"key.converter": "StringConverter", "value.converter": "StringConverter"}
KEYSTORE = {
    "ssl.keystore.location": str(STORES / "server.jks"),
    "ssl.keystore.password": "changeit",
    "ssl.key.password": "keysecret",
}
HTTPS = {"listeners": "https://127.0.0.1:8443"}
EXTENSION = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"


def under(prefix: str, keys: dict[str, str]) -> dict[str, str]:
    return {prefix + key: value for key, value in keys.items()}


def problems(given: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        settings.parse(WORKER | given)
    return {problem.key: problem.message for problem in caught.value.problems}


def test_plain_keys_count_unless_any_has_the_prefix() -> None:
    found = settings.parse(WORKER | HTTPS | KEYSTORE).rest.tls
    assert found.ssl_keystore_location == KEYSTORE["ssl.keystore.location"]
    both = HTTPS | {"ssl.keystore.location": "/plain", "ssl.client.auth": "required"}
    found = settings.parse(WORKER | both | under("listeners.https.", KEYSTORE)).rest.tls
    assert found.ssl_keystore_location == KEYSTORE["ssl.keystore.location"]
    assert found.ssl_client_auth == "none"


def test_admin_listeners_have_keys_of_their_own() -> None:
    given = {"admin.listeners": "https://127.0.0.1:9443"} | under("admin.listeners.https.", KEYSTORE)
    found = settings.parse(WORKER | given)
    assert found.rest.admin_tls.ssl_keystore_location == KEYSTORE["ssl.keystore.location"]
    assert found.rest.tls.ssl_keystore_location is None
    assert found.warnings == ()


@pytest.mark.parametrize("prefix", ["", "listeners.https."])
def test_an_https_listener_without_a_certificate_is_refused_by_key(prefix: str) -> None:
    found = problems(HTTPS | under(prefix, {"ssl.keystore.location": str(STORES / "trust.jks")}))
    (key,) = found
    assert key == f"{prefix}ssl.keystore.location"
    assert key in found[key]
    assert "needs a keystore with a private key" in found[key]


def test_a_wrong_password_is_said_by_the_whole_key() -> None:
    found = problems(HTTPS | under("listeners.https.", KEYSTORE | {"ssl.keystore.password": "hunter22"}))
    (text,) = found.values()
    assert "configuration listeners.https.ssl.keystore.location:" in text
    assert "hunter22" not in text


def test_keys_of_tls_that_nobody_reads_are_warned_about() -> None:
    given = under("listeners.https.", KEYSTORE | {"ssl.provider": "SunJSSE", "ssl.keystroe.type": "JKS"}) | {
        "admin.listeners.https.ssl.protocol": "TLSv1.3",
        "ssl.truststroe.location": "/x",
    }
    found = settings.parse(WORKER | HTTPS | given).warnings
    for text in (
        "listeners.https.ssl.provider has no effect: there is no JVM",
        "listeners.https.ssl.keystroe.type is not a setting of a listener and has no effect; perhaps",
        "admin.listeners.https.* has no effect: no listener in admin.listeners is https",
        "ssl.truststroe.location is not a setting of TLS and has no effect; perhaps",
    ):
        assert any(each.startswith(text.removesuffix("; perhaps")) for each in found), (text, found)


def test_the_kafka_clients_may_speak_plainly_while_a_listener_has_keys() -> None:
    given = WORKER | HTTPS | KEYSTORE | {"ssl.cipher.suites": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}
    assert settings.parse(given).warnings == ()


def test_the_example_of_a_secured_worker_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "server.p12").write_bytes((STORES / "server.p12").read_bytes())
    (tmp_path / "users.properties").write_text("alice=wonder\n")
    monkeypatch.setenv("FERRYMAN_KAFKA", "127.0.0.1:9092")
    monkeypatch.setenv("FERRYMAN_TLS", str(tmp_path))
    monkeypatch.setenv("FERRYMAN_TLS_PASSWORD", "changeit")
    found = settings.load(CONFIGS / "secured.properties")
    assert found.rest.access is not None
    assert found.rest.access.files == (f"{tmp_path}/users.properties",)
    assert found.rest.tls.identity is not None
    assert found.warnings == ()


@pytest.mark.parametrize("name", [EXTENSION, "BasicAuthSecurityRestExtension"])
def test_kafkas_extension_needs_its_login_configuration(tmp_path: Path, name: str) -> None:
    assert (
        "needs a login configuration with the entry KafkaConnect"
        in problems({"rest.extension.classes": name})["rest.extension.classes"]
    )
    login = {"rest.extension.classes": name, "java.security.auth.login.config": f"{tmp_path}/jaas.conf"}
    assert "No such file" in problems(login)["java.security.auth.login.config"]
    (tmp_path / "users").write_text("alice=wonder\n")
    (tmp_path / "jaas.conf").write_text(
        "KafkaConnect { org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule required\n"
        f' file="{tmp_path}/users";\n}};'
    )
    assert settings.parse(WORKER | login).rest.login_files == (f"{tmp_path}/users",)


def test_any_other_extension_is_refused_by_name() -> None:
    found = problems({"rest.extension.classes": "com.example.Mine"})
    assert "com.example.Mine is Java code" in found["rest.extension.classes"]


def test_java_names_the_login_configuration_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "w.properties"
    file.write_text("".join(f"{key}={value}\n" for key, value in WORKER.items()))
    monkeypatch.setenv("KAFKA_OPTS", "-Xmx1g -Djava.security.auth.login.config=/etc/jaas.conf")
    assert settings.load(file).config.java_security_auth_login_config == "/etc/jaas.conf"
    overridden = settings.load(file, {"java.security.auth.login.config": "/other"})
    assert overridden.config.java_security_auth_login_config == "/other"


def test_rules_of_access_are_read_and_their_secrets_protected(tmp_path: Path) -> None:
    (tmp_path / "users").write_text("bob=builder\n")
    given = {"rest.auth": f"basic:alice:canary-rest-auth,token:canary-token-99,file:{tmp_path}/users"}
    found = settings.parse(WORKER | given)
    assert found.rest.access is not None
    assert found.rest.access.users == (("alice", "canary-rest-auth"),)
    assert "canary" not in redaction.redact("it is canary-rest-auth or canary-token-99") + repr(found)


def test_wrong_rules_of_access_are_refused_without_being_shown(tmp_path: Path) -> None:
    assert "canary" not in problems({"rest.auth": "alice:canary-5"})["rest.auth"]
    assert "No such file" in problems({"rest.auth": f"file:{tmp_path}/none"})["rest.auth"]
    both = {"rest.auth": "token:canary-6", "rest.extension.classes": EXTENSION}
    assert "set only one of them" in problems(both)["rest.auth"]
