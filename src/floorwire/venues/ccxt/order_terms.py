"""What has to be known of an exchange before orders are sent to it through ccxt.

ccxt passes a client id on, but does not say in what form an exchange takes it, nor whether lists of orders
have it. Without both, nobody can tell what became of an order without an answer. So orders go only to
exchanges whose class in ccxt was read for that (4.5.84). Kraken is not among them: ccxt's rate limit there,
one weight a second, is too slow for a reconciliation.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from floorwire.core.remote_order_messages import ClientIdForm

REQUIRED: Final = (
    "createOrder",
    "cancelOrder",
    "fetchOrder",
    "fetchOpenOrders",
    "fetchMyTrades",
    "fetchBalance",
)
EDIT: Final = "editOrder"
ALL_ORDERS: Final = "fetchOrders"
ENDED: Final = ("fetchClosedOrders", "fetchCanceledOrders")
"""Where there is no list of all orders, these are its parts. The first one is needed."""
MOST_SYMBOLS: Final = 10
"""Executions are asked for by symbol. More would take longer than a reconciliation may."""


class ClientIds(NamedTuple):
    """How an exchange takes our ids."""

    form: ClientIdForm = "text"
    prefix: str = ""
    """What ccxt puts before the id. Lists show both."""
    keeps_amended: bool = False
    """Whether ``editOrder`` keeps the order and its id. At others it cancels it and places another one."""


CLIENT_IDS: Final[Mapping[str, ClientIds]] = MappingProxyType(
    {
        "binance": ClientIds(),
        "binanceus": ClientIds(),
        "bitget": ClientIds(),
        "gate": ClientIds(prefix="t-", keeps_amended=True),
        "kucoin": ClientIds(),
        "mexc": ClientIds(),
        "okx": ClientIds(keeps_amended=True),
        "whitebit": ClientIds(),
    }
)


class OrderTerms(msgspec.Struct, frozen=True):
    """What one exchange offers through ccxt."""

    name: str
    ids: ClientIds
    lists: tuple[str, ...]
    """The lists that together have all orders that ended, or all orders."""
    times: frozenset[str]
    """Which of ``IOC``, ``FOK`` and ``PO`` ccxt says that it sends as such. Others would rest."""
    symbols: tuple[str, ...]
    """The unified symbols that are traded, whose executions are asked for."""
    interval_us: int
    """The time between two requests that ccxt keeps, for a request of weight one."""
    amends: bool = False
    """Whether ccxt amends an order of it in place."""


def lacking(name: str, has: Mapping[str, object]) -> str | None:
    """Return what ccxt lacks of an exchange for orders; None where it has all."""
    missing = [method for method in REQUIRED if has.get(method) is not True]
    if has.get(ALL_ORDERS) is not True and has.get(ENDED[0]) is not True:
        missing.append(f"{ALL_ORDERS} or {ENDED[0]}")
    if missing:
        return f"ccxt has no {', '.join(missing)} of it"
    if name not in CLIENT_IDS:
        known = ", ".join(sorted(CLIENT_IDS))
        return f"it is not known how it takes ids of orders (known: {known})"
    return None


def lists(has: Mapping[str, object]) -> tuple[str, ...]:
    """Return the lists in which an order that ended is found."""
    if has.get(ALL_ORDERS) is True:
        return (ALL_ORDERS,)
    return tuple(method for method in ENDED if has.get(method) is True)
