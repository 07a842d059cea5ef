"""Prometheus metrics. They are made from the counters at each scrape, and cost nothing otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from floorwire.ops.exposition import SAMPLES_AT_ONCE
from floorwire.ops.stats import (
    LATENCY_BUCKETS_US,
    BackfillFigures,
    DeskFigures,
    DeskStats,
    HistoryFigures,
    Latencies,
    Records,
    RemoteFigures,
    Stats,
)
from floorwire.ops.venue_traffic_metrics import recordings, venue_traffic


class GatewayCollector(Collector):
    """The gateway's metrics, for one scrape at ``now_us`` microseconds since 1970."""

    def __init__(self, stats: Stats, outbox_bytes: int, now_us: int, clock_error_us: int = 0) -> None:
        """``now_us``: monotonic. ``clock_error_us``: how far our dates are behind the system's clock."""
        self._stats = stats
        self._outbox_bytes = outbox_bytes
        self._now_us = now_us
        self._clock_error_us = clock_error_us

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        stats = self._stats
        yield _gauge("connections", "open client connections", stats.connections)
        yield _gauge("subscriptions", "subscriptions held", stats.subscriptions)
        yield _gauge("topics", "streams that someone listens to or may resume", stats.topics)
        yield _gauge("outbox_bytes", "bytes that wait for slow clients", self._outbox_bytes)
        yield _gauge("resume_bytes", "bytes kept for clients that come back", stats.resume_bytes)
        yield _counter("deliveries", "messages sent or queued, one a client", stats.deliveries)
        yield _counter("sent_bytes", "bytes of those messages with their frames", stats.sent_bytes)
        yield _counter("received_messages", "messages from clients", stats.received_messages)
        yield _counters("handshakes", "new connections by outcome", "outcome", stats.handshakes)
        yield _counters("closes", "connections closed, by close code", "code", stats.closes)
        yield _counters(
            "left_out", "messages not sent to slow clients, by contract", "reason", stats.left_out_by_reason
        )
        yield _counters("refused_requests", "error replies by code", "code", stats.refused_requests)
        yield _counters(
            "refusals", "requests refused before any endpoint, by reason", "reason", stats.refusals
        )
        yield _counters("faults", "requests failed by a fault of ours", "exception", stats.faults)
        log_writer = stats.log_writer
        yield _counter(
            "log_lines_lost",
            "lines of the log that could not be written",
            0 if log_writer is None else log_writer.lost,
        )
        yield _counters("resumes", "resumed subscriptions by outcome", "outcome", stats.resumes)
        yield _counters("venue_events", "events from venues", "venue", stats.venue_events)
        yield _skipped(stats)
        yield _histogram(
            "publish_to_write_seconds",
            "from the first message of a turn to the last write",
            stats.publish_to_write,
        )
        yield _gauge(
            "clock_error_seconds",
            "how far our dates are behind the system's clock, below zero: ahead",
            self._clock_error_us / 1e6,
        )
        yield _histogram("event_loop_lag_seconds", "how late the event loop wakes", stats.loop_lag)
        yield _counter("event_loop_stalls", "times that the event loop stood still", stats.loop_stalls)
        yield _counter(
            "event_loop_stalled_seconds", "how long the event loop stood still", stats.loop_stalled_us / 1e6
        )
        now_us = self._now_us
        ages = {venue: (now_us - last) / 1e6 for venue, last in stats.venue_last_us.items()}
        yield _gauges("feed_age_seconds", "since the venue last sent anything", "venue", ages)
        yield from _ages(
            "link_age_seconds", "since something came on the link", "link", stats.link_last_us, now_us
        )
        yield from _ages(
            "symbol_age_seconds", "since something came of the symbol", "symbol", stats.symbol_last_us, now_us
        )
        yield from venue_traffic(stats.traffic)
        yield from recordings(stats.recordings)


class DeskCollector(Collector):
    """The metrics of orders and accounts, for one scrape."""

    def __init__(self, figures: DeskFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield every metric; those of journal and accounts only while the journal works."""
        figures = self._figures
        yield _commands(figures.stats)
        refusing = {reason: float(is_so) for reason, is_so in figures.refusing.items()}
        yield _gauges("orders_refused", "1 while all new orders are refused, by reason", "reason", refusing)
        yield _gauges("guards", "guards armed, by kind", "kind", figures.guards)
        yield _gauge("deposits_uncredited", "deposits refused since the start", len(figures.stats.uncredited))
        yield _counter(
            "desk_failures", "times that the accounts had to be read again", figures.stats.failures
        )
        yield _counter("snapshot_failures", "snapshots not saved", figures.stats.snapshot_failures)
        yield _gauge(
            "account_history_waiting",
            "records that the account history's index lacks",
            figures.account_history_lag,
        )
        yield _counter(
            "account_history_failures",
            "times that index could not be read or written",
            figures.account_history_failures,
        )
        yield _histogram(
            "commit_seconds",
            "from a turn's hand-over to the journal until it is durable",
            figures.stats.commit_latency,
        )
        if figures.records is not None:
            yield from _records(figures.records)
        if figures.remote:
            yield from _remote(figures.remote)


class KeyStoreCollector(Collector):
    """What is wrong with keys.db. ``faults``: kind -> number."""

    def __init__(self, faults: Mapping[str, int]) -> None:
        self._faults = faults

    def collect(self) -> Iterator[Metric]:
        """Yield the metric."""
        yield _gauges("key_store_faults", "what is wrong with keys.db, by kind", "fault", self._faults)


class HistoryCollector(Collector):
    """The metrics of market history, for one scrape."""

    def __init__(self, figures: HistoryFigures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        figures = self._figures
        yield _counter("history_trades", "trades taken into market history", figures.trades)
        yield _gauge("history_waiting", "events that wait for market history", figures.waiting)
        yield _counter("history_dropped", "events that market history has not", figures.dropped)
        yield _gauge("history_failed", "1 if market history has stopped", float(figures.has_failed))
        sizes = {kind: float(size) for kind, size in figures.bytes.items()}
        yield _gauges("history_bytes", "bytes of market history, by kind", "kind", sizes)


class BackfillCollector(Collector):
    """The metrics of the backfill, for one scrape. ``by_venue``: of venues that tell their past."""

    def __init__(self, by_venue: Mapping[str, BackfillFigures]) -> None:
        self._by_venue = by_venue

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        figures = self._by_venue.items()
        yield _counters(
            "backfill_pages",
            "pages of an exchange's past",
            "venue",
            {venue: one.pages for venue, one in figures},
        )
        yield _counters(
            "backfill_candles",
            "candles of these pages",
            "venue",
            {venue: one.candles for venue, one in figures},
        )
        yield _counters(
            "backfill_trades", "trades of these pages", "venue", {venue: one.trades for venue, one in figures}
        )
        yield _counters(
            "backfill_given_up",
            "times that an exchange did not tell its past",
            "venue",
            {venue: one.given_up for venue, one in figures},
        )
        yield _gauges(
            "backfill_waiting",
            "symbols with holes that are not filled yet",
            "venue",
            {venue: float(one.waiting) for venue, one in figures},
        )


class AuditCollector(Collector):
    """The metrics of the audit log, for one scrape."""

    def __init__(self, left_out: int, waiting: int) -> None:
        self._left_out = left_out
        self._waiting = waiting

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield _counter("audit_left_out", "events that are in no line of the audit log", self._left_out)
        yield _gauge("audit_waiting", "lines of the audit log that wait for the disk", self._waiting)


def _skipped(stats: Stats) -> Metric:
    family = CounterMetricFamily(
        "floorwire_venue_skipped",
        "messages and levels that venues left out, by reason",
        labels=["venue", "reason"],
    )
    for labels, count in stats.venue_skipped.items():
        family.add_metric(labels, count)
    return family


def _commands(stats: DeskStats) -> Metric:
    family = CounterMetricFamily(
        "floorwire_commands", "requests at the desk by action and outcome", labels=["action", "outcome"]
    )
    for (kind, outcome), count in stats.commands.items():
        family.add_metric([str(kind.__struct_config__.tag), outcome], count)
    return family


def _records(records: Records) -> Iterator[Metric]:
    yield _gauge("accounts", "accounts that anything ever happened to", records.accounts)
    yield _gauge("open_orders", "open orders of all accounts", records.open_orders)
    yield _counter("fills", "fills since the journal began, one an account", records.fills)
    yield _gauges("halts", "halts in force, by scope", "scope", records.halts)
    yield _gauge("quarantined", "orders in quarantine, which an operator has to look at", records.quarantined)
    yield _counter("journal_records", "records of the journal", records.last_n)
    yield _gauge("journal_waiting", "records that wait for the disk", records.last_n - records.durable_n)
    yield _counter(
        "checkpoint_failures", "checkpoints of the journal that failed", records.checkpoint_failures
    )
    yield _gauge("snapshot_record", "the record that the last snapshot is of", records.snapshot_n)
    if records.snapshot_age_s is not None:
        yield _gauge("snapshot_age_seconds", "since a snapshot was saved", records.snapshot_age_s)


def _remote(remote: Mapping[str, RemoteFigures]) -> Iterator[Metric]:
    takes = {venue: float(one.phase == "open") for venue, one in remote.items()}
    yield _gauges("live_orders_open", "1 while the venue takes live orders", "venue", takes)
    unknown = {venue: float(one.unknown) for venue, one in remote.items()}
    yield _gauges("live_orders_unknown", "orders on their way, or unknown, by venue", "venue", unknown)
    family = CounterMetricFamily(
        "floorwire_live_reports_left_out",
        "reports about live orders that changed nothing, by reason",
        labels=["venue", "reason"],
    )
    for venue, one in remote.items():
        for reason, count in one.left_out.items():
            family.add_metric((venue, reason), count)
    yield family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"floorwire_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"floorwire_{name}", text, value=value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"floorwire_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _ages(
    name: str, text: str, label: str, last_us: Mapping[tuple[str, str], int], now_us: int
) -> Iterator[Metric]:
    """Yield a metric with a sample for each symbol or link, in parts: there may be ten thousand."""
    ages = list(last_us.items())
    for start in range(0, max(1, len(ages)), SAMPLES_AT_ONCE):
        family = GaugeMetricFamily(f"floorwire_{name}", text, labels=["venue", label])
        for key, at_us in ages[start : start + SAMPLES_AT_ONCE]:
            family.add_metric(key, (now_us - at_us) / 1e6)
        yield family


def _counters(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"floorwire_{name}", text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _histogram(name: str, text: str, latencies: Latencies) -> Metric:
    total, buckets = 0, []
    for bound_us, count in zip((*LATENCY_BUCKETS_US, None), latencies.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound_us is None else str(bound_us / 1e6), float(total)))
    family = HistogramMetricFamily(f"floorwire_{name}", text)
    family.add_metric([], buckets, sum_value=latencies.total_us / 1e6)
    return family
