"""Replay: a recorded session played through the exchange's own adapter, in the time of the recording.

What the adapter is told, and when, follows from the recording alone: how fast it is played, and in how many
pieces, changes nothing of the events or their order.
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

BURST = 500
"""So many steps, and about so many outputs, come of one ``receive``; then the shell has its turn."""
MINUTE_US = 60_000_000


class RecordedInput(msgspec.Struct, frozen=True):
    """One thing that happened on a recorded link; ``link`` is the recording's name for it."""

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

    def heard(self) -> Iterator[RecordedInput]:
        """Yield what happened on the links, in order of time; again from the start at each call."""
        ...


class Adapter(Venue, Protocol):
    """A venue that counts what it leaves out."""

    skipped: Counter[str]


class SpeedError(ValueError):
    """A speed that is not above zero."""

    def __init__(self, speed: float) -> None:
        super().__init__(f"speed: {speed} is not above zero")
        self.speed = speed


class ReplayPace:
    """How recorded time becomes the shell's: so many times as fast, or at once."""

    __slots__ = ("_here_us", "_speed", "_there_us")

    def __init__(self, speed: float | None, here_us: int, there_us: int) -> None:
        """``here_us`` is when ``there_us`` of the recording is played."""
        self._speed = speed
        self._here_us = here_us
        self._there_us = there_us

    def due_us(self, at_us: int) -> int:
        """Return when a recorded time is to be played."""
        if self._speed is None:
            return self._here_us
        return self._here_us + math.ceil((at_us - self._there_us) / self._speed)


class RecordedRequest(msgspec.Struct, frozen=True):
    """What a request is for: its path, and its parameters but ``limit``."""

    path: tuple[str, ...]
    parameters: dict[str, str]

    @classmethod
    def of(cls, url: str) -> RecordedRequest:
        """Read an address; one that is none asks for nothing."""
        try:
            parts = urlsplit(url)
            parameters = dict(parse_qsl(parts.query))
        except ValueError:
            return cls((), {})
        parameters.pop("limit", None)
        return cls(tuple(filter(None, parts.path.split("/"))), parameters)

    def fits(self, other: RecordedRequest) -> bool:
        """Return whether both ask for the same: one path ends the other, and no parameter of both differs."""
        length = min(len(self.path), len(other.path))
        if not length or self.path[-length:] != other.path[-length:]:
            return False
        return all(other.parameters.get(name, value) == value for name, value in self.parameters.items())


class RecordedAnswers:
    """The recorded answers: which one a request gets.

    The same path and parameters make it such a request, whatever the host was called then. What is asked for
    before any link (the list of instruments) does not depend on one. Anything else describes a link's state
    at one moment: it is given once, and never after a loss that came later than it.
    """

    __slots__ = ("_answers", "_linkless", "_lost_us", "_used")

    def __init__(self, answers: Sequence[RecordedAnswer]) -> None:
        self._answers = [(RecordedRequest.of(told.url), told) for told in answers]
        self._used: set[RecordedAnswer] = set()
        self._linkless: list[RecordedRequest] = []
        self._lost_us: int | None = None
        """When the last message before the last loss of a link came."""

    def lose(self, last_us: int) -> None:
        """A link is lost, whose last message came then: what was answered up to then is of the past."""
        self._lost_us = last_us

    def first(self, url: str, now_us: int) -> RecordedAnswer | None:
        """Return the answer that holds before any link: the last up to now, else the first one to come."""
        asked = RecordedRequest.of(url)
        self._linkless.append(asked)
        fitting = [told for recorded, told in self._answers if asked.fits(recorded)]
        past = [told for told in fitting if told.at_us <= now_us]
        found = past[-1] if past else fitting[0] if fitting else None
        return self._use(found)

    def find(self, url: str, now_us: int) -> RecordedAnswer | None:
        """Return the next answer to such a request, else the last one that still holds; None for none."""
        asked = RecordedRequest.of(url)
        is_linkless = any(asked.fits(other) for other in self._linkless)
        last = None
        for recorded, told in self._answers:
            if not asked.fits(recorded):
                continue
            if told.at_us >= now_us and told not in self._used:
                return self._use(told)
            if is_linkless or self._still_holds(told):
                last = told
        return self._use(last)

    def _still_holds(self, told: RecordedAnswer) -> bool:
        return told not in self._used and (self._lost_us is None or told.at_us > self._lost_us)

    def _use(self, told: RecordedAnswer | None) -> RecordedAnswer | None:
        if told is not None:
            self._used.add(told)
        return told


class RecordedLinks:
    """The recorded links on those that the adapter asked for: each on its own, all the rest on the last."""

    __slots__ = ("_asked", "_recorded", "_told", "_up")

    def __init__(self) -> None:
        self._asked: list[str] = []
        self._recorded: list[str] = []
        self._up: set[str] = set()
        self._told: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._asked)

    def ask(self, link: str) -> Iterator[VenueInput]:
        """The adapter asks for a link: it is up at once where the recorded one is."""
        if link not in self._asked:
            self._asked.append(link)
        if any(self._carrier(recorded) == link for recorded in self._up):
            yield from self._tell_up(link)

    def close(self, link: str, reason: str) -> Iterator[VenueInput]:
        """The adapter gives a link up."""
        self._told.discard(link)
        yield Closed(link, reason)

    def hear(self, happened: Opened | Frame | Closed) -> Iterator[VenueInput]:
        """Yield what the adapter is told of it; nothing where it does not listen."""
        if happened.link not in self._recorded:
            self._recorded.append(happened.link)
        link = self._carrier(happened.link)
        match happened:
            case Opened(recorded):
                self._up.add(recorded)
                if link is not None:
                    yield from self._tell_up(link)
            case Frame(_, data) if link is not None and link in self._told:
                yield Frame(link, data)
            case Closed(recorded, reason):
                self._up.discard(recorded)
                if link in self._told and not any(self._carrier(other) == link for other in self._up):
                    yield from self.close(link, reason)
            case _:
                pass

    def _carrier(self, recorded: str) -> str | None:
        if not self._asked:
            return None
        return self._asked[min(self._recorded.index(recorded), len(self._asked) - 1)]

    def _tell_up(self, link: str) -> Iterator[VenueInput]:
        if link not in self._told:
            self._told.add(link)
            yield Opened(link)


class Replay:
    """The venue: the adapter that ``make`` makes, told what was recorded; over and over again with ``loop``.

    Each time around, recorded times run on, by whole minutes, so that time never goes back.
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
        self._unheard: Counter[str] = Counter()
        self._skipped_before: Counter[str] = Counter()
        """Left out in the rounds before."""

    @property
    def skipped(self) -> Counter[str]:
        """What was left out since the start, by reason; beside what the recording itself lacks."""
        return self._skipped_before + self._adapter.skipped + self._unheard

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Begin at the beginning."""
        self._round = 0
        self._shift_us = 0
        self._is_over = False
        self._out: list[VenueOutput] = []
        self._skipped_before = Counter()
        self._begin(now_us)
        return self._play(now_us)

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Play what has become due."""
        self._out = []
        if self._is_over or not isinstance(happened, Woke):
            return []
        return self._play(now_us)

    # --- the recording's time -------------------------------------------------------------------

    def _begin(self, now_us: int) -> None:
        self._heard = self._session.heard()
        self._next = next(self._heard, None)
        self._first_us = self._at_us = 0 if self._next is None else self._next.at_us
        self._pace = ReplayPace(self._speed, now_us, self._first_us)
        self._adapter = self._make()
        self._library = RecordedAnswers(self._session.answers)
        self._links = RecordedLinks()
        self._unheard = Counter()
        self._heard_us: int | None = None
        """When the adapter last got a frame."""
        self._at_once: deque[VenueInput] = deque()
        self._awaited: list[tuple[int, int, Answer]] = []
        self._fetched = 0
        self._wake_us: int | None = None
        self._take(self._adapter.start(self._at_us))

    def _play(self, now_us: int) -> Sequence[VenueOutput]:
        for _ in range(BURST):
            if len(self._out) >= BURST:
                break
            at_us = self._next_us()
            if at_us is None:
                self._end()
                if self._is_over:
                    return self._out
                self._begin(now_us)
            elif self._pace.due_us(at_us) > now_us:
                self._out.append(Wake(self._pace.due_us(at_us)))
                return self._out
            else:
                self._step(at_us)
        self._out.append(Wake(now_us))
        return self._out

    def _next_us(self) -> int | None:
        """Return the recorded time of the next step, None at the end: after that there is no time."""
        if self._at_once:
            return self._at_us
        due = [at_us for at_us, _, _ in self._awaited[:1]]
        if self._next is not None:
            due.append(self._next.at_us)
        if due and self._wake_us is not None:
            due.append(self._wake_us)
        return max(min(due), self._at_us) if due else None

    def _step(self, at_us: int) -> None:
        """Tell the adapter one thing: what follows at once, or of one time answers, links, its own clock."""
        self._at_us = at_us
        if self._at_once:
            self._tell(self._at_once.popleft())
        elif self._awaited and self._awaited[0][0] <= at_us:
            self._tell(heappop(self._awaited)[2])
        elif self._next is not None and self._next.at_us <= at_us:
            heard, self._next = self._next, next(self._heard, None)
            self._hear(heard.happened)
        else:
            self._wake_us = None
            self._tell(Woke())

    def _end(self) -> None:
        if self._loop and self._at_us > 0:
            self._skipped_before = self.skipped
            self._round += 1
            self._shift_us += ((self._at_us - self._first_us) // MINUTE_US + 1) * MINUTE_US
        else:
            self._is_over = True
            self._out.append(FeedStatus(None, "stale", "ended", self._at_us + self._shift_us))

    # --- the adapter ----------------------------------------------------------------------------

    def _hear(self, happened: Opened | Frame | Closed) -> None:
        told = list(self._links.hear(happened))
        if isinstance(happened, Frame) and not told:
            self._unheard["no_link"] += 1
        for one in told:
            self._tell(one)

    def _tell(self, happened: VenueInput) -> None:
        if isinstance(happened, Frame):
            self._heard_us = self._at_us
        elif isinstance(happened, Closed) and self._heard_us is not None:
            self._library.lose(self._heard_us)
        self._take(self._adapter.receive(happened, self._at_us))

    def _take(self, outputs: Sequence[VenueOutput]) -> None:
        for output in outputs:
            match output:
                case Open(link):
                    self._at_once.extend(self._links.ask(link))
                case Close(link, reason):
                    self._at_once.extend(self._links.close(link, reason))
                case Fetch(url):
                    self._fetch(url)
                case Wake(at_us):
                    self._wake_us = at_us
                case ports.Activity():
                    self._out.append(output)
                case Send() | Reported():
                    pass  # what came then does not depend on what is sent now, and nobody orders in the past
                case _:
                    self._out.extend(self._shifted(output))

    def _fetch(self, url: str) -> None:
        find = self._library.find if self._links else self._library.first
        told = find(url, self._at_us)
        if told is None:
            self._unheard["no_answer"] += 1
            self._at_once.append(Answer(url, 0, b""))
        elif not self._links:  # nothing is heard before the adapter asks for a link: do not keep it waiting
            self._at_once.append(Answer(url, 200, told.body))
        else:
            self._fetched += 1
            at_us = max(told.at_us, self._at_us)
            heappush(self._awaited, (at_us, self._fetched, Answer(url, 200, told.body)))

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
                if self._shift_us % event.interval_us == 0:  # else there is no place for it in time
                    start_us = event.start_us + self._shift_us
                    yield msgspec.structs.replace(event, ts_us=ts_us, start_us=start_us)
            case _:
                yield msgspec.structs.replace(event, ts_us=ts_us)
