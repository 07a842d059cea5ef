from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorwire.connectors import recording
from floorwire.core.market_events import Candle, FeedStatus, MarketEvent, Trade, VenueTime
from floorwire.core.ports import (
    Answer,
    Close,
    Closed,
    Fetch,
    Frame,
    Open,
    Opened,
    Send,
    VenueInput,
    VenueOutput,
    Wake,
    Woke,
)
from floorwire.core.replay_controls import SpeedError
from floorwire.venues.recorded_answers import RecordedAnswer, RecordedAnswers, RecordedRequest
from floorwire.venues.recorded_links import RecordedInput
from floorwire.venues.replay import MAX_STEPS, Replay
from tests.venues.driver import SECOND, events, every, statuses

RECORDED = Path(__file__).parent.parent / "recorded"
T = 1_700_000_000 * SECOND
NOW = 5_000_000_000 * SECOND


class Scripted:
    """An adapter that notes what it is told and when, and answers as scripted."""

    name = "scripted"

    def __init__(
        self, first: Sequence[VenueOutput] = (), then: dict[VenueInput, list[VenueOutput]] | None = None
    ) -> None:
        self.skipped: Counter[str] = Counter()
        self.told: list[tuple[VenueInput, int]] = []
        self._first = first
        self._then = then or {}

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        return self._first

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        self.told.append((happened, now_us))
        return self._then.get(happened, [])


class Session:
    """A session made up for a test."""

    def __init__(
        self, *heard: tuple[float, Opened | Frame | Closed], answers: Sequence[RecordedAnswer] = ()
    ) -> None:
        self.answers = answers
        self._heard = [RecordedInput(at(seconds), happened) for seconds, happened in heard]

    def inputs(self) -> Iterator[RecordedInput]:
        return iter(self._heard)


def at(seconds: float) -> int:
    return T + round(seconds * SECOND)


def play(replay: Replay, *, rounds: int = 10_000) -> list[VenueOutput]:
    """Play to the end, waking exactly when asked to; return all but the wakes."""
    now_us = NOW
    out = list(replay.start(now_us))
    played: list[VenueOutput] = [output for output in out if not isinstance(output, Wake)]
    for _ in range(rounds):
        wakes = every(out, Wake)
        if not wakes:
            return played
        now_us = max(now_us, wakes[-1].at_us)
        out = list(replay.receive(Woke(), now_us))
        played += [output for output in out if not isinstance(output, Wake)]
    return played


def told(session: Session, adapter: Scripted, speed: float | None = None) -> list[tuple[VenueInput, float]]:
    """Return what the adapter is told, with the time in seconds."""
    play(Replay(lambda: adapter, session, speed))
    return [(happened, (now_us - T) / SECOND) for happened, now_us in adapter.told]


def digest(played: Sequence[MarketEvent | VenueOutput]) -> str:
    return hashlib.sha256(b"".join(repr(event).encode() for event in played)).hexdigest()


def recorded(name: str, speed: float | None, *, loop: bool = False) -> Replay:
    return recording.replay(recording.read(RECORDED / name), speed=speed, loop=loop)


LINK = Open("mine", "wss://x")


# --- time ---------------------------------------------------------------------------------------------


def test_the_adapter_lives_in_recorded_time() -> None:
    session = Session((0, Opened("r")), (1.5, Frame("r", b"a")), (4, Frame("r", b"b")))
    wakes: dict[VenueInput, list[VenueOutput]] = {
        Opened("mine"): [Wake(at(1))],
        Frame("mine", b"a"): [Wake(at(3))],
    }
    adapter = Scripted([LINK], wakes)
    assert (
        told(session, adapter)
        == [
            (Opened("mine"), 0),
            (Woke(), 1),
            (Frame("mine", b"a"), 1.5),
            (Woke(), 3),
            (Woke(), 3),
            (Frame("mine", b"b"), 4),
        ]
        or adapter.told
    )


def test_the_shell_is_asked_back_at_the_pace() -> None:
    session = Session((0, Opened("r")), (1.5, Frame("r", b"a")), (4, Frame("r", b"b")))
    for speed, due in ((1.0, [1.5, 4]), (10.0, [0.15, 0.4]), (0.5, [3, 8])):
        replay = Replay(lambda: Scripted([LINK]), session, speed)
        out = list(replay.start(NOW))
        wakes = []
        while asked := every(out, Wake):
            wakes.append((asked[0].at_us - NOW) / SECOND)
            assert replay.receive(Woke(), asked[0].at_us - 1) == [Wake(asked[0].at_us)], "too early: nothing"
            out = list(replay.receive(Woke(), asked[0].at_us))
        assert wakes == due


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_a_speed_is_above_zero(speed: float) -> None:
    with pytest.raises(SpeedError):
        Replay(Scripted, Session(), speed)


def test_as_fast_as_possible_still_yields() -> None:
    frames = [(0.001 * number, Frame("r", b"%d" % number)) for number in range(3 * MAX_STEPS)]
    clock: dict[VenueInput, list[VenueOutput]] = {
        frame: [VenueTime(number)] for number, (_, frame) in enumerate(frames)
    }
    clock = {Frame("mine", frame.data): said for (_, frame), said in zip(frames, clock.values(), strict=True)}
    replay = Replay(lambda: Scripted([LINK], clock), Session((0, Opened("r")), *frames), None)
    out = list(replay.start(NOW))
    sizes = []
    while every(out, Wake):
        assert every(out, Wake) == [Wake(NOW)]
        sizes.append(len(out))
        out = list(replay.receive(Woke(), NOW))
    assert len(sizes) == 3
    assert max(sizes) <= MAX_STEPS + 2


def test_an_adapter_that_always_wants_to_be_woken_does_not_hold_the_shell() -> None:
    adapter = Scripted([LINK, Wake(T)], {Woke(): [Wake(T)]})
    replay = Replay(lambda: adapter, Session((0, Opened("r")), (1, Frame("r", b""))), None)
    assert replay.start(NOW) == [Wake(NOW)]
    assert len(adapter.told) <= MAX_STEPS


def test_the_end_is_said_and_nothing_follows() -> None:
    replay = Replay(
        lambda: Scripted([LINK, Wake(at(60))]), Session((0, Opened("r")), (2, Frame("r", b""))), None
    )
    played = play(replay)
    assert played == [FeedStatus(None, "stale", "ended", at(2))]
    assert replay.receive(Woke(), NOW + SECOND) == []


def test_an_empty_session_ends_even_where_it_loops() -> None:
    replay = Replay(Scripted, Session(), None, loop=True)
    assert statuses(replay.start(NOW)) == [(None, "stale", "ended")]


def test_only_time_matters_to_a_replay() -> None:
    replay = Replay(lambda: Scripted([LINK]), Session((0, Opened("r")), (2, Frame("r", b""))))
    replay.start(NOW)
    for stranger in (Opened("mine"), Frame("mine", ""), Closed("mine", ""), Answer(1, 200, b"")):
        assert replay.receive(stranger, NOW + 9 * SECOND) == []
    assert statuses(replay.receive(Woke(), NOW + 9 * SECOND)) == [(None, "stale", "ended")]


def test_started_again_it_begins_anew() -> None:
    replay = recorded("binance", None)
    assert digest(play(replay)) == digest(play(replay))


# --- links --------------------------------------------------------------------------------------------


def test_frames_wait_for_no_adapter_that_does_not_listen() -> None:
    session = Session((0, Opened("r")), (1, Frame("r", b"a")), (2, Frame("r", b"b")))
    adapter = Scripted([Wake(at(1.5))], {Woke(): [LINK]})
    replay = Replay(lambda: adapter, session, None)
    play(replay)
    assert [happened for happened, _ in adapter.told] == [Woke(), Opened("mine"), Frame("mine", b"b")]
    assert replay.skipped == {"no_link": 1}


def test_more_recorded_links_than_asked_for_are_one() -> None:
    session = Session(
        (0, Opened("r")),
        (1, Opened("s")),
        (2, Frame("s", b"a")),
        (3, Closed("r", "x")),
        (4, Frame("s", b"b")),
        (5, Closed("s", "y")),
        (6, Opened("r")),
    )
    assert told(session, Scripted([LINK])) == [
        (Opened("mine"), 0),
        (Frame("mine", b"a"), 2),
        (Frame("mine", b"b"), 4),
        (Closed("mine", "y"), 5),
        (Opened("mine"), 6),
    ]


def test_each_recorded_link_goes_on_its_own_where_there_are_enough() -> None:
    session = Session((0, Opened("r")), (1, Opened("s")), (2, Frame("s", b"a")), (3, Frame("r", b"b")))
    adapter = Scripted([LINK, Open("other", "wss://x")])
    assert told(session, adapter) == [
        (Opened("mine"), 0),
        (Opened("other"), 1),
        (Frame("other", b"a"), 2),
        (Frame("mine", b"b"), 3),
    ]


def test_a_link_that_the_adapter_gives_up_is_closed_and_opens_when_asked_again() -> None:
    session = Session((0, Opened("r")), (1, Frame("r", b"a")), (2, Frame("r", b"b")), (3, Frame("r", b"c")))
    given_up: dict[VenueInput, list[VenueOutput]] = {
        Frame("mine", b"a"): [Close("mine", "why"), Wake(at(2.5))],
        Woke(): [LINK, Send("mine", "hello")],
    }
    assert told(session, Scripted([LINK], given_up)) == [
        (Opened("mine"), 0),
        (Frame("mine", b"a"), 1),
        (Closed("mine", "why"), 1),
        (Woke(), 2.5),
        (Opened("mine"), 2.5),
        (Frame("mine", b"c"), 3),
    ]


# --- answers ------------------------------------------------------------------------------------------

OLD = "https://api.pro.coinbase.com/book?symbol=A&limit=100"
NEW = "https://api.exchange.coinbase.com/api/book?limit=5000&symbol=A"


@pytest.mark.parametrize(
    ("asked", "recorded", "fits"),
    [
        (NEW, OLD, True),
        (OLD, NEW, True),
        ("https://x/list?fresh=1", "https://y/list", True),
        ("https://x/book?symbol=A", "https://x/book?symbol=B", False),
        ("https://x/book", "https://x/trades", False),
        ("https://x/a/book", "https://x/b/book", False),
        ("https://x", "https://x/book", False),
        ("https://[", "https://x/book", False),
    ],
)
def test_the_same_path_and_parameters_ask_for_the_same(asked: str, recorded: str, fits: bool) -> None:
    assert RecordedRequest.of(asked).fits(RecordedRequest.of(recorded)) == fits


def answered(*seconds: float, ask_at: float, linked: bool = True) -> list[tuple[bytes, float]]:
    """Return the body of the answer and when it comes, where answers were recorded at these times."""
    answers = [RecordedAnswer(at(second), OLD, b"%g" % second) for second in seconds]
    session = Session((0, Opened("r")), (9, Frame("r", b"")), answers=answers)
    adapter = Scripted([*([LINK] if linked else []), Wake(at(ask_at))], {Woke(): [Fetch(1, NEW)]})
    return [(what.body, when) for what, when in told(session, adapter) if isinstance(what, Answer)]


def test_the_next_answer_comes_when_it_came() -> None:
    assert answered(1, 3, 5, ask_at=2) == [(b"3", 3)]


def test_where_none_is_to_come_the_last_one_does_at_once() -> None:
    assert answered(-7, 1, ask_at=2) == [(b"1", 2)]


def test_where_there_is_none_status_zero_does() -> None:
    assert answered(ask_at=2) == [(b"", 2)]


def test_without_a_link_there_is_nothing_to_wait_for() -> None:
    assert answered(1, 3, 5, ask_at=2, linked=False) == [(b"1", 2)]
    assert answered(3, 5, ask_at=2, linked=False) == [(b"3", 2)]


def test_an_answer_is_given_once_while_others_are_to_come() -> None:
    answers = [RecordedAnswer(at(second), OLD, b"%g" % second) for second in (3, 3, 4)]
    session = Session((0, Opened("r")), (9, Frame("r", b"")), answers=answers)
    ask: list[VenueOutput] = [Fetch(1, NEW)]
    then: dict[VenueInput, list[VenueOutput]] = {Woke(): ask, Answer(1, 200, b"3"): ask}
    heard = told(session, Scripted([LINK, Wake(at(1))], then))
    assert [(what.body, when) for what, when in heard if isinstance(what, Answer)] == [(b"3", 3), (b"4", 4)]


# --- the same each time -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["binance", "coinbase"])
def test_a_session_gives_the_same_events_at_any_speed(name: str) -> None:
    assert len({digest(play(recorded(name, speed))) for speed in (None, 0.25, 1.0, 7.3, 1e6)}) == 1


@pytest.mark.parametrize("name", ["binance", "coinbase"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), speed=st.sampled_from([0.5, 1.0, 3.0]))
def test_however_it_is_woken_the_events_are_the_same(name: str, seed: int, speed: float) -> None:
    """Woken early, late, often or seldom: the same events in the same order."""
    chance = random.Random(seed)
    replay = recorded(name, speed)
    now_us = NOW
    played = [*replay.start(now_us)]
    while statuses(played)[-1:] != [(None, "stale", "ended")]:
        now_us += chance.randrange(0, 3 * SECOND)
        played += replay.receive(Woke(), now_us)
    assert digest([output for output in played if not isinstance(output, Wake)]) == EXPECTED[name]


EXPECTED = {name: digest(play(recorded(name, None))) for name in ("binance", "coinbase")}


# --- loops --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["binance", "coinbase"])
def test_a_loop_starts_anew_and_time_runs_on(name: str) -> None:
    replay = recorded(name, None, loop=True)
    played = events(play(replay, rounds=3))
    rounds = [
        place
        for place, said in enumerate(played)
        if said == FeedStatus(None, "connecting", "start", said.ts_us)
    ]
    assert len(rounds) > 3
    first, second, third = (played[start:end] for start, end in itertools.pairwise(rounds[:4]))
    assert len(first) == len(second) == len(third) == len(events(play(recorded(name, None)))) - 1, (
        "only 'ended' is not said"
    )
    for one, other in itertools.pairwise((first, second, third)):
        assert {type(event) for event in one} == {type(event) for event in other}
        assert max(event.ts_us for event in one) < min(event.ts_us for event in other)
    clocks = [event.ts_us for event in every(played, VenueTime)]
    assert clocks == sorted(clocks)
    trades = [(trade.symbol, trade.trade_id) for trade in every(played, Trade)]
    assert len(set(trades)) == len(trades)


def test_candles_of_later_rounds_have_their_place_or_are_left_out() -> None:
    def candle(minutes: int) -> Candle:
        return Candle("A-B", minutes * 60 * SECOND, T, 1, 1, 1, 1, 1, 1, closed=False, ts_us=T)

    said: dict[VenueInput, list[VenueOutput]] = {Frame("mine", b""): [candle(1), candle(7)]}
    session = Session((0, Opened("r")), (61, Frame("r", b"")))
    replay = Replay(lambda: Scripted([LINK], said), session, 1.0, loop=True)
    replay.start(NOW)
    candles = [
        (candle.interval_us // SECOND, (candle.start_us - T) // SECOND, (candle.ts_us - T) // SECOND)
        for lap in range(8)
        for candle in every(replay.receive(Woke(), NOW + (lap + 1) * 61 * SECOND), Candle)
    ]
    assert candles[:4] == [(60, 0, 0), (420, 0, 0), (60, 120, 120), (60, 240, 240)]
    assert [candle for candle in candles if candle[0] == 420] == [(420, 0, 0), (420, 840, 840)]


def test_other_events_of_later_rounds_are_only_moved() -> None:
    replay = recorded("binance", None, loop=True)
    played = events(play(replay, rounds=1))
    second = next(
        p for p, said in enumerate(played[1:], 1) if statuses([said]) == [(None, "connecting", "start")]
    )
    shift = played[second].ts_us - played[0].ts_us
    for before, after in zip(played, played[second : 2 * second], strict=False):
        if not isinstance(before, Trade | Candle):
            assert msgspec.structs.replace(before, ts_us=before.ts_us + shift) == after


def test_what_was_never_recorded_is_answered_once_only() -> None:
    answers = RecordedAnswers([RecordedAnswer(T, "https://x/known?symbol=A", b"")])
    assert answers.has_none("https://x/other")
    assert answers.has_none("https://x/known?symbol=B")
    assert not answers.has_none("https://y/known?symbol=A&limit=5")
    fetch, again = Fetch(1, "https://x/other"), Fetch(2, "https://x/other")
    adapter = Scripted([fetch], {Answer(1, 0, b""): [again]})
    replay = Replay(lambda: adapter, Session((0.0, Opened("x")), (1.0, Closed("x", ""))), None)
    replay.start(NOW)
    assert adapter.told[0] == (Answer(1, 0, b""), T)
    assert Answer(2, 0, b"") not in [happened for happened, _ in adapter.told]
    assert replay.skipped == {"no_answer": 1}
