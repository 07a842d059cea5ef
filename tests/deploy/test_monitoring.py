"""Prometheus' configuration and Grafana's dashboard: each panel asks for what a server tells."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from packages import smoke
from websockets.sync.client import connect

from floorwire.core.authorization import Scope
from tests.deploy.debian_programs import DEPLOY, free_port, output_of, program, started
from tests.ops.test_docs import NAMES
from tests.servers import ANSWERS_WITHIN_S, Server, eventually
from tests.trading.trader import key, serving

CONFIGURATION = DEPLOY / "prometheus" / "prometheus.yml"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "floorwire.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]]
ONLY_SOMETIMES = re.compile(
    r"floorwire_(live_orders|venue_skipped|resumes|left_out|refusals|refused_requests|faults|closes|halts|venue_link|link_age)"
)
"""What the simulated market, without a client and without a fault, has no sample of."""


@pytest.mark.parametrize(("title", "query"), QUERIES)
def test_a_panel_asks_for_metrics_that_exist(title: str, query: str) -> None:
    named = re.findall(r"floorwire_[a-z_]+", query)
    assert named or "up{" in query, title
    histograms = {name.removesuffix("_bucket") for name in named}
    assert histograms <= NAMES, title


def test_panels_do_not_overlap_and_use_the_provisioned_datasource() -> None:
    sources = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    uids = {source["uid"] for source in sources["datasources"]}
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    assert {panel["datasource"]["uid"] for panel in PANELS} == uids
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers))


def test_promtool_takes_every_query_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.replace("$__rate_interval", "1m")}
        for number, (_, query) in enumerate(QUERIES)
    ]
    file = tmp_path / "queries.json"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    assert f"{len(QUERIES)} rules found" in output_of(program("promtool"), "check", "rules", str(file))


def configured(folder: Path, server: Server, secret: str) -> Path:
    """Return our configuration of Prometheus, for this server and with this key. All else is as it is."""
    text = CONFIGURATION.read_text()
    for ours, theirs in (
        ("floorwire:8000", f"{server.host}:{server.port}"),
        ("/keys/prometheus.key", str(folder / "prometheus.key")),
        ("[alerts.yml]", f"[{DEPLOY / 'prometheus' / 'alerts.yml'}]"),
        ("scrape_interval: 5s", "scrape_interval: 1s"),
        ("evaluation_interval: 5s", "evaluation_interval: 1s"),
    ):
        assert text.count(ours) == 1, ours
        text = text.replace(ours, theirs)
    (folder / "prometheus.key").write_text(f"{secret}\n")
    file = folder / "prometheus.yml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server with a client, which gives its metrics to a key alone, as behind a proxy."""
    folder = tmp_path_factory.mktemp("data")
    issued, trader = key(folder, "prometheus", (Scope.MONITOR,), {}), key(folder)
    headers = {"Authorization": f"Bearer {trader.key}.{trader.secret}"}
    with (
        serving(folder, "--set=doors.trusted_proxies=127.0.0.2") as server,
        connect(server.ws(), additional_headers=headers),
    ):
        smoke.order(server.http().rstrip("/"), f"{trader.key}.{trader.secret}")
        yield server, f"{issued.key}.{issued.secret}"


def test_promtool_takes_the_configuration(watched: tuple[Server, str], tmp_path: Path) -> None:
    file = configured(tmp_path, *watched)
    assert "SUCCESS" in output_of(program("promtool"), "check", "config", str(file))


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def ask(self, path: str, **query: str) -> dict[str, list[dict[str, object]]]:
        """Return what it answers."""
        url = f"{self._url}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=ANSWERS_WITHIN_S) as answer:
            data: dict[str, list[dict[str, object]]] = json.load(answer)["data"]
            return data

    def is_up(self) -> bool:
        """Return whether it has read the metrics three times: enough for a rate."""
        try:
            found = self.ask("query", query='count_over_time(up{job="floorwire"}[1m]) > 2 and up == 1')
        except OSError:
            return False
        return bool(found["result"])


@pytest.mark.slow
def test_a_real_prometheus_has_an_answer_for_each_panel(watched: tuple[Server, str], tmp_path: Path) -> None:
    server, secret = watched
    port = free_port()
    arguments = (
        f"--config.file={configured(tmp_path, server, secret)}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with started(program("prometheus"), *arguments, log=tmp_path / "log"):
        prometheus = Prometheus(port)
        assert eventually(prometheus.is_up), (tmp_path / "log").read_text()
        time.sleep(2)
        for title, query in QUERIES:
            found = prometheus.ask("query", query=query.replace("$__rate_interval", "10s"))["result"]
            assert found or ONLY_SOMETIMES.search(query), (title, query)
        (group,) = prometheus.ask("rules")["groups"]
        rules = group["rules"]
        assert isinstance(rules, list)
        assert {rule["health"] for rule in rules} == {"ok"}
