"""docs/operations.md describes every metric and no other, and every alert of deploy/prometheus/alerts.yml."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from floorwire.ops.metrics import (
    AuditCollector,
    BackfillCollector,
    DeskCollector,
    GatewayCollector,
    HistoryCollector,
    KeyStoreCollector,
)
from floorwire.ops.stats import HistoryFigures, RemoteFigures, Stats
from tests.ops.test_metrics import NOW_US, busy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
MEANINGS = PAGE.partition("## What to watch")[2].partition("## What to be woken by")[0]
ADVICE = PAGE.partition("## What to do then")[2]
RULES = (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()
FAMILIES = [
    family
    for collector in (
        GatewayCollector(Stats(), 0, NOW_US),
        DeskCollector(replace(busy(), remote={"rem": RemoteFigures("open", 1, {"foreign": 2})})),
        KeyStoreCollector({}),
        AuditCollector(0, 0),
        HistoryCollector(HistoryFigures(0, 0, 0, False, {})),
        BackfillCollector({}),
    )
    for family in collector.collect()
]
NAMES = {family.name + ("_total" if family.type == "counter" else "") for family in FAMILIES}


def test_no_metric_has_two_meanings() -> None:
    assert len(FAMILIES) == len(NAMES)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_metric_is_documented(name: str) -> None:
    assert re.search(rf"`{name}[`{{]", MEANINGS)


def test_no_other_metric_is_documented() -> None:
    named = set(re.findall(r"floorwire_[a-z_]+", PAGE))
    assert named == NAMES


def test_alerts_are_of_existing_metrics() -> None:
    named = set(re.findall(r"floorwire_[a-z_]+", RULES))
    assert {name.removesuffix("_bucket") for name in named} <= NAMES


@pytest.mark.parametrize("alert", re.findall(r"alert: (\w+)", RULES))
def test_every_alert_is_documented(alert: str) -> None:
    assert re.search(rf"^\*\*[^*]*\b{alert}\b[^*]*\.\*\*", ADVICE, re.MULTILINE)


def test_alert_rules_use_existing_labels() -> None:
    labels: dict[str, set[str]] = {
        "floorwire_commands_total": {"action", "outcome"},
        "floorwire_orders_refused": {"reason"},
        "floorwire_closes_total": {"code"},
        "floorwire_handshakes_total": {"outcome"},
    }
    asked = re.findall(r"(floorwire_[a-z_]+)\{([^}]*)\}", RULES)
    assert asked
    for name, selector in asked:
        assert set(re.findall(r"(\w+)[=!]", selector)) <= labels[name], name
