"""Replay: a recorded session played through the exchange's own adapter, in the time of the recording.

The recording alone decides what the adapter gets, and when in recorded time. The speed, and how often the
venue is called, change neither the events nor their order.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import msgspec

from floorwire.core import ports
from floorwire.core.market_events import Candle, FeedStatus, MarketEvent, Trade
from floorwire.core.ports import (
    Answer,
    Close,
    Closed,
    Fetch,
    Frame,
    Open,
    Opened,
    Reported,
    Send,
    Venue,
    VenueInput,
    VenueOutput,
    Wake,
    Woke,
)

MAX_STEPS = 500
"""One ``receive`` plays at most so many steps and gives about so many outputs, so that others can run."""
MINUTE_US = 60_000_000


class RecordedInput(msgspec.Struct, frozen=True):
    """One input of a recorded link. Its ``link`` is the recording's name for the link."""

    at_us: int
    happened: Opened | Frame | Closed


class RecordedAnswer(msgspec.Struct, frozen=True):
    """One recorded HTTP answer."""

    at_us: int
    url: str
    body: bytes


class RecordedSession(Protocol):
    """A recorded session."""

    answers: Sequence[RecordedAnswer]
    """In order of time."""

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield the inputs on all links, in order of time. Each call starts at the beginning."""
        ...


class Adapter(Venue, Protocol):
    """A venue that counts what it leaves out, by reason."""

    skipped: Counter[str]


class SpeedError(ValueError):
    """A speed that is not above zero."""

    def __init__(self, speed: float) -> None:
        super().__init__(f"speed: {speed} is not above zero")
        self.speed = speed


class ReplayPace:
    """Converts recorded time to the time of playing."""

    __slots__ = ("_played_us", "_recorded_us", "_speed")

    def __init__(self, speed: float | None, played_us: int, recorded_us: int) -> None:
        """``speed``: times as fast as recorded; None: at once. ``recorded_us`` is played at ``played_us``."""
        self._speed = speed
        self._played_us = played_us
        self._recorded_us = recorded_us

    def due_us(self, at_us: int) -> int:
        """Return when to play a recorded time."""
        if self._speed is None:
            return self._played_us
        return self._played_us + math.ceil((at_us - self._recorded_us) / self._speed)


class RecordedRequest(msgspec.Struct, frozen=True):
    """The path of a request, and its parameters without ``limit``."""

    path: tuple[str, ...]
    parameters: dict[str, str]

    @classmethod
    def of(cls, url: str) -> RecordedRequest:
        """Parse a URL. One that is invalid fits no other request."""
        try:
            parts = urlsplit(url)
            parameters = dict(parse_qsl(parts.query))
        except ValueError:
            return cls((), {})
        parameters.pop("limit", None)
        return cls(tuple(filter(None, parts.path.split("/"))), parameters)

    def fits(self, other: RecordedRequest) -> bool:
        """Return whether both are the same request: one path ends the other, common parameters are equal."""
        length = min(len(self.path), len(other.path))
        if not length or self.path[-length:] != other.path[-length:]:
            return False
        return all(other.parameters.get(name, value) == value for name, value in self.parameters.items())


class RecordedAnswers:
    """Chooses the recorded answer to a request.

    A request fits a recorded one by path and parameters; the host may differ. What was requested before any
    link (the list of instruments) does not depend on a link. Any other answer belongs to a link's state at
    one moment (the snapshot of a book): it is given once, and never after a later loss of a link.
    """

    __slots__ = ("_answers", "_linkless", "_lost_us", "_used")

    def __init__(self, answers: Sequence[RecordedAnswer]) -> None:
        self._answers = [(RecordedRequest.of(answer.url), answer) for answer in answers]
        self._used: set[RecordedAnswer] = set()
        self._linkless: list[RecordedRequest] = []
        self._lost_us: int | None = None
        """When the last message before the last loss of a link came; None: no loss yet."""

    def link_lost(self, last_us: int) -> None:
        """Record the loss of a link. Answers up to its last message are too old from now on."""
        self._lost_us = last_us

    def first(self, url: str, now_us: int) -> RecordedAnswer | None:
        """Return the answer to a request before any link: the last up to now, or else the first later one."""
        asked = RecordedRequest.of(url)
        self._linkless.append(asked)
        fitting = [answer for recorded, answer in self._answers if asked.fits(recorded)]
        past = [answer for answer in fitting if answer.at_us <= now_us]
        found = past[-1] if past else fitting[0] if fitting else None
        return self._use(found)

    def find(self, url: str, now_us: int) -> RecordedAnswer | None:
        """Return the next answer that fits, or else the last one that is not too old; or None."""
        asked = RecordedRequest.of(url)
        is_linkless = any(asked.fits(other) for other in self._linkless)
        last = None
        for recorded, answer in self._answers:
            if not asked.fits(recorded):
                continue
            if answer.at_us >= now_us and answer not in self._used:
                return self._use(answer)
            if is_linkless or self._is_usable(answer):
                last = answer
        return self._use(last)

    def _is_usable(self, answer: RecordedAnswer) -> bool:
        return answer not in self._used and (self._lost_us is None or answer.at_us > self._lost_us)

    def _use(self, answer: RecordedAnswer | None) -> RecordedAnswer | None:
        if answer is not None:
            self._used.add(answer)
        return answer


class RecordedLinks:
    """Maps recorded links to the links that the adapter opened: one each, and all others to the last."""

    __slots__ = ("_asked", "_open", "_recorded", "_up")

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._recorded: list[str] = []
        self._up: set[str] = set()
        self._open: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._asked)

    def open(self, link: str) -> Iterator[VenueInput]:
        """Open a link for the adapter. It is up at once if its recorded link is."""
        if link not in self._asked:
            self._asked.append(link)
        if any(self._carrier(recorded) == link for recorded in self._up):
            yield from self._opened(link)

    def close(self, link: str, reason: str) -> Iterator[VenueInput]:
        """Close a link for the adapter."""
        self._open.discard(link)
        yield Closed(link, reason)

    def apply(self, happened: Opened | Frame | Closed) -> Iterator[VenueInput]:
        """Yield the inputs that the adapter gets from it; none if its link is not open."""
        if happened.link not in self._recorded:
            self._recorded.append(happened.link)
        link = self._carrier(happened.link)
        match happened:
            case Opened(recorded):
                self._up.add(recorded)
                if link is not None:
                    yield from self._opened(link)
            case Frame(_, data) if link is not None and link in self._open:
                yield Frame(link, data)
            case Closed(recorded, reason):
                self._up.discard(recorded)
                if link in self._open and not any(self._carrier(other) == link for other in self._up):
                    yield from self.close(link, reason)
            case _:
                pass

    def _carrier(self, recorded: str) -> str | None:
        if not self._asked:
            return None
        return self._asked[min(self._recorded.index(recorded), len(self._asked) - 1)]

    def _opened(self, link: str) -> Iterator[VenueInput]:
        if link not in self._open:
            self._open.add(link)
            yield Opened(link)


class Replay:
    """The venue: gives recorded inputs to the adapter that ``make`` makes. With ``loop`` it starts again.

    In each round, recorded times are moved on by whole minutes, so that time never goes back.
    """

    def __init__(
        self,
        make: Callable[[], Adapter],
        session: RecordedSession,
        speed: float | None = 1.0,
        *,
        loop: bool = False,
    ) -> None:
        """``speed``: times as fast as recorded, None for as fast as possible. Raises SpeedError."""
        if speed is not None and not 0 < speed < math.inf:
            raise SpeedError(speed)
        self._make = make
        self._session = session
        self._speed = speed
        self._loop = loop
        self._adapter = make()
        self.name = self._adapter.name
        self._skipped_inputs: Counter[str] = Counter()
        self._skipped_before: Counter[str] = Counter()
        """What was left out in earlier rounds."""

    @property
    def skipped(self) -> Counter[str]:
        """What was left out since the start, by reason. Broken lines of the recording are not in it."""
        return self._skipped_before + self._adapter.skipped + self._skipped_inputs

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Start at the beginning of the recording."""
        self._round = 0
        self._shift_us = 0
        self._is_over = False
        self._out: list[VenueOutput] = []
        self._skipped_before = Counter()
        self._start_round(now_us)
        return self._play(now_us)

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Play what is due."""
        self._out = []
        if self._is_over or not isinstance(happened, Woke):
            return []
        return self._play(now_us)

    # --- the recording's time -------------------------------------------------------------------

    def _start_round(self, now_us: int) -> None:
        self._inputs = self._session.inputs()
        self._next = next(self._inputs, None)
        self._first_us = self._at_us = 0 if self._next is None else self._next.at_us
        self._pace = ReplayPace(self._speed, now_us, self._first_us)
        self._adapter = self._make()
        self._answers = RecordedAnswers(self._session.answers)
        self._links = RecordedLinks()
        self._skipped_inputs = Counter()
        self._last_frame_us: int | None = None
        """When the adapter last got a frame."""
        self._pending: deque[VenueInput] = deque()
        self._pending_answers: list[tuple[int, int, Answer]] = []
        self._fetched = 0
        self._wake_us: int | None = None
        self._carry_out(self._adapter.start(self._at_us))

    def _play(self, now_us: int) -> Sequence[VenueOutput]:
        for _ in range(MAX_STEPS):
            if len(self._out) >= MAX_STEPS:
                break
            at_us = self._next_us()
            if at_us is None:
                self._end()
                if self._is_over:
                    return self._out
                self._start_round(now_us)
            elif self._pace.due_us(at_us) > now_us:
                self._out.append(Wake(self._pace.due_us(at_us)))
                return self._out
            else:
                self._step(at_us)
        self._out.append(Wake(now_us))
        return self._out

    def _next_us(self) -> int | None:
        """Return the recorded time of the next step; None at the end."""
        if self._pending:
            return self._at_us
        due = [at_us for at_us, _, _ in self._pending_answers[:1]]
        if self._next is not None:
            due.append(self._next.at_us)
        if due and self._wake_us is not None:
            due.append(self._wake_us)
        return max(min(due), self._at_us) if due else None

    def _step(self, at_us: int) -> None:
        """Give the adapter one input. At one time answers come first, then links, then its wake-up."""
        self._at_us = at_us
        if self._pending:
            self._give(self._pending.popleft())
        elif self._pending_answers and self._pending_answers[0][0] <= at_us:
            self._give(heappop(self._pending_answers)[2])
        elif self._next is not None and self._next.at_us <= at_us:
            recorded, self._next = self._next, next(self._inputs, None)
            self._link_input(recorded.happened)
        else:
            self._wake_us = None
            self._give(Woke())

    def _end(self) -> None:
        if self._loop and self._at_us > 0:
            self._skipped_before = self.skipped
            self._round += 1
            self._shift_us += ((self._at_us - self._first_us) // MINUTE_US + 1) * MINUTE_US
        else:
            self._is_over = True
            self._out.append(FeedStatus(None, "stale", "ended", self._at_us + self._shift_us))

    # --- the adapter ----------------------------------------------------------------------------

    def _link_input(self, happened: Opened | Frame | Closed) -> None:
        inputs = list(self._links.apply(happened))
        if isinstance(happened, Frame) and not inputs:
            self._skipped_inputs["no_link"] += 1
        for venue_input in inputs:
            self._give(venue_input)

    def _give(self, happened: VenueInput) -> None:
        if isinstance(happened, Frame):
            self._last_frame_us = self._at_us
        elif isinstance(happened, Closed) and self._last_frame_us is not None:
            self._answers.link_lost(self._last_frame_us)
        self._carry_out(self._adapter.receive(happened, self._at_us))

    def _carry_out(self, outputs: Sequence[VenueOutput]) -> None:
        for output in outputs:
            match output:
                case Open(link):
                    self._pending.extend(self._links.open(link))
                case Close(link, reason):
                    self._pending.extend(self._links.close(link, reason))
                case Fetch():
                    self._fetch(output)
                case Wake(at_us):
                    self._wake_us = at_us
                case ports.Activity():
                    self._out.append(output)
                case Send() | Reported():
                    pass  # a recording does not react to what is sent, and takes no orders
                case _:
                    self._out.extend(self._shifted(output))

    def _fetch(self, fetch: Fetch) -> None:
        find = self._answers.find if self._links else self._answers.first
        found = find(fetch.url, self._at_us) if fetch.method == "GET" else None
        if found is None:
            self._skipped_inputs["no_answer"] += 1
            self._pending.append(Answer(fetch.request, 0, b""))
            return
        answer = Answer(fetch.request, 200, found.body)
        if not self._links:  # without a link no time passes, so answer at once
            self._pending.append(answer)
        else:
            self._fetched += 1
            heappush(self._pending_answers, (max(found.at_us, self._at_us), self._fetched, answer))

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
