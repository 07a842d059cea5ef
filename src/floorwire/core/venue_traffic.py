"""What is counted of a venue's connections, requests and recording: plain numbers, for the metrics."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Literal, TypeAlias

LinkState: TypeAlias = Literal["opening", "up", "down"]


class LinkTraffic:
    """One link, over all its connections since the start."""

    __slots__ = ("bytes", "frames", "last_reason", "opened", "paused", "state")

    def __init__(self) -> None:
        self.state: LinkState = "down"
        self.opened = 0
        """How often it came up."""
        self.frames = 0
        """Messages that came."""
        self.bytes = 0
        """Their bytes."""
        self.paused = 0
        """How often it was not read for a while because too much of it waited."""
        self.last_reason = ""
        """Why it was last down."""


class VenueTraffic:
    """All links and requests of one venue since the start."""

    __slots__ = ("answers", "last_failure", "links", "requested", "requests_under_way")

    def __init__(self) -> None:
        self.links: dict[str, LinkTraffic] = {}
        self.requested = 0
        """HTTP requests."""
        self.requests_under_way = 0
        self.answers: Counter[str] = Counter()
        """By outcome: the class of the status (``2xx``), ``429``, ``418``, ``none``."""
        self.last_failure = ""
        """Why the last request without an answer had none."""

    def link(self, name: str) -> LinkTraffic:
        """Return the numbers of a link."""
        found = self.links.get(name)
        if found is None:
            found = self.links[name] = LinkTraffic()
        return found

    def copy(self) -> VenueTraffic:
        """Return the numbers of this moment."""
        return deepcopy(self)

    def answered(self, status: int, failure: str = "") -> None:
        """Count an answer; 0: none came, and ``failure`` says why."""
        self.last_failure = failure or self.last_failure
        self.answers[
            "none" if not status else str(status) if status in (418, 429) else f"{status // 100}xx"
        ] += 1


class RecordingCounts:
    """The recording of one venue since the start."""

    __slots__ = ("is_failed", "left_out", "messages")

    def __init__(self) -> None:
        self.messages = 0
        """Messages of the venue that were recorded."""
        self.left_out = 0
        """Records that were left out, because the disk was too slow."""
        self.is_failed = False
        """Whether recording has ended by a fault of the disk."""
