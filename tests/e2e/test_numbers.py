"""Health, readiness and metrics of a running server; and what it does not log."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from contextlib import suppress

import pytest

from tests.clients import TEXT, RawClient, client, frame, raw
from tests.servers import Server, eventually, metrics, scripted


def get(server: Server, path: str) -> tuple[int, dict[str, str]]:
    """Return the status and the JSON of an answer."""
    try:
        with urllib.request.urlopen(server.http(path), timeout=20) as answer:
            return int(answer.status), json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_running_server_is_healthy_and_ready(market: Server) -> None:
    assert get(market, "/health") == (200, {"status": "ok"})
    assert get(market, "/ready") == (200, {"status": "ok", "feed": "live"})


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_whoever_asks_for_heads_alone_gets_them(market: Server, path: str) -> None:
    asked = urllib.request.Request(market.http(path), method="HEAD")
    with urllib.request.urlopen(asked, timeout=20) as answer:
        assert (answer.status, answer.read()) == (200, b"")


def test_a_server_without_current_prices_is_healthy_but_not_ready() -> None:
    with scripted("feed.stale_s=0.2", per_second=0) as server:
        assert eventually(lambda: get(server, "/ready") == (503, {"status": "waiting", "feed": "stale"}))
        assert get(server, "/health")[0] == 200
        with client(server) as asking:
            assert asking.ask("subscribe", channel="book", symbol="BTC-USDT")["feed"] == "stale"
            assert asking.event()["type"] == "snapshot", "what was known last"


@pytest.mark.parametrize(
    "name",
    [
        "connections",
        "handshakes_total",
        "subscriptions",
        "deliveries_total",
        "sent_bytes_total",
        "outbox_bytes",
        "left_out_total",
        "closes_total",
        "publish_to_write_seconds_bucket",
        "event_loop_lag_seconds_bucket",
        "feed_age_seconds",
    ],
)
def test_the_numbers_that_operators_need_are_there(market: Server, name: str) -> None:
    with urllib.request.urlopen(market.http("/metrics"), timeout=20) as answer:
        assert answer.headers["content-type"].startswith("text/plain")
        text = answer.read().decode()
    assert f"# TYPE floorwire_{name.removesuffix('_bucket').removesuffix('_total')}" in text


def test_what_happens_is_counted() -> None:
    with scripted("outbox.kernel_bytes=4096", "outbox.bytes=150000", per_second=1_000) as server:
        with client(server) as follower, raw(server, receive_buffer=4096) as slow:
            follower.ask("subscribe", channel="trades", symbol="BTC-USDT")
            follower.ask("subscribe", channel="news", symbol="BTC-USDT")
            follower.events(50)
            slow.ask("subscribe", channel="ticker", symbol="BTC-USDT")
            with RawClient(server) as lost:
                assert lost.handshake("/nowhere")[0] == 404
            name = 'floorwire_left_out_total{reason="conflate"}'
            assert eventually(lambda: metrics(server).get(name, 0) > 0)
            now = metrics(server)
            assert now["floorwire_connections"] == now["floorwire_subscriptions"] == 2
            assert now["floorwire_outbox_bytes"] > 0
            assert now["floorwire_deliveries_total"] >= 50
            assert now["floorwire_sent_bytes_total"] > 50 * 100
            assert now["floorwire_received_messages_total"] == 3
            assert now['floorwire_refused_requests_total{code="unknown_channel"}'] == 1
            assert now['floorwire_handshakes_total{outcome="accepted"}'] == 2
            assert now['floorwire_handshakes_total{outcome="not_found"}'] == 1
            assert now['floorwire_feed_age_seconds{venue="scripted"}'] < 5
            assert now["floorwire_publish_to_write_seconds_count"] > 0
            lag = "floorwire_event_loop_lag_seconds_count"
            assert eventually(lambda: metrics(server)[lag] > 0)
        assert eventually(lambda: metrics(server)["floorwire_connections"] == 0)
        now = metrics(server)
        assert now["floorwire_subscriptions"] == now["floorwire_outbox_bytes"] == 0
        assert now['floorwire_closes_total{code="1000"}'] == 1
        assert now['floorwire_closes_total{code="1006"}'] == 1


def test_nothing_is_logged_for_what_clients_do() -> None:
    with scripted() as server:
        for _ in range(5):
            with raw(server) as rude, suppress(OSError):
                rude.socket.sendall(frame(TEXT, b"?") * 10 + frame(3, b""))
                rude.until_close()
        with client(server) as polite:
            polite.ask("subscribe", channel="ticker", symbol="BTC-USDT")
            polite.events(20)
        assert server.log == ""
