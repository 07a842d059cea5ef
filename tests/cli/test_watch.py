"""``floorwire watch`` as a process: against real servers, in a pipe and in a terminal."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from floorwire.core.authorization import Scope
from tests.cli.operator import written
from tests.forked_python import fork_server, run
from tests.servers import Server, floorwire
from tests.trading.trader import key

PATIENCE_S = 60
CLEAN = {name: text for name, text in os.environ.items() if not name.startswith("FLOORWIRE_")}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with floorwire("--seed", "7") as server:
        yield server


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server whose prices need a key, and its data folder."""
    folder = tmp_path_factory.mktemp("locked") / "data"
    key(folder, "root", (Scope.ADMIN,))
    with floorwire("--data", str(folder), "--set", "auth.market=key") as server:
        yield server, folder


def watch(
    *arguments: str, home: Path = Path("/nonexistent"), **environment: str
) -> subprocess.CompletedProcess[str]:
    variables = {**CLEAN, "HOME": str(home), **environment}
    return run("-m", "floorwire", "watch", *arguments, environment=variables)


def watch_until(
    is_enough: Callable[[str], bool], *arguments: str, home: Path = Path("/nonexistent"), **environment: str
) -> subprocess.CompletedProcess[str]:
    """Watch until enough was written, then end it with Ctrl+C."""
    variables = {**CLEAN, "HOME": str(home), **environment}
    with tempfile.TemporaryFile("w+") as errors:
        command = ["-m", "floorwire", "watch", *arguments]
        process = fork_server().start(command, errors.fileno(), variables)
        said = ""
        with process.stdout:
            while not is_enough(said) and (line := process.stdout.readline()):
                said += line
            process.send_signal(signal.SIGINT)
            said += process.stdout.read()
        code = process.wait(PATIENCE_S)
        errors.seek(0)
        return subprocess.CompletedProcess(command, code, said, errors.read())


def has_bitcoin(said: str) -> bool:
    """Return whether a line has its price."""
    return "\nBTC-USDT\t" in said


def sentence(ended: subprocess.CompletedProcess[str]) -> str:
    """Return what was said; it has to be no traceback."""
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("floorwire: "), ended.stderr
    return ended.stderr


def test_a_pipe_gets_a_line_a_change(server: Server) -> None:
    symbols = ("BTC-USDT", "ETH-USDT")

    def has_changes(said: str) -> bool:
        return all(said.count(f"\n{symbol}\t") >= 3 for symbol in symbols)

    ended = watch_until(has_changes, "--url", server.ws(), "BTC-USDT", "ethusdt")
    assert ended.returncode == 0, ended.stderr
    head, *lines = [line.split("\t") for line in ended.stdout.splitlines()]
    assert head == ["symbol", "bid", "ask", "last", "change", "volume"]
    assert {line[0] for line in lines} == set(symbols)
    assert all(len(line) == 6 for line in lines)
    for symbol in symbols:
        of_symbol = [line for line in lines if line[0] == symbol]
        assert all(line != later for line, later in pairwise(of_symbol))


def test_json_lines_are_the_servers_messages(server: Server) -> None:
    def has_all(said: str) -> bool:
        return len({json.loads(line)["symbol"] for line in said.splitlines()}) == 12

    ended = watch_until(has_all, "--url", server.ws(), "--json")
    tickers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert {ticker["channel"] for ticker in tickers} == {"ticker"}
    assert {"epoch", "seq", "sent", "bid", "ask_size"} <= tickers[0].keys()


@pytest.mark.slow
def test_it_stops_after_so_many_seconds(server: Server) -> None:
    ended = watch("--url", server.ws(), "--seconds", "10", "BTC-USDT")
    assert ended.returncode == 0, ended.stderr
    assert has_bitcoin(ended.stdout)


def test_who_reads_enough_lines_ends_it(server: Server) -> None:
    command = [sys.executable, "-m", "floorwire", "watch", "--url", server.ws()]
    process = subprocess.Popen(command, env=CLEAN, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("symbol")
    process.stdout.close()
    assert process.wait(PATIENCE_S) == 0
    assert process.stderr.read() == ""
    process.stderr.close()


def test_an_unknown_symbol_is_told_and_the_others_are_shown(server: Server) -> None:
    # Either may come first. The refusal has come when the price has changed some times.
    ended = watch_until(
        lambda said: said.count("\nBTC-USDT\t") > 4, "--url", server.ws(), "NO-SUCH", "BTC-USDT"
    )
    assert ended.returncode == 0
    assert sentence(ended).startswith("floorwire: NO-SUCH: unknown_symbol: ")
    assert "\nBTC-USDT\t" in ended.stdout


def test_where_no_symbol_is_known_it_ends(server: Server) -> None:
    ended = watch("--url", server.ws(), "NO-SUCH", "NOR-THIS")
    assert ended.returncode == 1
    assert "none of the symbols" in sentence(ended)
    assert [ended.stderr.count(symbol) for symbol in ("NO-SUCH:", "NOR-THIS:")] == [1, 1], "once each"
    assert ended.stdout == "", "no header where nothing follows"


def test_where_nothing_listens_it_says_so_and_nothing_else() -> None:
    ended = watch("--url", "ws://127.0.0.1:1/ws")
    said = "floorwire: ws://127.0.0.1:1/ws cannot be reached: nothing listens there. Is the server running"
    assert ended.stderr.startswith(said)
    assert ended.stdout == ""


def test_a_terminal_gets_a_table_with_the_unknown_symbol_below(server: Server) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "floorwire", "watch", "--url", server.ws(), "NO-SUCH", "BTC-USDT"]
    environment = {**CLEAN, "COLUMNS": "120", "LINES": "40", "TERM": "xterm"}
    process = subprocess.Popen(command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    wanted = (b"BTC-USDT", b"NO-SUCH: unknown_symbol", b"BTC-USDT: book and tape")
    while not all(text in shown for text in wanted):
        assert select.select([ours], [], [], PATIENCE_S)[0], shown
        shown += os.read(ours, 65_536)
    process.send_signal(signal.SIGINT)
    while select.select([ours], [], [], PATIENCE_S)[0]:
        try:
            os.read(ours, 65_536)
        except OSError:  # Linux: the other end is closed
            break
    assert process.wait(PATIENCE_S) == 0
    os.close(ours)


ADDRESSES = [
    ("nonsense", 2, "is no ws://"),
    ("ftp://127.0.0.1/ws", 2, "is no ws://"),
    ("ws://127.0.0.1:99999/ws", 2, "is no ws://"),
    ("ws://no-such-host.invalid/ws", 3, "there is no such host"),
    ("ws://127.0.0.1:1/ws", 3, "Is the server running"),
]


@pytest.mark.parametrize(("url", "code", "said"), ADDRESSES)
def test_a_bad_address_ends_at_once(url: str, code: int, said: str) -> None:
    ended = watch("--url", url)
    assert (ended.returncode, said in sentence(ended)) == (code, True), ended.stderr


def test_a_path_where_nothing_is_ends_at_once(server: Server) -> None:
    ended = watch("--url", server.ws("/nothing"))
    assert ended.returncode == 3
    assert "HTTP 404" in sentence(ended)


@pytest.mark.parametrize("form", ["port", "url"])
@pytest.mark.slow
def test_the_server_is_found_by_the_environment(server: Server, form: str) -> None:
    if form == "port":
        ended = watch_until(has_bitcoin, FLOORWIRE_PORT=str(server.port))
    else:
        ended = watch_until(has_bitcoin, FLOORWIRE_URL=server.http(""))
    assert ended.returncode == 0, ended.stderr
    assert "BTC-USDT\t" in ended.stdout


@pytest.mark.parametrize("port", ["0", "x", "70000"])
def test_a_port_that_is_none_is_said(port: str) -> None:
    ended = watch(FLOORWIRE_PORT=port)
    assert (ended.returncode, "FLOORWIRE_PORT" in sentence(ended)) == (2, True)


def test_other_commands_find_the_port_too(locked: tuple[Server, Path]) -> None:
    server, folder = locked
    file = written(folder.with_name("halts.key"), key(folder, "ops", (Scope.ADMIN,), money={}))
    variables = {**CLEAN, "FLOORWIRE_PORT": str(server.port)}
    listed = run("-m", "floorwire", "halts", "--key-file", str(file), environment=variables)
    assert listed.returncode in (0, 4), listed.stderr  # 4: the server has not seen the new key yet
    assert "cannot be reached" not in listed.stderr


def test_where_a_key_is_needed_it_says_so(locked: tuple[Server, Path]) -> None:
    server, _ = locked
    ended = watch("--url", server.ws())
    assert ended.returncode == 4
    assert "unauthenticated" in sentence(ended)
    assert "--key-file" in ended.stderr
    named = watch("--url", server.ws(), "BTC-USDT")
    assert (named.returncode, "--key-file" in sentence(named)) == (4, True)


def test_a_key_comes_from_a_file_or_the_environment(locked: tuple[Server, Path], tmp_path: Path) -> None:
    server, folder = locked
    issued = key(folder, "alice", (Scope.MARKET,), money={})
    file = written(folder.with_name("alice.key"), issued)
    home = tmp_path / ".floorwire"
    home.mkdir()
    written(home / "operator.key", issued)
    bearer = f"{issued.key}.{issued.secret}"
    url = ("--url", server.ws())
    for ended in (
        watch_until(has_bitcoin, *url, "--key-file", str(file)),
        watch_until(has_bitcoin, *url, FLOORWIRE_KEY_FILE=str(file)),
        watch_until(has_bitcoin, *url, FLOORWIRE_KEY=bearer),
        watch_until(has_bitcoin, *url, home=tmp_path),
    ):
        assert ended.returncode == 0, ended.stderr
        assert has_bitcoin(ended.stdout)


def test_a_key_that_is_not_good_is_told(locked: tuple[Server, Path]) -> None:
    server, folder = locked
    monitor = key(folder, "probe", (Scope.MONITOR,), money={})
    wrong = watch("--url", server.ws(), FLOORWIRE_KEY=f"fw0000000000000000.{'0' * 43}")
    assert (wrong.returncode, "the key is not good" in sentence(wrong)) == (4, True)
    other = watch("--url", server.ws(), FLOORWIRE_KEY=f"{monitor.key}.{monitor.secret}")
    assert (other.returncode, "the key is not for prices" in sentence(other)) == (4, True)
    missing = watch("--url", server.ws(), "--key-file", "/no/such/file")
    assert (missing.returncode, "/no/such/file" in sentence(missing)) == (2, True)


def test_a_key_is_not_shown_where_others_could_read_it() -> None:
    ended = watch("--url", "ws://192.0.2.1/ws", FLOORWIRE_KEY="fw0000000000000000.x")
    assert (ended.returncode, "use wss://" in sentence(ended)) == (2, True)


@pytest.mark.slow
def test_after_a_cut_it_comes_back() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "floorwire", "watch", "--json", "BTC-USDT"]
    environment = {**CLEAN, "FLOORWIRE_PORT": port}
    with floorwire("--port", port) as first:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stderr is not None
        epoch = json.loads(process.stdout.readline())["epoch"]
        first.signal(signal.SIGKILL)
    with floorwire("--port", port):
        while json.loads(process.stdout.readline())["epoch"] == epoch:
            pass
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE_S)[1]
    assert process.returncode == 0
    assert b"trying again" in said
