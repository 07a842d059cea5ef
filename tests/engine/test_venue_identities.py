"""Journals of earlier versions get the identities of their venues, and nothing is lost."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEntry,
    Deposited,
    Identified,
    MassCancel,
    OrderAccepted,
    OrderFilled,
    PositionsChanged,
)
from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import OrderTicket
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.venue_names import bare, venue_of
from floorwire.engine.effective_limits import effective_limits
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules, VenueRules
from floorwire.engine.venue_identities import identified_entry
from floorwire.engine.venue_money import VenueMoneyError
from tests.clocks import moment
from tests.engine.market import BTC, CROSS, ETH, RULES, Market

SIM = replace(BTC, venue="sim")
SIM_ETH = replace(ETH, venue="sim")
OTHER = replace(BTC, symbol="binance:BTC-USDT", venue="binance")
"""As earlier versions named it beside another venue."""


class Old:
    """An order manager as an earlier version kept it, with all its entries."""

    def __init__(self, *instruments: Instrument, rules: TradingRules = RULES) -> None:
        self.market = Market(*instruments)
        self.manager = OrderManager(rules, self.market.prices)
        self.entries = self.manager.list_instruments(instruments, 0)
        for instrument in instruments:
            self.market.other("sell", 1_000, 100, instrument.symbol)
            self.market.other("buy", 1_000, 90, instrument.symbol)

    def deposit(self, account: str, asset: str, amount: str, number: int) -> None:
        self.entries += self.manager.deposit(account, asset, amount, number, 0)

    def place(self, account: str, symbol: str, side: Side, lots: int, price_ticks: int) -> None:
        ticket = OrderTicket(account, f"c{len(self.entries)}", symbol, side, "limit", lots,
                             price_ticks=price_ticks)  # fmt: skip
        try:
            decision = self.manager.place(ticket, moment(0), key=f"key of {account}")
        except Refusal:
            return
        self.entries += decision.entries
        for command in decision.commands:
            self.entries += self.manager.settle(self.market.execute(command), 0)

    def identified(self, default: str = "sim") -> OrderManager:
        """Identify everything, as a start does. Return the order manager."""
        self.entries += self.manager.identify(default, 7)
        self.entries += self.manager.correct_positions(7)
        return self.manager


def folded(entries: list[AccountEntry]) -> OrderManager:
    """Return an order manager that read these entries from a journal."""
    other = OrderManager(RULES, Market().prices)
    for entry in entries:
        assert other.apply(entry.event) == entry.seqs
    return other


def balances(manager: OrderManager, account: str = "alice") -> dict[str, tuple[int, int]]:
    return {one.asset: (one.total, one.held) for one in manager.balances(account)}


def test_one_venue_keeps_everything_under_its_identity() -> None:
    old = Old(SIM, SIM_ETH)
    old.deposit("alice", "USDT", "100000", 1)
    old.place("alice", "BTC-USDT", "buy", 5, 100)
    old.place("alice", "ETH-USDT", "buy", 5, 80)
    old.entries.append(old.manager.halt("symbol", "BTC-USDT", 0))
    before, position = balances(old.manager), old.manager.positions("alice")[0]
    manager = old.identified()
    assert balances(manager) == {f"sim:{asset}": units for asset, units in before.items()}
    assert manager.positions("alice") == [replace(position, symbol="sim:BTC-USDT")]
    [order] = manager.open_orders("alice")
    assert order.ticket.symbol == "sim:ETH-USDT"
    assert manager.find("alice", 1).ticket.symbol == "sim:BTC-USDT"
    assert manager.halts() == [("symbol", "sim:BTC-USDT")]
    assert manager.conserved()
    assert manager.identify("sim", 8) == []
    listed = [manager.instrument_units(f"sim:{one.symbol}").instrument for one in (SIM, SIM_ETH)]
    assert [(one.venue, one.base, one.quote) for one in listed] == [
        ("sim", "sim:BTC", "sim:USDT"), ("sim", "sim:ETH", "sim:USDT")
    ]  # fmt: skip


def test_a_balance_is_divided_by_what_orders_hold_and_positions_bought() -> None:
    old = Old(SIM, OTHER)
    old.deposit("alice", "USDT", "100000", 1)
    old.deposit("alice", "DOGE", "5", 2)
    old.place("alice", "BTC-USDT", "buy", 10, 100)  # fills
    old.place("alice", "binance:BTC-USDT", "buy", 30, 100)  # fills
    old.place("alice", "binance:BTC-USDT", "buy", 10, 80)  # rests
    old.place("alice", "BTC-USDT", "sell", 20, 200)  # rests, and sells what was bought elsewhere
    before = balances(old.manager)
    held = {order.ticket.symbol: order.held for order in old.manager.open_orders("alice")}
    manager = old.identified()
    after = balances(manager)
    bought = {position.symbol: position.bought for position in manager.positions("alice")}
    assert after["sim:BTC"] == (held["BTC-USDT"], held["BTC-USDT"])
    assert after["binance:BTC"] == (before["BTC"][0] - held["BTC-USDT"], 0)
    assert after["binance:USDT"] == (held["binance:BTC-USDT"], held["binance:BTC-USDT"])
    assert after["sim:USDT"] == (before["USDT"][0] - held["binance:BTC-USDT"], 0)
    assert after["sim:DOGE"] == before["DOGE"], "nobody trades it: it goes to the default venue"
    assert bought["sim:BTC-USDT"] <= after["sim:BTC"][0]
    assert bought["binance:BTC-USDT"] == after["binance:BTC"][0]
    assert manager.conserved()


@pytest.mark.parametrize(
    ("default", "home"), [("sim", "sim"), ("binance", "binance"), ("elsewhere", "binance")]
)
def test_what_belongs_to_nothing_goes_to_the_default_venue_if_it_trades_that(default: str, home: str) -> None:
    old = Old(SIM, OTHER)
    old.deposit("alice", "BTC", "3", 1)
    assert set(balances(old.identified(default))) == {f"{home}:BTC"}


def test_an_instrument_under_both_of_its_names_is_one() -> None:
    alone = replace(OTHER, symbol="BTC-USDT")
    old = Old(alone, OTHER)
    old.deposit("alice", "USDT", "100000", 1)
    old.place("alice", "BTC-USDT", "buy", 10, 100)
    old.place("alice", "binance:BTC-USDT", "buy", 30, 100)
    before = old.manager.positions("alice")
    [position] = old.identified("binance").positions("alice")
    assert position.symbol == "binance:BTC-USDT"
    assert position.bought == sum(one.bought for one in before)
    assert position.cost == sum(one.cost for one in before)
    assert {order.ticket.symbol for order in (old.manager.find("alice", n) for n in (1, 2))} == {
        "binance:BTC-USDT"
    }


def test_two_names_with_other_steps_stay_two() -> None:
    finer = replace(OTHER, tick_size="0.05")
    old = Old(replace(OTHER, symbol="BTC-USDT"), finer)
    old.deposit("alice", "USDT", "100000", 1)
    old.place("alice", "binance:BTC-USDT", "buy", 30, 100)
    manager = old.identified("binance")
    assert manager.instrument_of(manager.find("alice", 1)).tick_size == "0.05"
    assert manager.instrument_units("binance:BTC-USDT").instrument.tick_size == "0.5"
    assert manager.instrument_units("binance-2:BTC-USDT").instrument.tick_size == "0.05"


def test_records_of_before_are_read_with_their_identities() -> None:
    old = Old(SIM, OTHER)
    old.deposit("alice", "USDT", "100000", 1)
    old.place("alice", "BTC-USDT", "buy", 10, 100)
    old.place("alice", "binance:BTC-USDT", "buy", 10, 100)
    old.place("alice", "BTC-USDT", "buy", 10, 80)
    earlier = list(old.entries)
    manager = old.identified()
    named: dict[type, set[str]] = {}
    for entry in earlier:
        event = manager.identified_entry(entry).event
        assert manager.identified_entry(entry).seqs == entry.seqs
        match event:
            case OrderFilled():
                names = {event.order.ticket.symbol, event.position.symbol, *(b.asset for b in event.balances)}
                assert manager.instrument_of(event.order).symbol == event.order.ticket.symbol
            case OrderAccepted():
                names = {event.order.ticket.symbol, *(balance.asset for balance in event.balances)}
            case PositionsChanged():
                names = {position.symbol for position in event.positions}
            case Deposited():
                names = {event.balance.asset}
            case _:
                names = set()
        named.setdefault(type(event), set()).update(names)
        again = manager.identified_entry(AccountEntry(event, entry.seqs))
        assert again.event == event
    both = {f"{venue}:{name}" for venue in ("sim", "binance") for name in ("BTC-USDT", "USDT", "BTC")}
    assert named[OrderFilled] == both
    assert named[OrderAccepted] == {name for name in both if not name.endswith(":BTC")}
    assert named[PositionsChanged] == {"sim:BTC-USDT"}
    assert named[Deposited] == {"sim:USDT"}
    assert identified_entry(earlier[0], {}) is earlier[0]


def test_a_mass_cancel_that_has_not_ended_goes_on_with_the_identity() -> None:
    old = Old(SIM)
    started = old.manager.mass_cancel(MassCancel(symbol="BTC-USDT"), 0)
    old.entries.append(old.manager.start_mass_cancel(started))
    [left] = old.identified().unfinished_mass_cancels()
    assert left.mass_cancel.symbol == "sim:BTC-USDT"


def test_a_journal_without_anything_to_identify_gets_no_event() -> None:
    assert OrderManager(RULES, Market().prices).identify("sim", 0) == []
    manager = OrderManager(RULES, Market().prices)
    manager.deposit("alice", "sim:USDT", "1", 1, 0)
    assert manager.identify("sim", 0) == []


requests = st.lists(
    st.tuples(
        st.sampled_from(["alice", "bob"]),
        st.sampled_from([SIM.symbol, SIM_ETH.symbol, OTHER.symbol, CROSS.symbol]),
        st.sampled_from(["buy", "sell"]),
        st.integers(1, 40),
        st.sampled_from([80, 90, 95, 100, 105]),
    ),
    max_size=25,
)


@given(requests=requests, default=st.sampled_from(["sim", "binance", "elsewhere"]))
def test_nothing_is_lost_whatever_was_traded(
    requests: list[tuple[str, str, Side, int, int]], default: str
) -> None:
    old = Old(SIM, SIM_ETH, OTHER, replace(CROSS, venue="sim"))
    for number, (account, asset) in enumerate(
        (a, c) for a in ("alice", "bob") for c in ("USDT", "BTC", "ETH")
    ):
        old.deposit(account, asset, "2000", number + 1)
    for account, symbol, side, lots, price_ticks in requests:
        old.place(account, symbol, side, lots, price_ticks)
    accounts = ("alice", "bob")
    totals = {name: {b.asset: (b.total, b.held) for b in old.manager.balances(name)} for name in accounts}
    open_orders = {name: [o.order_id for o in old.manager.open_orders(name)] for name in accounts}
    profits = {name: sum(p.realised for p in old.manager.positions(name)) for name in accounts}
    manager = old.identified(default)
    assert manager.conserved()
    for name in accounts:
        sums: Counter[str] = Counter()
        holds: Counter[str] = Counter()
        for balance in manager.balances(name):
            sums[bare(balance.asset)] += balance.total
            holds[bare(balance.asset)] += balance.held
            assert balance.available >= 0
        assert {asset: (sums[asset], holds[asset]) for asset in totals[name]} == totals[name]
        assert [order.order_id for order in manager.open_orders(name)] == open_orders[name]
        assert sum(position.realised for position in manager.positions(name)) == profits[name]
        for asset in {balance.asset for balance in manager.balances(name)}:
            total = next(balance.total for balance in manager.balances(name) if balance.asset == asset)
            of_asset = [
                position
                for position in manager.positions(name)
                if asset == f"{venue_of(position.symbol)}:{bare(position.symbol).partition('-')[0]}"
            ]
            assert sum(position.bought for position in of_asset) <= total
            assert {position.quantity for position in of_asset} <= {total}
    other = folded(old.entries)
    assert other.state_hash() == manager.state_hash()
    restored = OrderManager.restored(manager.snapshot(), RULES, Market().prices)
    assert restored.state_hash() == manager.state_hash()
    assert sum(isinstance(entry.event, Identified) for entry in old.entries) == 1


# --- money --------------------------------------------------------------------------------------------


def test_a_venue_never_has_money_of_both_kinds() -> None:
    manager = OrderManager(RULES, Market().prices)
    entries = manager.set_venue_money({"sim": "paper", "kraken": "live"}, 1)
    assert len(entries) == 2
    assert manager.set_venue_money({"kraken": "live", "sim": "paper"}, 2) == []
    restored = OrderManager.restored(manager.snapshot(), RULES, Market().prices)
    for one in (manager, folded(entries), restored):
        with pytest.raises(VenueMoneyError, match="venue kraken: the journal has live money under this id"):
            one.set_venue_money({"new": "paper", "kraken": "paper"}, 3)
        with pytest.raises(VenueMoneyError, match="venue sim: the journal has paper money under this id"):
            one.set_venue_money({"new": "live", "sim": "live"}, 3)
        assert one.set_venue_money({"new": "live"}, 3), "a refusal changes nothing"


def test_venues_of_an_earlier_journal_have_paper_money() -> None:
    manager = Old(SIM, OTHER).identified()
    for venue in ("sim", "binance"):
        with pytest.raises(VenueMoneyError):
            manager.set_venue_money({venue: "live"}, 1)


def test_a_deposit_is_paper_money_and_a_live_venue_takes_none() -> None:
    manager = OrderManager(RULES, Market().prices)
    manager.set_venue_money({"kraken": "live"}, 0)
    with pytest.raises(Refusal, match="kraken has real money, which only the venue can credit"):
        manager.deposit("alice", "kraken:USD", "5", 1, 0)
    manager.deposit("alice", "okx:USDT", "5", 2, 0)
    with pytest.raises(VenueMoneyError):
        manager.set_venue_money({"okx": "live"}, 1)


# --- rules --------------------------------------------------------------------------------------------


def test_a_venue_may_have_fees_and_limits_of_its_own() -> None:
    own = VenueRules(Limits(price_collar="0.1", max_order_notional="5"), 10_000, 20_000)
    rules = replace(RULES, venues={"binance": own})
    old = Old(SIM, OTHER, rules=rules)
    old.deposit("alice", "USDT", "1000000", 1)
    for symbol in (SIM.symbol, OTHER.symbol):
        old.place("alice", symbol, "buy", 4, 100)
    fees = {
        entry.event.order.ticket.symbol: entry.event.fee * 1_000_000 // entry.event.position.cost
        for entry in old.entries
        if isinstance(entry.event, OrderFilled)
    }
    assert fees == {SIM.symbol: RULES.taker_ppm, OTHER.symbol: 20_000}
    assert {symbol: old.manager.find("alice", n).fee_ppm for n, symbol in ((1, "sim"), (2, "other"))} == {
        "sim": RULES.taker_ppm, "other": 20_000
    }  # fmt: skip
    ticket = OrderTicket("alice", "big", SIM.symbol, "buy", "limit", 20, price_ticks=100)
    assert old.manager.place(ticket, moment(0)).order is not None
    with pytest.raises(Refusal, match="max_notional"):
        old.manager.place(replace(ticket, client_order_id="o", symbol=OTHER.symbol), moment(0))


@pytest.mark.parametrize(
    ("named", "lots"),
    [
        ({"BTC": "0.05"}, (5, 5)),
        ({"binance:BTC": "0.05"}, (None, 5)),
        ({"BTC": "0.03", "sim:BTC": "0.07"}, (7, 3)),
    ],
)
def test_a_limit_of_an_asset_is_of_every_venue_or_of_one(
    named: dict[str, str], lots: tuple[int | None, int | None]
) -> None:
    manager = Old(SIM, OTHER).identified()
    limits = Limits(max_order_quantity=named, max_position=named, price_collar="0.1")
    for symbol, most in zip(("sim:BTC-USDT", "binance:BTC-USDT"), lots, strict=True):
        found = effective_limits(manager.instrument_units(symbol), limits, Limits(), None)
        assert (found.max_lots, found.max_position_lots) == (most, most)
    assert manager.unknown_assets(replace(limits, max_position={"NOPE": "1", **named})) == ["NOPE"]
