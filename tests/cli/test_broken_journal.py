"""What operators can do while a server cannot write its journal: read what stands, and change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.storage.key_store import Issued
from tests.cli.operator import disk_full, operate, write_much
from tests.servers import Server, eventually, metrics
from tests.trading.trader import FREE, serving, trader

BROKEN = "warning: the server cannot write its journal: this is what stood when that failed"


@pytest.fixture(scope="module")
def server(folder: Path, file: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


def rest(server: Server, secret: str) -> httpx2.Client:
    return httpx2.Client(
        base_url=server.http("/api/v1"),
        headers={"authorization": f"Bearer {secret}"},
        verify=False,
        timeout=None,
    )


def is_broken(server: Server) -> bool:
    return metrics(server)['floorwire_orders_refused{reason="journal"}'] == 1


async def test_what_stands_is_read_and_what_is_uncertain_is_told_as_that(
    server: Server, file: Path, issued: Issued
) -> None:
    url = server.http()
    operate(url, file, "halt", "account", "bob")
    operate(url, file, "limits", "set", "alice", "max_open_orders=5", "max_position.BTC=20")
    async with trader(server, issued) as client:
        await write_much(client, "first")
        with disk_full(server):
            assert "internal: the journal failed" in operate(url, file, "halt", "all", code=1).stderr
            said = operate(url, file, "halts")
            assert "account" in said.stdout
            assert "all" not in said.stdout, "it may not be in force when the journal is back"
            assert BROKEN in said.stderr
            assert "warning: changed as it failed, and not certain: all\n" in said.stderr
            assert json.loads(operate(url, file, "halts", "--json").stdout) == [
                {"scope": "account", "name": "bob"}
            ]
            shown = operate(url, file, "limits", "show", "alice", "--json")
            assert json.loads(shown.stdout)["limits"]["max_position"] == {"BTC": "20"}
            assert BROKEN in shown.stderr
            assert "not certain" not in shown.stderr
            for change in (
                ("limits", "set", "alice", "max_open_orders=6"),
                ("resume", "account", "bob"),
                ("halt", "account", "alice"),
            ):
                refused = operate(url, file, *change, code=1)
                assert refused.stderr.startswith("floorwire: internal: the journal cannot be written")
                assert refused.stdout == ""
            assert (await client.place("late"))["code"] == "internal"
        assert eventually(lambda: not is_broken(server))
        said = operate(url, file, "halts")
        assert "bob" in said.stdout
        assert said.stderr == ""
        shown = operate(url, file, "limits", "show", "alice", "--json")
        assert json.loads(shown.stdout)["limits"]["max_open_orders"] == 5
        operate(url, file, "resume", "account", "bob")


async def test_limits_that_were_set_as_it_failed_are_told_as_uncertain(
    server: Server, file: Path, issued: Issued
) -> None:
    async with trader(server, issued) as client:
        await write_much(client, "second")
    with disk_full(server), rest(server, file.read_text().strip()) as ops:
        assert ops.put("/limits/alice", json={"max_open_orders": 5}).json()["code"] == "internal"
        assert [ops.get(f"/limits/{name}").json()["in_doubt"] for name in ("alice", "bob")] == [True, False]
        assert ops.get("/limits/alice", params={"key": issued.key}).json()["in_doubt"] is False
        with rest(server, f"{issued.key}.{issued.secret}") as alice:
            assert alice.get("/limits").json()["limits"]["price_collar"] == "0.050000"
        said = ops.get("/halts").json()
        assert said == {"status": "ok", "halts": [], "journal": "broken", "in_doubt": []}
        warned = operate(server.http(), file, "limits", "show", "alice").stderr
        assert "not certain: these limits" in warned
    assert eventually(lambda: not is_broken(server))
