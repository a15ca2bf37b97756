"""The S3 sink's keys that say where objects go and who may write them; and those it refuses or that do nothing."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from ferryman.config import Bool, Int, Long, Password, Plugin, Shown, Str, Strings, any_case, key
from ferryman.connector import SinkConfig
from ferryman.errors import KeyProblem

WITHOUT_EFFECT: Mapping[str, str] = {
    "aws.s3.backoff.": "system errors are retried without end, with a growing wait",
    "kafka.retry.backoff.ms": "system errors are retried without end, with a growing wait",
    "max.files.scan.limit": "a name that is taken gets an addition",
    "max.write.duration.ms": "the loop stays in its group while it writes",
    "retry.backoff.ms": "system errors are retried without end, with a growing wait",
    "s3.elastic.buffer.": "buffers grow as needed; s3.memory.bytes bounds them all together",
    "s3.http.send.expect.continue": "the client decides",
    "s3.retry.backoff.ms": "system errors are retried without end, with a growing wait",
    "schema.cache.size": "schemas are kept while they are in use",
    "schema.generator.class": "no version of the sink used it",
    "schemas.cache.config": "schemas are kept while they are in use",
    "shutdown.timeout.ms": "nothing runs in the background",
}
"""Keys (prefixes end in a dot) that are understood, change nothing here, and are warned about with this reason."""

_ONLY: Mapping[str, tuple[frozenset[str], str]] = {
    "allow.optional.map.keys": (frozenset({"false"}), "maps with optional keys are written as lists of entries"),
    "enhanced.avro.schema.support": (frozenset({"true"}), "enums and namespaces are always kept"),
    "storage.class": (frozenset({"io.confluent.connect.s3.storage.S3Storage"}), "this sink writes to S3"),
}
"""Keys whose other values would change what is written, where to or how it is protected."""

CONFLUENT_ONLY = frozenset(
    {
        "behavior.on.null.values",
        "connect.meta.data",
        "directory.delim",
        "file.delim",
        "filename.offset.zero.pad.width",
        "format.bytearray.extension",
        "format.bytearray.separator",
        "format.class",
        "headers.format.class",
        "json.decimal.format",
        "keys.format.class",
        "locale",
        "parquet.codec",
        "partition.duration.ms",
        "partition.field.name",
        "partitioner.class",
        "path.format",
        "report.null.values.to.dlq",
        "rotate.file.on.partition.change",
        "rotate.interval.ms",
        "rotate.schedule.interval.ms",
        "s3.compression.level",
        "s3.compression.type",
        "s3.object.behavior.on.tagging.error",
        "s3.object.tagging",
        "s3.object.tagging.key.value.pairs",
        "s3.schema.partition.affix.type",
        "schema.compatibility",
        "store.envelope",
        "store.kafka.headers",
        "store.kafka.keys",
        "timestamp.extractor",
        "timestamp.field",
        "timezone",
        "tombstone.encoded.partition",
        "topics.dir",
    }
)
AIVEN_ONLY = frozenset(
    {
        "aws.s3.prefix",
        "aws_s3_prefix",
        "file.compression.type",
        "file.name.template",
        "file.name.timestamp.source",
        "file.name.timestamp.timezone",
        "format.output.envelope",
        "format.output.fields",
        "format.output.fields.value.encoding",
        "format.output.type",
        "output_compression",
        "output_fields",
    }
)

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
MOST_TAGS = 7
"""How many tags an object can have besides the three that the sink makes, by S3's rules."""
_PROVIDER = "s3.credentials.provider."
_STS = frozenset({"class", "sts.role.arn", "sts.role.session.name", "sts.role.external.id", "sts.region"})


def is_aiven(connector_class: str) -> bool:
    """Whether a connector class means Aiven's keys."""
    return "aiven" in connector_class.lower()


class S3Keys(SinkConfig):
    """Bucket, server, credentials, encryption, uploads."""

    refused: ClassVar[Mapping[str, str]] = {
        "file.prefix.template": "put the prefix into file.name.template",
    }
    ignored: ClassVar[tuple[str, ...]] = (*SinkConfig.ignored, *WITHOUT_EFFECT, *_ONLY)

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
    the server is Amazon's or s3.credentials.provider.class names a provider: what the worker has for Amazon goes to
    nobody else unasked."""
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
    sse: Annotated[Literal["", "AES256", "aws:kms"], any_case("", "AES256", "aws:kms")] = key(
        "", names=("s3.ssea.name", "aws.s3.sse.algorithm"), shown=Shown(group="S3")
    )
    """How the server encrypts objects: AES256, aws:kms, or as the bucket says."""
    sse_customer_key: Password | None = key(None, names=("s3.sse.customer.key",), shown=Shown(group="S3"))
    """A key of yours (256 bits as base64 or 32 characters) that the server encrypts objects with and forgets."""
    sse_kms_key_id: Str = key("", names=("s3.sse.kms.key.id",), shown=Shown(group="S3"))
    """The key for aws:kms."""
    acl: Str | None = key(None, names=("s3.acl.canned",), shown=Shown(group="S3"))
    """A canned ACL for each object."""
    tagging: Bool = key(False, names=("s3.object.tagging",), importance="LOW", shown=Shown(group="S3"))
    """Whether objects get the tags startOffset, endOffset (of the last record) and recordCount when they appear."""
    tags: Strings = key([], names=("s3.object.tagging.key.value.pairs",), importance="LOW", shown=Shown(group="S3"))
    """With s3.object.tagging: further tags, each as name:value."""
    on_tagging_error: Annotated[Literal["ignore", "fail"], any_case("ignore", "fail")] = key(
        "ignore", names=("s3.object.behavior.on.tagging.error",), importance="LOW", shown=Shown(group="S3")
    )
    """With s3.object.tagging: whether a refusal to tag an object fails the task; outages are waited for."""
    part_size: Int | None = key(
        None,
        names=("s3.part.size", "aws.s3.part.size.bytes"),
        at_least=5 * 1024 * 1024,
        importance="HIGH",
        shown=Shown(group="S3", default_text="26214400"),
    )
    """Bytes in a part of a multipart upload; under Aiven's class name the default is 5242880."""
    part_retries: Int = key(3, names=("s3.part.retries",), at_least=0, shown=Shown(group="S3"))
    """How often a request is repeated at once; after that it is retried without end, with a growing wait."""
    send_digest: Bool = key(False, names=("s3.send.digest",), shown=Shown(group="S3"))
    """Whether each upload carries a checksum (CRC-32) that the server verifies."""
    proxy_url: Str = key("", names=("s3.proxy.url",), shown=Shown(group="S3"))
    """A proxy for HTTP and HTTPS."""
    proxy_user: Str | None = key(None, names=("s3.proxy.user",), shown=Shown(group="S3"))
    """The user at the proxy."""
    proxy_password: Password | None = key(None, names=("s3.proxy.password",), shown=Shown(group="S3"))
    """The user's password at the proxy."""
    conditional_writes: Bool = key(True, names=("enable.conditional.writes",), shown=Shown(group="Exactly Once"))
    """Whether the server is asked to compare before it writes, so that heads tell how far the archive has got, and
    completing an upload is refused where an object is in the way. For servers without If-Match and If-None-Match:
    false; then the group's offsets tell it, and such an object is overwritten."""
    manifest_prefix: Str = key("_ferryman", names=("s3.manifest.prefix",), shown=Shown(group="Exactly Once"))
    """Where in the bucket the sink keeps what is its own: with -heads behind it the heads, and as it is the manifests
    that there are where the group's offsets are the truth, between a commit and the appearance of its objects."""
    memory: Long = key(
        256 * 1024 * 1024, names=("s3.memory.bytes",), at_least=16 * 1024 * 1024, shown=Shown(group="Exactly Once")
    )
    """Bytes that all open files of a task may hold together; beyond that they are uploaded, or closed, early."""

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
        aiven = is_aiven(raw.get("connector.class", ""))
        others, owner = (CONFLUENT_ONLY, "Aiven's") if aiven else (AIVEN_ONLY, "Confluent's")
        found = super()._refusals(raw)
        found += [
            KeyProblem(name, f"{name} is not supported: it is no key of {owner} S3 sink")
            for name in raw
            if name in others
        ]
        for name, (values, reason) in _ONLY.items():
            if name in raw and raw[name].strip().lower() not in map(str.lower, values):
                found.append(invalid(name, raw[name], reason))
        found += [
            KeyProblem(name, f"{name} is not supported: no other provider than the SDK's own can be configured")
            for name in raw
            if name.startswith(_PROVIDER) and name.removeprefix(_PROVIDER) not in _STS
        ]
        return found

    def place_problems(self) -> Iterator[KeyProblem]:
        """What is wrong across these keys."""
        for name, value in (("store.url", self.store_url), ("aws.sts.config.endpoint", self.sts_endpoint)):
            if value and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
                yield invalid(name, value.rpartition("@")[2], "it must be http(s)://host:port, without credentials")
        if not re.fullmatch(r"[A-Za-z0-9._-]{3,255}|arn:\S+", self.bucket):
            yield invalid("s3.bucket.name", self.bucket, "it is no name of a bucket")
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
                f"aws.access.key.id and aws.secret.access.key must be set, since {self.foreign} is no https address of "
                "Amazon's. To send what the worker has for Amazon in its environment, profile or instance there, set "
                "s3.credentials.provider.class=software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider",
            )
        if self.wan_mode and self.path_style:
            yield invalid("s3.wan.mode", "true", "it needs s3.path.style.access.enabled=false")
        if self.sse_kms_key_id and self.sse != "aws:kms":
            yield invalid("s3.sse.kms.key.id", self.sse_kms_key_id, "it needs s3.ssea.name=aws:kms")
        if self.sse_customer_key is not None and self.sse == "aws:kms":
            yield invalid("s3.ssea.name", self.sse, "a customer's key goes with AES256 only")
        if not all(re.fullmatch("[^:]+:.*", tag) for tag in self.tags):
            yield invalid("s3.object.tagging.key.value.pairs", ",".join(self.tags), "each must be name:value")
        if len(self.tags) > MOST_TAGS:
            yield invalid("s3.object.tagging.key.value.pairs", ",".join(self.tags), f"at most {MOST_TAGS} fit")
        if not self.manifest_prefix.strip("/"):
            yield invalid("s3.manifest.prefix", self.manifest_prefix, "String must be non-empty")


def _amazons(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return url.lower().startswith("https://") and host.endswith(_AMAZON)


def invalid(name: str, value: str, reason: str) -> KeyProblem:
    """One key's value that cannot be."""
    return KeyProblem(name, f"Invalid value {value} for configuration {name}: {reason}")


def effectless(raw: Mapping[str, str]) -> Iterable[str]:
    """A warning for each key that is given and has no effect."""
    for name in raw:
        for known, reason in WITHOUT_EFFECT.items():
            if name == known or (known.endswith(".") and name.startswith(known)):
                yield f"{name} has no effect: {reason}"
