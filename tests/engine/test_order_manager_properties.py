"""The order manager and a market under random commands: what must hold whatever anybody does.

Beside it stands the plainest reckoning of the same: money counted fill by fill from the venue's reports,
holds summed up anew from the orders, and accounts rebuilt from the journal's bytes alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from fractions import Fraction
from math import ceil

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from floorwire.core.account_events import CHANNELS, AccountEntry, OrderFilled
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Filled, Report
from floorwire.core.instrument import Side
from floorwire.core.money_requests import MoneyRequest, Reset, Transfer, Withdrawal
from floorwire.core.orders import Order, OrderTicket, OrderType, TimeInForce
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.trading_rules import TradingRules
from tests.clocks import moment
from tests.engine.market import BTC, CROSS, Market, cancel_all, place_again

ACCOUNTS = st.sampled_from(["ann", "bob"])
SIDES = st.sampled_from(["buy", "sell"])
PRICES = st.integers(197, 203)
LOTS = st.integers(1, 40)
RULES = TradingRules(limits=Limits(price_collar="0.05"), maker_ppm=1_111, taker_ppm=3_333)
FINER = msgspec.structs.replace(CROSS, tick_size="0.0000001", lot_size="0.001")
BTC_UNITS, USDT_UNITS = 10**6, 5 * 10**5  # of one lot, of one tick x lot, with 8 decimals


def tickets() -> st.SearchStrategy[tuple[OrderType, int | None, int | None, TimeInForce, bool]]:
    rests: st.SearchStrategy[TimeInForce] = st.sampled_from(["gtc", "gtc", "gtd", "ioc", "fok"])
    kills: st.SearchStrategy[TimeInForce] = st.sampled_from(["ioc", "fok"])
    no, yes = st.none(), st.booleans()
    return st.one_of(
        st.tuples(st.just("limit"), PRICES, no, rests, yes),
        st.tuples(st.just("stop_limit"), PRICES, PRICES, rests, yes),
        st.tuples(st.just("market"), no, no, kills, st.just(False)),
        st.tuples(st.just("stop"), no, PRICES, kills, st.just(False)),
    )


class Trading(RuleBasedStateMachine):
    """Two accounts among others at one market."""

    @initialize()
    def open(self) -> None:
        self.market = Market(BTC)
        self.order_manager = OrderManager(RULES, self.market.prices)
        self.journal: list[bytes] = []
        self.shadow = OrderManager(RULES, self.market.prices)
        self.money: dict[tuple[str, str], int] = defaultdict(int)
        self.due: dict[int, Fraction] = defaultdict(Fraction)  # exact fees by order
        self.paid: dict[int, int] = defaultdict(int)
        self.outside: dict[str, int] = defaultdict(int)
        self.last = 0
        self.now_us = 1_000
        self.keep(self.order_manager.list_instruments([BTC], self.now_us))
        for account in ("ann", "bob"):
            self.deposit(account, "BTC", 2)
            self.deposit(account, "USDT", 200)

    # --- what happens -------------------------------------------------------------------------------

    @rule(account=ACCOUNTS, asset=st.sampled_from(["BTC", "USDT"]), amount=st.integers(1, 400))
    def deposit(self, account: str, asset: str, amount: int) -> None:
        self.last += 1
        self.keep(self.order_manager.deposit(account, asset, str(amount), self.last, self.now_us))
        assert self.order_manager.deposit(account, asset, str(amount), self.last, self.now_us) == []
        units = amount * 10 ** self.decimals(asset)
        self.money[account, asset] += units
        self.outside[asset] -= units

    @rule(account=ACCOUNTS, asset=st.sampled_from(["BTC", "USDT"]), amount=st.integers(1, 300))
    def withdraw(self, account: str, asset: str, amount: int) -> None:
        if self.move(Withdrawal(self.request_id(), account, asset, str(amount))):
            units = amount * 10 ** self.decimals(asset)
            self.money[account, asset] -= units
            self.outside[asset] += units

    @rule(asset=st.sampled_from(["BTC", "USDT"]), amount=st.integers(1, 300), is_ann=st.booleans())
    def transfer(self, asset: str, amount: int, is_ann: bool) -> None:
        sender, receiver = ("ann", "bob") if is_ann else ("bob", "ann")
        if self.move(Transfer(self.request_id(), sender, receiver, asset, str(amount))):
            units = amount * 10 ** self.decimals(asset)
            self.money[sender, asset] -= units
            self.money[receiver, asset] += units

    @rule(account=ACCOUNTS, usdt=st.integers(0, 300), is_cancelled=st.booleans())
    @precondition(lambda self: self.now_us % 3 == 1)
    def reset(self, account: str, usdt: int, is_cancelled: bool) -> None:
        if is_cancelled:
            self.carry_out(cancel_all(self.order_manager, account=account))
        balances = (("USDT", str(usdt)),) if usdt else ()
        if not self.move(Reset(self.request_id(), account, balances)):
            assert self.order_manager.open_orders(account)
            return
        for asset, amount in (("BTC", 0), ("USDT", usdt)):
            units = amount * 10 ** self.decimals(asset)
            self.outside[asset] -= units - self.money[account, asset]
            self.money[account, asset] = units
        assert all(one.bought == one.realised == 0 for one in self.order_manager.positions(account))

    def request_id(self) -> str:
        self.last += 1
        return f"m{self.last}"

    def move(self, request: MoneyRequest) -> bool:
        """Do it, and again; return whether it was done."""
        before = self.order_manager.state_hash()
        try:
            entries = self.order_manager.move_money(request, self.now_us)
        except Refusal:
            assert self.order_manager.state_hash() == before
            return False
        self.keep(entries)
        assert self.order_manager.move_money(request, self.now_us) == []
        other = Withdrawal(request.request_id, "ann", "BTC", "0.5")  # no rule asks for this amount
        with pytest.raises(Refusal) as refused:
            self.order_manager.move_money(other, self.now_us)
        assert refused.value.code == Code.DUPLICATE_REQUEST_ID
        return True

    @rule(account=ACCOUNTS, side=SIDES, asked=tickets(), lots=LOTS, reduce_only=st.booleans())
    def place(
        self,
        account: str,
        side: Side,
        asked: tuple[OrderType, int | None, int | None, TimeInForce, bool],
        lots: int,
        reduce_only: bool,
    ) -> None:
        kind, price, stop, tif, post_only = asked
        self.last += 1
        ticket = OrderTicket(
            account, str(self.last), BTC.symbol, side, kind, lots, None, price, stop, tif,
            self.now_us + 50 if tif == "gtd" else None,
            post_only and tif in ("gtc", "gtd"), reduce_only and side == "sell",
        )  # fmt: skip
        self.try_to_place(ticket)

    @rule(account=ACCOUNTS, side=SIDES, price=PRICES, lots=LOTS, tif=st.sampled_from(["gtc", "gtd"]))
    def place_limit(self, account: str, side: Side, price: int, lots: int, tif: TimeInForce) -> None:
        self.place(account, side, ("limit", price, None, tif, False), lots, False)

    @rule(account=ACCOUNTS, side=SIDES, lots=LOTS)
    def take(self, account: str, side: Side, lots: int) -> None:
        self.place(account, side, ("market", None, None, "ioc", False), lots, False)

    @rule(account=ACCOUNTS, spend=st.integers(200, 5_000))
    def spend(self, account: str, spend: int) -> None:
        self.last += 1
        self.try_to_place(
            OrderTicket(
                account, str(self.last), BTC.symbol, "buy", "market", None, spend, time_in_force="ioc"
            )
        )

    def try_to_place(self, ticket: OrderTicket) -> None:
        before = self.order_manager.state_hash()
        try:
            decision = self.order_manager.place(ticket, moment(self.now_us), key=f"k{self.last % 3}")
        except Refusal:
            assert self.order_manager.state_hash() == before
            return
        self.carry_out(decision)
        again = self.order_manager.place(ticket, moment(self.now_us), key=f"k{self.last % 3}")
        assert again.duplicate
        assert (again.entries, again.commands) == ((), ())
        assert decision.order is not None
        assert again.order == self.order_manager.find(ticket.account, decision.order.order_id)

    @rule(account=ACCOUNTS, pick=st.integers(0, 30), price=st.none() | PRICES, lots=st.none() | LOTS)
    def amend(self, account: str, pick: int, price: int | None, lots: int | None) -> None:
        orders = self.order_manager.open_orders(account)
        if orders:
            try:
                order = orders[pick % len(orders)]
                decision = self.order_manager.amend(order, moment(self.now_us), price_ticks=price, lots=lots)
            except Refusal:
                return
            self.carry_out(decision)
            assert all(order.amending == 0 for order in self.order_manager.open_orders(account))

    @rule(account=ACCOUNTS, pick=st.integers(0, 30))
    def cancel(self, account: str, pick: int) -> None:
        orders = self.order_manager.open_orders(account)
        if orders:
            order = orders[pick % len(orders)]
            self.carry_out(self.order_manager.cancel(order))
            closed = self.order_manager.find(account, order.order_id)
            assert (closed.state, closed.held) == ("cancelled", 0)

    @rule(account=st.none() | ACCOUNTS)
    @precondition(lambda self: self.now_us % 5 == 0)
    def cancel_all(self, account: str | None) -> None:
        self.carry_out(cancel_all(self.order_manager, account=account))
        for name in ("ann", "bob") if account is None else (account,):
            assert self.order_manager.open_orders(name) == []
            assert all(balance.held == 0 for balance in self.order_manager.balances(name))

    @rule(side=SIDES, lots=LOTS, price=PRICES)
    def others_offer(self, side: Side, lots: int, price: int) -> None:
        self.settle(self.market.other(side, lots, price))

    @rule(side=SIDES, lots=LOTS, price=st.none() | PRICES)
    def others_take(self, side: Side, lots: int, price: int | None) -> None:
        self.settle(self.market.other(side, lots, price, ioc=True))

    @rule(us=st.integers(1, 60))
    def pass_time(self, us: int) -> None:
        self.now_us += us
        self.settle(self.market.expire(self.now_us))

    @rule(account=ACCOUNTS, most=st.integers(0, 5))
    def limit(self, account: str, most: int) -> None:
        limits = Limits(max_open_orders=most or None, max_position={"BTC": "3"} if most else None)
        self.keep([self.order_manager.set_limits(account, limits, self.now_us)])

    @rule(scope=st.sampled_from(["all", "account", "symbol"]))
    @precondition(lambda self: self.now_us % 4 == 0)
    def halt_and_resume(self, scope: str) -> None:
        name = {"all": "", "account": "ann", "symbol": BTC.symbol}[scope]
        ticket = OrderTicket("ann", "halted", BTC.symbol, "buy", "limit", 1, None, 200)
        self.keep([self.order_manager.halt(scope, name, self.now_us)])  # type: ignore[arg-type]
        with pytest.raises(Refusal):
            self.order_manager.place(ticket, moment(self.now_us))
        self.keep([self.order_manager.resume(scope, name, self.now_us)])  # type: ignore[arg-type]

    @rule()
    @precondition(lambda self: self.decimals("BTC") == 8)
    def list_something_finer(self) -> None:
        self.keep(self.order_manager.list_instruments([BTC, FINER], self.now_us))
        for money in (self.money, self.outside):
            for key in money:
                if "BTC" in (key, key[1]):
                    money[key] *= 100  # type: ignore[index]

    @rule()
    @precondition(lambda self: self.now_us % 3 == 0)
    def restart(self) -> None:
        """Lose the process and the market; come back from a snapshot, put the orders into another market."""
        pieces = list(self.order_manager.snapshot())
        self.market = Market(BTC)
        self.order_manager = OrderManager.restored(pieces, RULES, self.market.prices)
        assert list(self.order_manager.snapshot()) == pieces
        self.shadow = self.folded()
        self.carry_out(place_again(self.order_manager, {BTC.symbol}, self.now_us))

    # --- what follows -------------------------------------------------------------------------------

    def carry_out(self, decision: OrderDecision) -> None:
        self.keep(decision.entries)
        for command in decision.commands:
            self.settle(self.market.execute(command))

    def settle(self, reports: Iterable[Report]) -> None:
        for report in reports:
            if isinstance(report, Filled):
                self.reckon(report)
            self.keep(self.order_manager.settle([report], self.now_us))

    def keep(self, entries: Iterable[AccountEntry]) -> None:
        for entry in entries:
            self.journal.append(msgspec.msgpack.encode(entry))
            assert self.shadow.apply(entry.event) == entry.seqs

    def folded(self) -> OrderManager:
        made = OrderManager(RULES, self.market.prices)
        for row in self.journal:
            made.apply(msgspec.msgpack.decode(row, type=AccountEntry).event)
        return made

    def reckon(self, fill: Filled) -> None:
        """Count the money of a fill the plain way."""
        order = self.order(fill.order_id)
        base = fill.lots * 10 ** (self.decimals("BTC") - 2)
        quote = fill.price_ticks * fill.lots * USDT_UNITS
        ppm = min(order.fee_ppm, RULES.maker_ppm if fill.liquidity == "maker" else RULES.taker_ppm)
        self.due[fill.order_id] += Fraction(quote * ppm, 10**6)
        fee = ceil(self.due[fill.order_id]) - self.paid[fill.order_id]
        self.paid[fill.order_id] += fee
        sign = 1 if order.ticket.side == "buy" else -1
        account = order.ticket.account
        self.money[account, "BTC"] += sign * base
        self.money[account, "USDT"] -= sign * quote + fee
        self.outside["BTC"] -= sign * base
        self.outside["USDT"] += sign * quote

    def order(self, order_id: int) -> Order:
        for account in self.order_manager.accounts():
            for order in self.order_manager.open_orders(account):
                if order.order_id == order_id:
                    return order
        raise AssertionError(f"a fill of {order_id}, which is not open")

    def decimals(self, asset: str) -> int:
        return 10 if asset == "BTC" and CROSS.symbol in self.listed() else 8

    def listed(self) -> set[str]:
        listed = set()
        for symbol in (BTC.symbol, CROSS.symbol):
            try:
                listed.add(self.order_manager.instrument_units(symbol).instrument.symbol)
            except Refusal:
                continue
        return listed

    # --- what holds ---------------------------------------------------------------------------------

    @invariant()
    def money_is_what_was_reckoned_and_none_is_lost(self) -> None:
        assert self.order_manager.conserved()
        for (account, asset), units in self.money.items():
            balances = {balance.asset: balance.total for balance in self.order_manager.balances(account)}
            assert balances.get(asset, 0) == units
        fees = sum(self.paid.values())
        total = sum(units for (_, asset), units in self.money.items() if asset == "USDT")
        assert total + fees + self.outside["USDT"] == 0

    @invariant()
    def holds_are_what_open_orders_need_and_never_more_than_there_is(self) -> None:
        for account in self.order_manager.accounts():
            needed: dict[str, int] = defaultdict(int)
            for order in self.order_manager.open_orders(account):
                needed["USDT" if order.ticket.side == "buy" else "BTC"] += self.need(order)
            for balance in self.order_manager.balances(account):
                assert balance.held == needed[balance.asset]
                assert 0 <= balance.held <= balance.total

    def need(self, order: Order) -> int:
        """What the order may still cost, exactly, rounded up with the fees that it has paid."""
        if order.ticket.side == "sell":
            return order.left_lots * (10**8 if self.decimals("BTC") == 10 else 10**6)
        notional = order.price_ticks * order.left_lots * USDT_UNITS
        fees = self.due[order.order_id] + Fraction(notional * order.fee_ppm, 10**6)
        return notional + ceil(fees) - self.paid[order.order_id]

    @invariant()
    def each_key_is_counted_with_its_open_orders(self) -> None:
        for manager in (self.order_manager, self.shadow):
            for account in manager._accounts.by_name.values():
                assert account.open_by_key == Counter(order.key for order in account.open.values())

    @invariant()
    def the_market_has_exactly_the_open_orders(self) -> None:
        market = self.market.exchange.markets[BTC.symbol]
        resting = {i: order.open_lots for i, order in market.orders.items() if i > 0}
        waiting = {place.order_id: place.lots - place.filled_lots for place in market.waiting.values()}
        orders = [
            order for name in self.order_manager.accounts() for order in self.order_manager.open_orders(name)
        ]
        assert {**resting, **waiting} == {order.order_id: order.left_lots for order in orders}

    @invariant()
    def no_book_is_crossed(self) -> None:
        prices = self.market.prices(BTC.symbol)
        assert not (prices.bid_ticks and prices.ask_ticks) or prices.bid_ticks < prices.ask_ticks

    @invariant()
    def the_fold_of_the_journal_is_the_live_state(self) -> None:
        assert self.shadow.state_hash() == self.order_manager.state_hash()

    @invariant()
    def seqs_count_the_messages(self) -> None:
        for account in self.order_manager.accounts():
            counted: dict[str, int] = defaultdict(int)
            for row in self.journal:
                entry = msgspec.msgpack.decode(row, type=AccountEntry)
                if entry.event.account == account:
                    for channel in CHANNELS[type(entry.event)]:
                        counted[channel] += 1
            seqs = self.order_manager.seqs(account)
            assert counted == {name: n for name, n in msgspec.structs.asdict(seqs).items() if n}

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            assert self.folded().state_hash() == self.order_manager.state_hash()
            fills = [
                fill for name in self.order_manager.accounts() for fill in self.order_manager.fills(name)
            ]
            assert all(isinstance(fill, OrderFilled) for fill in fills)


TestTrading = Trading.TestCase
TestTrading.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)


@pytest.mark.slow
def test_long_trading() -> None:
    many = settings(
        max_examples=400,
        stateful_step_count=100,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Trading, settings=many)
