"""The report of a run: figures, pages and files."""

from __future__ import annotations

import csv
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from floorwire.bot import equity_plot, report_files, report_page, run_report
from floorwire.bot.price_marks import PriceMarks
from floorwire.bot.run_record import RunRecord
from floorwire.bot.run_report import RunReport
from tests.bot.rows import SYMBOL, fill, ticker


def report(
    price: str = "110", *, ending: str = "", fast: int = 5, set_latency_us: int | None = None
) -> RunReport:
    marks = PriceMarks()
    record = RunRecord(marks)
    record.add_symbol(SYMBOL)
    record.begin_us, record.end_us = 0, 3_000_000
    record.order("new", msgspec.UNSET)
    record.refused("stale_market")
    record.latencies_us.extend([100, 300, 200])
    record.fill(fill("buy", "1", "100", fee="0.50"))
    record.sample(1_000_000)
    marks.last["ABC-USDT"] = ticker(price, price)
    record.sample(2_000_000)
    record.sample(3_000_000)
    record.lines.append((5, "<b>hello</b>"))
    return run_report.make(
        record,
        bot="Cross",
        mode="backtest",
        source="replay:x",
        parameters={"fast": fast, "size": Decimal("0.10")},
        seed=1,
        ending=ending,
        set_latency_us=set_latency_us,
    )


def test_figures() -> None:
    made = report()
    (money,) = made.money
    assert (money.asset, money.profit, money.turnover) == ("USDT", "9.5", "100")
    assert (money.max_drawdown, money.max_exposure, money.exposed_share) == ("0.5", "110", 1.0)
    assert money.points == [(1_000_000, -0.5, 100.0), (2_000_000, 9.5, 110.0), (3_000_000, 9.5, 110.0)]
    assert made.fees == {"USDT": "0.5"}
    assert made.positions == {"ABC-USDT": "1"}
    assert made.parameters == {"fast": "5", "size": "0.10"}
    latency = made.latency
    assert latency is not None
    assert (latency.count, latency.median_us, latency.p99_us, latency.max_us) == (3, 200, 200, 300)


def test_a_backtest_tells_the_latency_that_was_set() -> None:
    made = report(set_latency_us=50_000)
    assert (made.latency, made.set_latency_us) == (None, 50_000)
    assert "as set: 50.000 ms to the market" in report_page.run_page(made)
    assert "measured: median 0.200 ms" in report_page.run_page(report())


def test_a_run_without_anything() -> None:
    record = RunRecord(PriceMarks())
    made = run_report.make(record, bot="B", mode="paper", source="", parameters={}, seed=0, ending="")
    assert made.latency is None
    assert made.money == []
    assert "no order was accepted" in report_page.run_page(made)


class Checker(HTMLParser):
    """Fails where a tag is not closed, and notes what would be loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loaded += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


def test_page_of_a_run_is_whole_and_loads_nothing() -> None:
    found = checked(report_page.run_page(report(ending="mine.py:3: oh")))
    assert found.loaded == []
    for text in ("mine.py:3: oh", "9.5", "fast=5, size=0.10", "<b>hello</b>", "stale_market 1", "0.200 ms"):
        assert text in found.text


def test_page_of_a_sweep_has_the_best_first() -> None:
    page = report_page.sweep_page(
        [report("90"), report("120", fast=6)], ["run-1/report.html", "run-2/report.html"]
    )
    found = checked(page)
    assert found.loaded == ["run-2/report.html", "run-1/report.html"]


def test_files(tmp_path: Path) -> None:
    page = report_files.write_run(tmp_path / "a" / "b", report())
    assert page.read_text().startswith("<!doctype html>")
    assert msgspec.json.decode((page.parent / "report.json").read_bytes(), type=RunReport) == report()
    with (page.parent / "fills.csv").open() as file:
        (row,) = csv.DictReader(file)
    assert (row["side"], row["price"], row["fee"]) == ("buy", "100", "0.50")
    over = report_files.write_sweep(tmp_path / "sweep", [report(), report()])
    assert over.is_file()
    assert (tmp_path / "sweep" / "run-2" / "report.html").is_file()


@pytest.mark.parametrize("points", [[], [(1, 1.0, 0.0)], [(1, 1.0, 0.0), (1, 2.0, 0.0)]])
def test_too_short_for_a_plot(points: list[tuple[int, float, float]]) -> None:
    assert "Too short" in equity_plot.svg(points, "USDT")


def test_plot_stays_in_its_frame() -> None:
    points = [(1_000_000 * number, float(number % 7 - 3), float(number % 3)) for number in range(50)]
    plot = equity_plot.svg(points, "A<B")
    checked(plot)
    assert 'aria-label="Profit in A&lt;B over time"' in plot
    line = plot.partition('class="profit" points="')[2].partition('"')[0]
    pairs = [tuple(map(float, pair.split(","))) for pair in line.split()]
    assert len(pairs) == 50
    assert all(0 <= x <= equity_plot.WIDTH and 0 <= y <= equity_plot.HEIGHT for x, y in pairs)
    assert equity_plot.svg([(0, 0.0, 0.0), (1, 0.0, 0.0)], "A").count("<polyline") == 1
