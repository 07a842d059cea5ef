"""Kraken's names. The WebSocket has BTC/USD; REST has XXBTZUSD, XBTUSD and XBT/USD for the same pair."""

import hashlib
from base64 import b32encode

from tests.fake_exchange.market import Market
from tests.fake_exchange.orders import Fill, Order

# The assets that REST calls by four letters.
LEGACY = {
    "BTC": "XXBT",
    "ETH": "XETH",
    "LTC": "XLTC",
    "XRP": "XXRP",
    "DOGE": "XXDG",
    "USD": "ZUSD",
    "EUR": "ZEUR",
    "GBP": "ZGBP",
}
ALTERNATIVE = {"BTC": "XBT", "DOGE": "XDG"}


def asset_id(asset: str) -> str:
    return LEGACY.get(asset, asset)


def asset_alternative(asset: str) -> str:
    return ALTERNATIVE.get(asset, asset)


def symbol_of(market: Market) -> str:
    return f"{market.base}/{market.quote}"


def alternative_of(market: Market) -> str:
    return asset_alternative(market.base) + asset_alternative(market.quote)


def websocket_name_of(market: Market) -> str:
    """The name of version 1 of the WebSocket. AssetPairs still has it."""
    return f"{asset_alternative(market.base)}/{asset_alternative(market.quote)}"


def pair_id_of(market: Market) -> str:
    if market.base != "DOGE" and market.base in LEGACY and market.quote in LEGACY:
        return asset_id(market.base) + asset_id(market.quote)
    return alternative_of(market)


class KrakenNames:
    def __init__(self, markets: list[Market]) -> None:
        self._by_symbol = {symbol_of(market): market for market in markets}
        self._by_pair = {
            name: market
            for market in markets
            for name in (pair_id_of(market), alternative_of(market), websocket_name_of(market))
        }

    def by_symbol(self, symbol: str) -> Market | None:
        return self._by_symbol.get(symbol)

    def by_pair(self, pair: str) -> Market | None:
        return self._by_pair.get(pair)


class TransactionIds:
    """Kraken's ids of orders (O), fills (T) and ledger entries (L), such as OUF4EM-FRGI2-MQMWZD."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._orders: dict[str, int] = {}

    def of_order(self, order: Order) -> str:
        text = self.make("O", str(order.order_id))
        self._orders[text] = order.order_id
        return text

    def order_id(self, text: str) -> int | None:
        return self._orders.get(text)

    def of_fill(self, fill: Fill) -> str:
        return self.make("T", f"{fill.symbol} {fill.trade_id} {fill.order_id}")

    def make(self, kind: str, number: str) -> str:
        digest = hashlib.sha256(f"{self._seed} {kind} {number}".encode()).digest()
        letters = b32encode(digest).decode()
        return f"{kind}{letters[:5]}-{letters[5:10]}-{letters[10:16]}"
