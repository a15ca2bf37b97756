"""A certificate authority of one stack. Its key lives in memory only, so nobody can make another certificate later."""

import ipaddress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import HOST

_DAYS = 365


class Authority:
    """Makes its key and certificate when first asked. Raises StackError without the stack's packages."""

    @cached_property
    def _key(self) -> Any:
        try:
            from cryptography.hazmat.primitives.asymmetric import ec
        except ModuleNotFoundError as error:
            raise StackError("the embedded stack is an extra: pip install 'ferryman[stack]'") from error
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def _certificate(self) -> Any:
        from cryptography import x509

        builder = _builder("ferryman stack", _name("ferryman stack"), self._key)
        signs = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        return self._signed(builder.add_extension(signs, critical=True))

    @property
    def pem(self) -> str:
        """The authority's own certificate, which clients trust."""
        return _pem(self._certificate)

    def java_truststore(self, password: str) -> bytes:
        """The same as a PKCS12 truststore, for Java clients that read no PEM."""
        from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
        from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

        entry = PKCS12Certificate(self._certificate, b"ferryman stack")
        return serialize_java_truststore([entry], BestAvailableEncryption(password.encode()))

    def identity(self, name: str) -> str:
        """A key and a certificate for ``CN=name`` on this machine, for servers and clients alike, as one PEM text."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID

        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])
        both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = _builder(name, self._certificate.subject, key)
        builder = builder.add_extension(here, critical=False).add_extension(both, critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return private.decode() + _pem(self._signed(builder))

    def _signed(self, builder: Any) -> Any:
        from cryptography.hazmat.primitives import hashes

        return builder.sign(self._key, hashes.SHA256())


def _builder(name: str, issuer: Any, key: Any) -> Any:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
    )


def _name(common: str) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: Any) -> str:
    from cryptography.hazmat.primitives import serialization

    return str(certificate.public_bytes(serialization.Encoding.PEM).decode())
