"""Signatures with secret keys and private keys; other keys are refused without quoting them."""

from __future__ import annotations

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from floorwire.core.credentials import Secret
from floorwire.venues.common.secret_signer import signer


def pem(key: PrivateKeyTypes) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def test_private_keys_sign_in_base64() -> None:
    payload = b"apiKey=a&timestamp=1"
    key = ed25519.Ed25519PrivateKey.generate()
    key.public_key().verify(b64decode(signer(pem(key)).sign(payload)), payload)
    rsa_key = rsa.generate_private_key(65537, 2048)
    signature = b64decode(signer(pem(rsa_key)).sign(payload))
    rsa_key.public_key().verify(signature, payload, PKCS1v15(), SHA256())


def test_other_keys_are_refused_without_quoting_them() -> None:
    with pytest.raises(ValueError, match="but not of RSA or Ed25519"):
        signer(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(ValueError, match="no private key that can be read") as refused:
        signer(Secret("-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----"))
    assert "SECRETSECRET" not in str(refused.value)


def test_a_venue_may_not_take_all_kinds_of_keys() -> None:
    with pytest.raises(ValueError, match=r"but not of RSA$"):
        signer(pem(ed25519.Ed25519PrivateKey.generate()), takes_ed25519=False)
