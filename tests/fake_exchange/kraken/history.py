"""Kraken's candles and trades of the past."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from tests.fake_exchange.candle_intervals import Interval, minutes
from tests.fake_exchange.kraken.errors import invalid
from tests.fake_exchange.kraken.names import pair_id_of
from tests.fake_exchange.kraken.number_texts import decimals_of, fixed, number
from tests.fake_exchange.market import Market, text_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side, Traded
from tests.fake_exchange.trade_history import RestHistory
from tests.fake_exchange.trade_statistics import Candle

Form = Mapping[str, str]
# Kraken: all begin at multiples of their length since 1970, so that a week begins on a Thursday.
INTERVALS: dict[int, Interval] = {n: minutes(n) for n in (1, 5, 15, 30, 60, 240, 1_440, 10_080, 21_600)}
MOST_CANDLES = 720
MOST_TRADES = 1_000
# `since` of trades is in nanoseconds. A number that would be the first second of 1970 is in seconds.
LEAST_NANOSECONDS = 10**12


class KrakenHistory:
    """All lists are the oldest first."""

    def __init__(
        self, core: MatchingCore, market_of: Callable[[str], Market], now_us: Callable[[], int]
    ) -> None:
        self._core = core
        self._market_of = market_of
        self._history = RestHistory(core.history, now_us)

    def freeze(self) -> None:
        self._history.freeze(self._core.markets)

    def thaw(self) -> None:
        self._history.thaw()

    def ohlc(self, form: Form) -> object:
        """The last 720 candles, or those of them that begin after `since`. The open one is always there."""
        market = self._market_of(form.get("pair", ""))
        text = form.get("interval", "1")
        if not (text.isascii() and text.isdigit()) or int(text) not in INTERVALS:
            raise invalid("interval")
        since_us = _number(form, "since") * 1_000_000 if "since" in form else -1
        newest = self._history.newest_candles(market.symbol, INTERVALS[int(text)])
        candles = list(islice(newest, MOST_CANDLES))[::-1]
        shown = [c for c in candles if c.begin_us > since_us or not c.is_closed]
        # Kraken: `last` is the newest closed one, so that asking from there gives new ones alone.
        closed = [candle.begin_us for candle in candles if candle.is_closed]
        last_s = closed[-1] // 1_000_000 if closed else 0
        return {pair_id_of(market): [_candle_row(market, candle) for candle in shown], "last": last_s}

    def trades(self, form: Form) -> object:
        """The last 1,000 trades, or the first 1,000 after `since`."""
        market, count = self._market_of(form.get("pair", "")), form.get("count", str(MOST_TRADES))
        if not (count.isascii() and count.isdigit()) or not 1 <= int(count) <= MOST_TRADES:
            raise invalid("count")
        trades = list(_timed(self._history.trades(market.symbol)))
        since_ns = 0
        if "since" in form:
            since_ns = _number(form, "since")
            if since_ns < LEAST_NANOSECONDS:
                since_ns *= 10**9
            shown = list(islice((timed for timed in trades if timed[0] > since_ns), int(count)))
        else:
            shown = trades[-int(count) :]
        last_ns = shown[-1][0] if shown else since_ns
        return {pair_id_of(market): [_trade_row(trade) for _, trade in shown], "last": str(last_ns)}


def _timed(trades: Iterable[Traded]) -> Iterator[tuple[int, Traded]]:
    """Trades with nanoseconds that differ, so that none is lost between two pages."""
    last_ns = 0
    for trade in trades:
        last_ns = max(last_ns + 1, trade.time_us * 1_000)
        yield last_ns, trade


def _trade_row(trade: Traded) -> list[object]:
    """Kraken: the price always has five decimals, the amount eight. The time is seconds."""
    time = number(f"{trade.time_us // 1_000_000}.{trade.time_us % 1_000_000:06d}")
    side = "b" if trade.taker_side is Side.BUY else "s"
    kind = "m" if trade.is_market_order else "l"
    return [fixed(trade.price_e8, 5), text_e8(trade.size_e8), time, side, kind, "", trade.trade_id]


def _candle_row(market: Market, candle: Candle) -> list[object]:
    """Kraken: prices have the decimals of the pair."""
    decimals = decimals_of(market.tick_e8)
    prices = (candle.open_e8, candle.high_e8, candle.low_e8, candle.close_e8, candle.average_e8)
    texts = [fixed(price_e8, decimals) for price_e8 in prices]
    return [candle.begin_us // 1_000_000, *texts, text_e8(candle.volume_e8), candle.trades]


def _number(form: Form, name: str) -> int:
    text = form[name]
    if not (text.isascii() and text.isdigit()):
        raise invalid(name)
    return int(text)
