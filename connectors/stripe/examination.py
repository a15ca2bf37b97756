"""Checks the gateway for `ferryman doctor`: whether it accepts the key and lists events, and its clock."""

import time
from collections.abc import Iterator

import httpx

from ferryman.connectors.stripe.events_api import EventsApi, Period
from ferryman.errors import FerrymanError, RefusedError, RetriableError
from ferryman.findings import Finding, mend, ok, warning
from ferryman.reach import remedies
from ferryman.reach.remedies import Keys

_SKEWED_SECONDS = 60
_KEYS = Keys.of_url("stripe.api.url", "SSL_CERT_FILE, a variable of the worker's environment")
_STEP_SECONDS = 5.0
"""Seconds for each step of a way that has already failed once."""


def findings(api: EventsApi, url: str, seconds: float) -> Iterator[Finding]:
    """A finding for the key, the events, and the clock. Events are asked for and not handed over. Each step of the way
    to a gateway that does not answer may take ``seconds``."""
    subject = f"gateway {url}"
    try:
        page = api.page(Period(0), limit=1)
        now = api.now()
    except FerrymanError as error:
        yield _failed(subject, url, seconds, error)
        return
    yield ok(
        subject, "it takes the key, and lists events" if page.events else "it takes the key, and has no events yet"
    )
    skew = abs(now - time.time())
    said = f"{skew:.0f} seconds apart"
    if skew > _SKEWED_SECONDS:
        yield warning("clocks of the gateway and here", f"{said}: start.from is by the gateway's", "follow NTP")
    else:
        yield ok("clocks of the gateway and here", said)


def _failed(subject: str, url: str, seconds: float, error: FerrymanError) -> Finding:
    if isinstance(error, RefusedError):
        return mend(subject, str(error), f"correct {error.key}; a restricted key needs the right to read events")
    if not isinstance(error, RetriableError):
        return mend(subject, str(error), "correct stripe.api.url or stripe.api.version")
    obstacle = None
    if isinstance(error.__cause__, httpx.TransportError) and not remedies.is_by_proxy(url):
        obstacle = remedies.to_url(subject, url, httpx.create_ssl_context(), _KEYS, min(_STEP_SECONDS, seconds))
    return obstacle or mend(subject, str(error), "try again when it is well, or correct stripe.api.url")
