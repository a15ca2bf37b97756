"""The keys that say which bucket it is, on which server, and who we are there: those of the sink and of the source."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from ferryman.config import Bool, Int, Password, Plugin, Shown, Str, key, trim
from ferryman.connector import ConnectorConfig
from ferryman.errors import KeyProblem

_CHAIN = frozenset(
    {
        "AwsAssumeRoleCredentialsProvider",
        "ContainerCredentialsProvider",
        "DefaultAWSCredentialsProviderChain",
        "DefaultCredentialsProvider",
        "EC2ContainerCredentialsProviderWrapper",
        "EnvironmentVariableCredentialsProvider",
        "InstanceProfileCredentialsProvider",
        "ProfileCredentialsProvider",
        "WebIdentityTokenCredentialsProvider",
        "WebIdentityTokenFileCredentialsProvider",
    }
)
"""Providers that are part of the AWS SDK's default chain, or replaced by the sts keys."""
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
"""Ends of the names of Amazon's servers."""
_PROVIDER = "s3.credentials.provider."
_STS = frozenset({"class", "sts.role.arn", "sts.role.session.name", "sts.role.external.id", "sts.region"})


def is_aiven(connector_class: str) -> bool:
    """Whether a connector class means Aiven's keys."""
    return "aiven" in connector_class.lower()


Only = Mapping[str, tuple[frozenset[str], str]]
"""Keys of which only these values, in any case, are taken, and why."""


class BucketKeys(ConnectorConfig):
    """Bucket, server, credentials, proxy."""

    confluent_only: ClassVar[frozenset[str]] = frozenset()
    """Keys that Confluent's connector has and Aiven's has not."""
    aiven_only: ClassVar[frozenset[str]] = frozenset()
    """And the other way round."""
    only: ClassVar[Only] = {}
    """Keys whose other values would change what is written or read, where, or how it is protected."""
    what: ClassVar[str] = ""
    """What messages call the connector."""

    bucket: Str = key(
        names=("s3.bucket.name", "aws.s3.bucket.name", "aws_s3_bucket"), importance="HIGH", shown=Shown(group="S3")
    )
    """The bucket. It must exist."""
    region: Str | None = key(
        None, names=("s3.region", "aws.s3.region", "aws_s3_region"), shown=Shown(group="S3", default_text="us-west-2")
    )
    """The bucket's region; under Aiven's class name the default is us-east-1."""
    store_url: Str | None = key(
        None, names=("store.url", "aws.s3.endpoint", "aws_s3_endpoint", "s3.endpoint"), shown=Shown(group="S3")
    )
    """The URL of another server that speaks S3's protocol."""
    path_style: Bool = key(
        True, names=("s3.path.style.access.enabled", "s3.path.style.access"), shown=Shown(group="S3")
    )
    """Whether the bucket is in the URL's path instead of its host name."""
    wan_mode: Bool = key(False, names=("s3.wan.mode",), shown=Shown(group="S3"))
    """Whether to use S3's accelerated endpoint; needs s3.path.style.access.enabled=false."""
    access_key: Password | None = key(None, names=("aws.access.key.id", "aws_access_key_id"), importance="HIGH")
    """The access key. Without it the SDK's usual places are searched (environment, profile, web identity, instance), if
    the server is Amazon's or s3.credentials.provider.class names a provider: the worker's own credentials for Amazon go
    nowhere else unless the config says so."""
    secret_key: Password | None = key(None, names=("aws.secret.access.key", "aws_secret_access_key"), importance="HIGH")
    """The secret access key."""
    credentials_provider: Plugin | None = key(
        None,
        names=("s3.credentials.provider.class", "aws.credentials.provider"),
        shown=Shown(group="S3", default_text="software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"),
    )
    """A provider of the SDK's default chain, or Confluent's AwsAssumeRoleCredentialsProvider; no other."""
    role_arn: Str | None = key(
        None, names=("s3.credentials.provider.sts.role.arn", "aws.sts.role.arn"), shown=Shown(group="S3")
    )
    """A role to assume with those credentials."""
    role_session_name: Str = key(
        "ferryman",
        names=("s3.credentials.provider.sts.role.session.name", "aws.sts.role.session.name"),
        shown=Shown(group="S3"),
    )
    """The session's name in the role's log."""
    role_external_id: Str | None = key(
        None,
        names=("s3.credentials.provider.sts.role.external.id", "aws.sts.role.external.id"),
        shown=Shown(group="S3"),
    )
    """The external id that the role asks for."""
    role_duration: Int = key(3600, names=("aws.sts.role.session.duration",), at_least=900, shown=Shown(group="S3"))
    """How long the role's credentials are valid, in seconds; they are renewed in time."""
    sts_region: Str | None = key(None, names=("s3.credentials.provider.sts.region",), shown=Shown(group="S3"))
    """The region in which to ask for the role's credentials."""
    sts_endpoint: Str | None = key(None, names=("aws.sts.config.endpoint",), shown=Shown(group="S3"))
    """The server to ask for the role's credentials."""
    sse_customer_key: Password | None = key(None, names=("s3.sse.customer.key",), shown=Shown(group="S3"))
    """A key of yours (256 bits as base64 or 32 characters) that the server encrypts objects with and forgets."""
    part_retries: Int = key(3, names=("s3.part.retries",), at_least=0, shown=Shown(group="S3"))
    """How often a request is repeated at once; after that it is retried without end, with a growing wait."""
    proxy_url: Str = key("", names=("s3.proxy.url",), shown=Shown(group="S3"))
    """A proxy for HTTP and HTTPS."""
    proxy_user: Str | None = key(None, names=("s3.proxy.user", "s3.proxy.username"), shown=Shown(group="S3"))
    """The user at the proxy."""
    proxy_password: Password | None = key(None, names=("s3.proxy.password",), shown=Shown(group="S3"))
    """The user's password at the proxy."""

    @property
    def aiven(self) -> bool:
        """Whether Aiven's keys and defaults apply."""
        return is_aiven(self.connector_class)

    @property
    def foreign(self) -> str | None:
        """The key that names a server which is not Amazon's and would get what the worker itself has for Amazon."""
        if self.access_key is not None or self.credentials_provider:
            return None
        asked = ("aws.sts.config.endpoint", self.sts_endpoint) if self.role_arn else ("store.url", self.store_url)
        return None if not asked[1] or _amazons(asked[1]) else asked[0]

    @classmethod
    def _refusals(cls, raw: Mapping[str, str]) -> list[KeyProblem]:
        found = super()._refusals(raw)
        aiven = is_aiven(raw.get("connector.class", ""))
        others, owner = (cls.confluent_only, "Aiven's") if aiven else (cls.aiven_only, "Confluent's")
        text = f"{{}} is not supported: it is not a key of {owner} {cls.what}"
        found += [KeyProblem(name, text.format(name)) for name in raw if name in others]
        for name, (values, reason) in cls.only.items():
            if name in raw and trim(raw[name]).lower() not in map(str.lower, values):
                found.append(invalid(name, raw[name], reason))
        found += [
            KeyProblem(name, f"{name} is not supported: only the SDK's own providers can be configured")
            for name in raw
            if name.startswith(_PROVIDER) and name.removeprefix(_PROVIDER) not in _STS
        ]
        return found

    def place_problems(self) -> Iterator[KeyProblem]:
        """What is wrong across these keys."""
        for name, value in (("store.url", self.store_url), ("aws.sts.config.endpoint", self.sts_endpoint)):
            if value and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
                # What stands behind credentials is a part of the value, which nobody knows to be a provider's.
                shown = "[hidden]" if "@" in value else value
                yield invalid(name, shown, "it must be http(s)://host:port, without credentials")
        if not re.fullmatch(r"[A-Za-z0-9._-]{3,255}|arn:\S+", self.bucket):
            yield invalid("s3.bucket.name", self.bucket, "it is not the name of a bucket")
        provider = (self.credentials_provider or "").rpartition(".")[2]
        if provider and provider not in _CHAIN:
            yield invalid(
                "s3.credentials.provider.class",
                self.credentials_provider or "",
                "set aws.access.key.id and aws.secret.access.key, or use the SDK's default chain",
            )
        if provider == "AwsAssumeRoleCredentialsProvider" and not self.role_arn:
            yield KeyProblem(
                "s3.credentials.provider.sts.role.arn",
                'Missing required configuration "s3.credentials.provider.sts.role.arn" which has no default value.',
            )
        if (self.access_key is None) is not (self.secret_key is None):
            yield KeyProblem("aws.secret.access.key", "aws.access.key.id and aws.secret.access.key belong together")
        if self.foreign:
            yield KeyProblem(
                "aws.access.key.id",
                f"aws.access.key.id and aws.secret.access.key must be set, since {self.foreign} is not an https "
                "address of "
                "Amazon's. To send the worker's own credentials for Amazon (environment, profile, instance) there, set "
                "s3.credentials.provider.class=software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
            )
        if self.wan_mode and self.path_style:
            yield invalid("s3.wan.mode", "true", "it needs s3.path.style.access.enabled=false")


def _amazons(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return url.lower().startswith("https://") and host.endswith(_AMAZON)


def invalid(name: str, value: str, reason: str) -> KeyProblem:
    """One key's value that cannot be."""
    return KeyProblem(name, f"Invalid value {value} for configuration {name}: {reason}")


def keeps_bytes(converter: str | None) -> bool:
    """Whether a header converter, by any of its names, gives and takes the bytes of headers as they are."""
    return (converter or "").rpartition(".")[2].removesuffix("Converter") == "ByteArray"


def header_warnings(raw: Mapping[str, str], what: str) -> Iterator[str]:
    """A warning if an envelope's headers go through a converter that may change them; ``what`` says how."""
    name = raw.get("header.converter", "")
    if trim(raw.get("store.envelope", "")).lower() == "true" and not keeps_bytes(trim(name)):
        yield f"header.converter={name} {what}; org.apache.kafka.connect.converters.ByteArrayConverter keeps all bytes"


def keys_without_effect(raw: Mapping[str, str], without: Mapping[str, str]) -> Iterable[str]:
    """A warning for each key that is given and has no effect; ``without`` maps keys, or prefixes in a dot, to why."""
    for name in raw:
        for known, reason in without.items():
            if name == known or (known.endswith(".") and name.startswith(known)):
                yield f"{name} has no effect: {reason}"
