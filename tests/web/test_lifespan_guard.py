"""An app that nobody runs says so, on every path."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse
from structlog.testing import capture_logs

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.web import create_app
from floorwire.web.lifespan_guard import NOT_RUNNING, WHAT_TO_DO
from tests.web.admin_server import open_admin_server


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/health"), ("GET", "/ready"), ("GET", "/"), ("GET", "/metrics"), ("GET", "/api/v1/symbols")],
)
def test_without_a_lifespan_every_request_is_refused_and_the_log_says_what_to_do(
    tmp_path: Path, method: str, path: str
) -> None:
    outer = FastAPI()
    outer.mount("/prices", create_app(Gateway(Settings(data=str(tmp_path)), venues=[])))
    with capture_logs() as logged, TestClient(outer, "http://127.0.0.1:8000") as client:
        for _ in range(3):
            answer = client.request(method, f"/prices{path}")
            assert answer.status_code == 503
            assert (answer.json()["code"], answer.json()["message"]) == ("internal", NOT_RUNNING)
            assert answer.headers["x-frame-options"] == "DENY"
    assert [line["what_to_do"] for line in logged] == [WHAT_TO_DO]


def test_an_order_is_told_that_it_never_reached_the_desk(tmp_path: Path) -> None:
    app = create_app(Gateway(Settings(data=str(tmp_path)), venues=[]))
    answer = TestClient(app).post("/api/v1/orders", json={})
    assert answer.status_code == 503
    assert answer.json()["order"] == "rejected"


@pytest.mark.parametrize("path", ["/ws", "/ws/ticker"])
def test_without_a_lifespan_no_websocket_is_accepted(tmp_path: Path, path: str) -> None:
    client = TestClient(create_app(Gateway(Settings(data=str(tmp_path)), venues=[])))
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(path):
        pass
    assert refused.value.status_code == 503


def test_while_it_runs_it_answers(tmp_path: Path) -> None:
    with TestClient(create_app(Gateway(Settings(data=str(tmp_path)), venues=[]))) as client:
        assert client.get("/health").status_code == 200
    assert client.get("/health").status_code == 503


def test_when_the_app_has_ended_no_thread_of_its_journal_is_left(tmp_path: Path) -> None:
    at = open_admin_server(tmp_path)
    with at.client():
        assert any(thread.name.startswith("journal") for thread in threading.enumerate())
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("journal")]
