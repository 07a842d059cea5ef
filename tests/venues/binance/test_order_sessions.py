"""Where sessions are opened, and when another one takes the place of a session."""

from __future__ import annotations

import pytest

from floorwire.core.ports import Close, Open
from floorwire.venues.binance.order_sessions import OrderSessions, Session, session_url
from tests.venues.order_driver import SECOND, FixedRandom


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


def ready(sessions: OrderSessions, name: str, now_us: int) -> Session:
    session = sessions.opened(name, now_us)
    assert session is not None
    session.subscribed(now_us)
    return session


def new() -> OrderSessions:
    sessions = OrderSessions("ws://venue.test", FixedRandom())
    assert sessions.start(0) == Open("orders", "ws://venue.test")
    return sessions


def test_there_are_two_sessions_at_most() -> None:
    sessions = new()
    first = ready(sessions, "orders", 0)
    assert sessions.replace(first, 0) == [Open("orders_2", "ws://venue.test")]
    assert sessions.replace(first, 0) == []
    assert sessions.active() is first
    assert sessions.retired() == []
    second = ready(sessions, "orders_2", 1)
    assert sessions.active() is second
    assert sessions.retired() == [first]
    assert sessions.replace(second, 1) == []  # the first one is not closed yet
    sessions.closed("orders", 2)
    assert sessions.of("orders") is None
    assert sessions.replace(second, 2) == [Open("orders", "ws://venue.test")]


def test_a_new_session_that_fails_leaves_the_old_one() -> None:
    sessions = new()
    first = ready(sessions, "orders", 0)
    sessions.replace(first, 0)
    sessions.closed("orders_2", 1)
    assert sessions.active() is first
    assert sessions.due(SECOND) == [Open("orders_2", "ws://venue.test")]


def test_a_session_that_does_not_sign_in_is_opened_again() -> None:
    sessions = new()
    sessions.opened("orders", 0)
    assert sessions.due(19 * SECOND) == []
    assert sessions.due(20 * SECOND) == [Close("orders", "not_accepted")]
    sessions.closed("orders", 20 * SECOND)
    assert sessions.due(21 * SECOND) == [Open("orders", "ws://venue.test")]


def test_a_session_that_is_not_closed_in_time_is_given_up() -> None:
    sessions = new()
    session = ready(sessions, "orders", 0)
    assert session.close("because", 0) == [Close("orders", "because")]
    assert session.close("again", 0) == []
    assert sessions.ready() == []
    assert sessions.due(31 * SECOND) == []
    assert sessions.due(32 * SECOND) == [Open("orders", "ws://venue.test")]


def test_links_that_nobody_wanted() -> None:
    sessions = new()
    assert sessions.opened("other", 0) is None
    sessions.closed("other", 0)
    ready(sessions, "orders", 0)
    assert sessions.opened("orders", 1) is None
