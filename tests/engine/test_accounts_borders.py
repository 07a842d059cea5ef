"""The accounts' sums at the edges: what open buys count, finer units, what a snapshot keeps."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from floorwire.core.instrument import Instrument, Side
from floorwire.core.orders import Order, OrderTicket
from floorwire.engine import account as account_module
from floorwire.engine import chunked_history
from floorwire.engine.accounts import Accounts
from floorwire.engine.order_manager import OrderManager
from tests.clocks import moment
from tests.engine.market import BTC, CROSS, ETH, RULES, Market, order_manager

NOW = 1_000_000
AT = moment(NOW)


class Trading:
    """Ann, with money, in a market where nobody else is until somebody is let in."""

    def __init__(self) -> None:
        self.market = Market(BTC, ETH, CROSS)
        self.order_manager = order_manager(self.market, BTC, ETH, CROSS)
        for number, asset in enumerate(("BTC", "ETH", "USDT"), 1):
            self.order_manager.deposit("ann", asset, "1000", number, 0)
        self.placed = 0

    def place(self, side: Side, lots: int, price: int, instrument: Instrument = BTC) -> Order:
        self.placed += 1
        name = str(self.placed)
        ticket = OrderTicket("ann", name, instrument.symbol, side, "limit", lots, None, price, None, "gtc")
        for command in self.order_manager.place(ticket, AT, key="k").commands:
            self.order_manager.settle(self.market.execute(command), NOW)
        return self.order_manager.find("ann", client_order_id=name)

    def other(self, side: Side, lots: int, price: int, instrument: Instrument = BTC) -> None:
        self.order_manager.settle(self.market.other(side, lots, price, instrument.symbol), NOW)

    def amend(self, order: Order, lots: int) -> None:
        for command in self.order_manager.amend(order, AT, lots=lots, key="k").commands:
            self.order_manager.settle(self.market.execute(command), NOW)

    def cancel(self, order: Order) -> None:
        for command in self.order_manager.cancel(order).commands:
            self.order_manager.settle(self.market.execute(command), NOW)

    def buying(self) -> dict[str, int]:
        """Return the lots that are left of open buys."""
        return {symbol: lots for symbol, lots in self.accounts.by_name["ann"].buying.items() if lots}

    @property
    def accounts(self) -> Accounts:
        return self.order_manager._accounts

    def again(self, order: Order) -> Order:
        return self.order_manager.find("ann", order.order_id)


@pytest.fixture
def trading() -> Trading:
    made = Trading()
    made.other("buy", 1, 199)
    made.other("sell", 1, 400)
    return made


def test_owners_are_numbered_from_one_in_the_order_in_which_accounts_come() -> None:
    made = order_manager(Market(BTC), BTC)
    for number, name in enumerate(("ann", "bob", "cho"), 1):
        made.deposit(name, "USDT", "1", number, 0)
    assert [account.owner for account in made._accounts.by_name.values()] == [1, 2, 3]


def test_fees_are_booked_in_the_quote_asset(trading: Trading) -> None:
    trading.place("buy", 1, 400)
    fees = trading.accounts.ledger.fees
    assert {asset for asset, units in fees.items() if units} == {"USDT"}
    (fill,) = trading.order_manager.fills("ann")
    assert fees["USDT"] == fill.fee > 0


def test_lots_left_of_open_buys_are_counted_through_an_orders_whole_life(trading: Trading) -> None:
    first = trading.place("buy", 10, 200)
    second = trading.place("buy", 5, 200)
    trading.place("sell", 7, 400)
    assert trading.buying() == {BTC.symbol: 15}, "sells count nothing"
    trading.other("sell", 4, 200)
    assert trading.again(first).filled_lots == 4
    assert trading.buying() == {BTC.symbol: 11}
    trading.amend(trading.again(first), 20)
    assert trading.buying() == {BTC.symbol: 21}
    trading.amend(trading.again(first), 6)
    assert trading.buying() == {BTC.symbol: 7}
    trading.other("sell", 3, 200)
    assert trading.buying() == {BTC.symbol: 4}
    for order in (first, second):
        trading.cancel(trading.again(order)) if trading.again(order).is_open else None
    assert trading.buying() == {}


def test_the_last_order_before_new_steps_is_counted_in_the_old_ones(trading: Trading) -> None:
    before = trading.place("buy", 10, 200)
    trading.order_manager.list_instruments([replace(BTC, tick_size="0.05")], NOW)
    after = trading.place("buy", 10, 250)
    assert [trading.order_manager.instrument_of(order).tick_size for order in (before, after)] == [
        "0.5",
        "0.05",
    ]


def finer(instrument: Instrument, decimals: int) -> Instrument:
    return replace(instrument, lot_size=f"0.{'1'.zfill(decimals)}")


@pytest.mark.parametrize("refined", ["ETH", "BTC"])
def test_finer_units_change_what_is_counted_in_them_and_nothing_else(refined: str) -> None:
    trading = Trading()
    order = trading.place("buy", 1_001, 3_333, CROSS)
    trading.other("sell", 7, 3_333, CROSS)
    before, (position, *_) = trading.again(order), trading.order_manager.positions("ann")
    assert before.fee_credit
    assert position.symbol == CROSS.symbol
    trading.order_manager.list_instruments([finer(ETH if refined == "ETH" else BTC, 10)], NOW)
    eth, btc = (100, 1) if refined == "ETH" else (1, 100)
    after, (now, *_) = trading.again(order), trading.order_manager.positions("ann")
    assert (after.held, after.fee_credit) == (before.held * btc, before.fee_credit * btc)
    assert (now.quantity, now.bought) == (position.quantity * eth, position.bought * eth)
    assert (now.cost, now.realised) == (position.cost * btc, position.realised * btc)
    trading.other("sell", 994, 3_333, CROSS)
    assert trading.again(order).state == "filled"
    assert not any(balance.held for balance in trading.order_manager.balances("ann"))
    assert trading.order_manager.conserved()


def test_a_snapshot_remembers_which_fills_were_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunked_history, "CHUNK_SIZE", 4)
    monkeypatch.setattr(account_module, "KEPT_FILLS", 5)
    trading = Trading()
    trading.place("buy", 7, 200)
    for _ in range(7):
        trading.other("sell", 1, 200)
    fills = trading.order_manager.fills("ann")
    assert [fill.fill_id for fill in fills] == [7, 6, 5, 4, 3]
    restored = OrderManager.restored(trading.order_manager.snapshot(), RULES, trading.market.prices)
    assert restored.fills("ann") == fills
    assert restored.state_hash() == trading.order_manager.state_hash()
