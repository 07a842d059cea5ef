"""The page at ``/`` in a real browser: what moves, what it says of its connection, and how it comes back."""

from __future__ import annotations

import json
import re
import signal
import socket
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from tests.e2e.browser_page import BrowserPage, fresh_page
from tests.e2e.chromium import chromium
from tests.e2e.slow_link import Line, Message
from tests.servers import Server, floorwire

PATIENCE_MS = 30_000
PHONE: ViewportSize = {"width": 390, "height": 844}
GOOD_LAYOUT_SHIFT = 0.1  # what the web calls good
UP_OR_DOWN_PIXELS = """() => [...document.querySelectorAll('#chart canvas')].some((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width || 1, canvas.height || 1);
  for (let i = 0; i < data.length; i += 4)
    if (data[i + 3] > 200 && Math.abs(data[i] - data[i + 1]) > 60) return true;
  return false;
})"""
"""Whether something on the chart has the colour of a bar."""
GAP = re.compile(r"gap \((\w+)\)")
COMES_BACK = re.compile(r"Failed to load resource|WebSocket connection to")  # the browser's own words


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    expect.set_options(timeout=PATIENCE_MS)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One simulated market for all tests here that do not end it."""
    with floorwire("--seed", "7") as server:
        yield server


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[BrowserPage]:
    with fresh_page(browser) as browser_page:
        yield browser_page


def test_prices_a_book_and_trades_move(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open(server)
    browser_page.expect_state("live")
    expect(browser_page.at("#state")).to_have_text("Live")
    expect(browser_page.at("#markets tr")).to_have_count(12)
    expect(browser_page.at(".bids tbody tr").nth(24)).to_have_text(re.compile(r"\d"))
    for selector in ("#markets", "#last", ".bids tbody", ".asks tbody", "#trades", "#rate"):
        browser_page.expect_moves(selector)
    browser_page.expect_verified_book()
    expect(browser_page.at("#delay")).to_contain_text("ms")
    expect(browser_page.at("#round-trip")).to_contain_text("ms")
    expect(browser_page.page).to_have_title(re.compile(r"^[\d,.]+ BTC-USDT · Floorwire$"))
    # A browser that cannot read for seconds is told so: gap (slow). "1 + 2 not announced" were losses.
    expect(browser_page.at("#gaps")).to_have_text(re.compile(r"^\d+$"))
    assert set(GAP.findall(browser_page.at("#notes").text_content() or "")) <= {"slow"}


def test_the_first_run_signs_the_page_in_as_the_demo_account(browser_page: BrowserPage) -> None:
    with tempfile.TemporaryDirectory() as folder, floorwire("--data", folder) as server:
        browser_page.open(server)
        browser_page.expect_state("live")
        lines = [json.loads(line) for line in (Path(folder) / "audit.jsonl").read_text().splitlines()]
        assert [(line["event"], line["account"]) for line in lines] == [
            ("ticket", "demo"),
            ("sign_in", "demo"),
        ]
        browser_page.page.goto("about:blank")


@pytest.mark.slow
def test_where_there_are_keys_the_page_is_a_guest(browser_page: BrowserPage) -> None:
    with tempfile.TemporaryDirectory() as folder:
        DataDir(Path(folder), {}).keys.create(Grant("alice", (Scope.MARKET,)), {}, 0)
        with floorwire("--data", folder) as server:
            browser_page.open(server)
            browser_page.expect_state("live")
            assert not (Path(folder) / "audit.jsonl").read_text()
            browser_page.page.goto("about:blank")


@pytest.mark.slow
def test_candles_are_drawn(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open(server)
    expect(browser_page.at("#chart canvas").first).to_be_visible()
    expect(browser_page.at(".attribution a")).to_have_attribute("href", "https://www.tradingview.com/")
    for interval in ("1s", "1M", "1m"):
        browser_page.at("#interval").select_option(interval)
        browser_page.expect_true(UP_OR_DOWN_PIXELS)


def test_bars_of_the_past_and_live_ones_are_one_series(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open_empty(server)
    starts = browser_page.page.evaluate("""async () => {
      const { Bars } = await import('/static/bars.js');
      const row = (start, close) => ({ start, open: '1', high: '9', low: '1', close, volume: '2' });
      const bars = new Bars();
      bars.past([row(60, '2'), row(120, '3')]);
      const taken = [row(180, '4'), row(180, '5'), row(120, '7'), row(240, '6')].map((bar) => bars.take(bar));
      bars.past([row(120, '3'), row(180, '8')]); // after a cut: what was missed
      const shown = bars.bars.map(({ start, close }) => [start, close]);
      return JSON.stringify([taken.map((bar) => bar?.close ?? null), shown]);
    }""")
    assert starts == "[[4,5,null,6],[[60,2],[120,3],[180,8],[240,6]]]"


@pytest.mark.slow
def test_the_market_is_chosen_by_address_key_and_click(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open(server, "#ETH-USDT")
    expect(browser_page.at("#symbol")).to_have_text("ETH-USDT")
    browser_page.at("#markets a").filter(has_text="ETH-USDT").focus()
    browser_page.page.keyboard.press("ArrowDown")
    expect(browser_page.at("#symbol")).to_have_text("SOL-USDT")
    expect(browser_page.at("#markets a:focus")).to_have_text("SOL-USDT")
    assert browser_page.page.url.endswith("#SOL-USDT")
    browser_page.expect_verified_book()
    browser_page.at("#markets tr").filter(has_text="BTC-USDT").click()
    expect(browser_page.at("#symbol")).to_have_text("BTC-USDT")
    expect(browser_page.at("[aria-current=true]")).to_have_text("BTC-USDT")
    browser_page.expect_verified_book()
    browser_page.expect_moves("#trades")


@pytest.mark.parametrize("scheme", ["dark", pytest.param("light", marks=pytest.mark.slow)])
def test_a_phone_shows_it_without_scrolling_aside_and_nothing_jumps(
    browser_page: BrowserPage, server: Server, scheme: str
) -> None:
    browser_page.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    browser_page.page.set_viewport_size(PHONE)
    browser_page.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) =>"
        " { window.shift += entry.value; })).observe({ type: 'layout-shift', buffered: true });"
    )
    browser_page.open(server)
    browser_page.expect_state("live")
    browser_page.expect_verified_book()
    browser_page.expect_moves("#trades")
    browser_page.expect_moves("#last")
    assert browser_page.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert browser_page.page.evaluate("window.shift") < GOOD_LAYOUT_SHIFT
    red = browser_page.page.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.slice(4))")
    assert (red < 128) is (scheme == "dark")


@pytest.mark.slow
def test_a_new_server_at_the_same_address_is_found_and_its_new_history_announced(
    browser_page: BrowserPage,
) -> None:
    port = str(_free_port())
    with floorwire("--seed", "7", "--port", port) as first:
        browser_page.open(first)
        browser_page.expect_state("live")
        browser_page.expect_verified_book()
        first.signal(signal.SIGKILL)
        browser_page.expect_state("reconnecting")
    with floorwire("--seed", "8", "--port", port):
        browser_page.page.evaluate("dispatchEvent(new Event('online'))")  # instead of the rest of the wait
        browser_page.expect_state("live")
        browser_page.expect_note("began a new history")
        browser_page.expect_note("back after")
        browser_page.expect_moves("#trades")
        browser_page.expect_verified_book()
        expect(browser_page.at("#gaps")).to_have_text("1")
        browser_page.page.goto("about:blank")  # or it would complain of the server's end
    assert [text for text in browser_page.complaints if not COMES_BACK.search(text)] == []
    browser_page.complaints.clear()


def test_after_a_cut_every_trade_comes_once(browser_page: BrowserPage, server: Server) -> None:
    line = Line(browser_page.page)
    browser_page.open(server)
    browser_page.expect_state("live")
    browser_page.expect_moves("#trades")
    line.cut(1012)
    browser_page.expect_state("reconnecting")
    browser_page.expect_state("live")
    browser_page.expect_note("missed messages brought after")
    browser_page.expect_moves("#trades")
    expect(browser_page.at("#gaps")).to_have_text("0")
    assert ["resume" in ask for ask in line.asked("trades")] == [False, True]
    seqs = [int(str(told["seq"])) for told in line.told("trades") if "status" not in told]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


@pytest.mark.slow
def test_a_connection_on_which_nothing_is_heard_is_shown_and_left(
    browser_page: BrowserPage, server: Server
) -> None:
    line = Line(browser_page.page)
    browser_page.open(server)
    browser_page.expect_state("live")
    line.silence()
    browser_page.expect_state("silent")
    browser_page.expect_state("reconnecting")
    line.mend()
    browser_page.expect_state("live")
    expect(browser_page.at("#gaps")).to_have_text("0")


@pytest.mark.slow
def test_a_close_for_good_is_obeyed_until_the_reader_tries_again(
    browser_page: BrowserPage, server: Server
) -> None:
    line = Line(browser_page.page)
    browser_page.open(server)
    browser_page.expect_state("live")
    line.cut(4503, "kicked by an operator")
    browser_page.expect_state("lost")
    expect(browser_page.at("#detail")).to_have_text("kicked by an operator")
    browser_page.at("#retry").click()
    browser_page.expect_state("live")


def test_a_wrong_checksum_is_shown_and_the_book_asked_for_again(
    browser_page: BrowserPage, server: Server
) -> None:
    line = Line(browser_page.page)
    browser_page.open(server)
    browser_page.expect_verified_book()
    line.falsify_next_checksum()
    browser_page.expect_note("the checksum is wrong")
    expect(browser_page.at("#book .proof")).to_have_text(re.compile(r"checksums right, 1 wrong$"))
    expect(browser_page.at("#book")).to_have_attribute("data-book", "verified")


@pytest.mark.slow
def test_what_is_missing_unannounced_is_noticed_and_asked_for(
    browser_page: BrowserPage, server: Server
) -> None:
    line = Line(browser_page.page)
    browser_page.open(server)
    browser_page.expect_moves("#trades")
    line.drop_next("trades")
    browser_page.expect_note("missing that were not announced")
    expect(browser_page.at("#gaps")).to_have_text("0 + 1 not announced")
    assert ["resume" in ask for ask in line.asked("trades")] == [False, True]
    line.expect_none_missing("trades")


def test_a_stale_feed_is_told_from_a_lost_connection(browser_page: BrowserPage, server: Server) -> None:
    line = Line(browser_page.page)
    browser_page.open(server)
    browser_page.expect_state("live")
    reply = line.told("system")[0]
    seq = int(str(reply["seq"]))
    news: Message = {"channel": "system", "epoch": reply["epoch"], "venue": "sim", "reason": "silent"}
    line.tell({**news, "seq": seq + 1, "sent": 0, "event": "stale"})
    browser_page.expect_state("stale")
    line.tell({**news, "seq": seq + 2, "sent": 0, "event": "fresh"})
    browser_page.expect_state("live")


def test_the_page_checks_sums_as_zlib_does(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open_empty(server)
    texts = ["", "64249.5:0.03400|64250.0:0.00001", "0.002612:10|0.002614:3.50", "x" * 10_000]
    sums = browser_page.page.evaluate(
        "async (texts) => { const { crc32 } = await import('/static/book.js'); return texts.map(crc32); }",
        texts,
    )
    assert sums == [zlib.crc32(text.encode()) for text in texts]


def test_a_minute_is_made_of_its_seconds(browser_page: BrowserPage, server: Server) -> None:
    browser_page.open_empty(server)
    second = 1_000_000
    figures = [(58, 10, 12, 9, 11, 1), (60, 11, 15, 11, 14, 2), (61, 14, 14, 8, 9, 3), (61, 14, 16, 8, 10, 4)]
    names = ("open", "high", "low", "close", "volume")
    bars = [
        {"start": start * second, **dict(zip(names, map(str, rest), strict=True))} for start, *rest in figures
    ]
    grouped = browser_page.page.evaluate(
        "async (bars) => { const { Candles } = await import('/static/candles.js');"
        " const candles = new Candles(); for (const bar of bars) candles.take(bar);"
        " return candles.grouped(60, 10); }",
        bars,
    )
    assert grouped == [
        {"start": 0, "open": 10, "high": 12, "low": 9, "close": 11, "volume": 1},
        {"start": 60 * second, "open": 11, "high": 16, "low": 8, "close": 10, "volume": 6},
    ]


def test_the_page_is_served_strictly(server: Server) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/static/app.js", "text/javascript"),
        ("/static/style.css", "text/css"),
    ):
        with urlopen(server.http(path)) as answer:
            assert answer.headers["content-security-policy"].startswith("default-src 'self';")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fpage.py", "..%2f..%2f__init__.py", "page.py"])
def test_nothing_else_is_served(server: Server, name: str) -> None:
    with pytest.raises(HTTPError, match="404"):
        urlopen(server.http(f"/static/{name}"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
