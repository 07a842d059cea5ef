"""Every answer is one that the OpenAPI has: schemathesis asks for all that the document allows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.web.http_content import MSGPACK_TYPE
from floorwire.web.table_stream import CSV_TYPE, PARQUET_TYPE
from tests.servers import Server, eventually, floorwire

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ROOT = Path(__file__).parents[2]
READER = (Scope.MARKET, Scope.ACCOUNT, Scope.MONITOR)
MARKET_DATA = "^/api/v1/(time|symbols|ticker|book|trades|candles)$"
TABLES = "^/api/v1/(trades|candles|orders|fills|ledger)$"
LIMITS = (
    "limits.commands_per_second=1000000",
    "limits.commands_per_second_per_key=1000000",
    "accounts.own_accounts=100",
    "accounts.own_deposit=USDT=5",
)
MONEY = {"USDT": "1000000", "BTC": "1000"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scopes", "accept", "paths"),
    [
        pytest.param((), None, ".", id="guest"),
        pytest.param(READER, None, ".", id="reader"),
        pytest.param(tuple(Scope), None, ".", id="admin"),
        pytest.param(READER, MSGPACK_TYPE, MARKET_DATA, id="MessagePack"),
        pytest.param(READER, CSV_TYPE, TABLES, id="CSV"),
        pytest.param(READER, PARQUET_TYPE, TABLES, id="Parquet"),
    ],
)
def test_no_answer_is_outside_its_schema(
    tmp_path: Path, scopes: Sequence[Scope], accept: str | None, paths: str
) -> None:
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("schemathesis is not installed: `make test-slow` does it")
    keys = DataDir(tmp_path, {}).keys
    trader = keys.create(Grant("alice", (Scope.ACCOUNT, Scope.TRADE)), MONEY, 0)
    asked = keys.create(Grant("alice", tuple(scopes)), {}, 0) if scopes else None
    with floorwire("--data", str(tmp_path), "--seed", "7", *(f"--set={limit}" for limit in LIMITS)) as server:
        _trade(server, {"authorization": f"Bearer {trader.key}.{trader.secret}"})
        run = [command, "run", server.http("/openapi.json"), "--checks", ",".join(CHECKS)]
        run += ["--include-path-regex", paths, "--max-examples", "20", "--phases", "coverage,fuzzing"]
        run += ["--seed", "1", "--no-color"]
        if asked is not None:
            run += ["-H", f"Authorization: Bearer {asked.key}.{asked.secret}"]
        if accept is not None:
            run += ["-H", f"Accept: {accept}"]
        reads_msgpack = {"SCHEMATHESIS_HOOKS": "tests.web.schemathesis_msgpack", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            run, cwd=tmp_path, env=os.environ | reads_msgpack, capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stdout[-6_000:]


def _trade(server: Server, headers: dict[str, str]) -> None:
    """Give the account orders, fills and changes of balances, so that its lists have rows."""
    with httpx2.Client(base_url=server.http(""), headers=headers, verify=False, timeout=None) as http:
        assert eventually(lambda: http.get("/ready").status_code == 200)
        for number in range(30):
            terms = {"type": "market"} if number % 2 else {"type": "limit", "price": "90000"}
            order = {"symbol": "BTC-USDT", "side": "sell", "quantity": "0.01", **terms}
            placed = http.post("/api/v1/orders", json={"client_order_id": str(number), **order})
            assert placed.status_code == 201, placed.text
        assert eventually(lambda: http.get("/api/v1/fills").json()["fills"])
