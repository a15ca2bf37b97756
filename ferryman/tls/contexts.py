"""Contexts of Python's ssl, for listeners and for requests to other workers."""

import ssl

from ferryman.tls import cipher_suites
from ferryman.tls.key_file import key_file
from ferryman.tls.keys import SPOKEN, TlsConfig
from ferryman.tls.last_words import OverheardContext
from ferryman.tls.stores import Identity

_VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}
_ASKED = {"none": ssl.CERT_NONE, "requested": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def server(config: TlsConfig) -> ssl.SSLContext:
    """The context of a listener. Raises OSError (ssl.SSLError is one) and ValueError with what is wrong."""
    context = _context(config, ssl.PROTOCOL_TLS_SERVER)
    identity = config.identity
    if identity is None:
        raise ValueError("an https listener needs a keystore with a private key and its certificate")
    _show(context, identity)
    trusted = config.others() or config.own()
    if trusted is not None:
        _believe(context, trusted.authorities)
    context.verify_mode = _ASKED[config.ssl_client_auth]
    return context


def client(config: TlsConfig) -> ssl.SSLContext:
    """The context of requests to other workers. Raises OSError and ValueError with what is wrong."""
    context = _context(config, ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = bool(config.ssl_endpoint_identification_algorithm)
    others, identity = config.others(), config.identity
    if others is None:
        context.load_default_certs()
    else:
        _believe(context, others.authorities)
    if identity is not None:
        _show(context, identity)
    return context


def _context(config: TlsConfig, side: int) -> ssl.SSLContext:
    context = OverheardContext(side)
    names = config.ssl_cipher_suites
    suites = cipher_suites.openssl(names)
    spoken = [each for each in SPOKEN if each in config.ssl_enabled_protocols]
    if config.ssl_protocol == "TLSv1.2" or (names and not cipher_suites.MODERN & set(names)):
        spoken = ["TLSv1.2"]
    context.minimum_version, context.maximum_version = _VERSIONS[spoken[0]], _VERSIONS[spoken[-1]]
    if suites:
        context.set_ciphers(suites)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # every certificate in a truststore is trusted, as in the JVM
    return context


def _believe(context: ssl.SSLContext, authorities: str) -> None:
    if not authorities:
        raise ValueError("the truststore holds no certificate")
    context.load_verify_locations(cadata=authorities)


def _show(context: ssl.SSLContext, identity: Identity) -> None:
    # An empty password makes OpenSSL fail on an encrypted key; without one it would ask at the terminal.
    with key_file(f"{identity.key}\n{identity.chain}") as path:
        try:
            context.load_cert_chain(path, password=identity.password or "")
        except ssl.SSLError as error:
            reason = {
                "KEY_VALUES_MISMATCH": "the private key does not belong to the certificate",
            }.get(error.reason or "", "the private key cannot be read; is its password right?")
            raise ValueError(reason) from None
