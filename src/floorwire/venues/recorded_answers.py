"""Recorded HTTP answers, and which of them answers a request that an adapter makes in a replay."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

import msgspec


class RecordedAnswer(msgspec.Struct, frozen=True):
    """One recorded HTTP answer."""

    at_us: int
    url: str
    body: bytes


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

    def has_none(self, url: str) -> bool:
        """Return whether no answer fits, at no time."""
        asked = RecordedRequest.of(url)
        return not any(asked.fits(recorded) for recorded, _ in self._answers)

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
