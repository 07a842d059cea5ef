"""The examples as processes: they work, and a wrong key, symbol, address or argument gets a sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.forked_python import run
from tests.servers import Server
from tests.trading.trader import key, serving

EXAMPLES = Path(__file__).parent.parent / "examples"
PATIENCE_S = 60
WRONG_KEY = f"fw0000000000000000.{'0' * 43}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder)


@pytest.fixture(scope="module")
def reader(folder: Path) -> Issued:
    """A key that may not trade."""
    return key(folder, "alice", (Scope.MARKET, Scope.ACCOUNT), money={})


@pytest.fixture(scope="module")
def other(folder: Path) -> Issued:
    """A key of an account without orders: a bot that finds open orders may have nothing to print for long."""
    return key(folder, "bob")


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued, reader: Issued, other: Issued) -> Iterator[Server]:
    with serving(folder) as server:
        yield server


def ended(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the example until it ends by itself, with a sentence."""
    done = run(str(EXAMPLES / name), *arguments)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
    return done


def first_lines(count: int, name: str, *arguments: str) -> list[str]:
    """Return so many lines of the example, which Ctrl-C then ends without a word."""
    process = subprocess.Popen(
        [sys.executable, "-u", str(EXAMPLES / name), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(count)]
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE_S)[1]
    assert (process.returncode, said) == (0, "")
    return lines


def test_they_work(server: Server, issued: Issued) -> None:
    assert "subscribed" in first_lines(3, "ticker.py", "BTC-USDT", server.ws("/ws/ticker"))[0]
    assert first_lines(3, "book.py", "BTC-USDT", server.ws())[0].endswith(" live\n")
    bearer = f"{issued.key}.{issued.secret}"
    assert " new bot-" in first_lines(2, "bot.py", bearer, "BTC-USDT", server.ws())[0]


def place_another(server: Server, bearer: str) -> None:
    """Place an order of the bot's account, of which its stream has an event."""
    order = {"client_order_id": "more", "symbol": "BTC-USDT", "side": "buy", "type": "limit"}
    placed = httpx2.post(
        server.http("/api/v1/orders"),
        headers={"authorization": f"Bearer {bearer}"},
        json={**order, "quantity": "1", "price": "10"},
        timeout=None,
    )
    assert placed.status_code == 201, placed.text


def test_who_reads_enough_lines_ends_them_without_a_word(server: Server, other: Issued) -> None:
    bearer = f"{other.key}.{other.secret}"
    for command in (
        ("ticker.py", "BTC-USDT", server.ws("/ws/ticker")),
        ("book.py", "BTC-USDT", server.ws()),
        ("bot.py", bearer, "BTC-USDT", server.ws()),
    ):
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / command[0]), *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline(), "each line is written at once"
        process.stdout.close()
        if command[0] == "bot.py":  # it may have nothing more to print
            place_another(server, bearer)
        assert (process.wait(PATIENCE_S), process.stderr.read()) == (0, "")
        process.stderr.close()


@pytest.mark.parametrize("name", ["ticker.py", "book.py", "bot.py", "small_bot.py"])
def test_an_argument_too_few_or_too_many_is_said(name: str) -> None:
    assert ended(name).returncode == 2
    assert ended(name, *"abcde").returncode == 2


def test_an_unknown_symbol_is_said(server: Server, issued: Issued) -> None:
    assert "unknown_symbol" in ended("ticker.py", "NO-SUCH", server.ws("/ws/ticker")).stderr
    assert "unknown_symbol" in ended("book.py", "NO-SUCH", server.ws()).stderr
    bearer = f"{issued.key}.{issued.secret}"
    assert "there is no symbol NO-SUCH" in ended("bot.py", bearer, "NO-SUCH", server.ws()).stderr


def test_a_wrong_address_is_said(server: Server, issued: Issued) -> None:
    assert "127.0.0.1:1" in ended("ticker.py", "BTC-USDT", "ws://127.0.0.1:1/ws/ticker").stderr
    for address in ("nonsense", server.ws("/nothing")):
        assert address in ended("ticker.py", "BTC-USDT", address).stderr
        assert address in ended("book.py", "BTC-USDT", address).stderr
        assert address in ended("bot.py", f"{issued.key}.{issued.secret}", "BTC-USDT", address).stderr


def test_a_wrong_key_is_said(server: Server, reader: Issued) -> None:
    assert "401" in ended("bot.py", WRONG_KEY, "BTC-USDT", server.ws()).stderr
    weak = ended("bot.py", f"{reader.key}.{reader.secret}", "BTC-USDT", server.ws())
    assert "forbidden" in weak.stderr
    assert "401" in ended("small_bot.py", WRONG_KEY, "BTC-USDT", "0.001", server.ws()).stderr


def test_a_setting_that_is_none_is_said() -> None:
    environment = {**os.environ, "FLOORWIRE_AUTH__MARKET": "keys"}
    done = run("-m", "uvicorn", "--app-dir", str(EXAMPLES), "mounted:app", environment=environment)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "auth.market takes" in done.stderr


def written(page: str, name: str, folder: Path) -> Path:
    """Write the file that a tutorial shows, and return where."""
    text = (EXAMPLES.parent / "docs" / "tutorials" / page).read_text()
    file = folder / name
    file.write_text(text.partition(f'```python title="{name}"\n')[2].partition("```")[0])
    return file


TUTORIALS = [("venue-in-one-file.md", "dice.py"), ("in-your-app.md", "shop.py")]


@pytest.mark.parametrize(("page", "name"), TUTORIALS)
def test_a_port_or_a_folder_in_use_is_said(server: Server, folder: Path, page: str, name: str) -> None:
    file = written(page, name, folder)
    port = server.http("").rpartition(":")[2].strip("/")
    used = str(folder)
    for data, sentence in ((str(folder / "another"), port), (used, used)):
        environment = {**os.environ, "FLOORWIRE_PORT": port, "FLOORWIRE_DATA": data}
        done = run(str(file), environment=environment)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr
        assert sentence in done.stderr


def test_so_is_a_folder_in_use_below_uvicorn(server: Server, folder: Path) -> None:
    environment = {**os.environ, "FLOORWIRE_DATA": str(folder)}
    done = run(
        "-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port=0", "mounted:app", environment=environment
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "data folder" in done.stderr
