"""The page shows no wrong number and misleads nobody, at any width; it takes a key where one is needed."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.e2e.browser_page import BrowserPage, fresh_page
from tests.e2e.chromium import chromium
from tests.servers import Server, eventually, floorwire

WIDTHS = (360, 390, 768, 819, 820, 830, 840, 850, 1024, 1180, 1181, 1440)
SYMBOLS = ("BTC-USDT", *(pytest.param(symbol, marks=pytest.mark.slow) for symbol in ("DOGE-USDT", "XMR-BTC")))
REFUSED = re.compile(r"Failed to load resource")  # the browser's own word for a 401
CUT = """
() => [...document.querySelectorAll('main td, main th, main dd, main td > *, main th > *')]
  .filter((node) => node.offsetParent && node.scrollWidth > node.clientWidth)
  .filter((node) => /[0-9A-Z]/.test(node.textContent))
  .filter((node) => getComputedStyle(node).display !== 'inline')
  .map((node) => node.textContent)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with floorwire("--seed", "7") as server:
        yield server


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[BrowserPage]:
    with fresh_page(browser) as browser_page:
        yield browser_page


def made(folder: str | Path, *scopes: Scope) -> Issued:
    return DataDir(Path(folder), {}).keys.create(Grant("alice", scopes), {}, time.time_ns() // 1000)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_no_number_is_cut_at_any_width(browser_page: BrowserPage, server: Server, symbol: str) -> None:
    browser_page.open(server, f"#{symbol}")
    browser_page.expect_verified_book()
    for width in WIDTHS:
        browser_page.page.set_viewport_size({"width": width, "height": 900})
        assert browser_page.page.evaluate(CUT) == [], width
        assert browser_page.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.slow
def test_a_number_that_would_not_fit_is_marked_as_cut(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open(server)
    browser_page.expect_verified_book()
    cells = "[...document.querySelectorAll('main td')].map((cell) => getComputedStyle(cell).textOverflow)"
    assert set(browser_page.page.evaluate(cells)) == {"ellipsis"}


def test_the_totals_of_a_book_have_as_many_decimals_in_each_row(
    browser_page: BrowserPage, server: Server
) -> None:
    browser_page.page.set_viewport_size({"width": 1440, "height": 900})
    browser_page.open(server)
    browser_page.expect_verified_book()
    expect(browser_page.at(".asks tbody tr").nth(24)).to_have_text(re.compile(r"\d"))
    rows = browser_page.page.evaluate(
        "[...document.querySelectorAll('.asks tbody tr')]"
        ".map(({ cells }) => [cells[1].textContent, cells[2].textContent])"
    )
    assert {len(total.partition(".")[2]) for _, total in rows} == {5}
    sums = [sum(int(size.replace(".", "").replace(",", "")) for size, _ in rows[: n + 1]) for n in range(25)]
    assert [int(total.replace(".", "").replace(",", "")) for _, total in rows] == sums


@pytest.mark.slow
def test_arrows_scroll_the_page_where_the_markets_are_not_in_use(
    browser_page: BrowserPage, server: Server
) -> None:
    browser_page.page.set_viewport_size({"width": 390, "height": 600})
    browser_page.open(server)
    browser_page.expect_verified_book()
    browser_page.page.keyboard.press("ArrowDown")
    browser_page.expect_true("scrollY > 0")
    expect(browser_page.at("#symbol")).to_have_text("BTC-USDT")


@pytest.mark.slow
def test_a_day_is_not_claimed_of_what_is_younger(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open(server)
    browser_page.expect_state("live")
    claims = [text for text in browser_page.at("main").inner_text().splitlines() if "24 h" in text]
    assert len(claims) == 4
    assert all("≤ 24 h" in claim for claim in claims)


@pytest.mark.slow
def test_halts_are_shown_when_they_come_and_to_who_comes_later(
    browser_page: BrowserPage, tmp_path: Path
) -> None:
    tags, names = browser_page.at("#markets .tag"), browser_page.at("#markets a")
    state = browser_page.at("#market-state")
    with floorwire("--set", "auth.market=open", "--data", str(tmp_path)) as server:
        operator = made(tmp_path, Scope.MARKET, Scope.ADMIN)
        headers = {"authorization": f"Bearer {operator.key}.{operator.secret}"}
        with httpx2.Client(
            base_url=server.http("/api/v1"), headers=headers, verify=False, timeout=None
        ) as ops:
            while ops.get("/halts").status_code == 401:  # within a second the server knows the key
                time.sleep(0.1)
            browser_page.open(server)
            browser_page.expect_state("live")
            expect(browser_page.at("#halt")).to_be_hidden()
            assert ops.post("/halts", json={"scope": "symbol", "name": "ETH-USDT"}).status_code == 200
            expect(tags).to_have_text([*["sim"] * 11, "halted"])
            expect(names.last).to_have_text("ETH-USDT")
            expect(state).to_have_text("")
            names.last.click()
            expect(browser_page.at("#symbol")).to_have_text("ETH-USDT")
            expect(state).to_have_text("halted")
            expect(browser_page.at("#halt")).to_be_hidden()
            assert ops.post("/halts", json={"scope": "all"}).status_code == 200
            expect(browser_page.at("#halt")).to_be_visible()
            expect(tags).to_have_text(["halted"] * 12)
            browser_page.page.reload()
            expect(browser_page.at("#halt")).to_be_visible()
            expect(tags).to_have_text(["halted"] * 12)
            assert ops.delete("/halts", params={"scope": "all"}).status_code == 200
            expect(browser_page.at("#halt")).to_be_hidden()
            expect(tags).to_have_text([*["sim"] * 11, "halted"])
            expect(state).to_have_text("halted")
            assert ops.delete("/halts", params={"scope": "symbol", "name": "ETH-USDT"}).status_code == 200
            expect(state).to_have_text("")
            expect(names.nth(1)).to_have_text("ETH-USDT")
            browser_page.page.goto("about:blank")


@pytest.mark.slow
def test_where_a_key_is_needed_the_page_says_so_and_takes_one(
    browser_page: BrowserPage, tmp_path: Path
) -> None:
    monitor, reader = made(tmp_path, Scope.MONITOR), made(tmp_path, Scope.MARKET)
    with floorwire("--set", "auth.market=key", "--data", str(tmp_path)) as server:
        browser_page.open(server)
        browser_page.expect_state("key")
        expect(browser_page.at("#state")).to_have_text("Key needed")
        expect(browser_page.at("#signin")).to_contain_text("floorwire keys create")
        for wrong, why in (
            (f"{reader.key}.{'0' * 43}", "wrong"),
            (f"{monitor.key}.{monitor.secret}", "for /metrics only"),
        ):
            browser_page.at("#key").fill(wrong)
            browser_page.at("#key").press("Enter")
            expect(browser_page.at("#detail")).to_contain_text(why)
            browser_page.expect_state("key")
        browser_page.at("#key").fill(f" {reader.key}.{reader.secret} ")
        with browser_page.page.expect_response("**/api/v1/candles?*") as older:
            browser_page.at("#signin button").click()
        assert older.value.status == 200
        browser_page.expect_state("live")
        expect(browser_page.at("#signin")).to_be_hidden()
        browser_page.expect_verified_book()
        kept = browser_page.page.evaluate(
            "[JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href,"
            " document.documentElement.outerHTML].join()"
        )
        assert reader.secret not in kept

        def signed_in() -> bool:  # the audit log is written in batches
            lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
            return ("sign_in", reader.key) in [(line["event"], line.get("key")) for line in lines]

        assert eventually(signed_in)
        browser_page.page.reload()
        browser_page.expect_state("key")
        browser_page.page.goto("about:blank")
    assert [text for text in browser_page.complaints if not REFUSED.search(text)] == []
    browser_page.complaints.clear()


def test_a_change_of_nothing_has_no_sign(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open_empty(server)
    shown = browser_page.page.evaluate(
        """async () => {
            const { percentOf } = await import('/static/text.js');
            const of = (change, open) => percentOf({ change, open });
            return [of('-1.0', '64250.0'), of('0', '5'), of('-1.0', '100.0'), of('1.0', '100.0')];
        }"""
    )
    assert shown == ["0.00 %", "0.00 %", "\u22121.00 %", "+1.00 %"]
