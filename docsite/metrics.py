"""The page of the metrics."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from docsite.markdown import WRITTEN, table
from floorwire.ops.metrics import (
    AuditCollector,
    DeskCollector,
    GatewayCollector,
    HistoryCollector,
    KeyStoreCollector,
)
from floorwire.ops.stats import DeskFigures, DeskStats, HistoryFigures, Records, RemoteFigures, Stats

PREFACE = f"""\
# Metrics

{WRITTEN.format(source="`src/floorwire/ops/`")} `/metrics` has them as Prometheus' text.
[Operations](../operations.md#what-to-watch) says more of each, and which alerts to set.

"""


def page() -> str:
    """Return the page."""
    rows = sorted((_name(family), family.type, family.documentation) for family in families())
    return PREFACE + table(("metric", "type", "meaning"), rows)


def families() -> Iterator[Metric]:
    """Yield every metric that a gateway can have."""
    records = Records(1, 1, 1, 0.0, 0, 1, 1, 1, {"all": 0})
    venues = {"binance": RemoteFigures("open", 0, {"duplicate": 0})}
    collectors: tuple[Collector, ...] = (
        GatewayCollector(Stats(), 0, 0),
        DeskCollector(DeskFigures(DeskStats(), {"journal": False}, {"deadman": 0}, records, venues)),
        KeyStoreCollector({"unverified": 0}),
        AuditCollector(0, 0),
        HistoryCollector(HistoryFigures(0, 0, 0, False, {"trades": 0})),
    )
    for collector in collectors:
        yield from collector.collect()


def _name(family: Metric) -> str:
    labels: tuple[str, ...] = getattr(family, "_labelnames", ())  # it has no public name
    name = family.name + ("_total" if family.type == "counter" else "")
    return f"`{name}{'{' + ', '.join(labels) + '}' if labels else ''}`"
