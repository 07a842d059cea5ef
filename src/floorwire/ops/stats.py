"""What the gateway counts while it runs: plain integers, read at each scrape of the metrics."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

import msgspec

from floorwire.core.codes import CloseCode
from floorwire.core.venue_traffic import RecordingCounts, VenueTraffic
from floorwire.ops.line_writer import LineWriter

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
"""The label of all close codes that are not ours."""


class Latencies:
    """A histogram of durations in microseconds. The last of ``counts`` is for those above all buckets."""

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
        "faults",
        "handshakes",
        "left_out_by_reason",
        "link_last_us",
        "log_writer",
        "loop_lag",
        "loop_stalled_us",
        "loop_stalls",
        "publish_to_write",
        "received_messages",
        "recordings",
        "refusals",
        "refused_requests",
        "resume_bytes",
        "resumes",
        "sent_bytes",
        "subscriptions",
        "symbol_last_us",
        "topics",
        "traffic",
        "venue_events",
        "venue_last_us",
        "venue_skipped",
    )

    def __init__(self) -> None:
        self.connections = 0
        self.subscriptions = 0
        self.topics = 0
        self.resume_bytes = 0
        """Bytes of events that are kept for clients that resume."""
        self.deliveries = 0
        self.sent_bytes = 0
        self.received_messages = 0
        self.handshakes: Counter[str] = Counter()
        """By outcome: ``accepted``, ``too_many``, ``too_fast``, ``not_found``, ``timeout`` ..."""
        self.closes: Counter[str] = Counter()
        """By close code. A code that is not ours counts as ``other``: clients cannot make new labels."""
        self.left_out_by_reason: Counter[str] = Counter()
        """Messages not sent to slow clients: ``conflate``, ``skip``, ``disconnect``."""
        self.refused_requests: Counter[str] = Counter()
        """Error replies by code."""
        self.faults: Counter[str] = Counter()
        """Requests that failed by a fault of ours, by the type of the exception."""
        self.refusals: Counter[str] = Counter()
        """HTTP requests and handshakes that were refused before they reached an endpoint, by reason."""
        self.resumes: Counter[str] = Counter()
        """By outcome: ``replayed``, ``gap``."""
        self.publish_to_write = Latencies()
        """From the first message of a turn of the event loop to its last write."""
        self.loop_lag = Latencies()
        """How late the event loop wakes."""
        self.loop_stalls = 0
        """How often the event loop stood still."""
        self.loop_stalled_us = 0
        """For how long in all."""
        self.log_writer: LineWriter | None = None
        """What counts lines of the log that could not be written; None under another server than ours."""
        self.traffic: dict[str, VenueTraffic] = {}
        """Links and requests, by venue."""
        self.recordings: dict[str, RecordingCounts] = {}
        """By venue that is recorded."""
        self.venue_events: Counter[str] = Counter()
        self.venue_last_us: dict[str, int] = {}
        """When each venue last sent anything, in microseconds since 1970."""
        self.venue_skipped: Counter[tuple[str, str]] = Counter()
        """Messages and levels that venues left out of what they received, by venue and reason."""
        self.link_last_us: dict[tuple[str, str], int] = {}
        """When anything last came on a link, by venue and link. Updated about once a second."""
        self.symbol_last_us: dict[tuple[str, str], int] = {}
        """When anything last came for a symbol, by venue and symbol. Updated about once a second."""

    def closed(self, code: int) -> None:
        """Count a connection that was closed."""
        self.closes[str(code) if code in KNOWN_CODES else OTHER] += 1

    def delivered(self, messages: int, size: int) -> None:
        """Count messages that were sent, or queued in an outbox with room; ``size`` is in bytes."""
        self.deliveries += messages
        self.sent_bytes += size


class DeskStats:
    """Counters of order handling, since the start of the process."""

    __slots__ = ("commands", "commit_latency", "failures", "snapshot_failures", "uncredited")

    def __init__(self) -> None:
        self.commands: Counter[tuple[type[msgspec.Struct], str]] = Counter()
        """Order requests by kind and outcome: ``accepted``, ``duplicate``, ``ok``, an error's code."""
        self.commit_latency = Latencies()
        """Of group commits: from handing a batch to the journal until it is durable."""
        self.failures = 0
        """How often the journal failed, or the accounts were read from it again after a fault."""
        self.snapshot_failures = 0
        """How many due snapshots could not be saved."""
        self.uncredited: set[int] = set()
        """Ids of the deposits that were refused."""


class HistoryFigures(msgspec.Struct, frozen=True):
    """The state of market history at one moment."""

    trades: int
    """Trades that were taken in since the start."""
    waiting: int
    """Events that wait to be taken in."""
    dropped: int
    """Events that were dropped since the start, because too many waited."""
    has_failed: bool
    """Whether nothing is stored any more, because the file failed."""
    bytes: Mapping[str, int]
    """Bytes of packed rows, by kind: ``trades``, ``seconds``, ``minutes``, ``longer``."""


class BackfillFigures(msgspec.Struct, frozen=True):
    """What the backfill of one venue has done since the start."""

    pages: int
    """Pages that the exchange told."""
    candles: int
    """In these pages."""
    trades: int
    """The same of trades."""
    given_up: int
    """How often the exchange did not tell what was asked for."""
    waiting: int
    """Symbols with holes that have ended and are not filled yet."""


class Records(msgspec.Struct, frozen=True):
    """The state of a working journal and of its accounts, at one moment."""

    last_n: int
    """The number of the last record."""
    durable_n: int
    """The number of the last durable record."""
    snapshot_n: int
    """The record of the last snapshot that is saved; 0 where there is none."""
    snapshot_age_s: float | None
    """Seconds since this process saved it; None where it was there at the start."""
    checkpoint_failures: int
    """How many checkpoints failed since the journal was opened."""
    accounts: int
    open_orders: int
    fills: int
    """Fills since the journal began; a trade between two accounts counts twice."""
    halts: Mapping[str, int]
    """Halts in force, by scope."""
    quarantined: int = 0
    """Entries in quarantine."""


class RemoteFigures(msgspec.Struct, frozen=True):
    """The state of one venue outside this process at one moment."""

    phase: str
    unknown: int
    """Orders on their way, or of which the venue did not say whether it has them."""
    left_out: Mapping[str, int]
    """Reports that changed nothing, by reason."""


class DeskFigures(msgspec.Struct, frozen=True):
    """The state of order handling at one moment."""

    stats: DeskStats
    refusing: Mapping[str, bool]
    """Whether new orders are refused, by reason: ``journal``, ``behind``, ``draining``."""
    guards: Mapping[str, int]
    """Armed cancel guards, by kind: ``disconnect``, ``grace``, ``deadman``."""
    records: Records | None
    """None while the journal cannot be written."""
    remote: Mapping[str, RemoteFigures] = {}
    """By venue."""
    account_history_lag: int = 0
    """Durable records that the index of the account history does not have yet."""
    account_history_failures: int = 0
    """How often that index could not be read or written."""
