"""Coinbase's products: names, aliases, and what may be done with each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.fake_exchange.market import UNIT, Market, plain_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Event, MarketChanged, Side
from tests.fake_exchange.trade_statistics import Candle

Body = dict[str, object]
QUOTE_INCREMENT_E8 = UNIT // 100


def product_id_of(market: Market) -> str:
    return f"{market.base}-{market.quote}"


@dataclass(frozen=True)
class Flags:
    """Several can be true at once."""

    status: str = "online"
    trading_disabled: bool = False
    cancel_only: bool = False
    limit_only: bool = False
    post_only: bool = False
    auction_mode: bool = False
    view_only: bool = False
    is_disabled: bool = False


class CoinbaseProducts:
    """An alias has the book of another product. Here its orders are paid in that product's quote asset."""

    def __init__(self, core: MatchingCore, aliases: dict[str, str]) -> None:
        self.listeners: list[Callable[[str], None]] = []  # called with the id of a product that changed
        self._core = core
        self._aliases = aliases
        self._flags: dict[str, Flags] = {}
        self._by_id = {product_id_of(market): market for market in core.markets.values()}
        core.listeners.append(self._on_event)

    @property
    def ids(self) -> list[str]:
        names = (*self._by_id, *self._aliases)
        return [name for name in names if self._by_id[self.canonical(name)].is_listed]

    def find(self, product_id: str) -> Market | None:
        return self._by_id.get(self._aliases.get(product_id, product_id))

    def canonical(self, product_id: str) -> str:
        return self._aliases.get(product_id, product_id)

    def flags(self, market: Market) -> Flags:
        return self._flags.get(market.symbol, Flags())

    def set_flags(self, market: Market, changes: dict[str, bool | str]) -> None:
        self._flags[market.symbol] = replace(self.flags(market), **changes)  # type: ignore[arg-type]
        self._announce(market)

    def day(self, market: Market) -> Candle:
        return self._core.days[market.symbol].candle()

    def view(self, product_id: str) -> Body:
        market = self.find(product_id)
        assert market is not None
        flags, day = self.flags(market), self.day(market)
        canonical = self.canonical(product_id)
        base, _, quote = product_id.partition("-")
        return {
            "product_id": product_id,
            "price": plain_e8(day.close_e8) if day.trades else "",
            "price_percentage_change_24h": percent_text(day.close_e8 - day.open_e8, day.open_e8),
            "volume_24h": plain_e8(day.volume_e8),
            "volume_percentage_change_24h": "0",
            "base_increment": plain_e8(market.step_e8),
            "quote_increment": plain_e8(QUOTE_INCREMENT_E8),
            "quote_min_size": plain_e8(market.min_notional_e8),
            "quote_max_size": "150000000",
            "base_min_size": plain_e8(market.min_lots * market.step_e8),
            "base_max_size": plain_e8(market.max_lots * market.step_e8),
            "base_name": base,
            "quote_name": quote,
            "watched": False,
            "is_disabled": flags.is_disabled,
            "new": False,
            "status": flags.status,
            "cancel_only": flags.cancel_only,
            "limit_only": flags.limit_only,
            "post_only": flags.post_only,
            "trading_disabled": flags.trading_disabled or not market.is_trading,
            "auction_mode": flags.auction_mode,
            "product_type": "SPOT",
            "quote_currency_id": quote,
            "base_currency_id": base,
            "fcm_trading_session_details": None,
            "mid_market_price": "",
            "alias": canonical if canonical != product_id else "",
            "alias_to": [alias for alias, target in self._aliases.items() if target == product_id],
            "base_display_symbol": base,
            "quote_display_symbol": market.quote,
            "view_only": flags.view_only,
            "price_increment": plain_e8(market.tick_e8),
            "display_name": product_id,
            "product_venue": "CBE",
            "approximate_quote_24h_volume": plain_e8(day.quote_e8),
        }

    def status_view(self, product_id: str) -> Body:
        """A product of the channel `status`."""
        market = self.find(product_id)
        assert market is not None
        return {
            "product_type": "SPOT",
            "id": product_id,
            "base_currency": market.base,
            "quote_currency": market.quote,
            "base_increment": plain_e8(market.step_e8),
            "quote_increment": plain_e8(market.tick_e8),
            "display_name": f"{market.base}/{market.quote}",
            "status": self.flags(market).status,
            "status_message": "",
            "min_market_funds": plain_e8(market.min_notional_e8),
        }

    def price_book(self, product_id: str, limit: int, time: str) -> Body:
        market = self.find(product_id)
        assert market is not None
        sides = {
            name: [
                {"price": plain_e8(price_ticks * market.tick_e8), "size": plain_e8(lots * market.step_e8)}
                for price_ticks, lots in self._core.levels(market.symbol, side)[:limit]
            ]
            for name, side in (("bids", Side.BUY), ("asks", Side.SELL))
        }
        return {"product_id": product_id, **sides, "time": time}

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MarketChanged):
            market = self._core.markets[event.symbol]
            if not market.is_trading:
                self._flags[market.symbol] = replace(
                    self.flags(market), status="delisted", trading_disabled=True
                )
            elif self.flags(market).status == "delisted":
                self._flags[market.symbol] = replace(
                    self.flags(market), status="online", trading_disabled=False
                )
            self._announce(market)

    def _announce(self, market: Market) -> None:
        for listener in self.listeners:
            listener(product_id_of(market))


def percent_text(change_e8: int, of_e8: int) -> str:
    return plain_e8(change_e8 * 100 * UNIT // of_e8) if of_e8 else "0"
