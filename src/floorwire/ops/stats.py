"""What the gateway counts while it runs: plain integers, read when somebody scrapes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

import msgspec

from floorwire.core.codes import CloseCode

LATENCY_BUCKETS_US = (
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
)

KNOWN_CODES = frozenset(map(int, CloseCode))
OTHER = "other"


class Latencies:
    """A histogram of durations in microseconds."""

    __slots__ = ("counts", "total_us")

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BUCKETS_US) + 1)
        self.total_us = 0

    def observe(self, duration_us: int) -> None:
        """Count one duration."""
        self.counts[bisect_left(LATENCY_BUCKETS_US, duration_us)] += 1
        self.total_us += duration_us


class Stats:
    """Counters and gauges of one process."""

    __slots__ = (
        "closes",
        "connections",
        "deliveries",
        "handshakes",
        "left_out_by_reason",
        "link_last_us",
        "loop_lag",
        "publish_to_write",
        "received_messages",
        "refused_requests",
        "resume_bytes",
        "resumes",
        "sent_bytes",
        "subscriptions",
        "symbol_last_us",
        "topics",
        "venue_events",
        "venue_last_us",
        "venue_skipped",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.subscriptions = 0
        self.topics = 0
        self.resume_bytes = 0
        self.deliveries = 0
        self.sent_bytes = 0
        self.received_messages = 0
        self.handshakes: Counter[str] = Counter()
        """By outcome: ``accepted``, ``too_many``, ``too_fast``, ``not_found``, ``timeout`` ..."""
        self.closes: Counter[str] = Counter()
        """By close code; those that clients made up count as ``other``."""
        self.left_out_by_reason: Counter[str] = Counter()
        """Messages not sent to slow clients: ``conflate``, ``skip``, ``disconnect``."""
        self.refused_requests: Counter[str] = Counter()
        """Error replies by code."""
        self.resumes: Counter[str] = Counter()
        """By outcome: ``replayed``, ``gap``."""
        self.publish_to_write = Latencies()
        self.loop_lag = Latencies()
        self.venue_events: Counter[str] = Counter()
        self.venue_last_us: dict[str, int] = {}
        """When each venue sent something."""
        self.venue_skipped: Counter[tuple[str, str]] = Counter()
        """What venues left out of what they heard, by venue and reason."""
        self.link_last_us: dict[tuple[str, str], int] = {}
        """When something came on each link, by venue and link; as told once a second."""
        self.symbol_last_us: dict[tuple[str, str], int] = {}
        """When something came of each symbol, by venue and symbol; as told once a second."""

    def closed(self, code: int) -> None:
        """Count a connection that was closed."""
        self.closes[str(code) if code in KNOWN_CODES else OTHER] += 1

    def delivered(self, messages: int, size: int) -> None:
        """Count messages handed to connections that keep up or still have room."""
        self.deliveries += messages
        self.sent_bytes += size


class DeskStats:
    """Counters of the desk, from the start of the process."""

    __slots__ = ("commands", "committer", "failures", "snapshot_failures", "uncredited")

    def __init__(self) -> None:
        self.commands: Counter[tuple[type[msgspec.Struct], str]] = Counter()
        """Requests at the desk by kind and outcome: ``accepted``, ``duplicate``, ``ok``, an error's code."""
        self.committer = Latencies()
        """From a turn's hand-over to the journal until its answers may leave."""
        self.failures = 0
        """How often the journal failed, or a fault had the accounts read from it again."""
        self.snapshot_failures = 0
        """How often a snapshot was due and could not be saved."""
        self.uncredited: set[int] = set()
        """Deposits that were refused, by id."""


class Records(msgspec.Struct, frozen=True):
    """A journal that works and the accounts that it adds up to, as of one moment."""

    last_n: int
    durable_n: int
    snapshot_n: int
    """The record of the last snapshot that is saved; 0 where there is none."""
    snapshot_age_s: float | None
    """Since this process saved it; None where the start found it."""
    checkpoint_failures: int
    """Of the journal, since it was opened."""
    accounts: int
    open_orders: int
    fills: int
    """Since the journal began, one for each account in it."""
    halts: Mapping[str, int]
    """In force, by scope."""


class DeskFigures(msgspec.Struct, frozen=True):
    """How the desk is at one moment."""

    stats: DeskStats
    refusing: Mapping[str, bool]
    """Whether new orders are refused, by reason: ``journal``, ``behind``, ``draining``."""
    guards: Mapping[str, int]
    """Armed, by kind: ``disconnect``, ``grace``, ``deadman``."""
    records: Records | None
    """None while the journal cannot be written."""
