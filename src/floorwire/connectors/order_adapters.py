"""The kinds of venues that orders can be sent to, with what makes the adapter of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from floorwire.core.order_ports import MakesOrderAdapter
from floorwire.venues.binance.orders import BinanceOrders
from floorwire.venues.bybit.orders import BybitOrders
from floorwire.venues.coinbase.orders import CoinbaseOrders
from floorwire.venues.kraken.orders import KrakenOrders
from floorwire.venues.live import NativeName
from floorwire.venues.okx.orders import OkxOrders


class OrderKind(NamedTuple):
    """One kind of venue."""

    make: MakesOrderAdapter
    native_name: NativeName


def _joined(by: str) -> NativeName:
    return lambda instrument: f"{instrument.base}{by}{instrument.quote}"


ORDER_KINDS: Final[Mapping[str, OrderKind]] = MappingProxyType(
    {
        "binance": OrderKind(BinanceOrders, _joined("")),
        "bybit": OrderKind(BybitOrders, _joined("")),
        "coinbase": OrderKind(CoinbaseOrders, _joined("-")),
        "kraken": OrderKind(KrakenOrders, _joined("/")),
        "okx": OrderKind(OkxOrders, _joined("-")),
    }
)
"""By kind, as ``venues.ID.kind`` names it."""
