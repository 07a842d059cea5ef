"""Signatures of Binance, compared with those in its documents."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from floorwire.core.credentials import Secret
from floorwire.venues.binance.signing import signed, signed_query
from floorwire.venues.common.secret_signer import signer
from tests.venues.common.test_secret_signer import pem

# github.com/binance/binance-spot-api-docs, web-socket-api.md and rest-api.md
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
DOCUMENTED = Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
WIDE_DIGITS = "\uff11\uff12\uff13\uff14\uff15\uff16"


def test_websocket_signature_of_the_documents() -> None:
    params: dict[str, str | int | bool] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": KEY,
    }
    expected = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert signed(params, signer(DOCUMENTED)) == {**params, "signature": expected}


def test_websocket_signature_is_over_raw_utf8() -> None:
    params: dict[str, str | int | bool] = {
        "symbol": WIDE_DIGITS,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1.00000000",
        "price": "0.10000000",
        "recvWindow": 5000,
        "timestamp": 1645423376532,
        "apiKey": KEY,
    }
    expected = "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd"
    assert signed(params, signer(DOCUMENTED))["signature"] == expected


@pytest.mark.parametrize(
    ("symbol", "encoded", "signature"),
    [
        ("LTCBTC", "LTCBTC", "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"),
        (
            WIDE_DIGITS,
            "%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
    ],
)
def test_rest_signature_is_over_percent_encoded_values(symbol: str, encoded: str, signature: str) -> None:
    params: dict[str, str | int | bool] = {
        "symbol": symbol,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "1",
        "price": "0.1",
        "recvWindow": 5000,
        "timestamp": 1499827319559,
    }
    assert signed_query(params, signer(DOCUMENTED)) == (
        f"symbol={encoded}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        f"&timestamp=1499827319559&signature={signature}"
    )


def test_a_truth_value_is_signed_as_json_writes_it() -> None:
    signature = signed({"b": True, "a": 1}, signer(Secret("s")))["signature"]
    assert signature == signer(Secret("s")).sign(b"a=1&b=true")


def test_a_base64_signature_is_percent_encoded_in_a_query() -> None:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    found = signed_query({"timestamp": 1}, signer(pem(key)))
    assert found.startswith("timestamp=1&signature=")
    assert not set(found.partition("signature=")[2]) & set("+/=")
