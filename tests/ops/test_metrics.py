"""The metrics as Prometheus reads them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from floorwire.ops.line_writer import LineWriter
from floorwire.ops.metrics import DeskCollector, GatewayCollector, KeyStoreCollector
from floorwire.ops.stats import LATENCY_BUCKETS_US, DeskFigures, DeskStats, Records, Stats
from floorwire.protocol.trading_requests import OrderCancel, OrderPlace

NOW_US = 1_800_000_000_000_000


def scrape(stats: Stats, outbox_bytes: int = 0) -> dict[str, float]:
    """Return the gateway's samples by name and labels."""
    return samples_of(GatewayCollector(stats, outbox_bytes, NOW_US))


def samples_of(collector: Collector) -> dict[str, float]:
    """Return the samples by name and labels."""
    registry = CollectorRegistry()
    registry.register(collector)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        sample.name + "".join(f"|{value}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def counted() -> Stats:
    """Return stats in which every number is different."""
    stats = Stats()
    stats.connections, stats.subscriptions, stats.topics, stats.resume_bytes = 2, 3, 4, 5
    stats.deliveries, stats.sent_bytes, stats.received_messages = 6, 7, 8
    stats.handshakes["accepted"] = 9
    stats.closes["4008"] = 10
    stats.left_out_by_reason["conflate"] = 11
    stats.refused_requests["bad_json"] = 12
    stats.refusals["bad_http"] = 19
    stats.faults["KeyError"] = 20
    stats.resumes["gap"] = 13
    stats.log_writer = LineWriter(None)
    stats.log_writer.lost = 21
    stats.venue_events["sim"] = 14
    stats.venue_skipped["sim", "off_tick"] = 17
    stats.venue_last_us["sim"] = NOW_US - 1_500_000
    stats.link_last_us["binance", "streams-0"] = NOW_US - 17_000_000
    stats.symbol_last_us["binance", "BTC-USDT"] = NOW_US - 18_000_000
    return stats


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connections", 2),
        ("subscriptions", 3),
        ("topics", 4),
        ("log_lines_lost_total", 21),
        ("resume_bytes", 5),
        ("deliveries_total", 6),
        ("sent_bytes_total", 7),
        ("received_messages_total", 8),
        ("handshakes_total|accepted", 9),
        ("closes_total|4008", 10),
        ("left_out_total|conflate", 11),
        ("refused_requests_total|bad_json", 12),
        ("refusals_total|bad_http", 19),
        ("faults_total|KeyError", 20),
        ("resumes_total|gap", 13),
        ("venue_events_total|sim", 14),
        ("venue_skipped_total|off_tick|sim", 17),
        ("feed_age_seconds|sim", 1.5),
        ("link_age_seconds|streams-0|binance", 17),
        ("symbol_age_seconds|BTC-USDT|binance", 18),
        ("outbox_bytes", 16),
    ],
)
def test_every_figure_is_in_its_metric(name: str, value: float) -> None:
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


def busy() -> DeskFigures:
    """Return figures in which every number is different."""
    stats = DeskStats()
    stats.commands[OrderPlace, "accepted"] = 21
    stats.commands[OrderPlace, "duplicate"] = 22
    stats.commands[OrderPlace, "tick_size"] = 23
    stats.commands[OrderCancel, "accepted"] = 24
    stats.failures, stats.snapshot_failures = 25, 26
    stats.uncredited.update(range(27))
    stats.commit_latency.observe(180)
    return DeskFigures(
        stats,
        refusing={"journal": False, "behind": True, "draining": False},
        guards={"disconnect": 28, "grace": 29, "deadman": 30},
        records=Records(
            last_n=1_031, durable_n=1_000, snapshot_n=32, snapshot_age_s=33.5, checkpoint_failures=40,
            accounts=34, open_orders=35, fills=36, halts={"all": 0, "account": 37, "key": 38, "symbol": 39},
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("commands_total|order.place|accepted", 21),
        ("commands_total|order.place|duplicate", 22),
        ("commands_total|order.place|tick_size", 23),
        ("commands_total|order.cancel|accepted", 24),
        ("desk_failures_total", 25),
        ("snapshot_failures_total", 26),
        ("deposits_uncredited", 27),
        ("guards|disconnect", 28),
        ("guards|grace", 29),
        ("guards|deadman", 30),
        ("orders_refused|journal", 0),
        ("orders_refused|behind", 1),
        ("orders_refused|draining", 0),
        ("journal_records_total", 1_031),
        ("journal_waiting", 31),
        ("snapshot_record", 32),
        ("snapshot_age_seconds", 33.5),
        ("checkpoint_failures_total", 40),
        ("accounts", 34),
        ("open_orders", 35),
        ("fills_total", 36),
        ("halts|all", 0),
        ("halts|symbol", 39),
        ("commit_seconds_bucket|0.0001", 0),
        ("commit_seconds_bucket|0.00025", 1),
    ],
)
def test_every_figure_of_the_desk_is_in_its_metric(name: str, value: float) -> None:
    assert samples_of(DeskCollector(busy()))[f"floorwire_{name}"] == value


def test_an_unknown_figure_is_left_out_and_not_zero() -> None:
    closed = DeskFigures(DeskStats(), {"journal": True}, {}, records=None)
    samples = samples_of(DeskCollector(closed))
    assert samples["floorwire_orders_refused|journal"] == 1
    assert not {"floorwire_open_orders", "floorwire_journal_waiting"} & samples.keys()
    known = busy().records
    assert known is not None
    found_at_the_start = replace(busy(), records=replace(known, snapshot_age_s=None))
    assert "floorwire_snapshot_age_seconds" not in samples_of(DeskCollector(found_at_the_start))


def test_faults_of_the_key_store() -> None:
    samples = samples_of(KeyStoreCollector({"unverified": 2, "not_whole": 0}))
    assert samples == {"floorwire_key_store_faults|unverified": 2, "floorwire_key_store_faults|not_whole": 0}
