"""Why a bucket cannot be used: what is in the way to its server, or what the server says."""

import time
from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError
from botocore.httpsession import get_cert_path
from botocore.parsers import ResponseParserError
from botocore.utils import get_environ_proxies

from ferryman.connectors.s3.bucket.bucket import Bucket
from ferryman.findings import Finding, mend
from ferryman.reach import remedies
from ferryman.reach.remedies import Keys
from ferryman.tls.trusting import trusting

_KEYS = Keys.of_url("store.url", "AWS_CA_BUNDLE, a variable of the worker's environment")
_STEP_SECONDS = 5.0
"""Seconds for each step of a way that has already failed once."""
_KEY, _SECRET = "aws.access.key.id", "aws.secret.access.key"
_STYLE = "s3.path.style.access.enabled"
_LISTING = {"Name", "IsTruncated", "KeyCount", "MaxKeys"}
"""What each listing has some of."""
_REDIRECTED = {"301", "302", "307", "308", "PermanentRedirect", "TemporaryRedirect", "MovedPermanently"}
_OF_REGIONS = {"AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}


def headers_or_refusal(bucket: Bucket, subject: str, seconds: float) -> Mapping[str, str] | Finding:
    """The headers of an answer about the bucket; what is wrong, if there is none, or it is not let in."""
    client, name = bucket.client, bucket.name
    try:
        return dict(client.head_bucket(Bucket=name)["ResponseMetadata"].get("HTTPHeaders", {}))
    except ClientError as error:
        first = error  # it has no body, and so no code
    except RecursionError:
        return _stranger(subject, bucket, "it sends us elsewhere, again and again")
    except BotoCoreError as error:
        return _no_answer(subject, bucket, seconds, error)
    try:
        client.list_objects_v2(Bucket=name, MaxKeys=1)
    except ClientError as error:
        return _refused(subject, bucket, error)
    except RecursionError:
        return _stranger(subject, bucket, "it sends us elsewhere, again and again")
    except ResponseParserError:
        return _stranger(subject, bucket, "its answers are not those of S3")
    except BotoCoreError as error:
        return _no_answer(subject, bucket, seconds, error)
    return _refused(subject, bucket, first)


def is_of_s3(bucket: Bucket) -> bool:
    """Whether a listing is one: what is no S3 server may answer anything with 200. True if it is refused as S3 does."""
    try:
        return bool(_LISTING & bucket.client.list_objects_v2(Bucket=bucket.name, MaxKeys=1).keys())
    except ResponseParserError:
        return False
    except ClientError as error:
        return not _is_nameless(error.response)
    except BotoCoreError:
        return True


def no_s3_server(subject: str, bucket: Bucket) -> Finding:
    """What answers is not an S3 server."""
    return _stranger(subject, bucket, "its answers are not those of S3")


def _stranger(subject: str, bucket: Bucket, why: str) -> Finding:
    said = f"what answers at {bucket.client.meta.endpoint_url} is not an S3 server: {why}"
    return mend(subject, said, "correct store.url, and its port")


def _no_answer(subject: str, bucket: Bucket, seconds: float, error: BotoCoreError) -> Finding:
    said = f"the bucket cannot be checked: {error}"
    if not isinstance(error, HTTPClientError | ConnectionError):
        return mend(subject, said, f"set {_KEY} and {_SECRET}, or correct s3.bucket.name and s3.region")
    settings, url = bucket.client.meta.config, _url(bucket)
    if settings.proxies or get_environ_proxies(url):
        return mend(subject, said, "correct s3.proxy.url or store.url, or start the server")
    trusted = trusting(get_cert_path(True))
    found = remedies.to_url(subject, url, trusted, _KEYS, min(_STEP_SECONDS, seconds))
    if found is None:
        return mend(subject, said, "check whether it is an S3 server, or correct store.url")
    if urlsplit(url).hostname != urlsplit(bucket.client.meta.endpoint_url).hostname:
        return mend(subject, found.said, f"{_STYLE}=true; or {found.mend}")
    return found


def _url(bucket: Bucket) -> str:
    """Where requests go: a bucket may be a part of the host's name."""
    meta = bucket.client.meta
    if (meta.config.s3 or {}).get("addressing_style") != "virtual":
        return str(meta.endpoint_url)
    parts = urlsplit(meta.endpoint_url)
    return f"{parts.scheme}://{bucket.name}.{parts.netloc}"


def _refused(subject: str, bucket: Bucket, error: ClientError) -> Finding:
    answer: Mapping[str, Any] = error.response
    told, metadata = answer.get("Error", {}), answer.get("ResponseMetadata", {})
    code, status = str(told.get("Code", "")), int(metadata.get("HTTPStatusCode", 0))
    headers = metadata.get("HTTPHeaders", {})
    said = f"the server says {code} {told.get('Message', '')}".rstrip()
    region = headers.get("x-amz-bucket-region") or told.get("Region")
    if region and region != bucket.client.meta.region_name:
        signed = bucket.client.meta.region_name
        return mend(subject, f"the bucket is in {region}, and requests are signed for {signed}", f"s3.region={region}")
    if code in _REDIRECTED or code in _OF_REGIONS:
        return mend(subject, said, "correct s3.region, or store.url")
    if code == "RequestTimeTooSkewed":
        return mend(subject, _skewed(headers, said), "synchronise both with NTP")
    if code == "NoSuchBucket" or (code == "404" and _speaks_s3(headers)):
        create = f"aws s3api create-bucket --bucket {bucket.name}"
        return mend(subject, "it does not exist", f"{create}, or correct s3.bucket.name")
    if status == 407:
        return mend(subject, "a proxy requires a login", "correct s3.proxy.user and s3.proxy.password")
    if status >= 500 or status == 429 or code == "SlowDown":
        return mend(subject, said, "try again later")
    if _is_nameless(answer):
        return _stranger(subject, bucket, f"HTTP {status}")
    return mend(subject, said, _MENDS.get(code, _MENDS[""]).format(bucket=bucket.name))


def _is_nameless(answer: Mapping[str, Any]) -> bool:
    """Whether it has neither one of S3's codes nor one of its headers."""
    code = str(answer.get("Error", {}).get("Code", ""))
    return not code.strip("0123456789") and not _speaks_s3(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}))


def _speaks_s3(headers: Mapping[str, str]) -> bool:
    return "x-amz-request-id" in headers


def _skewed(headers: Mapping[str, str], said: str) -> str:
    with suppress(ValueError, TypeError):
        theirs = parsedate_to_datetime(headers.get("date", "")).timestamp()
        return f"{said}: the server's clock and this machine's are {abs(theirs - time.time()):.0f} seconds apart"
    return f"{said}: the server's clock and this machine's are too far apart"


_RIGHT = (
    'allow it by a policy: {{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::{bucket}"}}; '
    f"or correct {_KEY} and s3.bucket.name"
)
_MENDS: Mapping[str, str] = {
    "InvalidAccessKeyId": f"correct {_KEY}: the server does not know it",
    "SignatureDoesNotMatch": f"correct {_SECRET}; if it is right, something on the way changes requests",
    "ExpiredToken": "give credentials that have not expired",
    "InvalidToken": f"correct {_KEY} and {_SECRET}: they do not belong to the session's token",
    "AccessDenied": _RIGHT,
    "AllAccessDisabled": _RIGHT,
    "InvalidBucketName": "correct s3.bucket.name: that is not a possible name of a bucket",
    "": f"correct store.url, s3.region, {_KEY} or {_SECRET}",
}
