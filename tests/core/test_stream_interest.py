from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from floorwire.core.capabilities import StreamKind
from floorwire.core.stream_interest import StreamInterest

LINGER = 30
BTC, ETH = "x:BTC-USDT", "x:ETH-USDT"


def test_a_stream_is_wanted_while_anybody_is_subscribed_and_a_while_longer() -> None:
    interest = StreamInterest(LINGER)
    interest.add(BTC, ("book",))
    interest.add(BTC, ("book", "trades"))
    interest.remove(BTC, ("book", "trades"), 100)
    assert interest.wanted("x", 129) == {BTC: {"book", "trades"}}
    assert interest.wanted("x", 130) == {BTC: {"book"}}
    interest.remove(BTC, ("book",), 200)
    interest.add(BTC, ("book",))
    assert interest.wanted("x", 900) == {BTC: {"book"}}, "somebody came back in time"
    interest.remove(BTC, ("book",), 1_000)
    assert interest.wanted("x", 1_030) == {}


def test_each_venue_has_its_own_wish() -> None:
    interest = StreamInterest(0)
    interest.add(BTC, ("book",))
    interest.add("y:BTC-USDT", ("trades",))
    assert interest.wanted("y", 0) == {"y:BTC-USDT": {"trades"}}
    assert interest.wanted("z", 0) == {}


def test_a_new_wish_is_told_at_once_and_once() -> None:
    interest, calls = StreamInterest(LINGER), []
    interest.on_change("x", lambda: calls.append("x"))
    interest.add(BTC, ("book",))
    interest.add(BTC, ("book",))
    interest.add("y:BTC-USDT", ("book",))
    interest.keep(ETH, ("book",), 50)
    interest.keep(ETH, ("book",), 60)
    assert calls == ["x", "x"]


def test_what_is_kept_is_wanted_up_to_its_time() -> None:
    interest = StreamInterest(LINGER)
    interest.keep(BTC, ("book",), 50)
    interest.keep(BTC, ("book",), 40)
    assert interest.wanted("x", 49) == {BTC: {"book"}}
    assert interest.wanted("x", 50) == {}


class Subscriptions(RuleBasedStateMachine):
    """Subscriptions come and go. Who has one finds the stream wanted; nobody does long after the last."""

    kinds = st.sampled_from(("book", "quote", "trades"))
    symbols = st.sampled_from((BTC, ETH))

    def __init__(self) -> None:
        super().__init__()
        self.interest = StreamInterest(LINGER)
        self.now_us = 0
        self.open: Counter[tuple[str, StreamKind]] = Counter()
        self.left_us: dict[tuple[str, StreamKind], int] = {}

    @rule(symbol=symbols, kind=kinds)
    def subscribe(self, symbol: str, kind: StreamKind) -> None:
        self.open[symbol, kind] += 1
        self.interest.add(symbol, (kind,))

    @rule(symbol=symbols, kind=kinds)
    def leave(self, symbol: str, kind: StreamKind) -> None:
        if self.open[symbol, kind]:
            self.open[symbol, kind] -= 1
            self.left_us[symbol, kind] = self.now_us
            self.interest.remove(symbol, (kind,), self.now_us)

    @rule(us=st.integers(1, 2 * LINGER))
    def wait(self, us: int) -> None:
        self.now_us += us

    @invariant()
    def wanted_is_what_is_open_or_was_a_moment_ago(self) -> None:
        wanted = self.interest.wanted("x", self.now_us)
        found = {(symbol, kind) for symbol, kinds in wanted.items() for kind in kinds}
        lately = {key for key, at_us in self.left_us.items() if at_us + LINGER > self.now_us}
        assert found == {key for key, count in self.open.items() if count} | lately


TestSubscriptions = Subscriptions.TestCase
