"""Exports: files and streams have what the protocol lists, and nothing else."""

from __future__ import annotations

import asyncio
import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import Error, FillList
from floorwire.storage.key_store import Issued
from floorwire.trading import account_export
from floorwire.web import account_tables, table_stream
from floorwire.web.table_stream import BrokenTableError, CsvTable
from tests.servers import Server
from tests.trading.test_account_history_e2e import paged, trade
from tests.trading.trader import FREE, Message, caller, key, serving, trader

MONEY = {"USDT": "1000000", "BTC": "10", "ETH": "100"}
LISTS = {"orders": "orders", "fills": "fills", "ledger": "entries"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder, money=MONEY)


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


@pytest.fixture(scope="module")
def listed(server: Server, issued: Issued) -> dict[str, list[Message]]:
    """Trade, and return the lists of the protocol."""

    async def run() -> dict[str, list[Message]]:
        async with trader(server, issued) as client:
            await trade(client, "x", 60)
            return {
                table: await paged(client, table, rows, **({"state": "all"} if table == "orders" else {}))
                for table, rows in LISTS.items()
            }

    return asyncio.run(run())


def export(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(application(), ["export", *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def plain(row: Message) -> dict[str, str]:
    """Return a row of the protocol as CSV has it, as far as it has values."""
    texts = {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in row.items()
    }
    return {name: text for name, text in texts.items() if text != "None"}


def read(text: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    return [{name: cell for name, cell in row.items() if cell} for row in rows]


def same(row: dict[str, str]) -> dict[str, str]:
    """Return a row without what the command writes in another way: its owner, and venues in names."""
    return {name: cell.removeprefix("sim:") for name, cell in row.items() if name != "owner"}


@pytest.mark.parametrize("table", LISTS)
def test_a_file_has_every_row(
    folder: Path, tmp_path: Path, listed: dict[str, list[Message]], table: str
) -> None:
    out = tmp_path / "x.csv"
    said = export(table, "--data", str(folder), "--account", "alice", "--out", str(out)).output
    found = read(out.read_text())
    assert f"{len(found)} rows" in said
    assert {row["owner"] for row in found} == {"alice"}
    wanted = [plain(row) for row in listed[table]]
    order = "order_id" if table == "orders" else "fill_id" if table == "fills" else "entry_id"
    found.sort(key=lambda row: int(row[order]), reverse=True)
    assert [same(row) for row in found] == wanted
    printed = export(table, "--data", str(folder)).stdout
    assert sorted(map(str, read(printed))) == sorted(map(str, found))


def test_filters(folder: Path, listed: dict[str, list[Message]]) -> None:
    at = ("--data", str(folder))
    everything = read(export("fills", *at).stdout)
    for symbol in ("ETH-USDT", "sim:ETH-USDT"):
        of_symbol = read(export("fills", *at, "--symbol", symbol).stdout)
        assert of_symbol == [row for row in everything if row["symbol"] == "sim:ETH-USDT"]
        assert of_symbol
    of_asset = read(export("ledger", *at, "--asset", "BTC").stdout)
    assert {row["asset"] for row in of_asset} == {"sim:BTC"}
    assert read(export("fills", *at, "--account", "bob").stdout) == []
    assert read(export("orders", *at, "--from", "2100-01-01").stdout) == []
    assert read(export("fills", *at, "--to", "2100-01-01T00:00:00").stdout) == everything


def test_parquet_is_typed(folder: Path, tmp_path: Path, listed: dict[str, list[Message]]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: floorwire[parquet]")
    out = tmp_path / "x.parquet"
    export("ledger", "--data", str(folder), "--out", str(out))
    found = parquet.read_table(out).to_pylist()
    totals: dict[str, Decimal] = {}
    for row in found:
        totals[row["asset"]] = totals.get(row["asset"], Decimal(0)) + row["amount"]
        assert totals[row["asset"]] == row["balance"]
    assert len(found) == len(listed["ledger"])


def test_what_cannot_be_written_is_refused(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "notes.csv"
    kept.write_text("mine")
    at = ("--data", str(folder))
    assert "there is something else of that name" in export("fills", *at, "--out", str(kept), code=2).output
    assert kept.read_text() == "mine"
    assert "there is no data folder" in export("fills", "--data", str(tmp_path / "none"), code=2).output
    export("fills", *at, "--out", str(tmp_path / "a.csv"))
    export("fills", *at, "--out", str(tmp_path / "a.csv"))
    assert {path.name for path in tmp_path.iterdir()} == {"notes.csv", "a.csv"}


def test_a_pipe_may_be_closed(folder: Path, listed: dict[str, list[Message]]) -> None:
    command = [sys.executable, "-m", "floorwire", "export", "ledger", "--data", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline().startswith(b"owner,entry_id,")
        running.stdout.close()
        assert running.stderr is not None
        assert b"Traceback" not in running.stderr.read()


@pytest.mark.parametrize(("table", "query"), [("orders", "?state=all"), ("fills", ""), ("ledger", "")])
def test_http_streams_the_same(
    server: Server, issued: Issued, listed: dict[str, list[Message]], table: str, query: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with caller(server, issued) as http:
        answer = http.get(f"/{table}{query}", headers={"accept": "text/csv"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
        assert read(answer.text) == [plain(row) for row in listed[table]]
        refused = http.get(f"/{table}?before=x", headers={"accept": "text/csv"})
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


def test_open_orders_are_a_table_too(
    server: Server, issued: Issued, listed: dict[str, list[Message]]
) -> None:
    resting = [row for row in listed["orders"] if row["state"] == "new"]
    with caller(server, issued) as http:
        text = http.get("/orders", headers={"accept": "text/csv"}).text
    assert [row["order_id"] for row in read(text)] == [row["order_id"] for row in reversed(resting)]


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.apache.parquet"])
def test_a_list_without_rows_has_its_columns(
    server: Server, issued: Issued, listed: dict[str, list[Message]], table: str, kind: str
) -> None:
    if "parquet" in kind:
        pytest.importorskip("pyarrow", reason="pyarrow is not installed: floorwire[parquet]")
    state = {"state": "all"} if table == "orders" else {}
    with caller(server, issued) as http:
        answer = http.get(f"/{table}", params={"from": "1", "to": "2", **state}, headers={"accept": kind})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
    if kind == "text/csv":
        assert answer.text.count("\r\n") == 1
        assert "," in answer.text


def test_http_streams_parquet(server: Server, issued: Issued, listed: dict[str, list[Message]]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: floorwire[parquet]")
    with caller(server, issued) as http:
        answer = http.get("/fills", headers={"accept": "application/vnd.apache.parquet"})
    found = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    assert [row["fill_id"] for row in found] == [row["fill_id"] for row in listed["fills"]]
    assert isinstance(found[0]["price"], Decimal)


def test_who_may_not_read_gets_no_table(server: Server, folder: Path) -> None:
    with httpx2.Client(base_url=server.http("/api/v1"), verify=False, timeout=None) as http:
        answer = http.get("/fills", headers={"accept": "text/csv"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


async def parts_of(pages: list[Reply]) -> str:
    """Return the CSV of these pages, asked for one after the other."""
    asked: list[str | None] = []

    async def ask(before: str | None) -> Reply:
        asked.append(before)
        return pages.pop(0)

    columns = account_export.columns(account_export.ROWS["fills"])
    first = pages.pop(0)
    made = [
        part async for part in table_stream._written(CsvTable(columns), (), account_tables.parts(first, ask))
    ]
    return b"".join(made).decode()


async def test_a_stream_waits_where_too_much_was_read() -> None:
    wait = Error(code="rate_limited", message="too many", retry=True, retry_after_ms=1)
    text = await parts_of(
        [FillList(fills=[], next="7"), wait, wait, FillList(fills=[], next="3"), FillList(fills=[])]
    )
    assert text.startswith("fill_id,order_id,")
    assert text.count("\r\n") == 1


async def test_a_stream_that_fails_does_not_end_as_if_it_were_whole() -> None:
    broken = Error(code="internal", message="the journal", retry=True)
    with pytest.raises(BrokenTableError, match="the journal"):
        await parts_of([FillList(fills=[], next="7"), broken])
