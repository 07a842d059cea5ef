from __future__ import annotations

import json

from floorwire.core.order_ports import OrderSettings
from floorwire.venues.common.request_sequences import HttpRequest
from floorwire.venues.okx.signing import Signer
from tests.venues.order_driver import DATE, settings

BALANCE = HttpRequest("/api/v5/account/balance", "ccy=BTC")


def test_rest_signature_is_hmac_of_timestamp_method_path_with_query_and_body() -> None:
    # computed with openssl: the example of the API guide, timestamp and all
    signer = Signer(settings("22582BD0CFF14C41EDBF1AB98506286D", "pass"))
    fetch = signer.fetch(3, BALANCE, 1_607_418_537_715_000)
    assert dict(fetch.headers) == {
        "OK-ACCESS-KEY": "the-key",
        "OK-ACCESS-SIGN": "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY=",
        "OK-ACCESS-TIMESTAMP": "2020-12-08T09:08:57.715Z",
        "OK-ACCESS-PASSPHRASE": "pass",
    }
    assert fetch.url == "https://www.okx.com/api/v5/account/balance?ccy=BTC"
    assert (fetch.request, fetch.method, fetch.body) == (3, "GET", b"")


def test_login_signs_whole_seconds() -> None:
    (argument,) = json.loads(Signer(settings(passphrase="pass")).login(DATE + 999_999))["args"]
    assert argument == {
        "apiKey": "the-key",
        "passphrase": "pass",
        "timestamp": "1767225600",
        "sign": "e7nypYtTfGQEaBAUxSTJ+sIZePD8pPWQDxf3MbaHucU=",
    }


def test_body_is_signed_and_named() -> None:
    signer = Signer(settings())
    order = HttpRequest("/api/v5/trade/cancel-order", "", "POST", b'{"a":1}')
    headers = dict(signer.fetch(1, order, DATE).headers)
    assert headers["OK-ACCESS-SIGN"] == signer.sign(
        '2026-01-01T00:00:00.000ZPOST/api/v5/trade/cancel-order{"a":1}'
    )
    assert headers["Content-Type"] == "application/json"


def test_public_requests_are_not_signed() -> None:
    assert (
        Signer(settings()).fetch(1, HttpRequest("/api/v5/public/time", is_signed=False), DATE).headers == ()
    )


def test_demo_trading_is_named_in_a_header() -> None:
    def headers(ws_url: str) -> object:
        return dict(Signer(settings(ws=ws_url)).fetch(1, BALANCE, DATE).headers).get("x-simulated-trading")

    assert headers("wss://wspap.okx.com:8443") == "1"
    assert headers("wss://wseeapap.okx.com:8443") == "1"
    assert headers("wss://ws.okx.com:8443") is None
    assert headers("ws://127.0.0.1:9000") is None


def test_addresses_of_another_place() -> None:
    signer = Signer(settings(ws="wss://wseea.okx.com:8443/", rest="https://eea.okx.com/"))
    assert signer.ws_url == "wss://wseea.okx.com:8443/ws/v5/private"
    assert signer.fetch(1, BALANCE, DATE).url == "https://eea.okx.com/api/v5/account/balance?ccy=BTC"


def test_secrets_are_in_no_text() -> None:
    text = repr(Signer(settings("hidden", "hidden"))) + repr(settings("hidden", "hidden"))
    assert "hidden" not in text
    assert isinstance(settings(), OrderSettings)
