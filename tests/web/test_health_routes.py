"""What costs the server much to answer over HTTP is made once, or charged for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.protocol import cost_budget
from floorwire.web import create_app


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """An app at home, with two thousand symbols in its metrics."""
    gateway = Gateway(Settings(data=str(tmp_path_factory.mktemp("data"))), venues=[])
    for number in range(2_000):
        gateway.stats.symbol_last_us["venue", f"S{number}-USDT"] = 1
    return create_app(gateway)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A client on this machine."""
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        yield client


def test_the_description_of_the_api_is_encoded_once(
    app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    describe = app.openapi

    def count_and_describe() -> dict[str, object]:
        made.append(1)
        return describe()

    monkeypatch.setattr(app, "openapi", count_and_describe)
    first, second = client.get("/openapi.json"), client.get("/openapi.json")
    assert first.json()["info"]["title"] == "Floorwire"
    assert (first.content, first.headers["content-type"]) == (second.content, "application/json")
    assert len(made) == 1
    assert client.head("/openapi.json").status_code == 200


def test_metrics_of_many_symbols_are_charged_for(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_budget, "SHARED_BURST", 50_000)
    monkeypatch.setattr(cost_budget, "SHARED_PER_S", 10_000)  # a slow machine earns no more meanwhile
    answers = [client.get("/metrics") for _ in range(10)]
    assert answers[0].status_code == 200
    assert answers[0].text.count("floorwire_symbol_age_seconds{") == 2_000
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(429, "rate_limited")}
    assert int(refused[0].headers["retry-after"]) >= 1
    assert client.get("/health").status_code == 200
