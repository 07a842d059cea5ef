"""The matching core: money is conserved, the book never crosses, and time decides among equal prices."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_exchange.market import UNIT, Market, parse_e8, text_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import WOULD_TAKE, OrderState, Refused, SelfTrade, Side, Stop, TimeInForce

SYMBOL = "BTCUSDT"
ACCOUNTS = ("a", "b")


def core_with_money(fees_in_quote: bool = False) -> MatchingCore:
    market = Market("BTC", "USDT", UNIT // 100, UNIT // 100_000)
    core = MatchingCore([market], lambda: 0, fees_in_quote=fees_in_quote)
    for account in ACCOUNTS:
        core.deposit(account, "BTC", UNIT)
        core.deposit(account, "USDT", 1_000 * UNIT)
    return core


def test_the_earlier_of_two_equal_prices_fills_first() -> None:
    core = core_with_money()
    first = core.place("a", SYMBOL, Side.SELL, 10, 100_000, "first")
    second = core.place("a", SYMBOL, Side.SELL, 10, 100_000, "second")
    core.place("b", SYMBOL, Side.BUY, 15, 100_000, "taker")
    assert (first.state, second.filled_lots) == (OrderState.FILLED, 5)


def test_fill_or_kill_and_post_only() -> None:
    core = core_with_money()
    core.place("a", SYMBOL, Side.SELL, 10, 100_000, "maker")
    killed = core.place("b", SYMBOL, Side.BUY, 11, 100_000, "fok", time_in_force=TimeInForce.FOK)
    assert (killed.state, killed.filled_lots) == (OrderState.EXPIRED, 0)
    with pytest.raises(Refused):
        core.place("b", SYMBOL, Side.BUY, 1, 100_000, "post", post_only=True)


def test_an_amendment_loses_the_queue_only_for_a_price_or_more() -> None:
    core = core_with_money()
    first = core.place("a", SYMBOL, Side.SELL, 10, 100_000, "first")
    second = core.place("a", SYMBOL, Side.SELL, 10, 100_000, "second")
    core.amend(first, 9, 100_000)
    core.place("b", SYMBOL, Side.BUY, 5, 100_000, "taker")
    assert (first.filled_lots, second.filled_lots) == (5, 0)
    core.amend(first, 20, 100_000)
    core.place("b", SYMBOL, Side.BUY, 5, 100_000, "taker-2")
    assert (first.filled_lots, second.filled_lots) == (5, 5)
    assert core.amend(first, 5, 100_000).state is OrderState.FILLED
    with pytest.raises(Refused):
        core.amend(second, 4, 100_000)
    with pytest.raises(Refused):
        core.amend(second, 10**9, 100_000)


def test_an_amendment_may_take() -> None:
    core = core_with_money()
    core.place("a", SYMBOL, Side.SELL, 10, 100_000, "maker")
    buy = core.place("b", SYMBOL, Side.BUY, 10, 99_999, "buy")
    post = core.place("b", SYMBOL, Side.BUY, 10, 99_999, "post", post_only=True)
    with pytest.raises(Refused):
        core.amend(post, 10, 100_000)
    assert core.amend(post, 10, 100_000, accepts_first=True).end_reason == WOULD_TAKE
    assert core.amend(buy, 10, 100_001).state is OrderState.FILLED


@pytest.mark.parametrize(
    ("self_trade", "maker", "taker"),
    [
        (SelfTrade.ALLOW, OrderState.FILLED, OrderState.FILLED),
        (SelfTrade.CANCEL_MAKER, OrderState.CANCELED, OrderState.NEW),
        (SelfTrade.CANCEL_TAKER, OrderState.NEW, OrderState.CANCELED),
        (SelfTrade.CANCEL_BOTH, OrderState.CANCELED, OrderState.CANCELED),
    ],
)
def test_self_trades(self_trade: SelfTrade, maker: OrderState, taker: OrderState) -> None:
    core = core_with_money()
    resting = core.place("a", SYMBOL, Side.SELL, 10, 100_000, "maker")
    order = core.place("a", SYMBOL, Side.BUY, 10, 100_000, "taker", self_trade=self_trade)
    assert (resting.state, order.state) == (maker, taker)


def test_a_fee_in_the_quote_asset_comes_on_top_of_a_buy() -> None:
    core = core_with_money(fees_in_quote=True)
    core.place("a", SYMBOL, Side.SELL, 10_000, 100_000, "maker")
    buy = core.place("b", SYMBOL, Side.BUY, 10_000, 100_000, "taker")
    assert [(fill.fee_asset, fill.fee_e8) for fill in core.fills] == [("USDT", UNIT // 10)] * 2
    assert core.balance("b", "BTC").free_e8 == UNIT + UNIT // 10
    assert core.balance("b", "USDT").free_e8 == 1_000 * UNIT - buy.filled_quote_e8 - UNIT // 10


def test_a_size_in_the_quote_asset() -> None:
    core = core_with_money()
    core.place("a", SYMBOL, Side.SELL, 10, 100_000, "maker")  # 1 lot costs 0.01
    assert core.lots_for_quote(SYMBOL, Side.BUY, 5 * UNIT // 100) == 5
    assert core.lots_for_quote(SYMBOL, Side.BUY, 100 * UNIT) == 10


ACTION = st.tuples(
    st.sampled_from(ACCOUNTS),
    st.sampled_from(["limit", "market", "ioc", "cancel", "reduce", "amend", "alone"]),
    st.sampled_from(list(Side)),
    st.integers(1, 2_000),
    st.integers(99_990, 100_010),
)


@settings(max_examples=60)
@given(st.lists(ACTION, max_size=40), st.booleans())
def test_money_is_conserved_and_the_book_never_crosses(
    actions: list[tuple[str, str, Side, int, int]], fees_in_quote: bool
) -> None:
    core = core_with_money(fees_in_quote)
    for number, (account, kind, side, lots, price_ticks) in enumerate(actions):
        orders = core.open_orders(account)
        try:
            if kind in ("cancel", "reduce", "amend"):
                if orders:
                    order = orders[lots % len(orders)]
                    if kind == "cancel":
                        core.cancel(order)
                    elif kind == "amend":
                        core.amend(order, lots, price_ticks)
                    else:
                        core.reduce(order, order.lots // 2 + 1, f"r{number}")
            else:
                tif = TimeInForce.IOC if kind == "ioc" else TimeInForce.GTC
                price = None if kind == "market" else price_ticks
                self_trade = SelfTrade.CANCEL_BOTH if kind == "alone" else SelfTrade.ALLOW
                core.place(
                    account, SYMBOL, side, lots, price, f"o{number}", time_in_force=tif, self_trade=self_trade
                )
        except Refused:
            pass
        bids, asks = core.levels(SYMBOL, Side.BUY), core.levels(SYMBOL, Side.SELL)
        assert not (bids and asks) or bids[0][0] < asks[0][0]
    for asset, deposited in (("BTC", 2 * UNIT), ("USDT", 2_000 * UNIT)):
        fees = sum(fill.fee_e8 for fill in core.fills if fill.fee_asset == asset)
        balances = [core.balance(account, asset) for account in ACCOUNTS]
        assert sum(balance.free_e8 + balance.locked_e8 for balance in balances) + fees == deposited
        assert all(balance.free_e8 >= 0 and balance.locked_e8 >= 0 for balance in balances)
    for account in ACCOUNTS:
        locked = sum(core.balance(account, asset).locked_e8 for asset in ("BTC", "USDT"))
        assert locked == sum(order.reserved_e8 for order in core.open_orders(account))


@given(st.integers(0, 10**18))
def test_amounts_are_read_as_they_are_written(amount_e8: int) -> None:
    assert parse_e8(text_e8(amount_e8)) == amount_e8


@pytest.mark.parametrize("text", ["", "-1", "1e5", "1.", ".5", "+1", "1.123456789", "NaN", " 1", "1_0"])
def test_other_texts_are_no_amounts(text: str) -> None:
    assert parse_e8(text) is None


def test_a_stop_waits_until_the_market_trades_there_and_its_trade_reaches_the_next() -> None:
    core = core_with_money()
    for lots, ticks in ((10, 100_000), (10, 99_000), (10, 98_000)):
        core.place("a", SYMBOL, Side.BUY, lots, ticks, f"bid {ticks}")
    falls, again = Stop(100_000, rises=False), Stop(99_000, rises=False)
    second = core.place("b", SYMBOL, Side.SELL, 5, 97_000, "second", stop=again)
    first = core.place("b", SYMBOL, Side.SELL, 10, 97_000, "first", stop=falls)
    assert (first.waits, second.waits, first.reserved_e8) == (True, True, 10 * core.markets[SYMBOL].step_e8)
    assert not core.levels(SYMBOL, Side.SELL), "a stop that waits is in no book"
    amended = core.amend(second, 6, 97_500)
    assert (amended.waits, amended.lots) == (True, 6)
    core.place("b", SYMBOL, Side.SELL, 1, 100_000, "trade")
    assert (first.state, first.waits) == (OrderState.FILLED, False)
    assert (second.state, second.waits) == (OrderState.FILLED, False)
    late = core.place("b", SYMBOL, Side.SELL, 1, 99_500, "late", stop=Stop(99_500, rises=False))
    assert not late.waits, "the last price is beyond it already"


def test_a_stop_that_waits_can_be_cancelled() -> None:
    core = core_with_money()
    order = core.place("a", SYMBOL, Side.BUY, 10, 100_000, "stop", stop=Stop(99_000, rises=True))
    core.cancel(order)
    assert (order.state, core.balance("a", "USDT").locked_e8) == (OrderState.CANCELED, 0)
    core.place("b", SYMBOL, Side.SELL, 1, 99_500, "ask")
    core.place("a", SYMBOL, Side.BUY, 1, 99_500, "trade")
    assert not order.fills
