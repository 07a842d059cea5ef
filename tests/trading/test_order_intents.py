"""An order of an intent is booked after a crash as it was decided before: the same entry, or none."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.core.account_events import AccountEntry
from floorwire.core.dates import Moment
from floorwire.core.instrument import Instrument
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.remote_order_messages import (
    LinkUp,
    Reconcile,
    ReconcileAnswer,
    RemoteCommand,
    RemotePolicy,
    VenueBalance,
)
from floorwire.engine import order_parsing
from floorwire.engine.accounts import Accounts
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.remote_account import RemoteDecision
from floorwire.engine.trading_rules import TradingRules
from floorwire.protocol.trading_requests import OrderPlace
from floorwire.storage.journal import JournalVersionError
from floorwire.trading.order_intents import OrderIntent, encode, recovered

EPOCH = "0a1b2c3d"
BTC = Instrument("rem:BTC-USDT", "rem:BTC", "rem:USDT", "rem", "0.5", "0.01")
MONEY = (VenueBalance("BTC", "10"), VenueBalance("USDT", "1000"))
RULES = TradingRules()
AT = Moment(500_000_000, 1_700_000_000_000_000, 1_700_000_000_000_000)


def prices(_symbol: str) -> Prices:
    return Prices(200, 199, 201, "live")


class Journalled:
    """An order manager with an account at a venue that is open, and what its journal has."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.manager = OrderManager(RULES, prices)
        self.keep(self.manager.list_instruments([BTC], 0))
        remote = self.manager.open_remote("rem", "ann", RemotePolicy(), EPOCH, 0)
        now_us, waiting = 1, self.keep_commands(remote.receive(LinkUp(), 1, 1))
        while not remote.is_ready:
            for command in waiting:
                assert isinstance(command, Reconcile)
                answer = ReconcileAnswer(command.request, (), (), MONEY, "c")
                self.keep_commands(remote.receive(answer, now_us, now_us))
            now_us += 1_000_000
            assert now_us < AT.now_us
            waiting = self.keep_commands(remote.wake(now_us, now_us))

    def keep(self, entries: list[AccountEntry]) -> None:
        self.entries += map(msgspec.msgpack.encode, entries)

    def keep_commands(self, decision: RemoteDecision) -> list[RemoteCommand]:
        self.keep(decision.entries)
        return decision.commands

    def place(self, request: OrderPlace) -> tuple[bytes | None, list[AccountEntry]]:
        """Place it; return the intent, and the entries: none where it was refused."""
        early = self.manager.early_order("ann", BTC.symbol, request.client_order_id)
        intent = (
            None
            if early is None
            else encode(OrderIntent(EPOCH, early, "ann", "k", BTC.symbol, AT.stamp_us, request))
        )
        try:
            units = self.manager.instrument_units(BTC.symbol)
            ticket = order_parsing.parse_order(units, "ann", request)
            decision = self.manager.place(
                ticket,
                AT,
                key="k",
                deadline_us=None if request.deadline is msgspec.UNSET else request.deadline,
            )
        except Refusal:
            return intent, []
        if not decision.duplicate:
            assert early is not None
            assert decision.order is not None
            assert decision.order.order_id == early.order_id
        return intent, list(decision.entries)

    def after_a_crash(self) -> OrderManager:
        accounts = Accounts()
        for line in self.entries:
            accounts.apply(msgspec.msgpack.decode(line, type=AccountEntry).event)
        return OrderManager.restored(accounts.snapshot(), RULES, prices)


requests = st.builds(
    OrderPlace,
    id=st.just("r"),
    client_order_id=st.sampled_from(("a", "b", "c")),
    symbol=st.just("BTC-USDT"),
    side=st.sampled_from(("buy", "sell")),
    quantity=st.sampled_from(("0.01", "1.00", "4.50", "9.99", "0.001", "20.00")),
    price=st.sampled_from(("100.0", "99.5", "100.5", "100.25", "1.0", "5000.0")),
    time_in_force=st.sampled_from((msgspec.UNSET, "gtc", "ioc", "fok")),
    post_only=st.sampled_from((msgspec.UNSET, True, False)),
    deadline=st.sampled_from((msgspec.UNSET, 1)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(requests, max_size=5), requests)
def test_the_order_is_booked_as_it_was_decided(before: list[OrderPlace], last: OrderPlace) -> None:
    journalled = Journalled()
    for request in before:
        journalled.keep(journalled.place(request)[1])
    restored = journalled.after_a_crash()
    intent, decided = journalled.place(last)
    if intent is None:
        assert decided == []
        return
    state, order_id = restored.snapshot(), restored.last_order_id()
    booked = recovered(restored, EPOCH, intent)
    if decided:
        assert booked == decided
        assert [*restored.snapshot()] == [*journalled.manager.snapshot()]
    elif booked:  # refused for a reason that hangs on more than the accounts: the venue is asked
        assert restored.last_order_id() == order_id + 1
    else:
        assert [*restored.snapshot()] == [*state]


def request(**fields: object) -> OrderPlace:
    terms = {"client_order_id": "a", "quantity": "1.00", "price": "100.0", **fields}
    return OrderPlace(id="r", symbol="BTC-USDT", side="buy", **terms)  # type: ignore[arg-type]


def intent_of(journalled: Journalled) -> bytes:
    intent, decided = journalled.place(request())
    assert intent is not None
    assert len(decided) == 1
    return intent


def test_an_intent_of_another_epoch_is_none() -> None:
    journalled = Journalled()
    restored = journalled.after_a_crash()
    assert recovered(restored, "ffffffff", intent_of(journalled)) == []


def test_an_intent_is_booked_once() -> None:
    journalled = Journalled()
    restored = journalled.after_a_crash()
    intent = intent_of(journalled)
    assert len(recovered(restored, EPOCH, intent)) == 1
    assert recovered(restored, EPOCH, intent) == []


def test_an_intent_of_a_symbol_that_is_not_listed_is_none() -> None:
    intent = intent_of(Journalled())
    assert recovered(OrderManager(RULES, prices), EPOCH, intent) == []


def test_an_intent_of_another_version_stops_the_start() -> None:
    with pytest.raises(JournalVersionError, match="another version"):
        recovered(OrderManager(RULES, prices), EPOCH, msgspec.msgpack.encode(["0a1b2c3d", 1]))


@pytest.mark.parametrize(("account", "client_order_id"), [("bob", "z"), ("ann", "a")])
def test_who_has_no_next_order(account: str, client_order_id: str) -> None:
    journalled = Journalled()
    intent_of(journalled)
    assert journalled.manager.early_order(account, BTC.symbol, client_order_id) is None
    assert journalled.manager.early_order("ann", "sim:BTC-USDT", "z") is None
    assert journalled.manager.early_order("ann", BTC.symbol, "z") is not None
