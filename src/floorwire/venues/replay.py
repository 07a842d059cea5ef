"""Replay: a recorded session played through the exchange's own adapter, in the time of the recording.

The speed, and how often the venue is called, change neither the events nor their order. Operators may pause
it, change its speed, and seek (core/replay_controls.py).

PLAYING -- pause --> PAUSED -- resume --> PLAYING
PLAYING, PAUSED, ENDED -- seek --> SEEKING -- the time is reached --> PLAYING, or PAUSED if it was paused
PLAYING -- the end, without loop --> ENDED
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import TypeGuard, get_args

import msgspec

from floorwire.core import ports
from floorwire.core.market_events import Candle, FeedStatus, MarketEvent, Trade
from floorwire.core.microseconds import MINUTE_US
from floorwire.core.ports import VenueInput, VenueOutput, Wake, Woke
from floorwire.core.replay_controls import (
    Pause,
    ReplayControl,
    ReplayPosition,
    Seek,
    SeekError,
    SetSpeed,
    Unpause,
)
from floorwire.venues.recorded_answers import RecordedAnswer
from floorwire.venues.recorded_links import RecordedInput
from floorwire.venues.recorded_round import Adapter, RecordedRound, RecordedSession
from floorwire.venues.replay_pace import ReplayPace
from floorwire.venues.replayed_state import ReplayedState, ReplayedStatuses

MAX_STEPS = 500
"""One ``receive`` plays at most so many steps and gives about so many outputs, so that others can run."""
SEEK_STEPS = 100
"""The same while it seeks: an operator's seek must not hold up clients. 100 messages take some 2 ms."""
MARKET_EVENTS = frozenset(get_args(MarketEvent))


class ReplayState(IntEnum):
    """What it does."""

    PLAYING = 0
    PAUSED = 1
    SEEKING = 2
    """It plays up to the time that was asked for, at once and without telling."""
    ENDED = 3


class NothingRecorded:
    """A session without inputs."""

    answers: Sequence[RecordedAnswer] = ()

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield nothing."""
        yield from ()


class Replay:
    """The venue: gives recorded inputs to the adapter that ``make`` makes. With ``loop`` it starts again.

    In each round, recorded times are moved on by whole minutes, so that time never goes back. A seek back
    begins a round too.
    """

    def __init__(
        self,
        make: Callable[[], Adapter],
        session: RecordedSession,
        speed: float | None = 1.0,
        *,
        loop: bool = False,
        span_us: tuple[int, int] = (0, 0),
    ) -> None:
        """``speed``: times as fast as recorded, None for as fast as possible. Raises SpeedError.

        ``span_us``: the recorded times of the first and the last input. Only between them can be sought.
        """
        self._pace = ReplayPace(speed, 0, 0)
        self._make = make
        self._session = session
        self._loop = loop
        self._span_us = span_us
        self._playing = RecordedRound(make(), NothingRecorded())
        self.name = self._playing.adapter.name
        self._skipped_before: Counter[str] = Counter()
        """What was left out in earlier rounds."""
        self._state = ReplayState.ENDED
        self._out: list[VenueOutput] = []
        self._reset()

    def _reset(self) -> None:
        self._round = 0
        self._shift_us = 0
        """How much later than recorded the events of this round are told."""
        self._skipped_before = Counter()
        self._statuses = ReplayedStatuses()
        self._sought = ReplayedState()
        """What came while it seeks."""
        self._stand_us = 0
        """The recorded time at which it stands, or to which it seeks."""
        self._pauses_after_seek = False

    @property
    def skipped(self) -> Counter[str]:
        """What was left out since the start, by reason. Broken lines of the recording are not in it."""
        return self._skipped_before + self._playing.adapter.skipped + self._playing.skipped

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Start at the beginning of the recording."""
        self._reset()
        self._out = []
        self._state = ReplayState.PLAYING
        self._start_round(now_us)
        return self._play(now_us)

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Play what is due."""
        self._out = []
        if self._state in (ReplayState.ENDED, ReplayState.PAUSED) or not isinstance(happened, Woke):
            return []
        return self._play(now_us)

    # --- controls -------------------------------------------------------------------------------

    def control(self, control: ReplayControl, now_us: int) -> Sequence[VenueOutput]:
        """Do what an operator asks for; return what follows. Raises SeekError, SpeedError."""
        self._out = []
        match control:
            case Pause():
                self._pause(now_us)
            case Unpause():
                self._resume(now_us)
            case SetSpeed(speed):
                self._pace = ReplayPace(speed, now_us, self._recorded_us(now_us))
                self._out.append(Wake(now_us))
            case Seek(at_us):
                self._seek(at_us, now_us)
        return self._out

    def position(self, now_us: int) -> ReplayPosition:
        """Return where it stands."""
        is_seeking = self._state == ReplayState.SEEKING
        return ReplayPosition(
            first_us=self._span_us[0],
            last_us=self._span_us[1],
            at_us=self._recorded_us(now_us),
            speed=self._pace.speed,
            is_paused=self._state == ReplayState.PAUSED or (is_seeking and self._pauses_after_seek),
            is_seeking=is_seeking,
            is_ended=self._state == ReplayState.ENDED,
            round=self._round,
        )

    def _pause(self, now_us: int) -> None:
        if self._state == ReplayState.SEEKING:
            self._pauses_after_seek = True
        elif self._state == ReplayState.PLAYING:
            self._stand_us = self._recorded_us(now_us)
            self._state = ReplayState.PAUSED
            self._out.append(FeedStatus(None, "stale", "paused", self._stand_us + self._shift_us))

    def _resume(self, now_us: int) -> None:
        self._pauses_after_seek = False
        if self._state == ReplayState.PAUSED:
            self._state = ReplayState.PLAYING
            self._pace = ReplayPace(self._pace.speed, now_us, self._stand_us)
            self._out += self._statuses.events(self._stand_us + self._shift_us, "resumed")
            self._out.append(Wake(now_us))

    def _seek(self, at_us: int, now_us: int) -> None:
        """Play from the beginning up to this time, without telling. ``_arrive`` tells what is known then."""
        first_us, last_us = self._span_us
        if not 0 < first_us <= at_us <= last_us:
            raise SeekError(at_us, first_us, last_us)
        before_us = self._recorded_us(now_us)
        self._out.append(FeedStatus(None, "connecting", "seek", before_us + self._shift_us))
        if at_us < before_us:
            self._round += 1
            self._shift_us += -((at_us - before_us) // MINUTE_US) * MINUTE_US
        if self._state != ReplayState.SEEKING:
            self._pauses_after_seek = self._state == ReplayState.PAUSED
        self._state = ReplayState.SEEKING
        self._stand_us = at_us
        self._sought = ReplayedState()
        self._skipped_before = self.skipped
        self._start_round(now_us)
        self._out.append(Wake(now_us))

    def _arrive(self, now_us: int) -> None:
        """Tell what is known at the time that was sought, and go on from there."""
        for event in self._sought.events(self._stand_us):
            self._out.extend(self._shifted(event))
        self._sought = ReplayedState()
        ts_us = self._stand_us + self._shift_us
        if self._pauses_after_seek:
            self._state = ReplayState.PAUSED
            self._out.append(FeedStatus(None, "stale", "paused", ts_us))
        else:
            self._state = ReplayState.PLAYING
            self._pace = ReplayPace(self._pace.speed, now_us, self._stand_us)
            self._out += self._statuses.events(ts_us, "synced")

    def _recorded_us(self, now_us: int) -> int:
        """Return the recorded time that is played now."""
        if self._state in (ReplayState.PAUSED, ReplayState.SEEKING):
            return self._stand_us
        next_us = self._playing.next_us()
        if self._state == ReplayState.ENDED or next_us is None:
            return self._playing.at_us
        return min(next_us, self._pace.recorded_us(now_us, self._playing.at_us))

    # --- playing --------------------------------------------------------------------------------

    def _start_round(self, now_us: int) -> None:
        """Begin at the beginning of the recording, with an adapter that knows nothing."""
        self._playing = RecordedRound(self._make(), self._session)
        self._pace = ReplayPace(self._pace.speed, now_us, self._playing.first_us)
        self._statuses = ReplayedStatuses()
        self._take(self._playing.start())

    def _play(self, now_us: int) -> Sequence[VenueOutput]:
        for _ in range(SEEK_STEPS if self._state == ReplayState.SEEKING else MAX_STEPS):
            if len(self._out) >= MAX_STEPS:
                break
            at_us = self._playing.next_us()
            is_seeking = self._state == ReplayState.SEEKING
            if is_seeking and (at_us is None or at_us > self._stand_us):
                self._arrive(now_us)
            elif at_us is None:
                self._end()
                if self._state != ReplayState.ENDED:
                    self._start_round(now_us)
            elif not is_seeking and self._pace.due_us(at_us) > now_us:
                self._out.append(Wake(self._pace.due_us(at_us)))
                return self._out
            else:
                self._take(self._playing.step(at_us))
            if self._state in (ReplayState.ENDED, ReplayState.PAUSED):
                return self._out
        self._out.append(Wake(now_us))
        return self._out

    def _end(self) -> None:
        at_us = self._playing.at_us
        if self._loop and at_us > 0:
            self._skipped_before = self.skipped
            self._round += 1
            self._shift_us += ((at_us - self._playing.first_us) // MINUTE_US + 1) * MINUTE_US
        else:
            self._state = ReplayState.ENDED
            self._out.append(FeedStatus(None, "stale", "ended", at_us + self._shift_us))

    def _take(self, outputs: Sequence[VenueOutput]) -> None:
        """Tell the outputs of the adapter; while it seeks, only remember them."""
        is_seeking = self._state == ReplayState.SEEKING
        for output in outputs:
            if type(output) is FeedStatus:
                self._statuses.apply(output)
            if not _is_market_event(output):
                if not is_seeking and isinstance(output, ports.Activity):
                    self._out.append(output)
            elif not is_seeking:
                self._out.extend(self._shifted(output))
            else:
                self._sought.apply(output)

    def _shifted(self, event: MarketEvent) -> Iterator[MarketEvent]:
        """Yield the event in the time of this round."""
        if not self._round:
            yield event
            return
        ts_us = event.ts_us + self._shift_us
        match event:
            case Trade():
                yield msgspec.structs.replace(event, ts_us=ts_us, trade_id=f"{event.trade_id}.{self._round}")
            case Candle():
                if self._shift_us % event.interval_us == 0:  # otherwise it would start inside an interval
                    start_us = event.start_us + self._shift_us
                    yield msgspec.structs.replace(event, ts_us=ts_us, start_us=start_us)
            case _:
                yield msgspec.structs.replace(event, ts_us=ts_us)


def _is_market_event(output: VenueOutput) -> TypeGuard[MarketEvent]:
    return type(output) in MARKET_EVENTS
