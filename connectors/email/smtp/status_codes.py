"""What a mail server's refusal is about: the message, a mailbox, the sender, the account or the server. Pure.

A reply has a basic code (RFC 5321) and mostly an enhanced one, ``class.subject.detail`` (RFC 3463; RFC 5248 and IANA's
registry "SMTP Enhanced Status Codes" hold those that came later). The class, as the first digit of the basic code, says
whether to try again; subject and detail say what is at fault. Where the two codes disagree the enhanced one wins,
except for the basic codes that can mean nothing else (421, 454, 530, 534, 535, 538).
"""

import re
from enum import Enum, auto
from typing import Literal

Step = Literal["mail", "rcpt", "data"]
"""Where the reply came: to the sender, to a recipient, or to the message itself (its announcement or its end)."""


class Scope(Enum):
    """What a refusal is about, and so who else would meet it."""

    MESSAGE = auto()
    """This message: its content, its size, or a policy about it."""
    MAILBOX = auto()
    """A recipient, or the way to it."""
    SENDER = auto()
    """The sender's address or domain: every message, if all have the same sender."""
    ACCOUNT = auto()
    """The login or this client: every message, until somebody changes that."""
    QUOTA = auto()
    """How much this account sends: every message until time has passed."""
    SERVER = auto()
    """The server's own state."""


_BASIC = {421: Scope.SERVER, 454: Scope.QUOTA} | dict.fromkeys((530, 534, 535, 538), Scope.ACCOUNT)
"""454 is a temporary authentication failure (RFC 4954), and the throttling of some providers."""

_SUBJECTS = {"1": Scope.MAILBOX, "2": Scope.MAILBOX, "4": Scope.MAILBOX, "5": Scope.MESSAGE, "6": Scope.MESSAGE}
_SUBJECTS |= {"7": Scope.MESSAGE}

_DETAILS = {
    # RFC 3463: addresses and routing
    "1.7": Scope.SENDER,  # bad sender's mailbox address syntax
    "1.8": Scope.SENDER,  # bad sender's system address
    "4.3": Scope.SERVER,  # directory server failure
    "4.5": Scope.QUOTA,  # mail system congestion; Gmail: daily user sending limit exceeded
    "5.6": Scope.ACCOUNT,  # authentication exchange line is too long (RFC 4954)
    # RFC 3463, 4954, 5248: the login
    "7.8": Scope.ACCOUNT,  # authentication credentials invalid
    "7.9": Scope.ACCOUNT,  # authentication mechanism is too weak
    "7.10": Scope.ACCOUNT,  # encryption needed
    "7.11": Scope.ACCOUNT,  # encryption required for requested authentication mechanism
    "7.12": Scope.ACCOUNT,  # a password transition is needed
    "7.13": Scope.ACCOUNT,  # user account disabled
    "7.14": Scope.ACCOUNT,  # trust relationship required
    # RFC 7293: who owns the mailbox now
    "7.17": Scope.MAILBOX,
    "7.18": Scope.MAILBOX,
    "7.19": Scope.MAILBOX,
    # RFC 7372, 7505: what vouches for the sender's domain
    "7.20": Scope.SENDER,  # no passing DKIM signature found
    "7.21": Scope.SENDER,  # no acceptable DKIM signature found
    "7.22": Scope.SENDER,  # no valid author-matched DKIM signature found
    "7.23": Scope.SENDER,  # SPF validation failed
    "7.24": Scope.SENDER,  # SPF validation error
    "7.25": Scope.ACCOUNT,  # reverse DNS validation failed
    "7.26": Scope.SENDER,  # multiple authentication checks failed
    "7.27": Scope.SENDER,  # sender address has null MX
    "7.28": Scope.QUOTA,  # mail flood detected (IANA, 2016)
    # Exchange Online's own ("Email non-delivery reports and SMTP errors in Exchange Online")
    "1.90": Scope.QUOTA,  # the daily limit for message recipients
    "7.57": Scope.ACCOUNT,  # client was not authenticated
    "7.60": Scope.SENDER,  # client does not have permissions to send as this sender
    "7.501": Scope.ACCOUNT,  # access denied, spam abuse detected
    "7.502": Scope.ACCOUNT,  # access denied, banned sender
    "7.503": Scope.ACCOUNT,  # access denied, banned sender
    "7.508": Scope.QUOTA,  # access denied, hourly limits of the address exceeded
    "7.511": Scope.ACCOUNT,  # access denied, banned address
    "7.705": Scope.QUOTA,  # the tenant has exceeded a threshold
    "7.708": Scope.ACCOUNT,  # traffic is not accepted from this address
    "7.750": Scope.SENDER,  # unregistered domains
}

_SYSTEM = {
    # RFC 3463's X.3: 4.3 is about the system as a whole, but 5.3 mostly about what was sent to it.
    "5.3.1": Scope.SERVER,  # mail system full
    "5.3.2": Scope.SERVER,  # system not accepting network messages
    "5.3.5": Scope.SERVER,  # system incorrectly configured
}

_ENHANCED = re.compile(r"[245]\.(\d{1,3})\.(\d{1,3})(?!\S)")


def scope(code: int, text: str, step: Step) -> Scope:
    """What a 4xx or 5xx reply is about; ``text`` begins with the enhanced code, if there is one."""
    if code in _BASIC:
        return _BASIC[code]
    found = _ENHANCED.match(text)
    subject, detail = found.groups() if found else ("0", "0")
    if subject == "3":
        return Scope.SERVER if code < 500 else _SYSTEM.get(f"5.3.{detail}", Scope.MESSAGE)
    known = _DETAILS.get(f"{subject}.{detail}") or _SUBJECTS.get(subject)
    # No recipient is known yet at "mail", so that what sounds like one, or like a policy, is about the sender.
    vague = step == "mail" and (known is Scope.MAILBOX or (subject == "7" and known is Scope.MESSAGE))
    return _by_step(code, step) if known is None or vague else known


def _by_step(code: int, step: Step) -> Scope:
    """What the basic code and the place say, without an enhanced code that says more."""
    if step == "rcpt":
        return Scope.MAILBOX
    if step == "mail":
        # Beside the sender only the size has been told: 552 is about that one, 451 and 452 about the server.
        return Scope.MESSAGE if code == 552 else Scope.SENDER if code >= 500 else Scope.SERVER
    return Scope.SERVER if code in (451, 452) else Scope.MESSAGE
