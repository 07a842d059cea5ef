"""The example bots: each works on a recording and at a server, and says a sentence where it cannot begin."""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.bot import bot_file
from floorwire.cli import application
from floorwire.storage.key_store import Issued
from tests.bot.paper_run import on_paper
from tests.frozen_loop import run as run_frozen
from tests.servers import Server
from tests.trading.trader import key, serving

EXAMPLES = Path(__file__).parents[2] / "examples" / "bots"
RECORDED = Path(__file__).parents[1] / "recorded"
BINANCE = f"replay:{RECORDED}/sessions/BINANCE.ws.1.0"
OKX = f"replay:{RECORDED}/okx,id=okx"
OPTIONS: dict[str, list[str]] = {
    "market_maker": [
        "--param=size=0.1",
        "--param=spread=0.000001",
        "--param=skew=0",
        "--param=most=5",
        "--deposit=USDT=100000",
        "--deposit=ABC=100",
    ],
    "averages": ["--param=fast=2", "--param=slow=4", "--param=size=0.1"],
    "spread": [
        "--symbol=okx:ABC-USDT", "--param=edge=-0.001", "--param=most=5", "--param=size=0.1",
        *(f"--deposit={venue}:{asset}=100000" for venue in ("binance", "okx") for asset in ("USDT", "ABC")),
    ],
    "alerts": ["--param=move=0.00001", "--param=large=100"],
}  # fmt: skip
NAMES = sorted(OPTIONS)


def run(name: str, *options: str, credential: str = "key.secret") -> Result:
    file = str(EXAMPLES / f"{name}.py")
    return CliRunner().invoke(
        application(["bot"]), ["bot", "run", file, *options], env={"FLOORWIRE_KEY": credential}
    )


def test_each_has_a_test() -> None:
    assert sorted(file.stem for file in EXAMPLES.glob("*.py")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_works_on_a_recording(name: str) -> None:
    venues = ["--venue", BINANCE] + (["--venue", OKX] if name == "spread" else [])
    found = run(name, *venues, "--symbol", "ABC-USDT", *OPTIONS[name], "--json")
    assert found.exit_code == 0, found.output
    [report] = json.loads(found.stdout)
    lines = [text for _, text in report["lines"]]
    if name == "alerts":
        assert any("large" in line for line in lines)
        assert any("within 60 s" in line for line in lines)
        assert any("prices are live" in line for line in lines)
        assert report["orders"] == {}
        return
    assert report["fills"] >= 2
    assert {fill["side"] for fill in report["last_fills"]} == {"buy", "sell"}
    if name == "spread":
        assert {fill["symbol"] for fill in report["last_fills"]} == {"ABC-USDT", "okx:ABC-USDT"}
    if name == "market_maker":
        assert {fill["liquidity"] for fill in report["last_fills"]} == {"maker"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "alerts"])
def test_the_backtest_of_its_docstring_trades(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(EXAMPLES.parents[1])
    text = ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text())) or ""
    [words] = [shlex.split(line) for line in text.replace("\\\n", "").splitlines() if "--venue" in line]
    found = CliRunner().invoke(application(["bot"]), [*words[1:], "--json"])
    assert found.exit_code == 0, found.output
    assert any(report["fills"] for report in json.loads(found.stdout))


def test_the_market_maker_quotes_whole_ticks_at_the_simulator(tmp_path: Path) -> None:
    """The tick of BTC-USDT is 0.5 there: no power of ten."""
    bot = bot_file.load(EXAMPLES / "market_maker.py", None)()
    money = {"USDT": "100000", "BTC": "1"}
    record = run_frozen(on_paper(bot, "sim", tmp_path / "data", deposits=money, seconds=6)).record
    assert record.refusals == {}
    assert record.orders["new"] >= 2
    assert record.orders["amended"] > 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("example_bots")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder, "bot")


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_at_a_server(server: Server, issued: Issued, name: str) -> None:
    symbols = ["--symbol=BTC-USDT", "--symbol=ETH-USDT"]
    found = run(
        name,
        "--url",
        server.ws(""),
        *symbols,
        "--for",
        "0.5s",
        "--json",
        credential=f"{issued.key}.{issued.secret}",
    )
    assert found.exit_code == 0, found.output
    [report] = json.loads(found.stdout[found.stdout.index("[{") :])
    assert (report["mode"], report["ending"]) == ("paper", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_symbol_key_or_address_is_a_sentence(server: Server, issued: Issued, name: str) -> None:
    credential = f"{issued.key}.{issued.secret}"
    symbols = ["--symbol=QQ-USDT"] * 2
    for options, right, sentence in (
        ([f"--url={server.ws('')}", *symbols], credential, "there is no symbol QQ-USDT"),
        ([f"--url={server.ws('')}"], f"fw0000000000000000.{'0' * 43}", "the key is not good"),
        (["--url=somewhere"], credential, "'somewhere' is no ws://"),
        (["--venue=replay:nowhere"], credential, "nowhere"),
    ):
        found = run(name, *options, credential=right)
        assert found.exit_code != 0
        said = found.output.replace("\n", " ")
        assert sentence in said, said
        assert "Traceback" not in said
