"""The client of a bucket, from a config: server, credentials or role, encryption, proxy."""

from base64 import b64decode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import boto3
from botocore.config import Config as ClientConfig
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.httpsession import get_cert_path
from botocore.session import Session as CoreSession
from botocore.utils import get_environ_proxies
from pydantic import SecretStr

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.connectors.s3.bucket.direct_requests import Direct
from ferryman.connectors.s3.config.bucket_keys import BucketKeys
from ferryman.connectors.s3.config.sink_keys import S3Keys
from ferryman.errors import TaskError

CONNECTIONS = 8
"""Requests under way at once."""
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
"""Seconds at most."""
_HEADERS = {
    "ACL": "x-amz-acl",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
}


def bucket(config: S3Keys, seconds: float = _READ_SECONDS) -> Bucket:
    """The config's bucket. Nothing is asked of the server yet; for each answer it is waited so long."""
    session, client = _client(config, config.send_digest, seconds)
    direct = _direct(config, session, client)
    return Bucket(client, config.bucket, _creating(config), _encryption(config), config.conditional_writes, direct)


def bucket_to_read(config: BucketKeys, seconds: float = _READ_SECONDS) -> Bucket:
    """The config's bucket for reading only, as ``bucket``."""
    return Bucket(_client(config, False, seconds)[1], config.bucket, encryption=_encryption(config))


def _client(config: BucketKeys, digest: bool, seconds: float) -> tuple[boto3.Session, Any]:
    session = _session(config, config.region or ("us-east-1" if config.aiven else "us-west-2"))
    client = session.client("s3", endpoint_url=config.store_url or None, config=_settings(config, digest, seconds))
    client.meta.events.register("request-created.s3.PutObject", _at_once)
    return session, client


def _at_once(request: Any, **_: Any) -> None:
    """Has a body follow its headers: between them, some servers have compared already and not yet written."""
    del request.headers["Expect"]


def _direct(config: S3Keys, session: boto3.Session, client: Any) -> Direct | None:
    """The way around the client, where addresses and signatures are the plain ones and nothing is between."""
    endpoint, settings = client.meta.endpoint_url.rstrip("/"), client.meta.config
    special = (
        not config.path_style
        or config.bucket.startswith("arn:")
        or config.send_digest
        or config.sse_customer_key is not None
        or settings.proxies
        or get_environ_proxies(endpoint)
        or settings.use_fips_endpoint
        or settings.use_dualstack_endpoint
    )
    credentials = None if special else session.get_credentials()
    if credentials is None:
        return None
    headers = {_HEADERS[name]: value for name, value in _creating(config).items()}
    certificates = session._session.get_config_variable("ca_bundle") or get_cert_path(True)
    return Direct(f"{endpoint}/{config.bucket}", client.meta.region_name, credentials, headers, certificates)


def _settings(config: BucketKeys, digest: bool, seconds: float) -> ClientConfig:
    when = "when_supported" if digest else "when_required"
    proxy = _proxy(config)
    return ClientConfig(
        s3={
            "addressing_style": "path" if config.path_style else "virtual",
            "use_accelerate_endpoint": config.wan_mode,
        },
        # Other servers than Amazon's often know no checksums in trailers.
        request_checksum_calculation=when,
        response_checksum_validation=when,
        retries={"total_max_attempts": config.part_retries + 1, "mode": "standard"},
        max_pool_connections=CONNECTIONS,
        connect_timeout=min(_CONNECT_SECONDS, seconds),
        read_timeout=min(_READ_SECONDS, seconds),
        proxies=proxy,
    )


def _proxy(config: BucketKeys) -> dict[str, str] | None:
    if not config.proxy_url:
        return None
    parts = urlsplit(config.proxy_url if "://" in config.proxy_url else f"http://{config.proxy_url}")
    if config.proxy_user:
        login = f"{quote(config.proxy_user, safe='')}:{quote(_secret(config.proxy_password) or '', safe='')}"
        parts = parts._replace(netloc=f"{login}@{parts.netloc.rpartition('@')[2]}")
    url = urlunsplit(parts)
    return {"http": url, "https": url}


def _secret(value: SecretStr | None) -> str | None:
    return None if value is None else value.get_secret_value() or None


@lru_cache(maxsize=1)
def _loader() -> Any:
    """Reads botocore's descriptions of services once, not for each client; that is most of a client's time."""
    return CoreSession().get_component("data_loader")


def read_descriptions() -> None:
    """Has those read that a client of S3 needs, by making one that nobody uses: 15 MB and much of a task's start that
    the processes of all tasks can share."""
    core = CoreSession()
    core.register_component("data_loader", _loader())
    core.set_credentials("nobody", "nothing")
    boto3.Session(botocore_session=core, region_name="us-east-1").client("s3")


def _session(config: BucketKeys, region: str) -> boto3.Session:
    core = CoreSession()
    core.register_component("data_loader", _loader())
    access, secret = _secret(config.access_key), _secret(config.secret_key)
    if access and secret:
        core.set_credentials(access, secret)
    if config.role_arn:
        _assume(core, config, region)
    return boto3.Session(botocore_session=core, region_name=region)


def _assume(core: CoreSession, config: BucketKeys, region: str) -> None:
    def sts(*_: Any, **credentials: Any) -> Any:
        return core.create_client(
            "sts",
            region_name=config.sts_region or region,
            endpoint_url=config.sts_endpoint,
            **{name: value for name, value in credentials.items() if name.startswith("aws_")},
        )

    own = core.get_credentials()
    if own is None:
        raise TaskError(f"There are no credentials with which to assume the role {config.role_arn}")
    extra: dict[str, Any] = {"RoleSessionName": config.role_session_name, "DurationSeconds": config.role_duration}
    if config.role_external_id:
        extra["ExternalId"] = config.role_external_id
    fetcher = AssumeRoleCredentialFetcher(sts, own, config.role_arn, extra_args=extra)
    core._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "sts-assume-role")


def _creating(config: S3Keys) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    if config.acl:
        found["ACL"] = config.acl
    if config.sse and config.sse_customer_key is None:
        found["ServerSideEncryption"] = config.sse
    if config.sse_kms_key_id:
        found["SSEKMSKeyId"] = config.sse_kms_key_id
    return found


def _encryption(config: BucketKeys) -> Mapping[str, Any]:
    given = _secret(config.sse_customer_key)
    if given is None:
        return {}
    # botocore encodes the key and adds its digest; keys come as 32 characters or, as the Java SDK has them, in base64.
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": given if len(given) == 32 else b64decode(given)}
