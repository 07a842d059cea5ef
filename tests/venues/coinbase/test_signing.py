from __future__ import annotations

import base64
import json
from random import Random

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from floorwire.venues.coinbase.signing import Signer, _sign, private_key
from floorwire.venues.common.request_sequences import HttpRequest
from tests.venues.order_driver import DATE, SECOND, settings

RFC_6979_KEY = ec.derive_private_key(
    0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1()
)
RFC_8032_SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(RFC_8032_SEED)


def pem(key: PrivateKeyTypes, form: PrivateFormat = PrivateFormat.TraditionalOpenSSL) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def signer(secret: str, rest: str = "") -> Signer:
    return Signer(settings(secret, rest=rest), Random(1))


def test_ecdsa_is_deterministic_and_has_both_numbers_at_their_length() -> None:
    assert _sign(RFC_6979_KEY, b"sample").hex().upper() == (  # RFC 6979 A.2.5
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )


@pytest.mark.parametrize(
    ("secret", "public", "algorithm"),
    [
        (pem(RFC_6979_KEY), RFC_6979_KEY.public_key(), "ES256"),
        (pem(RFC_6979_KEY).replace("\n", "\\n"), RFC_6979_KEY.public_key(), "ES256"),
        (pem(RFC_6979_KEY, PrivateFormat.PKCS8), RFC_6979_KEY.public_key(), "ES256"),
        (pem(ED25519, PrivateFormat.PKCS8), ED25519.public_key(), "EdDSA"),
        (base64.b64encode(RFC_8032_SEED).decode(), ED25519.public_key(), "EdDSA"),
        (base64.b64encode(RFC_8032_SEED + bytes(32)).decode(), ED25519.public_key(), "EdDSA"),
    ],
)
def test_tokens_of_all_kinds_of_keys(
    secret: str, public: ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey, algorithm: str
) -> None:
    request = HttpRequest("/api/v3/brokerage/orders/historical/batch", "cursor=a", budget="read")
    fetch = signer(secret).fetch(9, request, DATE + SECOND - 1)
    assert fetch.url == "https://api.coinbase.com/api/v3/brokerage/orders/historical/batch?cursor=a"
    token = dict(fetch.headers)["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, public, [algorithm], options={"verify_exp": False})
    assert claims == {
        "sub": "the-key",
        "iss": "cdp",
        "nbf": DATE // SECOND,
        "exp": DATE // SECOND + 120,
        "uri": "GET api.coinbase.com/api/v3/brokerage/orders/historical/batch",  # without the query
    }
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == (algorithm, "the-key")
    assert len(header["nonce"]) == 32


def test_each_token_has_its_own_nonce_and_those_of_websockets_no_uri() -> None:
    one = signer(pem(RFC_6979_KEY))
    tokens = [one.token(DATE) for _ in range(3)]
    assert len({jwt.get_unverified_header(token)["nonce"] for token in tokens}) == 3
    claims = jwt.decode(tokens[0], options={"verify_signature": False})
    assert "uri" not in claims


def test_bodies_are_json_and_public_requests_unsigned() -> None:
    one = signer(pem(RFC_6979_KEY), rest="http://127.0.0.1:8000/")
    fetch = one.fetch(1, HttpRequest("/api/v3/brokerage/orders", "", "POST", b"{}"), DATE)
    assert fetch.url == "http://127.0.0.1:8000/api/v3/brokerage/orders"
    token = dict(fetch.headers)["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["uri"] == "POST 127.0.0.1:8000/api/v3/brokerage/orders"
    assert ("Content-Type", "application/json") in fetch.headers
    assert one.fetch(1, HttpRequest("/api/v3/brokerage/time", is_signed=False), DATE).headers == ()


@pytest.mark.parametrize(
    "secret",
    [
        "not a key",
        base64.b64encode(b"short").decode(),
        "-----BEGIN EC PRIVATE KEY-----\nabc\n-----END EC PRIVATE KEY-----\n",
        pem(ec.derive_private_key(5, ec.SECP384R1())),
        pem(rsa.generate_private_key(65537, 1024)),
    ],
)
def test_secret_of_another_kind_is_refused_at_once(secret: str) -> None:
    with pytest.raises(ValueError, match="Coinbase") as raised:
        private_key(secret)
    assert secret not in str(raised.value)


def test_header_is_json() -> None:
    part = signer(pem(RFC_6979_KEY)).token(DATE).split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["typ"] == "JWT"
