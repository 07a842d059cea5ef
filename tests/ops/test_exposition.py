"""The text of the metrics in pieces: the same text as in one, whatever the number of symbols."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from floorwire.ops.exposition import SAMPLES_AT_ONCE, pieces
from floorwire.ops.metrics import GatewayCollector
from floorwire.ops.stats import Stats

NOW_US = 1_800_000_000_000_000


def gateway(symbols: int) -> GatewayCollector:
    """Return the metrics of a gateway with so many symbols."""
    stats = Stats()
    stats.symbol_last_us = {("venue", f"S{number}-USDT"): NOW_US - number for number in range(symbols)}
    stats.closes["4008"] = 1
    return GatewayCollector(stats, 0, NOW_US)


def test_few_symbols_are_the_text_that_prometheus_makes() -> None:
    registry = CollectorRegistry()
    registry.register(gateway(3))
    assert b"".join(piece.text for piece in pieces(gateway(3).collect())) == generate_latest(registry)


def test_many_symbols_come_in_pieces_under_one_header() -> None:
    symbols = 4 * SAMPLES_AT_ONCE + 1
    made = list(pieces(gateway(symbols).collect()))
    assert max(piece.samples for piece in made) <= SAMPLES_AT_ONCE
    text = b"".join(piece.text for piece in made).decode()
    assert text.count("# TYPE floorwire_symbol_age_seconds gauge") == 1
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(families["floorwire_symbol_age_seconds"].samples) == symbols


def test_symbols_that_appear_meanwhile_disturb_nothing() -> None:
    stats = Stats()
    stats.symbol_last_us = {("venue", f"S{number}"): NOW_US for number in range(2 * SAMPLES_AT_ONCE)}
    samples = 0
    for piece in pieces(GatewayCollector(stats, 0, NOW_US).collect()):
        stats.symbol_last_us["venue", f"new {samples}"] = NOW_US
        samples += piece.samples
    assert samples >= 2 * SAMPLES_AT_ONCE
