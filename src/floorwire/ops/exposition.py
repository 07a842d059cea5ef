"""Prometheus' text format, made in pieces, so that many symbols do not hold the event loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

SAMPLES_AT_ONCE = 250
"""The most samples of one metric that are made at once, some 5 us each."""


class Piece(msgspec.Struct, frozen=True):
    """A part of the text, and how many samples are in it."""

    text: bytes
    samples: int


class _One(Collector):
    """Collects one metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric

    def collect(self) -> Iterator[Metric]:
        yield self._metric


def pieces(metrics: Iterable[Metric]) -> Iterator[Piece]:
    """Yield the text of the metrics. Parts of one metric follow each other; only the first has a header."""
    before = None
    for metric in metrics:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_One(metric))
        text = generate_latest(registry)
        if metric.name == before:
            text = b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"#"))
        before = metric.name
        yield Piece(text, len(metric.samples))
