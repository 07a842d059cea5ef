"""Candles of every interval follow from the trades alone."""

from hypothesis import given
from hypothesis import strategies as st

from tests.fake_exchange.candle_intervals import Interval, days, hours, minutes, months, seconds, week
from tests.fake_exchange.orders import Side, Traded
from tests.fake_exchange.trade_history import RestHistory, TradeHistory, traded_candles
from tests.fake_exchange.trade_statistics import Candle

START_US = 1_796_020_123_456_789
INTERVALS = [seconds(1), minutes(1), minutes(5), hours(6, 8 * 3_600_000_000), days(1), week(), months(1)]


def traded(number: int, time_us: int, price_e8: int, size_e8: int) -> Traded:
    side = Side.BUY if number % 3 else Side.SELL
    return Traded(
        "S", number, price_e8, size_e8, price_e8 * size_e8, side, time_us, number, is_market_order=True
    )


gaps_us = st.sampled_from([0, 1, 400_000, 30_000_000, 61_000_000, 180_000_000])
rows = st.lists(st.tuples(gaps_us, st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=30)


def history_of(rows: list[tuple[int, int, int]]) -> tuple[TradeHistory, list[Traded]]:
    history, time_us = TradeHistory(["S"]), START_US
    for number, (gap_us, price_e8, size_e8) in enumerate(rows, 1):
        time_us += gap_us
        history.add(traded(number, time_us, price_e8, size_e8))
    return history, list(history.of("S"))


def expected(trades: list[Traded], interval: Interval, now_us: int) -> list[Candle]:
    """One interval after the other, with all trades looked at for each."""
    candles: list[Candle] = []
    begin_us = interval.begin_us(trades[0].time_us)
    while begin_us <= now_us:
        end_us = interval.end_us(begin_us)
        inside = [trade for trade in trades if begin_us <= trade.time_us < end_us]
        prices = [trade.price_e8 for trade in inside] or [candles[-1].close_e8]
        bought = [trade for trade in inside if trade.taker_side is Side.BUY]
        candles.append(
            Candle(
                begin_us, end_us, prices[0], max(prices), min(prices), prices[-1],
                sum(trade.size_e8 for trade in inside), sum(trade.quote_e8 for trade in inside), len(inside),
                inside[0].trade_id if inside else -1, inside[-1].trade_id if inside else -1,
                sum(trade.size_e8 for trade in bought), sum(trade.quote_e8 for trade in bought),
                is_closed=end_us <= now_us,
            )
        )  # fmt: skip
        begin_us = end_us
    return candles


@given(rows, st.sampled_from(INTERVALS), st.integers(0, 130_000_000))
def test_candles_are_those_of_the_trades(
    rows: list[tuple[int, int, int]], interval: Interval, later_us: int
) -> None:
    history, trades = history_of(rows)
    now_us = trades[-1].time_us + later_us
    shown = RestHistory(history, lambda: now_us)
    wanted = expected(trades, interval, now_us)
    assert list(shown.oldest_candles("S", interval)) == wanted
    assert list(shown.newest_candles("S", interval)) == wanted[::-1]
    assert list(traded_candles(shown.oldest_candles("S", interval))) == [c for c in wanted if c.trades]


@given(rows, st.integers(-70_000_000, 200_000_000), st.integers(-70_000_000, 200_000_000))
def test_both_ends_of_a_range_belong_to_it(
    rows: list[tuple[int, int, int]], first_us: int, last_us: int
) -> None:
    history, trades = history_of(rows)
    first_us, last_us, now_us = START_US + first_us, START_US + last_us, trades[-1].time_us
    shown = RestHistory(history, lambda: now_us)
    wanted = [c for c in expected(trades, minutes(1), now_us) if first_us <= c.begin_us <= last_us]
    assert list(shown.oldest_candles("S", minutes(1), first_us, last_us)) == wanted
    assert list(shown.newest_candles("S", minutes(1), first_us, last_us)) == wanted[::-1]
    for candle in wanted:
        exact = shown.newest_candles("S", minutes(1), candle.begin_us, candle.begin_us)
        assert list(exact) == [candle]
    inside = [trade for trade in trades if first_us <= trade.time_us <= last_us]
    assert list(shown.trades_between("S", first_us, last_us)) == inside


@given(rows, rows)
def test_rest_that_lags_shows_the_moment_since_which_it_does(
    rows: list[tuple[int, int, int]], later: list[tuple[int, int, int]]
) -> None:
    history, trades = history_of(rows)
    now_us = trades[-1].time_us
    shown = RestHistory(history, lambda: now_us)
    before = list(shown.oldest_candles("S", minutes(1)))
    shown.freeze(["S"])
    for _, price_e8, size_e8 in later:
        now_us += 20_000_000
        history.add(traded(len(history.of("S")) + 1, now_us, price_e8, size_e8))
    assert list(shown.trades("S")) == trades
    assert list(shown.oldest_candles("S", minutes(1))) == before
    shown.thaw()
    assert len(shown.trades("S")) == len(trades) + len(later)


def test_nothing_was_traded() -> None:
    shown = RestHistory(TradeHistory(["S"]), lambda: START_US)
    assert not list(shown.oldest_candles("S", minutes(1)))
    assert not list(shown.newest_candles("S", minutes(1)))
    assert TradeHistory(["S"]).candle("S", minutes(1), START_US) is None
