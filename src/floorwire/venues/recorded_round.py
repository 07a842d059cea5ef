"""One playing of a recorded session: gives its inputs to an adapter, each at its recorded time.

The recording alone decides what the adapter gets, and when in recorded time.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import Protocol

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
from floorwire.venues.recorded_answers import RecordedAnswer, RecordedAnswers
from floorwire.venues.recorded_links import RecordedInput, RecordedLinks


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


class RecordedRound:
    """The session and an adapter that has not started. Outputs have the recorded times."""

    def __init__(self, adapter: Adapter, session: RecordedSession) -> None:
        self.adapter = adapter
        self.skipped: Counter[str] = Counter()
        """What of the recording the adapter did not get, by reason."""
        self._inputs = session.inputs()
        self._next = next(self._inputs, None)
        self.first_us = 0 if self._next is None else self._next.at_us
        self.at_us = self.first_us
        """The recorded time of what was played last."""
        self._answers = RecordedAnswers(session.answers)
        self._links = RecordedLinks()
        self._last_frame_us: int | None = None
        """When the adapter last got a frame."""
        self._pending: deque[VenueInput] = deque()
        self._pending_answers: list[tuple[int, int, Answer]] = []
        self._fetched = 0
        self._unanswered: set[str] = set()
        """What was requested and not recorded."""
        self._wake_us: int | None = None
        self._out: list[VenueOutput] = []

    def start(self) -> Sequence[VenueOutput]:
        """Start the adapter; return what follows."""
        self._out = []
        self._carry_out(self.adapter.start(self.at_us))
        return self._out

    def next_us(self) -> int | None:
        """Return the recorded time of the next step; None at the end."""
        if self._pending:
            return self.at_us
        due = [at_us for at_us, _, _ in self._pending_answers[:1]]
        if self._next is not None:
            due.append(self._next.at_us)
        if due and self._wake_us is not None:
            due.append(self._wake_us)
        return max(min(due), self.at_us) if due else None

    def step(self, at_us: int) -> Sequence[VenueOutput]:
        """Give the adapter one input; return what follows.

        At one time answers come first, then links, then its wake-up.
        """
        self._out = []
        self.at_us = at_us
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
        return self._out

    def _link_input(self, happened: Opened | Frame | Closed) -> None:
        inputs = list(self._links.apply(happened))
        if isinstance(happened, Frame) and not inputs:
            self.skipped["no_link"] += 1
        for venue_input in inputs:
            self._give(venue_input)

    def _give(self, happened: VenueInput) -> None:
        if isinstance(happened, Frame):
            self._last_frame_us = self.at_us
        elif isinstance(happened, Closed) and self._last_frame_us is not None:
            self._answers.link_lost(self._last_frame_us)
        self._carry_out(self.adapter.receive(happened, self.at_us))

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
                case Send() | Reported():
                    pass  # a recording does not react to what is sent, and takes no orders
                case _:
                    self._out.append(output)

    def _fetch(self, fetch: Fetch) -> None:
        find = self._answers.find if self._links else self._answers.first
        found = find(fetch.url, self.at_us) if fetch.method == "GET" else None
        if found is None:
            if self._answers.has_none(fetch.url) and fetch.url in self._unanswered:
                return  # asked again and again, there would never be an answer
            self._unanswered.add(fetch.url)
            self.skipped["no_answer"] += 1
            self._pending.append(Answer(fetch.request, 0, b""))
            return
        answer = Answer(fetch.request, 200, found.body)
        if not self._links:  # without a link no time passes, so answer at once
            self._pending.append(answer)
        else:
            self._fetched += 1
            heappush(self._pending_answers, (max(found.at_us, self.at_us), self._fetched, answer))
