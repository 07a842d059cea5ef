"""Certificates that an exchange must not have, and an authority that its client trusts."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOUR = timedelta(hours=1)
GOOD = "good"
LONG_CHAIN = 600
"""OpenSSL takes 100 KiB of certificates. One has about 340 bytes: 300 of them were sometimes under that."""


def contexts(folder: Path, kind: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the TLS of a server with such a certificate, and that of a client who trusts the authority."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _made("authority", authority_key, "authority", authority_key, is_authority=True)
    key = ec.generate_private_key(ec.SECP256R1())
    signer = ("server", key) if kind == "self-signed" else ("authority", authority_key)
    since = {"expired": -3 * HOUR, "not yet": HOUR}.get(kind, -HOUR)
    host = "192.0.2.1" if kind == "other host" else "127.0.0.1"
    chain = [_made("server", key, *signer, since=since, host=host)]
    if kind == "huge chain":
        chain += [authority] * LONG_CHAIN
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(authority.public_bytes(pem))
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(pem) for one in chain))
    (folder / "chain.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "chain.pem", folder / "chain.key")
    return server, ssl.create_default_context(cafile=str(folder / "authority.pem"))


def _made(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: str,
    signer_key: ec.EllipticCurvePrivateKey,
    *,
    since: timedelta = -HOUR,
    host: str = "127.0.0.1",
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))])
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, signer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + since + 2 * HOUR)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signer_key, hashes.SHA256())
    )
