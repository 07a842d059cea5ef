"""Market history as tables, by the command and over HTTP: what the pages of HTTP have, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import httpx2
import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from floorwire.core.codes import Code
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, Trade, VenueTime
from floorwire.core.microseconds import MINUTE_US
from floorwire.core.refusal import Refusal
from floorwire.protocol.cost_budget import CostBudget
from floorwire.web import table_stream
from floorwire.web.table_stream import CSV_TYPE, PARQUET_TYPE, BrokenTableError, CsvTable, Parts
from tests.servers import Server, eventually
from tests.trading.trader import Message, serving
from tests.web.test_market_routes import BTC, MarketServer, listed

Rows: TypeAlias = list[dict[str, str]]
Queries: TypeAlias = dict[str, dict[str, str | int]]
SYMBOL = "BTC-USDT"
NOW_US = 1_700_000_000_000_000
NAMES = ("trades", "candles")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("market")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    with serving(folder, "--set=history.simulated_past=true") as running:
        yield running


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.http("/api/v1"), verify=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def queries(folder: Path, http: httpx2.Client) -> Queries:
    """Return queries of a time that is over and written, by the path."""
    assert eventually(lambda: len(http.get("/trades", params={"symbol": SYMBOL}).json()["trades"]) > 30)
    until_us = int(http.get("/trades", params={"symbol": SYMBOL, "limit": 10}).json()["trades"][-1]["ts"])
    at = ("--data", str(folder), "--symbol", SYMBOL)
    assert eventually(lambda: any(int(row["ts"]) > until_us for row in read(export("trades", *at).stdout)))
    minute_us = until_us - until_us % MINUTE_US
    return {
        "trades": {"symbol": SYMBOL, "to": until_us},
        "candles": {"symbol": SYMBOL, "interval": "1m", "to": minute_us},
    }


@pytest.fixture(scope="module")
def pages(http: httpx2.Client, queries: Queries) -> dict[str, list[Message]]:
    """Return what the pages have of that time, the oldest first."""
    return {name: paged(http, name, query) for name, query in queries.items()}


def paged(http: httpx2.Client, name: str, query: dict[str, str | int]) -> list[Message]:
    """Return all rows, page by page, with what a page says once, the oldest first."""
    found: list[Message] = []
    cursor: dict[str, str | int] = {}
    while True:
        page = http.get(f"/{name}", params={"limit": 700, **query, **cursor}).json()
        once = {field: page[field] for field in ("symbol", "interval") if field in page}
        rows = [{**once, **row} for row in page[name]]
        found = [*(reversed(rows) if name == "trades" else rows), *found]
        if "next" not in page:
            return found
        cursor = {"before" if name == "trades" else "to": page["next"]}


def export(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(application(), ["export", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def read(text: str) -> Rows:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def plain(row: Message) -> dict[str, str]:
    """Return a row of the protocol as CSV has it."""
    always = {"incomplete": False, "simulated": False} if "start" in row else {}
    values = {**row, **{name: row.get(name, value) for name, value in always.items()}}
    return {
        name: json.dumps(value) if isinstance(value, bool) else str(value) for name, value in values.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_http_streams_what_the_pages_have(
    http: httpx2.Client, queries: Queries, pages: dict[str, list[Message]], name: str
) -> None:
    answer = http.get(f"/{name}", params={**queries[name], "limit": 1}, headers={"accept": CSV_TYPE})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    assert f'filename="{name}.csv"' in answer.headers["content-disposition"]
    rows = read(answer.text)
    assert (rows[::-1] if name == "trades" else rows) == list(map(plain, pages[name]))
    assert len(rows) > (2_000 if name == "candles" else 20)


@pytest.mark.parametrize("name", NAMES)
def test_the_command_writes_the_same_beside_the_server(
    folder: Path, tmp_path: Path, queries: Queries, pages: dict[str, list[Message]], name: str
) -> None:
    out = tmp_path / "x.csv"
    said = export(name, "--data", str(folder), "--symbol", SYMBOL, "--out", str(out)).output
    found = read(out.read_text())
    assert f"{len(found)} rows" in said
    time = "ts" if name == "trades" else "start"
    until = int(queries[name]["to"])
    wanted = [{**plain(row), "symbol": f"sim:{SYMBOL}"} for row in pages[name]]
    assert [row for row in found if int(row[time]) < until] == wanted
    printed = read(export(name, "--data", str(folder), "--symbol", f"sim:{SYMBOL}").stdout)
    assert printed[: len(wanted)] == wanted
    everything = (
        read(export(name, "--data", str(folder), "--interval=1h").stdout) if name == "candles" else []
    )
    assert not everything or {row["symbol"] for row in everything} > {f"sim:{SYMBOL}"}
    assert read(export(name, "--data", str(folder), "--from", "2100-01-01").stdout) == []
    assert read(export(name, "--data", str(folder), "--to", "2001-01-01T00:00:00").stdout) == []


@pytest.mark.parametrize("name", NAMES)
def test_parquet_is_typed(
    folder: Path,
    tmp_path: Path,
    http: httpx2.Client,
    queries: Queries,
    pages: dict[str, list[Message]],
    name: str,
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: floorwire[parquet]")
    answer = http.get(f"/{name}", params=queries[name], headers={"accept": PARQUET_TYPE})
    streamed = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    out = tmp_path / "x.parquet"
    export(name, "--data", str(folder), "--symbol", SYMBOL, "--out", str(out))
    for found in (streamed[::-1] if name == "trades" else streamed, parquet.read_table(out).to_pylist()):
        price = "price" if name == "trades" else "high"
        assert isinstance(found[0][price], Decimal)
        wanted = [Decimal(str(row[price])) for row in pages[name]]
        assert [row[price] for row in found[: len(wanted)]] == wanted


@pytest.mark.parametrize("name", NAMES)
def test_wrong_names_end_with_a_sentence(
    folder: Path, tmp_path: Path, pages: dict[str, list[Message]], name: str
) -> None:
    at = ("--data", str(folder))
    wrong = export(name, *at, "--symbol", "BTC-USDX", code=2).output
    assert "there is no history of BTC-USDX; did you mean BTC-USDT?" in wrong
    assert "there is no data folder" in export(name, "--data", str(tmp_path / "none"), code=2).output
    kept = tmp_path / "notes.csv"
    kept.write_text("mine")
    assert "there is something else of that name" in export(name, *at, "--out", str(kept), code=2).output
    assert kept.read_text() == "mine"
    assert "'7m' is none of 1s," in export("candles", *at, "--interval", "7m", code=2).output


@pytest.mark.parametrize("kind", [CSV_TYPE, PARQUET_TYPE])
def test_errors_over_http_are_those_of_the_pages(http: httpx2.Client, kind: str) -> None:
    if kind == PARQUET_TYPE:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: floorwire[parquet]")
    for path, code in (
        ("/trades?symbol=BTC-USDX", "unknown_symbol"),
        ("/candles?symbol=BTC-USDX", "unknown_symbol"),
        (f"/candles?symbol={SYMBOL}&interval=7m", "bad_request"),
        (f"/trades?symbol={SYMBOL}&before=x", "bad_request"),
    ):
        pages, tables = http.get(path), http.get(path, headers={"accept": kind})
        assert (tables.status_code, tables.json()) == (pages.status_code, pages.json())
        assert tables.json()["code"] == code


@pytest.mark.parametrize("name", NAMES)
def test_a_stream_waits_between_its_pages_until_the_budget_allows_more(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits_us = [1_000, 500, 0, 1_000, 0]
    monkeypatch.setattr(CostBudget, "wait_for_half_us", lambda *_: waits_us.pop(0))
    server = MarketServer(tmp_path)
    with server.client() as client:
        live: list[MarketEvent] = [
            Listing((listed(BTC),), NOW_US),
            FeedStatus(None, "live", "synced", NOW_US),
        ]
        live += [FeedStatus(BTC, "live", "synced", NOW_US)]
        trades = [Trade(BTC, str(n), n, 1, "buy", NOW_US + n * 1_000_000) for n in range(1, 2_501)]
        server.gateway.history.publish("scripted", [*live, *trades, VenueTime(trades[-1].ts_us)], NOW_US)
        query = {"symbol": SYMBOL, **({"interval": "1s"} if name == "candles" else {})}
        answer = client.get(f"/api/v1/{name}", params=query, headers={"accept": CSV_TYPE})
    assert answer.status_code == 200, answer.text
    assert len(read(answer.text)) == len(trades)
    assert waits_us == []


async def test_a_stream_that_may_not_go_on_does_not_end_as_if_it_were_whole() -> None:
    async def parts() -> Parts:
        yield [{"a": "1"}]
        raise Refusal(Code.HISTORY_UNAVAILABLE, "the disk is full")

    with pytest.raises(BrokenTableError, match="the disk is full"):
        [part async for part in table_stream._written(CsvTable({"a": "text"}), (), parts())]
