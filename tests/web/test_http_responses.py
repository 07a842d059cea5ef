"""Whatever goes wrong over HTTP is the protocol's error, with the status that fits: clients read one form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from floorwire.config import LimitSettings
from floorwire.protocol.replies import Error
from tests.web.admin_server import open_admin_server


class Desk(NamedTuple):
    client: TestClient
    root: dict[str, str]

    def ask(self, method: str, path: str, content: bytes = b"") -> Response:
        """Ask as an admin."""
        headers = {**self.root, "content-type": "application/json"}
        return self.client.request(method, path, headers=headers, content=content, follow_redirects=False)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    at = open_admin_server(tmp_path_factory.mktemp("data"), limits=LimitSettings(message_bytes=1_024))
    root = at.key()
    with at.client() as client:
        yield Desk(client, root)


def error(answer: Response) -> Error:
    """Return the answer, which is an error of the protocol and nothing else."""
    assert answer.headers["content-type"] == "application/json"
    read = msgspec.json.decode(answer.content, type=Error, strict=True)
    assert (read.status, read.retry) == ("error", False)
    return read


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/",
        "/api/v2/orders",
        "/api/v1/halts/",
        "/api/v1/%ff%00",
        "/static/none.js",
    ],
)
def test_a_path_that_there_is_not(desk: Desk, path: str) -> None:
    answer = desk.ask("GET", path)
    assert answer.status_code == 404
    assert error(answer).code == "unknown_action"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/api/v1/orders", "DELETE, GET, POST"),
        ("POST", "/api/v1/orders/7", "DELETE, GET, PATCH"),
        ("DELETE", "/api/v1/limits/alice", "GET, PUT"),
        ("PATCH", "/metrics", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_for_the_path(desk: Desk, method: str, path: str, allowed: str) -> None:
    answer = desk.ask(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    reply = error(answer)
    assert (reply.code, reply.message) == (
        "unknown_action",
        f"{method} is not for {path}; these are: {allowed}",
    )


@pytest.mark.parametrize(
    ("method", "path", "content", "code"),
    [
        ("GET", "/api/v1/orders/seven", b"", "bad_request"),
        ("GET", "/api/v1/fills?limit=0", b"", "bad_request"),
        ("DELETE", "/api/v1/halts", b"", "bad_request"),
        ("POST", "/api/v1/halts", b"", "bad_request"),
        ("POST", "/api/v1/halts", b'{"scope":"everything"}', "bad_request"),
        ("POST", "/api/v1/halts", b'{"scope":"all","reason":"x"}', "bad_request"),
        ("POST", "/api/v1/halts", b'{"scope":', "bad_json"),
        ("POST", "/api/v1/halts", b"\xff", "bad_json"),
        ("POST", "/api/v1/halts", b"[" * 1_000, "bad_json"),
        ("POST", "/api/v1/orders", b'{"symbol":', "bad_json"),
    ],
)
def test_what_does_not_fit(desk: Desk, method: str, path: str, content: bytes, code: str) -> None:
    answer = desk.ask(method, path, content)
    assert answer.status_code == 400
    assert error(answer).code == code


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "text/plain"])
def test_a_body_that_is_sent_as_something_else(desk: Desk, kind: str) -> None:
    headers = {**desk.root, "content-type": kind}
    reply = error(desk.client.post("/api/v1/halts", headers=headers, content=b'{"scope":"all"}'))
    assert (reply.code, reply.message) == (
        "bad_request",
        "body: a JSON object, with content-type: application/json",
    )


def test_a_body_that_is_too_large(desk: Desk) -> None:
    answer = desk.ask("POST", "/api/v1/orders", b"x" * 2_000)
    assert answer.status_code == 413
    assert (error(answer).code, answer.headers["connection"]) == ("bad_request", "close")


def test_a_fault_of_ours_leaves_the_fate_of_an_order_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_admin_server(tmp_path)

    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(opened.gateway.desk, "submit", fail)
    with opened.client() as client:
        cancelled = client.delete("/api/v1/orders")
        asked = client.get("/api/v1/orders")
    assert (cancelled.status_code, cancelled.json()["order"]) == (500, "unknown")
    assert (asked.status_code, "order" in asked.json()) == (500, False)
