"""The metrics as Prometheus reads them."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from floorwire.ops.metrics import GatewayCollector
from floorwire.ops.stats import LATENCY_BUCKETS_US, Stats

NOW_US = 1_800_000_000_000_000


def scrape(stats: Stats, outbox_bytes: int = 0) -> dict[str, float]:
    """Return the samples by name and labels."""
    registry = CollectorRegistry()
    registry.register(GatewayCollector(stats, outbox_bytes, NOW_US))
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        sample.name + "".join(f"|{value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def counted() -> Stats:
    """Return stats of which no number is like another."""
    stats = Stats()
    stats.connections, stats.subscriptions, stats.topics, stats.resume_bytes = 2, 3, 4, 5
    stats.deliveries, stats.sent_bytes, stats.received_messages = 6, 7, 8
    stats.handshakes["accepted"] = 9
    stats.closes["4008"] = 10
    stats.left_out_by_reason["conflate"] = 11
    stats.refused_requests["bad_json"] = 12
    stats.resumes["gap"] = 13
    stats.venue_events["sim"] = 14
    stats.venue_last_us["sim"] = NOW_US - 1_500_000
    return stats


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connections", 2),
        ("subscriptions", 3),
        ("topics", 4),
        ("resume_bytes", 5),
        ("deliveries_total", 6),
        ("sent_bytes_total", 7),
        ("received_messages_total", 8),
        ("handshakes_total|accepted", 9),
        ("closes_total|4008", 10),
        ("left_out_total|conflate", 11),
        ("refused_requests_total|bad_json", 12),
        ("resumes_total|gap", 13),
        ("venue_events_total|sim", 14),
        ("feed_age_seconds|sim", 1.5),
        ("outbox_bytes", 16),
    ],
)
def test_every_number_has_its_name(name: str, value: float) -> None:
    assert scrape(counted(), outbox_bytes=16)[f"floorwire_{name}"] == value


def test_histograms_are_cumulative_and_in_seconds() -> None:
    stats = Stats()
    for duration_us in (60, 60, 3_000_000):
        stats.publish_to_write.observe(duration_us)
    samples = scrape(stats)
    name = "floorwire_publish_to_write_seconds"
    assert samples[f"{name}_bucket|5e-05"] == 0
    assert samples[f"{name}_bucket|0.0001"] == 2
    assert samples[f"{name}_bucket|1.0"] == 2
    assert samples[f"{name}_bucket|+Inf"] == samples[f"{name}_count"] == 3
    assert samples[f"{name}_sum"] == pytest.approx(3.00012)
    buckets = [sample for sample in samples if sample.startswith("floorwire_event_loop_lag_seconds_bucket")]
    assert len(buckets) == len(LATENCY_BUCKETS_US) + 1
