"""Makes what sends orders through ccxt: the terms of an exchange, and its object with an account's key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from floorwire.config import SettingsError
from floorwire.connectors import ccxt_exchange
from floorwire.connectors.ccxt_exchange import CcxtOrderExchange
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_specs import CCXT
from floorwire.core.credentials import VenueCredentials
from floorwire.venues.ccxt import order_terms
from floorwire.venues.ccxt.order_terms import CLIENT_IDS, MOST_SYMBOLS, OrderTerms

TIMES = ("IOC", "FOK", "PO")
CREDENTIALS = ("apiKey", "secret", "password")
"""What the settings can give. ``password`` is the passphrase."""
RETRIES = "maxRetriesOnFailure"
UNNEEDED = ("fetchCurrencies", "fetchMargins")
"""Further requests for the list of markets, whose answers nobody needs."""


def terms(venue: str, kind: str, exchange: CcxtOrderExchange, symbols: Sequence[str]) -> OrderTerms:
    """Return what the exchange offers for orders. Raises SettingsError where that is too little.

    ``symbols``: those that are traded, as BASE-QUOTE.
    """
    name, where = kind.removeprefix(CCXT), f"venues.{venue}.orders: {kind}"
    lacks = order_terms.lacking(name, exchange.has)
    needed = [one for one, is_needed in exchange.requiredCredentials.items() if is_needed]
    others = [one for one in needed if one not in CREDENTIALS]
    if lacks is None and others:
        lacks = f"it needs {', '.join(others)}, which settings cannot give"
    if lacks is None and len(symbols) > MOST_SYMBOLS:
        lacks = f"at most {MOST_SYMBOLS} symbols can be traded, not {len(symbols)}"
    if lacks is not None:
        raise SettingsError(f"{where}: {lacks}; with orders = paper, orders are filled here")
    return OrderTerms(
        name=name,
        ids=CLIENT_IDS[name],
        lists=order_terms.lists(exchange.has),
        times=frozenset(time for time in TIMES if _times(exchange).get(time) is True),
        symbols=tuple(symbol.replace("-", "/") for symbol in symbols),
        interval_us=round(exchange.rateLimit * 1_000),
        amends=CLIENT_IDS[name].keeps_amended and exchange.has.get(order_terms.EDIT) is True,
    )


def signed_in(venue: str, kind: str, route: NetworkRoute, credentials: VenueCredentials) -> CcxtOrderExchange:
    """Return a new object with the key of the account. Raises SettingsError where a part is missing."""
    exchange = ccxt_exchange.make(kind, route, is_shared=True)
    passphrase = credentials.passphrase
    if exchange.requiredCredentials.get("password") is True and passphrase is None:
        raise SettingsError(f"venues.{venue}.passphrase_env: is missing; {kind} needs a passphrase")
    exchange.apiKey, exchange.secret = credentials.key, credentials.secret.reveal()
    if passphrase is not None:
        exchange.password = passphrase.reveal()
    exchange.options["defaultType"] = "spot"
    exchange.options.update(dict.fromkeys(UNNEEDED, False))
    exchange.has = {**exchange.has, **dict.fromkeys(UNNEEDED, False)}
    exchange.options[RETRIES] = 0
    return exchange


def secrets(credentials: VenueCredentials) -> tuple[str, ...]:
    """Return what must not be in any text."""
    passphrase = credentials.passphrase
    found = (credentials.key, credentials.secret.reveal(), "" if passphrase is None else passphrase.reveal())
    return tuple(filter(None, found))


def _times(exchange: CcxtOrderExchange) -> Mapping[str, object]:
    """Return which times in force ccxt says that it sends to the spot market."""
    found: object = exchange.features
    for part in ("spot", "createOrder", "timeInForce"):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}
