"""What the commands print of others' texts: from a server, a data folder, or a settings file."""

from __future__ import annotations

import ast
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Subprotocol

from floorwire.cli import application, output
from floorwire.protocol.client_codec import CLIENT_JSON
from floorwire.storage.key_store import Issued
from tests.cli.operator import operate, written
from tests.cli.test_watch import CLEAN, PATIENCE_S

ATTACK = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e [bold]x[/bold] [/]"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e [bold]x[/bold] [/]"
CLI = Path(output.__file__).parent


def prints(path: Path) -> list[str]:
    """Return the calls in a source that print without ``output``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            function = ast.unparse(node.func)
            if function in ("print", "typer.echo", "typer.secho", "sys.stdout.write", "sys.stderr.write"):
                found.append(function)
        if isinstance(node, ast.ImportFrom) and node.module == "rich.table":
            found.append("rich.table")
    return found


def test_all_that_a_command_prints_passes_one_place() -> None:
    sources = {path: prints(path) for path in CLI.rglob("*.py") if path != Path(output.__file__)}
    assert len(sources) > 30
    assert {path.name: found for path, found in sources.items() if found} == {}
    assert prints(Path(output.__file__)) == ["typer.echo", "sys.stdout.write"]


@contextmanager
def answering(*bodies: object, status: int = 200) -> Iterator[str]:
    """Yield the address of a server that answers one request after the other with these, as JSON."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for body in bodies:
                data = json.dumps(body, ensure_ascii=False).encode()
                head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(data)}\r\nconnection: close\r\n\r\n"
                accepted, _ = listener.accept()
                with accepted:
                    accepted.settimeout(PATIENCE_S)
                    accepted.recv(65_536)
                    accepted.sendall(head.encode() + data)

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return written(tmp_path / "ops.key", Issued("fw0000000000000000", "x" * 43))


def harmless(text: str) -> str:
    """Return the text, which has nothing that acts on a terminal."""
    assert text.replace("\n", "").isprintable(), repr(text)
    return text


HALT = {"scope": "account", "name": ATTACK}
HALTS = {"halts": [HALT], "journal": "broken", "in_doubt": [HALT]}
LIMITS = {
    "account": ATTACK,
    "limits": {"max_position": {ATTACK: "1"}, "self_trade": ATTACK},
    "default": {},
    "journal": "ok",
    "in_doubt": False,
    "unknown_assets": [ATTACK],
}


def test_what_a_server_says_does_not_act_on_the_terminal(key_file: Path) -> None:
    with answering(HALTS) as url:
        said = operate(url, key_file, "halts")
        assert SHOWN in harmless(said.stdout)
        assert SHOWN in harmless(said.stderr)
    with answering(HALTS) as url:
        listed = harmless(operate(url, key_file, "halts", "--json").stdout)
        assert json.loads(listed) == [HALT]
    with answering({**HALT, "cancelled": 0}, HALTS, {"keys": []}) as url:
        said = operate(url, key_file, "halt", "account", "a")
        assert SHOWN in harmless(said.stdout)
        assert SHOWN in harmless(said.stderr)
    with answering(LIMITS) as url:
        said = operate(url, key_file, "limits", "show", "alice")
        assert SHOWN in harmless(said.stdout)
        harmless(said.stderr)
    with answering({"code": ATTACK, "message": ATTACK + "\nfloorwire: all is well"}, status=400) as url:
        said = operate(url, key_file, "halts", code=1)
        assert harmless(said.stderr).count("\n") == 1, "nor does it add lines of its own"


SUBSCRIBED = {
    "status": "subscribed",
    "channel": "ticker",
    "epoch": "e",
    "seq": 1,
    "feed": "live",
    "on_slow": "conflate",
}
TICKER = {
    "channel": "ticker", "symbol": "BTC-USDT", "seq": 1, "epoch": "e", "ts": 1, "recv": 1, "sent": 1,
    "bid": ATTACK, "bid_size": "1", "ask": "2", "ask_size": "1", "last": "1.5", "last_size": "1", "open": "1",
    "high": "2", "low": "1", "volume": "1", "quote_volume": "1", "change": "0",
}  # fmt: skip
REFUSED = {"status": "error", "code": "x", "message": ATTACK, "retry": False}


@contextmanager
def hostile_gateway() -> Iterator[str]:
    """Yield the address of a gateway whose price, refusal and close for good are attacks."""

    def talk(connection: ServerConnection) -> None:
        for _ in range(3):
            request = json.loads(connection.recv())
            number = request["id"]
            if request["action"] == "ping":
                connection.send(json.dumps({"status": "pong", "id": number, "ts": 1}))
            elif request["symbol"] == "BTC-USDT":
                connection.send(
                    json.dumps({**SUBSCRIBED, "id": number, "symbol": "BTC-USDT", "instrument": "BTC-USDT"})
                )
                connection.send(json.dumps(TICKER, ensure_ascii=False))
            else:
                connection.send(json.dumps({**REFUSED, "id": number}, ensure_ascii=False))
        connection.close(4500, "\x1b[2J")

    with serve(talk, "127.0.0.1", 0, subprotocols=[Subprotocol(CLIENT_JSON.subprotocol)]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/ws"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_prices_do_not_act_on_the_terminal(more: tuple[str, ...]) -> None:
    with hostile_gateway() as url:
        command = [sys.executable, "-m", "floorwire", "watch", "--url", url, "BTC-USDT", "ETH-USDT", *more]
        ended = subprocess.run(command, env=CLEAN, capture_output=True, timeout=PATIENCE_S, check=False)
    out, err = ended.stdout.decode(), ended.stderr.decode()
    assert SHOWN in err
    assert r"\x1b[2J" in err
    assert ended.returncode == 4
    assert r"\u202e" in out or r"\x1b" in out, "the price is shown"
    harmless(out.replace("\t", ""))
    harmless(err)


def test_a_path_or_a_setting_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    for arguments in (
        ["serve", "--config", f"{tmp_path}/\x1b[2J.toml"],
        ["serve", "--set", "\x1b[2J=1"],
        ["journal", "verify", "--data", f"{tmp_path}/\x1b[2J"],
        ["backup", f"{tmp_path}/\x1b[2J.tar", "--data", f"{tmp_path}/\x1b[2J"],
        ["keys", "revoke", "\x1b[2J", "--data", f"{tmp_path}/\x9b2J"],
    ):
        said = CliRunner().invoke(application(), arguments)
        assert said.exit_code == 2
        assert "2J" in harmless(said.stderr)
