"""``floorwire order`` and ``floorwire account`` at a real server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import Result
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from floorwire.cli.exit_codes import ExitCode
from floorwire.core.authorization import Scope
from floorwire.protocol.client_codec import CLIENT_JSON
from floorwire.storage.key_store import Issued
from tests.cli.operator import key_file, operate, written
from tests.servers import Server
from tests.trading.trader import SCOPES, key, serving

FAR = ("--limit", "1000")
"""A price that nobody sells at."""


@pytest.fixture(scope="module")
def alice(folder: Path) -> Path:
    """Return a file with a trader's key."""
    return written(folder.with_name("alice.key"), key(folder))


@pytest.fixture(scope="module")
def market_only(folder: Path) -> Path:
    return key_file(folder, "reader", (Scope.MARKET,))


@pytest.fixture(scope="module")
def trade_only(folder: Path) -> Path:
    return key_file(folder, "blind", (Scope.MARKET, Scope.TRADE))


@pytest.fixture(scope="module")
def server(folder: Path, alice: Path, market_only: Path, trade_only: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


class Desk:
    """Runs the commands with a trader's key."""

    def __init__(self, server: Server, file: Path) -> None:
        self._url, self._file = server.http(""), file

    def run(self, *arguments: str, code: int = 0) -> Result:
        """Run it; it has to end with this code."""
        return operate(self._url, self._file, *arguments, code=code)

    def order(self, *arguments: str, code: int = 0) -> Result:
        """Run ``floorwire order``."""
        return self.run("order", *arguments, code=code)

    def sentence(self, *arguments: str, code: int) -> str:
        """Return the one sentence that it ends with."""
        said = self.run(*arguments, code=code).stderr
        assert "Traceback" not in said
        assert said.startswith("floorwire: "), said
        assert said.count("\n") == 1, said
        return said


@pytest.fixture(scope="module")
def desk(server: Server, alice: Path) -> Desk:
    return Desk(server, alice)


def test_an_order_from_its_place_to_its_end(desk: Desk) -> None:
    placed = json.loads(
        desk.order("place", "buy", "BTC-USDT", "0.5", *FAR, "--client-id", "one", "--json").stdout
    )
    number = placed["order_id"]
    assert placed["client_order_id"] == "one"
    again = json.loads(
        desk.order("place", "buy", "BTC-USDT", "0.5", *FAR, "--client-id", "one", "--json").stdout
    )
    assert again["order_id"] == number, "the same order"
    [row] = [line.split("\t") for line in desk.order("list").stdout.splitlines()]
    assert row[:9] == [number, "one", "BTC-USDT", "buy", "limit", "new", "0.50000", "0", "1000.0"]
    changed = json.loads(desk.order("amend", number, "--price", "1001", "--json").stdout)
    assert changed["order"]["price"] == "1001.0"
    said = desk.order("amend", "one", "--quantity", "0.4").stdout
    assert said == f"new: order {number}, client id one\nbuy 0.40000 BTC-USDT at 1001.0; filled 0\n"
    assert desk.order("cancel", "one").stdout.startswith(f"cancelled: order {number}")
    assert "is cancelled already" in desk.sentence("order", "cancel", number, code=1)
    assert desk.order("list").stdout == ""
    [old] = json.loads(desk.order("list", "--state", "all", "--symbol", "BTC-USDT", "--json").stdout)
    assert (old["client_order_id"], old["state"]) == ("one", "cancelled")


def test_a_market_order_and_what_it_did_to_the_account(desk: Desk) -> None:
    said = desk.order("place", "buy", "ETH-USDT", "--spend", "100", "--wait").stdout
    assert re.match(r"filled: order \d+, client id \w+\nbuy \S+ ETH-USDT at the market; filled ", said)
    assert "\nfill " in said
    account = json.loads(desk.run("account", "--json").stdout)
    assert account["account"]["account"] == "alice"
    assert {row["asset"] for row in account["balances"]} >= {"BTC", "ETH", "USDT"}
    assert [row["symbol"] for row in account["positions"]] == ["ETH-USDT"]
    shown = desk.run("account").stdout
    assert shown.startswith(f"alice: {account['account']['equity'].partition('.')[0][:3]}")
    assert "ETH-USDT" in shown
    assert "turnover" in shown
    assert (
        "BTC" in json.loads(desk.run("account", "--currency", "BTC", "--json").stdout)["account"]["currency"]
    )


def test_all_orders_are_cancelled_or_those_of_a_symbol(desk: Desk) -> None:
    for symbol in ("BTC-USDT", "BTC-USDT", "ETH-USDT"):
        desk.order("place", "buy", symbol, "0.1", "--limit", "100")
    said = desk.order("cancel", "--all", "--symbol", "ETH-USDT", "--json").stdout
    assert json.loads(said) == {"cancelled": 1}
    assert desk.order("cancel", "--all").stdout == "cancelled: 2 orders\n"


def test_options_of_an_order_reach_the_server(desk: Desk) -> None:
    given = (
        "--limit",
        "1000",
        "--post-only",
        "--tif",
        "gtd",
        "--expires",
        "2100-01-01",
        "--client-id",
        "long",
    )
    desk.order("place", "buy", "BTC-USDT", "0.1", *given)
    [row] = json.loads(desk.order("list", "--json").stdout)
    assert (row["post_only"], row["time_in_force"], row["expires"]) == (True, "gtd", 4_102_444_800_000_000)
    desk.order("place", "sell", "BTC-USDT", "0.1", "--stop", "500", "--limit", "499", "--client-id", "stop")
    stop = json.loads(desk.order("list", "--json").stdout)[-1]
    assert (stop["type"], stop["stop_price"]) == ("stop_limit", "500.0")
    desk.order("cancel", "--all")


def test_what_the_server_refuses_is_its_sentence(desk: Desk) -> None:
    def placed(*arguments: str) -> str:
        return desk.sentence("order", "place", *arguments, code=1)

    assert "unknown_symbol" in placed("buy", "NO-SUCH", "1", *FAR)
    assert "reduce_only" in placed("buy", "BTC-USDT", "19", "--limit", "50000", "--reduce-only")
    assert placed("buy", "BTC-USDT", "x", *FAR).startswith("floorwire: ")
    assert placed("buy", "BTC-USDT", *FAR).startswith("floorwire: ")
    assert "client_order_id: takes" in placed("buy", "BTC-USDT", "1", "--client-id", "a b", *FAR)
    assert "unknown_order" in desk.sentence("order", "cancel", "nobody", code=1)
    assert "unknown_order" in desk.sentence("order", "cancel", "123456789", code=1)
    assert "unknown_order" in desk.sentence("order", "amend", "nobody", "--price", "1", code=1)
    assert "unknown_symbol" in desk.sentence("order", "list", "--symbol", "NO-SUCH", code=1)
    assert "currency" in desk.sentence("account", "--currency", "no such", code=1)


def test_arguments_that_make_no_sense_are_not_sent(desk: Desk) -> None:
    for arguments in (
        ("place", "hold", "BTC-USDT", "1"),
        ("place", "buy"),
        ("place", "buy", "BTC-USDT", "1", "--tif", "never"),
        ("amend", "1"),
        ("cancel",),
        ("cancel", "1", "--all"),
        ("cancel", "1", "--symbol", "BTC-USDT"),
        ("list", "--state", "lost"),
    ):
        assert "Traceback" not in desk.order(*arguments, code=2).output


COMMANDS = [
    ("order", "list"),
    ("order", "place", "buy", "BTC-USDT", "1", *FAR),
    ("account",),
    ("order", "cancel", "1"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_key_or_address_is_one_sentence(
    server: Server, command: tuple[str, ...], alice: Path, tmp_path: Path, market_only: Path
) -> None:
    wrong = written(tmp_path / "wrong.key", Issued("fw0000000000000000", "x" * 43))
    assert Desk(server, wrong).sentence(*command, code=4)
    assert "forbidden" in Desk(server, market_only).sentence(*command, code=4)
    said = operate("http://127.0.0.1:1", alice, *command, code=3).stderr
    assert "cannot be reached: nothing listens there. Is the server running" in said
    assert said.count("\n") == 1
    assert "the key would be seen" in operate("http://192.0.2.1", alice, *command, code=2).stderr
    assert "--url" in operate("nonsense", alice, *command, code=2).stderr
    missing = operate(server.http(""), tmp_path / "nope", *command, code=2).stderr
    assert "no key: " in missing
    assert f"--scopes {','.join(SCOPES[:2])}" in missing
    nowhere = operate(server.http("/nothing"), alice, *command, code=3).stderr
    assert nowhere.count("\n") == 1


def test_a_key_that_may_only_trade_places_without_seeing(server: Server, trade_only: Path) -> None:
    blind = Desk(server, trade_only)
    said = blind.sentence("order", "place", "buy", "BTC-USDT", "1", *FAR, code=1)
    assert "insufficient_balance" in said, "it has no money, but it may trade"
    assert "forbidden" in blind.sentence("order", "list", code=4)


@contextmanager
def deaf_gateway() -> Iterator[str]:
    """Yield the address of a server that answers pings, and no order."""

    def talk(connection: ServerConnection) -> None:
        for text in connection:
            request = json.loads(text)
            if request["action"] == "ping":
                connection.send(json.dumps({"status": "pong", "id": request["id"], "ts": 1}))

    with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol(CLIENT_JSON.subprotocol)]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "arguments",
    [("place", "buy", "BTC-USDT", "1", "--client-id", "lost"), ("cancel", "lost"), ("cancel", "--all")],
    ids=" ".join,
)
def test_where_no_answer_comes_nobody_knows_and_the_code_is_3(
    arguments: tuple[str, ...], alice: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorwire.cli.order.KNOWN_WITHIN_S", 0.3)
    with deaf_gateway() as url:
        said = operate(url, alice, "order", *arguments, code=ExitCode.UNREACHED).stderr
    assert "no answer within 0.3 s; it may have been done or not" in said
    assert "floorwire order list --state all" in said
    assert said.count("\n") == 1
