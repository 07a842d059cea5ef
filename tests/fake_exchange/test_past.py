"""The past of a market: it is the same each time, and joins what is traded later."""

import itertools

import pytest

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.candle_intervals import DAY_US, MINUTE_US
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.past import past_trades

NOW_US = 1_796_020_123_456_789


def test_the_same_seed_gives_the_same_trades() -> None:
    market = default_markets()[0]
    trades = past_trades(market, 6_000_000, NOW_US)
    assert trades == past_trades(market, 6_000_000, NOW_US)
    assert trades != past_trades(market, 6_000_000, NOW_US, seed=2)


def test_it_has_three_days_up_to_now_with_minutes_in_which_nothing_was_traded() -> None:
    trades = past_trades(default_markets()[0], 6_000_000, NOW_US)
    times_us = [trade.time_us for trade in trades]
    assert times_us == sorted(times_us)
    assert times_us[-1] < NOW_US <= times_us[0] + 3 * DAY_US
    minutes = {(time_us - NOW_US) // MINUTE_US for time_us in times_us}
    assert 3 * 1_440 // 2 < len(minutes) < 3 * 1_440
    assert [trade.trade_id for trade in trades] == list(range(1, len(trades) + 1))


def test_its_prices_move_by_small_steps_up_to_the_last_price() -> None:
    trades = past_trades(default_markets()[0], 6_000_000, NOW_US)
    prices_e8 = [trade.price_e8 for trade in trades]
    assert prices_e8[-1] == 6_000_000 * 10**6
    assert max(abs(a - b) for a, b in itertools.pairwise(prices_e8)) <= 1_200 * 10**6
    assert max(prices_e8) - min(prices_e8) > 1_200 * 10**6


def test_ids_prices_and_the_last_day_go_on_where_the_past_ended() -> None:
    fake = FakeBinance(default_markets())
    fake.make_past("BTCUSDT", 6_000_000)
    past = list(fake.core.history.of("BTCUSDT"))
    traded_before = fake.core.days["BTCUSDT"].candle().trades
    assert 0 < traded_before < len(past) // 2
    flow = SeededFlow(fake.core, "BTCUSDT", 6_000_000)
    flow.fill_book()
    while len(fake.core.history.of("BTCUSDT")) == len(past):
        flow.step()
    first = fake.core.history.of("BTCUSDT")[len(past)]
    assert first.trade_id == past[-1].trade_id + 1
    assert abs(first.price_e8 - past[-1].price_e8) <= 20 * 10**6
    assert fake.core.days["BTCUSDT"].candle().trades > traded_before
    with pytest.raises(ValueError, match="BTCUSDT has trades already"):
        fake.make_past("BTCUSDT", 6_000_000)
