"""Amounts at the border of what a record holds: refused, or counted in coarser units; never too large."""

from __future__ import annotations

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from floorwire.core.account_events import AccountEntry, Coarsened, Listed
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Filled, Triggered
from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.units import format_units
from floorwire.engine.ledger import MOST_RECORDED, MOST_UNITS
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment

RULES = TradingRules(Limits(price_collar="0.1", self_trade="allow"), 1_000, 2_500)
FINE = Instrument("BTC-USD", "BTC", "USD", "v", "0.00000001", "0.00000001")
COARSE = replace(FINE, tick_size="0.01", lot_size="0.0001")
OTHER = Instrument("ETH-USD", "ETH", "USD", "v", "0.01", "0.001")
AT = moment(0)
BORDER = MOST_UNITS // 10**8


class Folded:
    """An order manager, all that it wrote, and how to read that again."""

    def __init__(self) -> None:
        self.bid, self.ask = 100, 101
        self.order_manager = OrderManager(RULES, lambda _: Prices(self.bid, self.ask, self.bid, "live"))
        self.entries: list[AccountEntry] = []

    def add(self, entries: list[AccountEntry]) -> list[AccountEntry]:
        self.entries += entries
        return entries

    def deposit(self, account: str, asset: str, amount: str, number: int) -> None:
        self.add(self.order_manager.deposit(account, asset, amount, number, 0))

    def list_instruments(self, *instruments: Instrument) -> list[AccountEntry]:
        return self.add(self.order_manager.list_instruments(instruments, 0))

    def fill(self, name: str, symbol: str, side: Side, lots: int, price: int, at: int) -> None:
        """Place an order and let all of it be filled at this price."""
        ticket = OrderTicket(name, f"c{len(self.entries)}", symbol, side, "limit", lots, None, price)
        decision = self.order_manager.place(ticket, AT)
        assert decision.order is not None
        self.add(list(decision.entries))
        filled = Filled(decision.order.order_id, "t", at, lots, 0, "taker", 0)
        self.add(self.order_manager.settle([filled], 0))

    def live(self, number: int, happening: tuple[object, ...]) -> None:
        """Let one thing happen. Raises Refusal."""
        match happening:
            case ("deposit", str(name), str(asset), int(units)):
                self.deposit(name, asset, str(units), number)
            case ("list", Instrument() as instrument, int(tick), int(lot)):
                self.list_instruments(replace(instrument, tick_size=step(tick), lot_size=step(lot)))
            case ("fill", Instrument() as instrument, "buy" | "sell" as side, int(lots), int(price)):
                self.bid, self.ask = max(1, price - 1), price + 1
                self.fill("alice", instrument.symbol, side, lots, price, price)
            case _:
                raise AssertionError(happening)

    def check(self) -> None:
        """Everything fits into records, nothing is lost, and the records make the same accounts."""
        written = [msgspec.msgpack.encode(entry) for entry in self.entries]
        again = OrderManager(RULES, lambda _: Prices(0, 0, 0, "live"))
        for payload in written:
            again.apply(msgspec.msgpack.decode(payload, type=AccountEntry).event)
        assert again.state_hash() == self.order_manager.state_hash()
        restored = OrderManager.restored(
            self.order_manager.snapshot(), RULES, lambda _: Prices(0, 0, 0, "live")
        )
        assert restored.state_hash() == self.order_manager.state_hash()
        assert self.order_manager.conserved()


def step(decimals: int) -> str:
    return format_units(1, decimals)


_decimals = st.integers(0, 18)
_units = st.sampled_from([1, 10**6, BORDER // 2, BORDER - 1, BORDER, BORDER + 1]) | st.integers(0, 2 * BORDER)
_lots = st.sampled_from([1, 1 << 20, (1 << 53) - 1]) | st.integers(1, (1 << 53) - 1)
_happening = st.one_of(
    st.tuples(
        st.just("deposit"), st.sampled_from(["alice", "bob"]), st.sampled_from(["BTC", "ETH", "USD"]), _units
    ),
    st.tuples(st.just("list"), st.sampled_from([FINE, OTHER]), _decimals, _decimals),
    st.tuples(
        st.just("fill"), st.sampled_from([FINE, OTHER]), st.sampled_from(["buy", "sell"]), _lots, _lots
    ),
)


@given(st.lists(_happening, max_size=25))
def test_whatever_is_asked_for_fits_into_records(happenings: list[tuple[object, ...]]) -> None:
    world = Folded()
    for number, happening in enumerate(happenings, 1):
        with suppress(Refusal):
            world.live(number, happening)
    world.check()


def test_an_instrument_with_too_fine_steps_is_not_listed() -> None:
    world = Folded()
    world.deposit("alice", "USD", "100000", 1)
    assert world.list_instruments(FINE, OTHER) == world.entries[-1:]
    assert world.order_manager.overflow(FINE) == "USD"
    assert world.order_manager.overflow(OTHER) is None
    with pytest.raises(Refusal) as caught:
        world.order_manager.instrument_units(FINE.symbol)
    assert caught.value.code is Code.UNKNOWN_SYMBOL
    world.fill("alice", OTHER.symbol, "buy", 10, 100, 100)
    world.check()


def test_an_instrument_whose_steps_become_too_fine_is_closed() -> None:
    world = Folded()
    world.deposit("alice", "USD", "100000", 1)
    world.list_instruments(COARSE)
    decision = world.order_manager.place(
        OrderTicket("alice", "a", FINE.symbol, "buy", "limit", 10, None, 100), AT
    )
    world.add(list(decision.entries))
    world.list_instruments(FINE)
    assert world.order_manager.open_orders("alice") == []
    with pytest.raises(Refusal) as caught:
        world.order_manager.place(OrderTicket("alice", "b", FINE.symbol, "buy", "limit", 10, None, 100), AT)
    assert caught.value.code is Code.MARKET_HALTED
    assert world.list_instruments(FINE) == []
    world.list_instruments(COARSE)
    world.fill("alice", COARSE.symbol, "buy", 10, 100, 100)
    world.check()


@pytest.mark.parametrize(("units", "listed"), [(MOST_UNITS, True), (MOST_UNITS + 10**8, False)])
def test_the_border_of_a_listing(units: int, listed: bool) -> None:
    world = Folded()
    world.deposit("alice", "USD", format_units(units // 10**8, 8), 1)
    assert bool(world.list_instruments(FINE)) is listed
    world.check()


def overflowed() -> Folded:
    """Return what an earlier version made of a listing that no balance of alice's fits into."""
    world = Folded()
    world.deposit("alice", "USD", "100000", 1)
    world.deposit("alice", "BTC", "1", 2)
    world.deposit("bob", "USD", "200", 3)
    world.list_instruments(OTHER)
    rests = world.order_manager.place(
        OrderTicket("alice", "rests", OTHER.symbol, "buy", "limit", 1000, None, 99), AT
    )
    world.add(list(rests.entries))
    for event in (Listed(FINE, 0),):
        world.entries.append(AccountEntry(event, world.order_manager.apply(event)))
    world.bid = world.ask = 35_000 * 10**8
    world.fill("bob", FINE.symbol, "buy", 1234, 35_000 * 10**8 + 1, 35_000 * 10**8 + 1)
    fine = world.order_manager.place(
        OrderTicket("bob", "fine", FINE.symbol, "buy", "limit", 10**5, None, 35_000 * 10**8), AT
    )
    world.add(list(fine.entries))
    return world


def test_accounts_that_overflowed_are_counted_in_coarser_units() -> None:
    world = overflowed()
    with pytest.raises(OverflowError):
        world.order_manager.state_hash()
    world.add(world.order_manager.coarsen_units(7))
    assert world.order_manager.coarsen_units(8) == []
    coarsened = world.entries[-2].event
    assert coarsened == Coarsened((("USD", 8),), (FINE.symbol,), 7)
    world.check()
    (rests,) = world.order_manager.open_orders("alice")
    alice = {one.asset: one for one in world.order_manager.balances("alice")}
    assert (alice["USD"].total, alice["USD"].decimals) == (100_000 * 10**8, 8)
    assert alice["USD"].held == rests.held == 99 * 1000 * 1000 + -(-99 * 1000 * 1000 * 2500 // 10**6)
    assert world.order_manager.open_orders("bob") == []
    bob = {one.asset: one for one in world.order_manager.balances("bob")}
    cost = 1234 * (35_000 * 10**8 + 1)
    spent = cost + -(-cost * 2500 // 10**6)
    assert (bob["USD"].total, bob["USD"].held) == ((200 * 10**16 - spent) // 10**8, 0)
    assert (
        world.order_manager.instrument_of(world.order_manager.find("bob", client_order_id="fine")).tick_size
        == FINE.tick_size
    )
    world.bid = world.ask = 100
    world.fill("alice", OTHER.symbol, "buy", 10, 100, 100)
    world.add(world.order_manager.settle([Triggered(rests.order_id, 0)], 0))
    world.add(world.order_manager.settle([Filled(rests.order_id, "t", 99, 1000, 0, "maker", 0)], 0))
    world.check()


def test_what_an_order_may_bring_is_bounded() -> None:
    world = Folded()
    world.list_instruments(replace(OTHER, tick_size="1", lot_size="1"))
    world.deposit("alice", "ETH", str(BORDER), 1)
    with pytest.raises(Refusal) as caught:
        world.fill("alice", OTHER.symbol, "sell", BORDER // 4, 100, 100)
    assert caught.value.details == {"field": "quantity"}
    world.check()


@pytest.mark.parametrize("price", [1 << 52, 1 << 60])
def test_a_fill_at_a_far_better_price_is_booked_up_to_the_border(price: int) -> None:
    world = Folded()
    world.list_instruments(replace(OTHER, tick_size="1", lot_size="1"))
    world.deposit("alice", "ETH", "1000000", 1)
    world.fill("alice", OTHER.symbol, "sell", 1000, 100, price)
    (usd,) = [one for one in world.order_manager.balances("alice") if one.asset == "USD"]
    assert usd.total == MOST_RECORDED
    world.check()
    with pytest.raises(Refusal):
        world.fill("alice", OTHER.symbol, "sell", 1000, 100, 100)
