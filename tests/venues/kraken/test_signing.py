from __future__ import annotations

import pytest

from floorwire.venues.common.request_sequences import HttpRequest
from floorwire.venues.kraken.signing import Signer
from tests.venues.order_driver import DATE, settings

SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
"""Of the example in Kraken's guide to authentication."""
ORDER = "ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"


def test_signature_is_that_of_the_guide() -> None:
    fetch = Signer(settings(SECRET)).fetch(4, HttpRequest("/0/private/AddOrder", ORDER), 1_616_492_376_594)
    assert fetch.headers == (
        ("API-Key", "the-key"),
        (
            "API-Sign",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    assert (fetch.request, fetch.method) == (4, "POST")
    assert fetch.url == "https://api.kraken.com/0/private/AddOrder"
    assert fetch.body == f"nonce=1616492376594&{ORDER}".encode()


def test_nonces_rise_though_the_clock_does_not() -> None:
    signer = Signer(settings(SECRET))
    bodies = [
        signer.fetch(1, HttpRequest("/0/private/BalanceEx"), date_us).body for date_us in (DATE, DATE, 5)
    ]
    assert bodies == [f"nonce={DATE + more}".encode() for more in (0, 1, 2)]


def test_public_requests_are_not_signed() -> None:
    fetch = Signer(settings(SECRET)).fetch(1, HttpRequest("/0/public/Time", is_signed=False), DATE)
    assert (fetch.method, fetch.headers, fetch.body) == ("GET", (), b"")


def test_addresses_of_another_place() -> None:
    signer = Signer(settings(SECRET, ws="wss://beta-ws-auth.kraken.com/", rest="http://127.0.0.1:80/"))
    assert signer.ws_url == "wss://beta-ws-auth.kraken.com/v2"
    assert signer.fetch(1, HttpRequest("/0/public/Time", is_signed=False), DATE).url.startswith(
        "http://127.0.0.1:80/0/"
    )


def test_secret_that_is_no_base64_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="base64") as raised:
        Signer(settings("not base64!"))
    assert "not base64!" not in str(raised.value)
