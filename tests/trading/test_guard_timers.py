from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TypeAlias

import pytest

from floorwire.core.account_events import Guard
from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import Code
from floorwire.ops import loop_stalls
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.ops.stats import Stats
from floorwire.protocol.codec import JSON
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.trading_requests import MAX_GRACE_S
from floorwire.trading import guard_timers
from floorwire.trading.guard_timers import GuardOwner, GuardTimers
from tests.clocks import Times, following

K1, K2 = GuardOwner("alice", "k1"), GuardOwner("alice", "k2")
GONE, DEAD = Code.DISCONNECTED, Code.DEADMAN
Cancelled: TypeAlias = tuple[GuardOwner, Code]
NOW_US = 1_800_000_000_000_000
SOON_US = 20_000
LONG_US = 600_000_000


class Bot:
    """A connection; guards use only its principal."""

    codec = JSON

    def __init__(self, owner: GuardOwner) -> None:
        self.is_now(owner)

    def is_now(self, owner: GuardOwner) -> None:
        """Sign in."""
        self.principal = Principal(owner.account, owner.key, frozenset((Scope.TRADE,)))

    def answer(self, reply: Reply) -> None: ...
    def queue_events(self, frames: bytes) -> None: ...
    def has_room(self, size: int) -> bool:
        """Return False: nobody asks."""
        return False

    def flush(self) -> None: ...
    def close_slow(self) -> None: ...


class GuardsHarness:
    """Guards at a fixed time (their timers run), what they cancelled and what they saved."""

    def __init__(self) -> None:
        self.cancelled: list[Cancelled] = []
        self.kept: dict[GuardOwner, Guard] = {}
        self.guards = GuardTimers(
            following(lambda: NOW_US), self._cancel, self.kept.__setitem__, LoopStalls(Stats())
        )

    def _cancel(self, owner: GuardOwner, code: Code) -> None:
        self.cancelled.append((owner, code))

    async def soon(self) -> None:
        """Wait until what is due soon has happened."""
        await asyncio.sleep(3 * SOON_US / 1_000_000)


@pytest.fixture
def harness() -> GuardsHarness:
    return GuardsHarness()


async def test_the_shortest_grace_is_kept_and_goes_with_its_connection(harness: GuardsHarness) -> None:
    guards, short, long = harness.guards, Bot(K1), Bot(K1)
    guards.enable_disconnect(long, LONG_US)
    guards.enable_disconnect(short, SOON_US)
    assert harness.kept[K1] == Guard(grace_us=SOON_US)
    guards.on_disconnect(short)
    assert harness.kept[K1] == Guard(grace_us=LONG_US, cancels_us=NOW_US + SOON_US, length_us=SOON_US)
    guards.disable_disconnect(long)
    assert harness.kept[K1] == Guard(cancels_us=NOW_US + SOON_US, length_us=SOON_US)
    await harness.soon()
    assert harness.cancelled == [(K1, GONE)]
    assert harness.kept[K1] == Guard()


async def test_another_that_goes_later_does_not_lengthen_a_grace(harness: GuardsHarness) -> None:
    first, second = Bot(K1), Bot(K1)
    harness.guards.enable_disconnect(first, SOON_US)
    harness.guards.enable_disconnect(second, LONG_US)
    harness.guards.on_disconnect(first)
    harness.guards.on_disconnect(second)
    assert harness.kept[K1] == Guard(cancels_us=NOW_US + SOON_US, length_us=SOON_US)
    await harness.soon()
    assert harness.cancelled == [(K1, GONE)]


async def test_no_grace_is_over_with_the_loops_next_turn(harness: GuardsHarness) -> None:
    bot = Bot(K1)
    harness.guards.enable_disconnect(bot, 0)
    harness.guards.on_disconnect(bot)
    assert harness.cancelled == [], "whoever closes a connection may be in the midst of something"
    await asyncio.sleep(0.001)
    assert harness.cancelled == [(K1, GONE)]


async def test_who_signs_in_as_another_leaves_the_first_guarded(harness: GuardsHarness) -> None:
    bot = Bot(K1)
    harness.guards.enable_disconnect(bot, 0)
    bot.is_now(K2)
    harness.guards.disable_disconnect(bot)
    assert harness.kept == {K1: Guard(grace_us=0)}
    harness.guards.on_disconnect(bot)
    await harness.soon()
    assert harness.cancelled == [(K1, GONE)]


KEPT: Mapping[GuardOwner, Guard] = {
    K1: Guard(grace_us=SOON_US, deadman_us=LONG_US),
    K2: Guard(grace_us=LONG_US, cancels_us=NOW_US + 2 * SOON_US),
}


async def test_to_those_of_before_everybody_has_just_gone(harness: GuardsHarness) -> None:
    assert harness.guards.restore(KEPT) == []
    assert harness.guards.owners() == [K1, K2]
    assert harness.guards.guard_of(K1) == Guard(
        cancels_us=NOW_US + SOON_US, length_us=SOON_US, deadman_us=LONG_US
    )
    assert harness.guards.guard_of(K2) == Guard(cancels_us=NOW_US + 2 * SOON_US)
    harness.guards.enable_disconnect(Bot(K2), LONG_US)
    await harness.soon()
    assert harness.cancelled == [(K1, GONE)]
    assert harness.kept == {K1: Guard(deadman_us=LONG_US), K2: Guard(grace_us=LONG_US)}
    assert harness.guards.restore(KEPT) == [], "only once: the timers that run are these"
    assert harness.guards.guard_of(K2) == Guard(grace_us=LONG_US)
    harness.guards.fire_all()
    assert harness.cancelled == [(K1, GONE), (K1, DEAD), (K2, GONE)]
    assert harness.kept == {K1: Guard(), K2: Guard()}


@pytest.mark.parametrize("due", [Guard(grace_us=0), Guard(cancels_us=NOW_US), Guard(LONG_US, NOW_US - 1)])
async def test_whose_time_has_come_by_the_start_is_said(harness: GuardsHarness, due: Guard) -> None:
    assert harness.guards.restore({K1: due, K2: Guard(grace_us=LONG_US)}) == [K1]
    assert harness.guards.guard_of(K1) == Guard()
    harness.guards.fire_all()
    assert harness.cancelled == [(K2, GONE)]


async def test_dead_men_of_before_have_all_their_time(harness: GuardsHarness) -> None:
    assert harness.guards.restore({K1: Guard(deadman_us=SOON_US), K2: Guard(deadman_us=SOON_US)}) == []
    harness.guards.set_deadman(K2, 0)
    assert harness.cancelled == []
    await harness.soon()
    assert harness.cancelled == [(K1, DEAD)]
    assert harness.guards.armed() == {"disconnect": 0, "grace": 0, "deadman": 0}


async def test_when_the_server_goes_every_guard_says_which_it_was(harness: GuardsHarness) -> None:
    both, away = Bot(K1), Bot(K2)
    harness.guards.enable_disconnect(both, LONG_US)
    harness.guards.set_deadman(K1, LONG_US)
    harness.guards.enable_disconnect(away, LONG_US)
    harness.guards.on_disconnect(away)
    harness.guards.set_deadman(GuardOwner("bob", "k3"), LONG_US)
    harness.guards.fire_all()
    assert harness.cancelled == [(K1, GONE), (K2, GONE), (GuardOwner("bob", "k3"), DEAD)]
    assert set(harness.kept.values()) == {Guard()}


@pytest.mark.parametrize("off_us", [3_600_000_000, 86_400_000_000])
@pytest.mark.parametrize(("length_us", "wait_s"), [(None, MAX_GRACE_S), (4_000_000, 4)])
async def test_a_clock_set_back_while_nobody_ran_lengthens_no_grace(
    harness: GuardsHarness,
    off_us: int,
    length_us: int | None,
    wait_s: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    later = loop.call_later

    def noted(wait_s: float, *rest: object) -> asyncio.TimerHandle:
        waits.append(wait_s)
        return later(wait_s, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_later", noted)
    kept = Guard(cancels_us=NOW_US + off_us, length_us=length_us)
    assert harness.guards.restore({K1: kept}) == []
    assert waits == [wait_s]
    assert harness.guards.guard_of(K1) == Guard(cancels_us=NOW_US + off_us, length_us=length_us)
    harness.guards.fire_all()
    assert harness.cancelled == [(K1, GONE)]


@pytest.mark.parametrize("step_us", [3_600_000_000, -3_600_000_000])
async def test_a_clock_that_is_set_changes_no_timer(step_us: int) -> None:
    times, cancelled = Times(), list[Cancelled]()
    clock = times.clock()
    stalls = LoopStalls(Stats())
    guards = GuardTimers(clock, lambda owner, code: cancelled.append((owner, code)), lambda *_: None, stalls)
    first, second = Bot(K1), Bot(K1)
    guards.enable_disconnect(first, LONG_US)
    guards.enable_disconnect(second, SOON_US)
    guards.on_disconnect(first)
    guards.set_deadman(K2, SOON_US)
    times.step(step_us)
    for _ in range(40):  # until the step is believed
        times.sleep(1_000_000)
        clock.moment()
    guards.on_disconnect(second)
    await asyncio.sleep(3 * SOON_US / 1_000_000)
    assert sorted(cancelled) == [(K1, GONE), (K2, DEAD)], "the shorter grace holds, by how long it is"


@pytest.fixture
def short_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stall be short."""
    monkeypatch.setattr(loop_stalls, "STALL_S", 0.05)
    monkeypatch.setattr(loop_stalls, "SETTLE_S", 0.05)


def stall() -> None:
    """Let the event loop stand still until every short timer is late."""
    time.sleep(0.1)


@pytest.mark.usefixtures("short_stalls")
@pytest.mark.parametrize("reads", [1, 3, 20])
async def test_after_a_stall_input_is_read_before_a_timer_judges(harness: GuardsHarness, reads: int) -> None:
    loop = asyncio.get_running_loop()

    def read(left: int) -> None:
        """Read what lies in the socket; the request is in its last piece."""
        if left:
            loop.call_soon(read, left - 1)
        else:
            harness.guards.set_deadman(K1, LONG_US)

    harness.guards.set_deadman(K1, SOON_US)
    stall()
    loop.call_soon(read, reads)
    await asyncio.sleep(0.2)
    assert harness.cancelled == []
    assert harness.kept[K1] == Guard(deadman_us=LONG_US)


@pytest.mark.usefixtures("short_stalls")
async def test_after_a_stall_who_comes_back_keeps_the_orders(harness: GuardsHarness) -> None:
    bot = Bot(K1)
    harness.guards.enable_disconnect(bot, SOON_US)
    harness.guards.on_disconnect(bot)
    stall()
    await asyncio.sleep(0.01)
    harness.guards.enable_disconnect(Bot(K1), SOON_US)
    await asyncio.sleep(0.2)
    assert harness.cancelled == []


@pytest.mark.usefixtures("short_stalls")
async def test_who_does_not_loses_them_after_it(harness: GuardsHarness) -> None:
    harness.guards.set_deadman(K1, SOON_US)
    stall()
    while not harness.cancelled:
        await asyncio.sleep(0.005)
    assert harness.cancelled == [(K1, DEAD)]
    assert harness.guards.owners() == []


@pytest.mark.usefixtures("short_stalls")
async def test_a_loop_that_stalls_all_the_time_lets_timers_judge(
    harness: GuardsHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_timers, "MAX_WAITS", 2)
    harness.guards.set_deadman(K1, SOON_US)
    stalls = 0
    while not harness.cancelled:
        stall()
        await asyncio.sleep(0.001)
        stalls += 1
    assert harness.cancelled == [(K1, DEAD)]
    assert stalls > 1
