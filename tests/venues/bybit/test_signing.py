"""Signatures of Bybit, computed from the text that its guide describes."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from floorwire.venues.bybit.signing import Signer
from floorwire.venues.common.request_sequences import HttpRequest
from tests.venues.common.test_secret_signer import pem
from tests.venues.order_driver import settings

AT_US = 1658384314791_000


def hexdigest(text: str) -> str:
    return hmac.new(b"secret", text.encode(), hashlib.sha256).hexdigest()


def test_a_get_is_signed_over_its_query() -> None:
    query = "category=option&symbol=BTC-29JUL22-25000-C"
    fetch = Signer(settings()).fetch(3, HttpRequest("/v5/order/realtime", query), AT_US)
    assert fetch.url == f"https://api.bybit.com/v5/order/realtime?{query}"
    assert dict(fetch.headers) == {
        "X-BAPI-API-KEY": "the-key",
        "X-BAPI-TIMESTAMP": "1658384314791",
        "X-BAPI-RECV-WINDOW": "5000",
        "X-BAPI-SIGN": hexdigest(f"1658384314791the-key5000{query}"),
    }


def test_a_post_is_signed_over_its_body() -> None:
    body = b'{"category": "option"}'
    fetch = Signer(settings()).fetch(3, HttpRequest("/v5/order/create", "", "POST", body, "place"), AT_US)
    headers = dict(fetch.headers)
    assert headers["X-BAPI-SIGN"] == hexdigest('1658384314791the-key2000{"category": "option"}')
    assert headers["Content-Type"] == "application/json"
    assert fetch.body == body


def test_a_public_request_is_not_signed() -> None:
    request = HttpRequest("/v5/market/time", is_signed=False)
    assert Signer(settings()).fetch(3, request, AT_US).headers == ()


def test_the_sign_in() -> None:
    signature = hexdigest("GET/realtime1658384322791")
    assert Signer(settings()).sign_in(AT_US) == (
        f'{{"op":"auth","args":["the-key",1658384322791,"{signature}"]}}'
    )


def test_rsa_keys_sign_in_base64_and_ed25519_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)
    fetch = Signer(settings(pem(key).reveal())).fetch(1, HttpRequest("/x", "a=1"), AT_US)
    signature = b64decode(dict(fetch.headers)["X-BAPI-SIGN"])
    key.public_key().verify(signature, b"1658384314791the-key5000a=1", PKCS1v15(), SHA256())
    with pytest.raises(ValueError, match="not of RSA"):
        Signer(settings(pem(ed25519.Ed25519PrivateKey.generate()).reveal()))
