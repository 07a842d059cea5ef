"""Each order adapter sends the kinds of orders that its capabilities name, and refuses all others unsent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from floorwire.connectors import recording
from floorwire.core.capabilities import ORDER_TYPES, TIMES_IN_FORCE, Capabilities
from floorwire.core.codes import Code
from floorwire.core.ports import Fetch, Send
from floorwire.core.remote_order_messages import PlaceAnswer, PlaceOrder
from tests.venues.binance import order_session as binance
from tests.venues.bybit import order_session as bybit
from tests.venues.coinbase import order_session as coinbase
from tests.venues.kraken import order_session as kraken
from tests.venues.okx import order_session as okx
from tests.venues.order_driver import DATE, SECOND, OrderDriver, place, reports

SESSIONS: dict[str, tuple[Callable[[], OrderDriver], str]] = {
    "binance": (binance.connected, binance.CLIENT_ID),
    "bybit": (bybit.connected, bybit.ID),
    "coinbase": (coinbase.connected, coinbase.ID),
    "kraken": (kraken.connected, kraken.ID),
    "okx": (okx.connected, okx.ID),
}
exchange = pytest.mark.parametrize("kind", SESSIONS)


def capabilities(kind: str) -> Capabilities:
    return recording.exchanges()[kind].capabilities


def is_sent(kind: str, command: PlaceOrder) -> bool:
    """Return whether a new adapter sends the order. What it refuses has one code, and sends nothing."""
    outputs = SESSIONS[kind][0]().command(command)
    if any(isinstance(one, Send | Fetch) for one in outputs):
        return True
    (answer,) = reports(outputs)
    assert isinstance(answer, PlaceAnswer)
    assert (answer.outcome, answer.code) == ("rejected", Code.VENUE_REJECTED)
    return False


@exchange
def test_types_of_orders(kind: str) -> None:
    client_id = SESSIONS[kind][1]
    commands = {
        "limit": place(client_id),
        "market": place(client_id, type="market", time_in_force="ioc", price=None),
        "stop": place(client_id, type="stop", time_in_force="ioc", price=None, stop_price="29999.0"),
        "stop_limit": place(client_id, type="stop_limit", stop_price="29999.0"),
    }
    sent = tuple(type for type in ORDER_TYPES if is_sent(kind, commands[type]))
    assert sent == capabilities(kind).order_types


@exchange
def test_times_in_force(kind: str) -> None:
    ends_us = DATE + 600 * SECOND
    sent = tuple(
        time
        for time in TIMES_IN_FORCE
        if is_sent(
            kind,
            place(SESSIONS[kind][1], time_in_force=time, expires_us=ends_us if time == "gtd" else None),
        )
    )
    assert sent == capabilities(kind).times_in_force
