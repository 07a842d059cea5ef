"""One run of a bot: its orders, its position, its limits, and how it ends."""

from __future__ import annotations

from decimal import Decimal

import pytest

from floorwire.bot import Bot, BotOrder, FillRow, OrderRejectedError, StreamGap
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.run import BotFailedError, Run, RunState, is_known_order
from floorwire.client.order import OrderTerms
from floorwire.protocol.replies import Error
from tests.bot.fake_mode import FakeMode
from tests.bot.rows import SYMBOL, fill, order_row, ticker


class Noting(Bot):
    symbols = ("ABC-USDT",)

    def __init__(self) -> None:
        self.noted: list[str] = []

    def on_start(self) -> None:
        self.noted.append(f"start {self.instrument('ABC-USDT').tick_size} {self.now_us}")

    def on_order(self, order: BotOrder) -> None:
        self.noted.append(f"order {order.event} {order.is_open} {order.filled} {order.remaining}")

    def on_fill(self, fill: FillRow) -> None:
        self.noted.append(f"fill {fill.quantity} {self.position(fill.symbol)}")

    def on_refused(self, order: BotOrder, error: OrderRejectedError) -> None:
        self.noted.append(f"refused {order.client_order_id} {error.code} {order.is_open}")

    def on_gap(self, gap: StreamGap) -> None:
        self.noted.append(f"gap {gap.reason}")

    def on_stop(self) -> None:
        self.noted.append("stop")


def started(limits: BotLimits | None = None) -> tuple[Run, Noting, FakeMode]:
    mode, bot = FakeMode(), Noting()
    run = Run(mode, limits, seed=3)
    run.start(bot, [SYMBOL])
    return run, bot, mode


def test_order_lives_from_place_to_fill() -> None:
    run, bot, mode = started()
    order = bot.buy("ABC-USDT", "2", limit="100")
    assert mode.asked == ["place bot-1 buy 2"]
    assert order.is_open
    assert order.remaining == 2
    assert list(bot.open_orders) == [order]
    mode.time_us += 500
    run.order_changed("bot-1", order_row(quantity="2", remaining="2"), "new", [])
    order.amend(price="101")
    run.order_changed(
        "bot-1",
        order_row("partially_filled", filled="1.5", remaining="0.5"),
        "fill",
        [fill("buy", "1.5", "100")],
    )
    order.cancel()
    run.order_changed("bot-1", order_row("cancelled", filled="1.5", remaining="0.5"), "cancelled", [])
    assert mode.asked[1:] == ["amend bot-1 101 None", "cancel bot-1"]
    assert bot.noted == [
        "start 0.01 1000000",
        "order new True 0 2",
        "order fill True 1.5 0.5",
        "fill 1.5 1.5",
        "order cancelled False 1.5 0.5",
    ]
    assert bot.open_orders == ()
    assert list(run.record.latencies_us) == [500]
    order.cancel()
    order.amend(price="1")
    assert len(mode.asked) == 3


def test_sales_lower_the_position_below_zero() -> None:
    run, bot, _ = started()
    bot.sell("ABC-USDT", Decimal("0.5"))
    run.order_changed("bot-1", order_row("filled", side="sell"), "fill", [fill("sell", "0.5", "100")])
    assert bot.position("ABC-USDT") == Decimal("-0.5")
    assert bot.position("XYZ-USDT") == 0


def test_fills_that_are_read_after_a_gap_count_too() -> None:
    run, bot, _ = started()
    bot.buy("ABC-USDT", "1")
    run.order_changed("bot-1", order_row("filled"), None, [])
    run.late_fills([fill("buy", "1", "100")])
    assert bot.noted[1:] == ["order None False 0 1", "fill 1 1"]
    assert run.record.orders == {"read": 1}


def test_orders_of_others_are_left_out() -> None:
    run, bot, _ = started()
    run.order_changed("other", order_row(), "new", [])
    assert bot.noted == ["start 0.01 1000000"]


def test_refusals() -> None:
    run, bot, mode = started()
    order = bot.buy("ABC-USDT", "1")
    error = OrderRejectedError(Error(code="stale_market", message="no", retry=True))
    run.refused(order, error, of_place=True)
    assert not order.is_open
    assert order.refusal is error
    assert bot.open_orders == ()
    second = bot.buy("ABC-USDT", "1")
    run.refused(second, error, of_place=False)
    assert second.is_open
    assert bot.noted[1:] == ["refused bot-1 stale_market False", "refused bot-2 stale_market True"]
    assert run.record.refusals == {"stale_market": 2}
    bot.buy("XYZ-USDT", "1")
    assert len(mode.asked) == 2
    mode.settle()
    assert bot.noted[-1] == "refused bot-3 unknown_symbol False"


def test_floats_are_refused_at_once() -> None:
    _, bot, mode = started()
    with pytest.raises(TypeError, match="not exact"):
        bot.buy("ABC-USDT", 0.5)  # type: ignore[arg-type]
    order = bot.buy("ABC-USDT", "1")
    with pytest.raises(TypeError, match="not exact"):
        order.amend(price=0.5)  # type: ignore[arg-type]
    assert mode.asked == ["place bot-2 buy 1"]


def test_limits_count_what_is_open() -> None:
    run, bot, mode = started(BotLimits(max_position={"ABC-USDT": Decimal(3)}, max_open_orders=3))
    run.marks.last["ABC-USDT"] = ticker()
    bot.buy("ABC-USDT", "2")
    bot.buy("ABC-USDT", "1.5")
    bot.sell("ABC-USDT", "3")
    bot.buy("ABC-USDT", "1")
    bot.buy("ABC-USDT", "1")
    mode.settle()
    assert mode.asked == ["place bot-1 buy 2", "place bot-3 sell 3", "place bot-4 buy 1"]
    assert bot.noted[1:] == ["refused bot-2 position_limit False", "refused bot-5 max_open_orders False"]


def test_it_ends_where_it_has_lost_too_much() -> None:
    run, bot, _ = started(BotLimits(max_loss=Decimal(50)))
    bot.buy("ABC-USDT", "10")
    run.order_changed("bot-1", order_row("filled"), "fill", [fill("buy", "10", "100")])
    run.marks.last["ABC-USDT"] = ticker("95", "95.02")
    run.sample()
    assert run.ending == ""
    run.marks.last["ABC-USDT"] = ticker("94", "96")
    run.sample()
    assert run.ending == "stopped: it lost 50 USDT, and --max-loss is 50"


def test_stop_cancels_what_is_open_and_takes_no_more_orders() -> None:
    run, bot, mode = started()
    order = bot.buy("ABC-USDT", "1")
    run.stop()
    assert bot.noted[-1] == "stop"
    assert mode.asked[-1] == "cancel bot-1"
    order.amend(price="5")
    bot.buy("ABC-USDT", "1")
    mode.settle()
    assert bot.noted[-1] == "refused bot-2 draining False"
    assert len(mode.asked) == 2
    run.stop()
    assert bot.noted.count("stop") == 1
    mode.time_us = 9_000_000
    run.end()
    assert (run.state, run.record.begin_us, run.record.end_us) == (RunState.ENDED, 1_000_000, 9_000_000)


def test_a_bot_that_raises_is_not_asked_to_stop() -> None:
    run, bot, mode = started()
    bot.buy("ABC-USDT", "1")

    def bad() -> None:
        raise ZeroDivisionError("by zero")

    with pytest.raises(BotFailedError, match=r"Noting: ZeroDivisionError: by zero"):
        run.call(bad)
    assert run.failure is not None
    assert isinstance(run.failure.__cause__, ZeroDivisionError)
    run.stop()
    assert "stop" not in bot.noted
    assert mode.asked[-1] == "cancel bot-1"


def test_another_bot_takes_over() -> None:
    run, bot, _ = started()
    order = bot.buy("ABC-USDT", "1")
    other = Noting()
    run.take_over(other)
    assert other.open_orders == (order,)
    run.gap(StreamGap("trades", "ABC-USDT", "e", 1, 2, "slow"))
    assert other.noted == ["start 0.01 1000000", "gap slow"]
    assert len(bot.noted) == 1


def test_randomness_is_that_of_the_seed_and_lines_are_kept() -> None:
    lines: list[tuple[int, str]] = []
    run = Run(FakeMode(), seed=3, on_line=lambda ts_us, text: lines.append((ts_us, text)))
    run.start(Noting(), [SYMBOL])
    run.bot.log("hello")
    assert lines == list(run.record.lines) == [(1_000_000, "hello")]
    assert [started()[0].random.random() for _ in range(2)] == [run.random.random()] * 2


def test_known_orders_are_told_by_their_events() -> None:
    plain = Error(code="x", message="", retry=False)
    known = Error(code="x", message="", retry=False, details={"order_id": "1"})
    assert not is_known_order(OrderRejectedError(plain))
    assert is_known_order(OrderRejectedError(known))


def test_terms_may_name_the_order() -> None:
    run, _, mode = started()
    run.place(OrderTerms(symbol="ABC-USDT", side="buy", quantity="1", client_order_id="mine"))
    assert mode.asked == ["place mine buy 1"]
