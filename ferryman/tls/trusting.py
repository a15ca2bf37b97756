"""The context of a client that believes authorities as Kafka's clients do, whichever version of Python it runs on."""

import ssl
from pathlib import Path


def trusting(authorities: str | Path | None = None) -> ssl.SSLContext:
    """Believes the certificates of a PEM file, or of a folder as OpenSSL has it; None: those of the system.

    Since 3.13 Python's own contexts refuse authorities that are not quite as RFC 5280 wants them
    (VERIFY_X509_STRICT), among them many that companies and servers make for themselves; the JVM, librdkafka and older
    Pythons take them. Every certificate that is given is believed, those that others have signed too, as in the JVM.

    Raises OSError (ssl.SSLError is one) for files that cannot be used.
    """
    if authorities is None:
        context = ssl.create_default_context()
    elif Path(authorities).is_dir():
        context = ssl.create_default_context(capath=str(authorities))
    else:
        context = ssl.create_default_context(cafile=str(authorities))
    context.verify_flags = (context.verify_flags & ~ssl.VERIFY_X509_STRICT) | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
