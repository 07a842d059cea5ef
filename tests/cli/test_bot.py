"""``floorwire bot run``: backtests, sweeps, reports, and the sentences where it cannot begin."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application

RECORDED = Path(__file__).parent.parent / "recorded"
VENUE = f"replay:{RECORDED}/sessions/BINANCE.ws.1.0"
TEXT = """
from floorwire.bot import Bot, Trades


class Flipper(Bot):
    symbols = ("ABC-USDT",)
    every: int = 3
    size: str = "0.1"
    seen = 0

    def on_trade(self, trade: Trades) -> None:
        self.seen += 1
        if self.seen % self.every == 0:
            self.log(f"trade {self.seen}")
            if self.position(trade.symbol):
                self.sell(trade.symbol, self.size)
            else:
                self.buy(trade.symbol, self.size)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "flipper.py"
    written.write_text(TEXT)
    return written


def run(file: Path, *options: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(application(["bot"]), ["bot", "run", str(file), *options], env=environment)


def test_backtest_with_a_report(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    found = run(file, "--venue", VENUE, "--report", str(out), "--param", "every=2", "--verbose")
    assert found.exit_code == 0, found.output
    assert f"report: {out / 'report.html'}" in found.output.replace("\n", "")
    assert "trade 2\n" in found.output
    report = json.loads((out / "report.json").read_text())
    assert report["parameters"] == {"every": "2"}
    assert report["fills"] > 3
    again = run(file, "--venue", VENUE, "--param", "every=2", "--json")
    assert json.loads(again.stdout) == [report]
    late = run(file, "--venue", VENUE, "--latency-ms", "20")
    assert re.search(r"latency, as set +│ 20.000 ms", late.output)


def test_sweep_gives_what_each_run_gives_alone(file: Path, tmp_path: Path) -> None:
    options = ("--venue", VENUE, "--latency-ms", "20", "--deposit", "USDT=5000", "--json")
    swept = run(file, *options, "--sweep", "every=2,3", "--sweep", "size=0.1,0.2", "--jobs", "2")
    assert swept.exit_code == 0, swept.output
    reports = json.loads(swept.stdout)
    assert [report["parameters"] for report in reports] == [
        {"every": every, "size": size} for every in ("2", "3") for size in ("0.1", "0.2")
    ]
    for report in reports:
        values = [f"--param={name}={value}" for name, value in report["parameters"].items()]
        assert json.loads(run(file, *options, *values).stdout) == [report]
    shown = run(file, "--venue", VENUE, "--sweep", "every=2,3", "--report", str(tmp_path / "out"))
    assert shown.exit_code == 0, shown.output
    assert (tmp_path / "out" / "run-2" / "report.html").is_file()


@pytest.mark.parametrize("every", ["2", "3"])
def test_what_is_left_is_shown_where_something_is(file: Path, every: str) -> None:
    options = ("--venue", VENUE, "--param", f"every={every}")
    [report] = json.loads(run(file, *options, "--json").stdout)
    shown = re.findall(r"left, (\S+) +│ +(\S+)", run(file, *options).output)
    assert shown == [(symbol, left) for symbol, left in report["positions"].items() if left != "0"]
    assert len(shown) == report["fills"] % 2  # it buys and sells by turns


def test_a_bot_that_fails_ends_with_its_line(file: Path) -> None:
    file.write_text(TEXT.replace("self.seen += 1", "self.seen += 1 / 0"))
    found = run(file, "--venue", VENUE)
    assert found.exit_code == 1
    assert f"floorwire: {file}:12: ZeroDivisionError: division by zero" in found.output.replace("\n", "")


def test_limits(file: Path) -> None:
    found = run(file, "--venue", VENUE, "--max-order-notional", "100", "--json")
    [report] = json.loads(found.stdout)
    assert list(report["refusals"]) == ["max_notional"]
    assert report["fills"] == 0
    lost = run(file, "--venue", VENUE, "--max-loss", "0.2", "--json")
    assert lost.exit_code == 1
    assert json.loads(lost.stdout)[0]["ending"].startswith("stopped: it lost 0.2")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            ["--venue", VENUE, "--symbol", "QQ-USDT"],
            "there is no symbol QQ-USDT; there are ABC-USDT, XYZ-EUR",
        ),
        (["--venue", VENUE, "--param", "slow=1"], "Flipper has no parameter 'slow'; it has every, size"),
        (["--venue", VENUE, "--sweep", "slow=1,2"], "Flipper has no parameter 'slow'; it has every, size"),
        (["--venue", VENUE, "--deposit", "USDT"], "'USDT' is not name=value"),
        (["--venue", VENUE, "--deposit", "USDT=x"], "deposit USDT=x: amount"),
        (["--venue", VENUE, "--max-loss", "-1"], "--max-loss: '-1' is no amount"),
        (["--venue", VENUE, "--url", "ws://x"], "--url and --venue: a backtest needs no server"),
        (["--venue", VENUE, "--bot", "Other"], "has no bot 'Other'; it has Flipper"),
        (["--venue", "sim"], "venue: sim is no recording"),
        (["--venue", "replay:nothing-there"], "nothing-there"),
        (["--sweep", "every=1,2"], "--sweep: only for a backtest"),
        (["--url", "wss:nothing"], "'wss:nothing' is no ws://, wss://, http:// or https:// address"),
        (["--url", "ws://example.com"], "the key would be seen on the way"),
    ],
)
def test_what_cannot_begin_is_a_sentence(file: Path, options: list[str], sentence: str) -> None:
    found = run(file, *options, environment={"FLOORWIRE_KEY": "key.secret"})
    assert found.exit_code == 2
    assert sentence in found.output.replace("\n", "")
    assert "Traceback" not in found.output


def test_without_a_key(file: Path, tmp_path: Path) -> None:
    found = run(file, environment={"HOME": str(tmp_path)})
    assert found.exit_code == 2
    assert "no key" in found.output


def test_a_bot_without_symbols(file: Path) -> None:
    file.write_text(TEXT.replace('symbols = ("ABC-USDT",)', ""))
    found = run(file, "--venue", VENUE)
    assert "Flipper follows no symbol: set its symbols, or give --symbol" in found.output.replace("\n", "")
    assert run(file, "--venue", VENUE, "--symbol", "ABC-USDT").exit_code == 0


def test_a_depth_that_there_is_not(file: Path) -> None:
    file.write_text(TEXT.replace("seen = 0", "seen = 0\n    depth = 7"))
    assert "Flipper: depth: one of 1, 5, 10" in run(file, "--venue", VENUE).output.replace("\n", "")
