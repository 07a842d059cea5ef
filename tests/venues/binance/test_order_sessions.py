"""Where sessions are opened."""

from __future__ import annotations

import pytest

from floorwire.venues.binance.order_sessions import session_url


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", "wss://ws-api.binance.com:443/ws-api/v3"),
        ("wss://stream.binance.com:9443", "wss://ws-api.binance.com/ws-api/v3"),
        ("wss://stream.testnet.binance.vision", "wss://ws-api.testnet.binance.vision/ws-api/v3"),
        ("wss://demo-stream.binance.com/", "wss://demo-ws-api.binance.com/ws-api/v3"),
        ("wss://ws-api.testnet.binance.vision", "wss://ws-api.testnet.binance.vision/ws-api/v3"),
        ("ws://127.0.0.1:8080/proxy/", "ws://127.0.0.1:8080/proxy/ws-api/v3"),
    ],
)
def test_addresses_of_market_data_lead_to_those_of_orders(given: str, url: str) -> None:
    assert session_url(given) == url
