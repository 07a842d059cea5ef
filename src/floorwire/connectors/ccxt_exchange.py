"""Makes the exchanges of ccxt, which is imported only where a venue needs it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from importlib import import_module
from typing import Protocol, TypeAlias

from floorwire.config import SettingsError
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_specs import CCXT
from floorwire.core.capabilities import Capabilities, StreamKind
from floorwire.venues.ccxt.messages import DEPTH, Watch

METHODS: Mapping[Watch, str] = {"book": "watchOrderBook", "trades": "watchTrades", "day": "watchTicker"}
SCHEMES = ("http://", "https://", "ws://", "wss://")

Structure: TypeAlias = Mapping[str, object]
"""One of ccxt's structures: a market, a book, a trade, a ticker."""
Addresses: TypeAlias = "MutableMapping[str, str | Addresses]"


class CcxtExchange(Protocol):
    """What is used of an exchange of ccxt.pro."""

    has: Mapping[str, object]
    urls: MutableMapping[str, str | Addresses]
    options: MutableMapping[str, object]
    precisionMode: int
    https_proxy: str | None
    wss_proxy: str | None

    async def load_markets(self, reload: bool = False) -> Mapping[str, Structure]: ...
    async def watch_order_book(self, symbol: str) -> Structure: ...
    async def watch_trades(self, symbol: str) -> Sequence[Structure]: ...
    async def watch_ticker(self, symbol: str) -> Structure: ...
    async def un_watch_order_book(self, symbol: str) -> object: ...
    async def un_watch_trades(self, symbol: str) -> object: ...
    async def un_watch_ticker(self, symbol: str) -> object: ...
    async def close(self) -> object: ...


class CcxtOrderExchange(CcxtExchange, Protocol):
    """What is used of an exchange of ccxt for orders."""

    id: str
    apiKey: str
    secret: str
    password: str
    requiredCredentials: Mapping[str, object]
    features: Mapping[str, object]
    rateLimit: float
    tokenBucket: object

    def init_rest_rate_limiter(self) -> None: ...
    async def create_order(
        self, symbol: str, type: str, side: str, amount: float, price: float, params: Mapping[str, object]
    ) -> Structure: ...
    async def edit_order(
        self, id: str, symbol: str, type: str, side: str | None, amount: float, price: float
    ) -> object: ...
    async def cancel_order(self, id: str, symbol: str) -> object: ...
    async def fetch_order(self, id: str, symbol: str) -> Structure: ...
    async def fetch_open_orders(
        self, symbol: str | None, since: int | None, limit: int | None
    ) -> Sequence[Structure]: ...
    async def fetch_orders(
        self, symbol: str | None, since: int | None, limit: int | None
    ) -> Sequence[Structure]: ...
    async def fetch_closed_orders(
        self, symbol: str | None, since: int | None, limit: int | None
    ) -> Sequence[Structure]: ...
    async def fetch_canceled_orders(
        self, symbol: str | None, since: int | None, limit: int | None
    ) -> Sequence[Structure]: ...
    async def fetch_my_trades(
        self, symbol: str | None, since: int | None, limit: int | None
    ) -> Sequence[Structure]: ...
    async def fetch_balance(self) -> Structure: ...
    async def watch_orders(self) -> Sequence[Structure]: ...


class MakesCcxtExchange(Protocol):
    """Makes a new object of ccxt for one exchange."""

    def __call__(self) -> CcxtExchange: ...


def make(kind: str, route: NetworkRoute, *, is_shared: bool = False) -> CcxtOrderExchange:
    """Return a new exchange of ccxt. Raises SettingsError where there is no ccxt, or no such exchange.

    ``is_shared``: prices and orders use it, each by an object of its own with half of the rate limit.
    """
    name = kind.removeprefix(CCXT)
    try:
        pro = import_module("ccxt.pro")
    except ModuleNotFoundError:
        raise SettingsError(f"venue: {kind} needs ccxt: pip install 'floorwire[ccxt]'") from None
    if name not in pro.exchanges:
        known = ", ".join(pro.exchanges)
        raise SettingsError(f"venue: {kind}: ccxt streams no exchange {name!r}; there are {known}")
    exchange: CcxtOrderExchange = getattr(pro, name)()
    if exchange.has.get(METHODS["book"]) is not True:
        raise SettingsError(f"venue: {kind}: ccxt streams no books of it")
    _list_spot_only(exchange.options)
    _redirect(exchange.urls, "api", route)
    exchange.https_proxy = route.proxy("https://" + name)
    exchange.wss_proxy = route.proxy("wss://" + name)
    if is_shared:
        exchange.rateLimit *= 2
        exchange.tokenBucket = None
        exchange.init_rest_rate_limiter()
    return exchange


def watches(exchange: CcxtExchange) -> frozenset[Watch]:
    """Return what can be watched there; what ccxt only emulates by asking again and again does not count."""
    return frozenset(watch for watch, method in METHODS.items() if exchange.has.get(method) is True)


def capabilities(kind: str, exchange: CcxtExchange) -> Capabilities:
    """Return what a venue gives. Best prices are read from books, candles counted from trades."""
    can = watches(exchange)
    kinds: tuple[StreamKind, ...] = ("trades", "book", "day")
    return Capabilities(
        kind,
        tuple(one for one in kinds if one in can),
        book_depth=DEPTH,
        order_types=("limit", "market"),
        times_in_force=("gtc", "ioc", "fok"),
    )


def _list_spot_only(options: MutableMapping[str, object]) -> None:
    """Ask for no other list of markets, where ccxt has such an option: each type is a request more."""
    listed = options.get("fetchMarkets")
    types = listed.get("types") if isinstance(listed, Mapping) else None
    if isinstance(listed, Mapping) and isinstance(types, list | Mapping) and "spot" in types:
        spot = ["spot"] if isinstance(types, list) else {one: one == "spot" for one in types}
        options["fetchMarkets"] = {**listed, "types": spot}


def _redirect(addresses: MutableMapping[str, str | Addresses], name: str, route: NetworkRoute) -> None:
    """Put the addresses of the settings in place of the exchange's, wherever ccxt keeps one."""
    found = addresses.get(name)
    if isinstance(found, str):
        if found.startswith(SCHEMES):
            addresses[name] = route.ws(found) if found.startswith("ws") else route.rest(found)
    elif isinstance(found, MutableMapping):
        for one in list(found):
            _redirect(found, one, route)
