"""``floorwire top``: figures of two readings, and the command at real servers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from floorwire.cli.server_figures import Reading, figures
from floorwire.storage.key_store import Issued
from tests.cli.operator import written
from tests.cli.test_output import answering
from tests.servers import Server, scripted

BEFORE = """\
# TYPE floorwire_connections gauge
floorwire_connections 3.0
# TYPE floorwire_deliveries_total counter
floorwire_deliveries_total 100.0
# TYPE floorwire_commands_total counter
floorwire_commands_total{action="order.place",outcome="accepted"} 10.0
floorwire_commands_total{action="order.place",outcome="rate_limited"} 1.0
# TYPE floorwire_commit_seconds histogram
floorwire_commit_seconds_bucket{le="0.001"} 50.0
floorwire_commit_seconds_bucket{le="0.01"} 50.0
floorwire_commit_seconds_bucket{le="+Inf"} 50.0
# TYPE floorwire_orders_refused gauge
floorwire_orders_refused{reason="journal"} 0.0
# TYPE floorwire_feed_age_seconds gauge
floorwire_feed_age_seconds{venue="a"} 0.5
floorwire_feed_age_seconds{venue="b"} 2.5
"""
AFTER = (
    BEFORE.replace("deliveries_total 100.0", "deliveries_total 300.0")
    .replace('"accepted"} 10.0', '"accepted"} 30.0')
    .replace('"rate_limited"} 1.0', '"rate_limited"} 5.0')
    .replace('le="0.001"} 50.0', 'le="0.001"} 51.0')
    .replace('le="0.01"} 50.0', 'le="0.01"} 60.0')
    .replace('le="+Inf"} 50.0', 'le="+Inf"} 60.0')
    .replace('reason="journal"} 0.0', 'reason="journal"} 1.0')
)


def test_rates_and_quantiles_are_of_the_time_between() -> None:
    one = figures(Reading.parse(BEFORE, 10.0), Reading.parse(AFTER, 12.0))
    assert (one.connections, one.sent_per_s) == (3, 100.0)
    assert (one.commands_per_s, one.refused_per_s) == (12.0, 2.0)
    assert one.commit_p99_s == 0.01, "of the ten that came since, not of the fifty before"
    assert one.publish_p99_s is None
    assert one.feed_age_s == 2.5
    assert one.open_orders is None
    assert one.warning() == "new orders are refused: journal"
    assert one.cells()["open orders"] == "-"


def test_a_restart_is_no_negative_rate() -> None:
    one = figures(Reading.parse(AFTER, 10.0), Reading.parse(BEFORE, 12.0))
    assert (one.sent_per_s, one.commands_per_s, one.commit_p99_s) == (0.0, 0.0, None)


def test_text_that_is_not_ours_is_refused() -> None:
    with pytest.raises(ValueError, match="no metrics of Floorwire"):
        Reading.parse("other_metric 1.0\n", 0.0)
    with pytest.raises(ValueError, match=r"could not|no metrics|[Ii]nvalid"):
        Reading.parse("<html>", 0.0)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with scripted(per_second=50) as running:
        yield running


def top(*arguments: str, code: int = 0) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("URL", "KEY", "KEY_FILE", "CA", "PROFILE", "PORT"):
            patch.delenv(f"FLOORWIRE_{name}", raising=False)
        patch.setenv("HOME", "/nonexistent")
        ended = CliRunner().invoke(application(["top"]), ["top", "--interval", "0.2", *arguments])
    assert ended.exit_code == code, ended.output
    return ended


def test_a_pipe_gets_a_line_a_reading(server: Server) -> None:
    head, *lines = top("--url", server.http(""), "--count", "2").stdout.splitlines()
    names = head.split("\t")
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in lines]
    assert len(rows) == 2
    assert float(rows[0]["venue events/s"]) > 0
    assert rows[0]["connections"] == "0"


def test_json_has_the_numbers_by_name(server: Server) -> None:
    lines = top("--url", server.http(""), "--count", "2", "--json").stdout.splitlines()
    first, _ = (json.loads(line) for line in lines)
    assert first["venue_events_per_s"] > 0
    assert first["refusing"] == []


def test_what_it_cannot_do_is_one_sentence(server: Server, tmp_path: object) -> None:
    assert "is no http://" in top("--url", "nonsense", code=2).stderr
    assert "cannot be reached" in top("--url", "http://127.0.0.1:1", code=3).stderr
    with answering({"a": 1}) as other:
        assert "has no metrics of Floorwire" in top("--url", other, code=3).stderr


def test_a_wrong_key_and_one_that_may_not(server: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = written(tmp_path_factory.mktemp("top") / "wrong.key", Issued("fw0000000000000000", "x" * 43))
    said = top("--url", server.http(""), "--key-file", str(file), code=4).stderr
    assert said.startswith("floorwire: ")
    assert said.count("\n") == 1
    with answering({"code": "forbidden", "message": "no"}, status=403) as other:
        assert "needs the scope monitor" in top("--url", other, code=4).stderr
