"""Each alert of deploy/prometheus/alerts.yml fires on what it is for, and none on a healthy server."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.deploy.debian_programs import DEPLOY, output_of, program

ALERTS = DEPLOY / "prometheus" / "alerts.yml"
INTERVAL_S = 30
SAMPLES = 24
"""Twelve minutes: a minute more than the longest that an alert has to hold, and what it looks back on."""
LONG = {"HaltForgotten": 65}
"""How many samples it takes where that is not enough."""


def constant(value: float) -> str:
    """Return samples of this value, in promtool's words."""
    return f"{value}+0x{max(LONG.values())}"


def rising(each_second: float) -> str:
    """Return samples of a counter."""
    return f"0+{each_second * INTERVAL_S:g}x{max(LONG.values())}"


def stepped(least: float, most: float) -> str:
    """Return samples that change in the last minutes."""
    return f"{least}+0x{SAMPLES - 6} {most}+0x6"


STEP = stepped(0, 1)
HEALTHY = {
    'up{job="floorwire"}': constant(1),
    'floorwire_orders_refused{reason="journal"}': constant(0),
    'floorwire_orders_refused{reason="behind"}': constant(0),
    "floorwire_journal_waiting": constant(3),
    "floorwire_desk_failures_total": constant(0),
    "floorwire_checkpoint_failures_total": constant(0),
    'floorwire_feed_age_seconds{venue="sim"}': constant(0.2),
    'floorwire_key_store_faults{fault="unverified"}': constant(0),
    'floorwire_event_loop_lag_seconds_bucket{le="0.05"}': rising(1),
    'floorwire_event_loop_lag_seconds_bucket{le="0.1"}': rising(1),
    'floorwire_event_loop_lag_seconds_bucket{le="+Inf"}': rising(1),
    "floorwire_event_loop_stalled_seconds_total": constant(0),
    'floorwire_commit_seconds_bucket{le="0.05"}': rising(10),
    'floorwire_commit_seconds_bucket{le="0.1"}': rising(10),
    'floorwire_commit_seconds_bucket{le="+Inf"}': rising(10),
    'floorwire_commands_total{action="order.place", outcome="accepted"}': rising(1_000),
    'floorwire_commands_total{action="order.place", outcome="max_open_orders"}': rising(1),
    'floorwire_commands_total{action="order.place", outcome="duplicate"}': rising(0.05),
    'floorwire_closes_total{code="4008"}': rising(0.01),
    "floorwire_outbox_bytes": constant(1e6),
    'floorwire_handshakes_total{outcome="accepted"}': rising(10),
    'floorwire_handshakes_total{outcome="too_many"}': constant(0),
    'floorwire_handshakes_total{outcome="bad_signature"}': rising(0.05),
    "floorwire_snapshot_failures_total": constant(0),
    "floorwire_journal_records_total": constant(200_000),
    "floorwire_snapshot_record": constant(190_000),
    "floorwire_deposits_uncredited": constant(0),
    "floorwire_audit_waiting": constant(1),
    "floorwire_quarantined": constant(0),
    'floorwire_live_orders_open{venue="okx"}': constant(1),
    'floorwire_live_orders_unknown{venue="okx"}': constant(0),
    'floorwire_halts{scope="all"}': constant(0),
    "floorwire_clock_error_seconds": constant(0.001),
    "floorwire_received_messages_total": rising(10),
}
"""A server that is well, as Prometheus sees it."""
SICK = {
    "Down": {'up{job="floorwire"}': stepped(1, 0)},
    "JournalBroken": {'floorwire_orders_refused{reason="journal"}': STEP},
    "DeskFailed": {"floorwire_desk_failures_total": STEP},
    "JournalBehind": {"floorwire_journal_waiting": constant(6_000)},
    "DiskFilling": {"floorwire_checkpoint_failures_total": STEP},
    "FeedSilent": {'floorwire_feed_age_seconds{venue="sim"}': stepped(0, 30)},
    "KeysTampered": {'floorwire_key_store_faults{fault="unverified"}': STEP},
    "LoopLate": {'floorwire_event_loop_lag_seconds_bucket{le="0.05"}': rising(0.6)},
    "LoopStalled": {"floorwire_event_loop_stalled_seconds_total": rising(0.02)},
    "CommitsSlow": {'floorwire_commit_seconds_bucket{le="0.05"}': rising(9)},
    "OrdersRefused": {
        'floorwire_commands_total{action="order.place", outcome="max_open_orders"}': rising(15)
    },
    "OrdersSentAgain": {'floorwire_commands_total{action="order.place", outcome="duplicate"}': rising(2)},
    "SlowClients": {'floorwire_closes_total{code="4008"}': rising(0.2)},
    "OutboxesFull": {"floorwire_outbox_bytes": constant(3e8)},
    "NoRoom": {'floorwire_handshakes_total{outcome="too_many"}': rising(0.2)},
    "KeysGuessed": {'floorwire_handshakes_total{outcome="bad_signature"}': rising(2)},
    "SnapshotNotSaved": {"floorwire_snapshot_failures_total": STEP},
    "StartsSlowly": {"floorwire_journal_records_total": constant(2_300_000)},
    "DepositNotCredited": {"floorwire_deposits_uncredited": STEP},
    "AuditNotWritten": {"floorwire_audit_waiting": constant(2_000)},
    "Quarantined": {"floorwire_quarantined": STEP},
    "LiveOrdersRefused": {'floorwire_live_orders_open{venue="okx"}': stepped(1, 0)},
    "LiveOrdersUnknown": {'floorwire_live_orders_unknown{venue="okx"}': STEP},
    "HaltForgotten": {'floorwire_halts{scope="all"}': constant(1)},
    "ClockOff": {"floorwire_clock_error_seconds": constant(-2)},
    "Restarted": {"floorwire_received_messages_total": f"0+100x{SAMPLES - 6} 0+100x6"},
}
"""What differs where one alert has to fire, and no other."""


def trial(name: str, series: dict[str, str], fires: list[str]) -> dict[str, object]:
    """Return a test of promtool: with these series, these alerts fire in the end."""
    return {
        "name": name,
        "interval": f"{INTERVAL_S}s",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                "eval_time": f"{LONG.get(name, SAMPLES) * INTERVAL_S}s",
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in fires],
            }
        ],
    }


def rules() -> list[dict[str, dict[str, str]]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    found: list[dict[str, dict[str, str]]] = group["rules"]
    return found


def test_promtool_takes_them() -> None:
    assert f"SUCCESS: {len(SICK)} rules found" in output_of(
        program("promtool"), "check", "rules", str(ALERTS)
    )


def test_each_has_a_severity_and_a_sentence() -> None:
    assert [str(rule["alert"]) for rule in rules()] == list(SICK)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"].endswith("."), rule


def test_each_fires_on_what_it_is_for_and_none_on_a_healthy_server(tmp_path: Path) -> None:
    trials = [trial(name, HEALTHY | changed, [name]) for name, changed in SICK.items()]
    whole = {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": f"{INTERVAL_S}s",
        "tests": [trial("healthy", HEALTHY, []), *trials],
    }
    file = tmp_path / "alerts_test.json"  # JSON is YAML, too
    file.write_text(json.dumps(whole))
    assert "SUCCESS" in output_of(program("promtool"), "test", "rules", str(file))
