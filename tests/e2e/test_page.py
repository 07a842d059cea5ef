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
from tests.e2e.chromium import chromium
from tests.e2e.slow_link import Line, Message
from tests.e2e.visit import Visit
from tests.servers import Server, floorwire

PATIENCE_MS = 30_000
PHONE: ViewportSize = {"width": 390, "height": 844}
GOOD_LAYOUT_SHIFT = 0.1  # what the web calls good
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
def visit(browser: Browser) -> Iterator[Visit]:
    """Give a fresh page; in the end, hold it to having had nothing to complain about."""
    context = browser.new_context()
    visit = Visit(context.new_page())
    yield visit
    context.close()
    assert visit.complaints == []


def test_prices_a_book_and_trades_move(visit: Visit, server: Server) -> None:
    visit.open(server)
    visit.expect_state("live")
    expect(visit.at("#state")).to_have_text("Live")
    expect(visit.at("#markets tr")).to_have_count(12)
    expect(visit.at(".bids tbody tr").nth(24)).to_have_text(re.compile(r"\d"))
    for selector in ("#markets", "#last", ".bids tbody", ".asks tbody", "#trades", "#rate"):
        visit.expect_moves(selector)
    visit.expect_verified_book()
    expect(visit.at("#delay")).to_contain_text("ms")
    expect(visit.at("#round-trip")).to_contain_text("ms")
    expect(visit.page).to_have_title(re.compile(r"^[\d,.]+ BTC-USDT · Floorwire$"))
    expect(visit.at("#gaps")).to_have_text("0")


def test_the_first_run_signs_the_page_in_as_the_demo_account(visit: Visit) -> None:
    with tempfile.TemporaryDirectory() as folder, floorwire("--data", folder) as server:
        visit.open(server)
        visit.expect_state("live")
        lines = [json.loads(line) for line in (Path(folder) / "audit.jsonl").read_text().splitlines()]
        assert [(line["event"], line["account"]) for line in lines] == [
            ("ticket", "demo"),
            ("sign_in", "demo"),
        ]
        visit.page.goto("about:blank")


def test_where_there_are_keys_the_page_is_a_guest(visit: Visit) -> None:
    with tempfile.TemporaryDirectory() as folder:
        DataDir(Path(folder), {}).keys.create(Grant("alice", (Scope.MARKET,)), {}, 0)
        with floorwire("--data", folder) as server:
            visit.open(server)
            visit.expect_state("live")
            assert not (Path(folder) / "audit.jsonl").exists()
            visit.page.goto("about:blank")


def test_candles_are_drawn(visit: Visit, server: Server) -> None:
    visit.open(server)
    pixels = "chart.getContext('2d').getImageData(0, 0, chart.width, chart.height).data"
    visit.page.wait_for_function(f"() => {pixels}.some(Boolean)")


def test_the_market_is_chosen_by_address_key_and_click(visit: Visit, server: Server) -> None:
    visit.open(server, "#ETH-USDT")
    expect(visit.at("#symbol")).to_have_text("ETH-USDT")
    visit.at("#markets a").filter(has_text="ETH-USDT").focus()
    visit.page.keyboard.press("ArrowDown")
    expect(visit.at("#symbol")).to_have_text("SOL-USDT")
    expect(visit.at("#markets a:focus")).to_have_text("SOL-USDT")
    assert visit.page.url.endswith("#SOL-USDT")
    visit.expect_verified_book()
    visit.at("#markets tr").filter(has_text="BTC-USDT").click()
    expect(visit.at("#symbol")).to_have_text("BTC-USDT")
    expect(visit.at("[aria-current=true]")).to_have_text("BTC-USDT")
    visit.expect_verified_book()
    visit.expect_moves("#trades")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_phone_shows_it_without_scrolling_aside_and_nothing_jumps(
    visit: Visit, server: Server, scheme: str
) -> None:
    visit.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    visit.page.set_viewport_size(PHONE)
    visit.page.add_init_script(
        "window.shift = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) =>"
        " { window.shift += entry.value; })).observe({ type: 'layout-shift', buffered: true });"
    )
    visit.open(server)
    visit.expect_state("live")
    visit.expect_verified_book()
    visit.expect_moves("#trades")
    visit.expect_moves("#last")
    assert visit.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert visit.page.evaluate("window.shift") < GOOD_LAYOUT_SHIFT
    red = visit.page.evaluate("parseInt(getComputedStyle(document.body).backgroundColor.slice(4))")
    assert (red < 128) is (scheme == "dark")


def test_a_new_server_at_the_same_address_is_found_and_its_new_history_announced(visit: Visit) -> None:
    port = str(_free_port())
    with floorwire("--seed", "7", "--port", port) as first:
        visit.open(first)
        visit.expect_state("live")
        visit.expect_verified_book()
        first.signal(signal.SIGKILL)
        visit.expect_state("reconnecting")
    with floorwire("--seed", "8", "--port", port):
        visit.page.evaluate("dispatchEvent(new Event('online'))")  # instead of the rest of the wait
        visit.expect_state("live")
        visit.expect_note("began a new history")
        visit.expect_note("back after")
        visit.expect_moves("#trades")
        visit.expect_verified_book()
        expect(visit.at("#gaps")).to_have_text("1")
        visit.page.goto("about:blank")  # or it would complain of the server's end
    assert [text for text in visit.complaints if not COMES_BACK.search(text)] == []
    visit.complaints.clear()


def test_after_a_cut_every_trade_comes_once(visit: Visit, server: Server) -> None:
    line = Line(visit.page)
    visit.open(server)
    visit.expect_state("live")
    visit.expect_moves("#trades")
    line.cut(1012)
    visit.expect_state("reconnecting")
    visit.expect_state("live")
    visit.expect_note("missed messages brought after")
    visit.expect_moves("#trades")
    expect(visit.at("#gaps")).to_have_text("0")
    assert ["resume" in ask for ask in line.asked("trades")] == [False, True]
    seqs = [int(str(told["seq"])) for told in line.told("trades") if "status" not in told]
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


def test_a_connection_on_which_nothing_is_heard_is_shown_and_left(visit: Visit, server: Server) -> None:
    line = Line(visit.page)
    visit.open(server)
    visit.expect_state("live")
    line.silence()
    visit.expect_state("silent")
    visit.expect_state("reconnecting")
    line.mend()
    visit.expect_state("live")
    expect(visit.at("#gaps")).to_have_text("0")


def test_a_close_for_good_is_obeyed_until_the_reader_tries_again(visit: Visit, server: Server) -> None:
    line = Line(visit.page)
    visit.open(server)
    visit.expect_state("live")
    line.cut(4503, "kicked by an operator")
    visit.expect_state("lost")
    expect(visit.at("#detail")).to_have_text("kicked by an operator")
    visit.at("#retry").click()
    visit.expect_state("live")


def test_a_wrong_checksum_is_shown_and_the_book_asked_for_again(visit: Visit, server: Server) -> None:
    line = Line(visit.page)
    visit.open(server)
    visit.expect_verified_book()
    line.falsify_next_checksum()
    visit.expect_note("the checksum is wrong")
    expect(visit.at("#book .proof")).to_have_text(re.compile(r"checksums right, 1 wrong$"))
    expect(visit.at("#book")).to_have_attribute("data-book", "verified")


def test_what_is_missing_unannounced_is_noticed_and_asked_for(visit: Visit, server: Server) -> None:
    line = Line(visit.page)
    visit.open(server)
    visit.expect_moves("#trades")
    line.drop_next("trades")
    visit.expect_note("missing that were not announced")
    expect(visit.at("#gaps")).to_have_text("0 + 1 not announced")
    assert ["resume" in ask for ask in line.asked("trades")] == [False, True]
    line.expect_none_missing("trades")


def test_a_stale_feed_is_told_from_a_lost_connection(visit: Visit, server: Server) -> None:
    line = Line(visit.page)
    visit.open(server)
    visit.expect_state("live")
    reply = line.told("system")[0]
    seq = int(str(reply["seq"]))
    news: Message = {"channel": "system", "epoch": reply["epoch"], "venue": "sim", "reason": "silent"}
    line.tell({**news, "seq": seq + 1, "sent": 0, "event": "stale"})
    visit.expect_state("stale")
    line.tell({**news, "seq": seq + 2, "sent": 0, "event": "fresh"})
    visit.expect_state("live")


def test_the_page_checks_sums_as_zlib_does(visit: Visit, server: Server) -> None:
    visit.open(server)
    texts = ["", "64249.5:0.03400|64250.0:0.00001", "0.002612:10|0.002614:3.50", "x" * 10_000]
    sums = visit.page.evaluate(
        "async (texts) => { const { crc32 } = await import('/static/book.js'); return texts.map(crc32); }",
        texts,
    )
    assert sums == [zlib.crc32(text.encode()) for text in texts]


def test_a_minute_is_made_of_its_seconds(visit: Visit, server: Server) -> None:
    visit.open(server)
    second = 1_000_000
    figures = [(58, 10, 12, 9, 11, 1), (60, 11, 15, 11, 14, 2), (61, 14, 14, 8, 9, 3), (61, 14, 16, 8, 10, 4)]
    names = ("open", "high", "low", "close", "volume")
    bars = [
        {"start": start * second, **dict(zip(names, map(str, rest), strict=True))} for start, *rest in figures
    ]
    grouped = visit.page.evaluate(
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
