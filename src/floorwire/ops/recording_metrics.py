"""The metrics of recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from floorwire.core.recording_counts import RecordingCounts


def recordings(counts: Mapping[str, RecordingCounts]) -> Iterator[Metric]:
    """Yield every metric. Venues that are not recorded have no samples."""
    messages = CounterMetricFamily(
        "floorwire_recorded_messages", "messages of the venue that were recorded", labels=["venue"]
    )
    left_out = CounterMetricFamily(
        "floorwire_recording_left_out", "records that the disk had no time for", labels=["venue"]
    )
    failed = GaugeMetricFamily(
        "floorwire_recording_failed", "1 where recording ended by a fault of the disk", labels=["venue"]
    )
    for venue, known in counts.items():
        messages.add_metric([venue], known.messages)
        left_out.add_metric([venue], known.left_out)
        failed.add_metric([venue], float(known.is_failed))
    yield from (messages, left_out, failed)
