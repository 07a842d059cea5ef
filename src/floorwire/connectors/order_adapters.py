"""The kinds of venues that orders can be sent to, with what makes the adapter of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from floorwire.core.order_ports import MakesOrderAdapter
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.bybit import orders as bybit
from floorwire.venues.coinbase import orders as coinbase
from floorwire.venues.kraken import orders as kraken
from floorwire.venues.live import NativeName
from floorwire.venues.okx import orders as okx


class OrderKind(NamedTuple):
    """One kind of venue."""

    make: MakesOrderAdapter
    native_name: NativeName
    cancel_all_after_s: range = range(0)
    """The times that its own dead man's switch takes, in seconds; empty: it has none that is used."""


def _joined(by: str) -> NativeName:
    return lambda instrument: f"{instrument.base}{by}{instrument.quote}"


ORDER_KINDS: Final[Mapping[str, OrderKind]] = MappingProxyType(
    {
        "binance": OrderKind(BinanceOrders, _joined("")),
        "bybit": OrderKind(bybit.order_adapter, _joined(""), range(10, 301)),
        "coinbase": OrderKind(coinbase.order_adapter, _joined("-")),
        "kraken": OrderKind(kraken.order_adapter, _joined("/"), range(60, 3_601)),
        "okx": OrderKind(okx.order_adapter, _joined("-"), range(10, 121)),
    }
)
"""By kind, as ``venues.ID.kind`` names it."""
