"""The fast market against the naive one, and what no sequence of commands may break."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.market_events import Level
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import (
    Accepted,
    Amended,
    Cancelled,
    Expired,
    LevelChanged,
    MatchingEvent,
    Rejected,
    TradeMatched,
    Triggered,
)
from tests.engine.naive import NaiveMatching

S = "ETH-USDT"
SIDES = st.sampled_from(["buy", "sell"])
PRICES = st.integers(0, 12)
LOTS = st.integers(0, 9)
TIMES = st.sampled_from(["gtc", "gtc", "ioc", "fok"])


def ordered(events: list[MatchingEvent]) -> tuple[list[MatchingEvent], list[LevelChanged]]:
    """Return what happened to orders, in order, and what to levels, sorted."""
    changes = [event for event in events if isinstance(event, LevelChanged)]
    others: list[MatchingEvent] = [event for event in events if not isinstance(event, LevelChanged)]
    return others, sorted(changes, key=lambda change: (change.side, change.price_ticks))


class TwoMarkets(RuleBasedStateMachine):
    """Both markets get every command."""

    ids: Bundle[int] = Bundle("ids")

    @initialize()
    def open(self) -> None:
        self.fast = Matching()
        self.naive = NaiveMatching()
        self.last_id = 0
        self.now_us = 0
        self.filled: dict[int, int] = defaultdict(int)  # before it came
        self.placed: dict[int, int] = {}  # total quantity by order
        self.matched: dict[int, int] = defaultdict(int)
        self.cancelled: dict[int, int] = defaultdict(int)
        self.shadow: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}

    @rule(target=ids, side=SIDES, price=PRICES, lots=LOTS, tif=TIMES, post_only=st.booleans(), owner=PRICES)
    def place(self, side: Side, price: int, lots: int, tif: TimeInForce, post_only: bool, owner: int) -> int:
        self.last_id += 1
        before = self.fast.state_hash()
        matched_before = self.fast.matches
        place = Place(S, self.last_id, owner, side, lots, price, tif, post_only)
        self.both(place)
        if post_only:
            assert self.fast.matches == matched_before
        if tif == "fok":
            whole = self.matched[self.last_id] == lots
            assert whole or self.fast.state_hash() == before
        if tif != "gtc":
            assert self.last_id not in self.fast.orders
        return self.last_id

    @rule(target=ids, side=SIDES, lots=LOTS, tif=TIMES)
    def place_at_market(self, side: Side, lots: int, tif: TimeInForce) -> int:
        self.last_id += 1
        self.both(Place(S, self.last_id, 1, side, lots, None, tif))
        assert self.last_id not in self.fast.orders
        return self.last_id

    @rule(
        target=ids,
        side=SIDES,
        price=st.none() | PRICES,
        stop=st.none() | st.none() | PRICES,
        lots=LOTS,
        filled=st.integers(0, 2),
        tif=st.sampled_from(["gtc", "gtd", "ioc", "fok"]),
        post_only=st.booleans(),
        owner=st.integers(1, 3),
        expires_us=st.integers(0, 40),
    )
    def place_anything(
        self,
        side: Side,
        price: int | None,
        stop: int | None,
        lots: int,
        filled: int,
        tif: TimeInForce,
        post_only: bool,
        owner: int,
        expires_us: int,
    ) -> int:
        self.last_id += 1
        expires = self.now_us + 1 + expires_us if tif == "gtd" else None
        place = Place(
            S, self.last_id, owner, side, lots, price, tif, post_only, stop, expires, None, filled, True
        )
        self.both(place)
        return self.last_id

    @rule(
        spend=st.integers(1, 150),
        limit=st.none() | st.integers(1, 12),
        guarded=st.booleans(),
        filled=st.integers(0, 3),
    )
    def spend(self, spend: int, limit: int | None, guarded: bool, filled: int) -> None:
        self.last_id += 1
        before = self.fast.matches
        place = Place(
            S,
            self.last_id,
            2,
            "buy",
            spend + filled,
            limit,
            "ioc",
            spend=spend,
            filled_lots=filled,
            no_self_trade=guarded,
        )
        events = self.both(place)
        paid = [event.price_ticks * event.lots for event in events if isinstance(event, TradeMatched)]
        own = sum(paid[: self.fast.matches - before])
        assert any(isinstance(event, Triggered) for event in events) or own <= spend

    @rule(us=st.integers(1, 20))
    def pass_time(self, us: int) -> None:
        self.now_us += us
        events = self.fast.expire(self.now_us)
        assert ordered(events) == ordered(self.naive.expire(self.now_us))
        for event in events:
            self.follow(event, Cancel(S, 0))
        due_us = self.fast.next_expiry_us()
        assert due_us is None or due_us > self.now_us

    @rule(order_id=ids, code=st.sampled_from((None, Code.DEADMAN)))
    def cancel(self, order_id: int, code: Code | None) -> None:
        self.both(Cancel(S, order_id, code))
        assert order_id not in self.fast.orders

    @rule(order_id=ids, price=st.none() | PRICES, lots=st.none() | st.integers(0, 14))
    def amend(self, order_id: int, price: int | None, lots: int | None) -> None:
        self.both(Amend(S, order_id, price, lots))

    def both(self, command: Command) -> list[MatchingEvent]:
        events = self.fast.execute(command)
        others, changes = ordered(events)
        naive_others, naive_changes = ordered(self.naive.execute(command))
        assert others == naive_others
        if not any(isinstance(event, Triggered) for event in events):
            assert changes == naive_changes
            assert len({(change.side, change.price_ticks) for change in changes}) == len(changes)
        for event in events:
            self.follow(event, command)
        return events

    def follow(self, event: MatchingEvent, command: Command) -> None:
        match event:
            case Accepted(order_id) if isinstance(command, Place):
                self.placed[order_id] = command.lots - command.filled_lots
                self.filled[order_id] = command.filled_lots
            case Amended(order_id, _, lots):
                self.placed[order_id] = lots - self.filled[order_id]
            case Cancelled(order_id, lots):
                self.cancelled[order_id] += lots
            case TradeMatched(_, _, _, lots, maker_id, _, _, taker_id):
                self.matched[maker_id] += lots
                self.matched[taker_id] += lots
            case LevelChanged(side, price, lots):
                self.shadow[side].pop(price, None)
                if lots:
                    self.shadow[side][price] = lots
            case Expired(order_id, lots):
                self.cancelled[order_id] += lots
            case Rejected() | Triggered():
                pass

    @invariant()
    def never_crossed(self) -> None:
        bid, ask = self.fast.bids.best_size()[0], self.fast.asks.best_size()[0]
        assert not (bid and ask) or bid < ask

    @invariant()
    def sizes_are_conserved(self) -> None:
        for order_id, placed in self.placed.items():
            order = self.fast.orders.get(order_id)
            open_lots = order.open_lots if order else 0
            open_lots += sum(p.lots - p.filled_lots for p in self.naive.waiting if p.order_id == order_id)
            assert placed == open_lots + self.matched[order_id] + self.cancelled[order_id]

    @invariant()
    def level_changes_tell_the_whole_book(self) -> None:
        bids: list[Level] = sorted(self.shadow["buy"].items(), reverse=True)
        assert self.fast.bids.sizes() == bids
        assert self.fast.asks.sizes() == sorted(self.shadow["sell"].items())

    @invariant()
    def priority_is_the_naive_ones(self) -> None:
        for levels, side in ((self.fast.bids, "buy"), (self.fast.asks, "sell")):
            queue = [(order.order_id, order.open_lots) for order in levels]
            assert queue == [
                (o.order_id, o.open_lots) for o in self.naive.queue("buy" if side == "buy" else "sell")
            ]
        assert len(self.fast.orders) == len(self.naive.resting)


TestTwoMarkets = TwoMarkets.TestCase
TestTwoMarkets.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)
