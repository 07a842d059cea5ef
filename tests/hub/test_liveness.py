"""Liveness: everybody is pinged in time, who answers stays, who does not is given up, in time and once."""

from __future__ import annotations

from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from floorwire.hub.liveness import Liveness, PingTiming

START_US = 1_800_000_000_000_000
SECOND_US = 1_000_000
WATCH = PingTiming(interval_us=20 * SECOND_US, timeout_us=10 * SECOND_US)


class FakePeer:
    """Something that is watched."""

    def __init__(self, pings: bool = True) -> None:
        self.is_alive = True
        self.slot = 0
        self.pinged: list[int] = []
        self.clock = START_US
        self._pings = pings

    def ping(self) -> bool:
        """Note when."""
        self.is_alive = False
        self.pinged.append(self.clock)
        return self._pings


def run(liveness: Liveness, peer: FakePeer, until_us: int, answers: bool) -> int | None:
    """Let time pass, slot by slot; return when the peer was given up."""
    now_us = peer.clock
    while now_us < until_us:
        now_us += liveness.slot_us
        peer.clock = now_us
        if peer in liveness.due(now_us):
            return now_us
        peer.is_alive = peer.is_alive or answers
    return None


def test_the_first_ping_comes_after_a_random_part_of_the_interval() -> None:
    for part, after_s in ((0, 2), (0.5, 11), (1, 20)):
        liveness, peer = Liveness(WATCH, partial(float, part)), FakePeer()
        liveness.add(peer, START_US)
        run(liveness, peer, START_US + 25 * SECOND_US, answers=True)
        late_us = peer.pinged[0] - START_US - after_s * SECOND_US
        assert 0 <= late_us <= 2 * liveness.slot_us


def test_who_answers_is_pinged_again_and_again() -> None:
    liveness, peer = Liveness(WATCH, lambda: 0.5), FakePeer()
    liveness.add(peer, START_US)
    assert run(liveness, peer, START_US + 200 * SECOND_US, answers=True) is None
    pauses = [later - earlier for earlier, later in zip(peer.pinged, peer.pinged[1:], strict=False)]
    assert len(pauses) >= 8
    assert all(18 * SECOND_US <= pause <= 24 * SECOND_US for pause in pauses)


def test_who_does_not_answer_is_given_up_after_the_timeout() -> None:
    liveness, peer = Liveness(WATCH, lambda: 0.0), FakePeer()
    liveness.add(peer, START_US)
    dead_us = run(liveness, peer, START_US + 60 * SECOND_US, answers=False)
    assert dead_us is not None
    assert WATCH.timeout_us <= dead_us - peer.pinged[0] <= WATCH.timeout_us + 2 * liveness.slot_us
    assert len(liveness) == 0


def test_who_is_pinged_by_somebody_else_is_forgotten() -> None:
    liveness, peer = Liveness(WATCH, lambda: 0.0), FakePeer(pings=False)
    liveness.add(peer, START_US)
    assert run(liveness, peer, START_US + 60 * SECOND_US, answers=False) is None
    assert (len(peer.pinged), len(liveness)) == (1, 0)


def test_a_timeout_longer_than_the_interval_still_pings() -> None:
    watch = PingTiming(interval_us=SECOND_US, timeout_us=5 * SECOND_US)
    liveness, peer = Liveness(watch, lambda: 0.5), FakePeer()
    liveness.add(peer, START_US)
    assert run(liveness, peer, START_US + 30 * SECOND_US, answers=True) is None
    assert 4 <= len(peer.pinged) <= 6


class LivenessMachine(RuleBasedStateMachine):
    """Patients come and go, answer or not, while the wheel turns now and then."""

    patients: Bundle[FakePeer] = Bundle("patients")

    @initialize(
        interval_us=st.sampled_from([50_000, SECOND_US, 20 * SECOND_US]),
        timeout_us=st.sampled_from([10_000, SECOND_US, 30 * SECOND_US]),
        jitter=st.floats(0, 1),
    )
    def begin(self, interval_us: int, timeout_us: int, jitter: float) -> None:
        """Open the ward."""
        self.watch = PingTiming(interval_us, timeout_us)
        self.liveness = Liveness(self.watch, lambda: jitter)
        self.now_us = START_US
        self.here: dict[FakePeer, int] = {}
        """Until when each has to be heard of again: pinged, or given up."""

    @rule(target=patients)
    def arrive(self) -> FakePeer:
        """Watch one more."""
        peer = FakePeer()
        peer.clock = self.now_us
        self.liveness.add(peer, self.now_us)
        self.here[peer] = self.now_us + self.watch.interval_us
        return peer

    @rule(peer=patients)
    def answer(self, peer: FakePeer) -> None:
        """A sign of life."""
        peer.is_alive = True

    @rule(peer=consumes(patients))
    def leave(self, peer: FakePeer) -> None:
        """Watch no more; it may have been given up already."""
        self.liveness.discard(peer)
        self.here.pop(peer, None)

    @rule(slots=st.integers(1, 30))
    def turn(self, slots: int) -> None:
        """The wheel turns, not always in time."""
        self.now_us += slots * self.liveness.slot_us
        silent = {peer for peer in self.here if not peer.is_alive}
        for peer in self.here:
            peer.clock = self.now_us
        dead = self.liveness.due(self.now_us)
        assert len(set(dead)) == len(dead)
        for one in dead:
            assert isinstance(one, FakePeer)
            assert one in silent
            assert self.now_us - one.pinged[-1] >= self.watch.timeout_us
            del self.here[one]
        self.is_in_time()

    def is_in_time(self) -> None:
        """Nobody is forgotten: who was due was pinged or given up by now."""
        slack_us = 2 * self.liveness.slot_us
        longest_us = max(round(1.1 * self.watch.interval_us), self.watch.timeout_us + slack_us)
        for peer, due_us in self.here.items():
            last_us = peer.pinged[-1] + longest_us if peer.pinged else due_us
            # Turned late, the wheel first hears whether the ping was answered, and pings after the rest.
            late_us = 30 * self.liveness.slot_us
            assert self.now_us <= last_us + slack_us + late_us

    @invariant()
    def watches_all(self) -> None:
        """Exactly those who are here are watched."""
        if hasattr(self, "here"):
            assert len(self.liveness) == len(self.here)


TestWard = LivenessMachine.TestCase
TestWard.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
