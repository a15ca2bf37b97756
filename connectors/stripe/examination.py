"""A look at the gateway for `ferryman doctor`: does it take the key, does it list events, what time is it there?"""

import time
from collections.abc import Iterator

from ferryman.connectors.stripe.events_api import EventsApi, Period
from ferryman.errors import FerrymanError, RefusedError
from ferryman.findings import Finding, mend, ok, warning

_SKEWED = 60


def findings(api: EventsApi, url: str) -> Iterator[Finding]:
    """A finding for the key, the events, and the clock. Events are asked for and not handed over."""
    subject = f"gateway {url}"
    try:
        page = api.page(Period(0), limit=1)
    except RefusedError as error:
        yield mend(subject, str(error), f"correct {error.key}; a restricted key needs the right to read events")
        return
    except FerrymanError as error:
        yield mend(subject, str(error), "correct stripe.api.url, or whatever is in the way there")
        return
    yield ok(
        subject, "it takes the key, and lists events" if page.events else "it takes the key, and has no events yet"
    )
    skew = abs(api.now() - time.time())
    said = f"{skew:.0f} seconds apart"
    if skew > _SKEWED:
        yield warning("clocks of the gateway and here", f"{said}: start.from is by the gateway's", "follow NTP")
    else:
        yield ok("clocks of the gateway and here", said)
