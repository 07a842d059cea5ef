"""The few numbers of a server that say how it is, made of two readings of its metrics."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, Self

import msgspec

PREFIX: Final = "floorwire_"
Labels = tuple[tuple[str, str], ...]


class Reading(msgspec.Struct, frozen=True):
    """All samples of the metrics at one time."""

    at_s: float
    samples: Mapping[str, Mapping[Labels, float]]
    """By name, then by labels."""

    @classmethod
    def parse(cls, text: str, at_s: float) -> Self:
        """Return the samples of Prometheus' text. Raises ValueError where it is none, or not Floorwire's."""
        from prometheus_client.parser import text_string_to_metric_families

        samples: defaultdict[str, dict[Labels, float]] = defaultdict(dict)
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples[sample.name][tuple(sorted(sample.labels.items()))] = sample.value
        if f"{PREFIX}connections" not in samples:
            raise ValueError("no metrics of Floorwire")
        return cls(at_s, samples)

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of the metric's samples with these labels."""
        found = self.samples.get(PREFIX + name, {})
        return sum(value for have, value in found.items() if labels.items() <= dict(have).items())

    def most(self, name: str) -> float | None:
        """Return the largest sample of the metric, or None where there is none."""
        return max(self.samples.get(PREFIX + name, {}).values(), default=None)

    def buckets(self, name: str) -> list[tuple[float, float]]:
        """Return the histogram's upper bounds, and how many observations were at most that."""
        found = self.samples.get(f"{PREFIX}{name}_bucket", {})
        return sorted((float(dict(labels)["le"]), value) for labels, value in found.items())


class ServerFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What happened between two readings. Rates are a second; None: nothing happened, or it is not known."""

    connections: int
    subscriptions: int
    sent_per_s: float
    sent_bytes_per_s: float
    received_per_s: float
    venue_events_per_s: float
    commands_per_s: float
    refused_per_s: float
    """Requests at the desk, of those, that were refused."""
    open_orders: int | None
    """None while the journal cannot be written; so ``fills_per_s``."""
    fills_per_s: float
    halts: int
    outbox_bytes: int
    journal_waiting: int
    publish_p99_s: float | None
    commit_p99_s: float | None
    loop_lag_p99_s: float | None
    stalled_s: float
    """How long the event loop stood still."""
    feed_age_s: float | None
    """Of the venue that has been silent for the longest."""
    refusing: list[str]
    """Why all new orders are refused at present."""

    def cells(self) -> dict[str, str]:
        """Return the texts of a line or a table, by their names."""
        return {
            "connections": str(self.connections),
            "subscriptions": str(self.subscriptions),
            "sent/s": f"{self.sent_per_s:.0f}",
            "MB/s": f"{self.sent_bytes_per_s / 1e6:.2f}",
            "received/s": f"{self.received_per_s:.0f}",
            "venue events/s": f"{self.venue_events_per_s:.0f}",
            "commands/s": f"{self.commands_per_s:.0f}",
            "refused/s": f"{self.refused_per_s:.0f}",
            "open orders": "-" if self.open_orders is None else str(self.open_orders),
            "fills/s": f"{self.fills_per_s:.0f}",
            "halts": str(self.halts),
            "outbox KB": f"{self.outbox_bytes / 1e3:.0f}",
            "journal waiting": str(self.journal_waiting),
            "publish p99 ms": _ms(self.publish_p99_s),
            "commit p99 ms": _ms(self.commit_p99_s),
            "loop lag p99 ms": _ms(self.loop_lag_p99_s),
            "stalled s": f"{self.stalled_s:.1f}",
            "feed age s": "-" if self.feed_age_s is None else f"{max(self.feed_age_s, 0):.1f}",
        }

    def warning(self) -> str:
        """Return what an operator has to know, or nothing."""
        return f"new orders are refused: {', '.join(self.refusing)}" if self.refusing else ""


SUCCESS: Final = ("accepted", "duplicate", "ok")
"""Outcomes of requests at the desk that are no refusals."""


def figures(before: Reading, now: Reading) -> ServerFigures:
    """Return what happened between the two."""
    seconds = max(now.at_s - before.at_s, 1e-9)

    def rate(name: str, **labels: str) -> float:
        return max(now.total(name, **labels) - before.total(name, **labels), 0) / seconds  # 0: a restart

    commands = rate("commands_total")
    succeeded = sum(rate("commands_total", outcome=outcome) for outcome in SUCCESS)
    refusing = now.samples.get(f"{PREFIX}orders_refused", {})
    return ServerFigures(
        connections=round(now.total("connections")),
        subscriptions=round(now.total("subscriptions")),
        sent_per_s=rate("deliveries_total"),
        sent_bytes_per_s=rate("sent_bytes_total"),
        received_per_s=rate("received_messages_total"),
        venue_events_per_s=rate("venue_events_total"),
        commands_per_s=commands,
        refused_per_s=max(commands - succeeded, 0),
        open_orders=round(now.total("open_orders")) if f"{PREFIX}open_orders" in now.samples else None,
        fills_per_s=rate("fills_total"),
        halts=round(now.total("halts")),
        outbox_bytes=round(now.total("outbox_bytes")),
        journal_waiting=round(now.total("journal_waiting")),
        publish_p99_s=_quantile(before, now, "publish_to_write_seconds"),
        commit_p99_s=_quantile(before, now, "commit_seconds"),
        loop_lag_p99_s=_quantile(before, now, "event_loop_lag_seconds"),
        stalled_s=rate("event_loop_stalled_seconds_total") * seconds,
        feed_age_s=now.most("feed_age_seconds"),
        refusing=[dict(labels)["reason"] for labels, value in refusing.items() if value],
    )


def _quantile(before: Reading, now: Reading, name: str, part: float = 0.99) -> float | None:
    """Return the bound of the bucket that has the quantile, of what was observed between the two."""
    earlier = dict(before.buckets(name))
    counts = [(bound, value - earlier.get(bound, 0)) for bound, value in now.buckets(name)]
    total = counts[-1][1] if counts else 0
    if total <= 0:
        return None
    largest = max((bound for bound, _ in counts if not math.isinf(bound)), default=0.0)
    found = next(bound for bound, count in counts if count >= part * total)
    return largest if math.isinf(found) else found


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1e3:g}"
