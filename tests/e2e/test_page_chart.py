"""The page's chart in a real browser: older bars come when its left edge is near, and nothing jumps."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from urllib.parse import urlencode
from urllib.request import urlopen

import msgspec
import pytest
from playwright.sync_api import Browser, Route, ViewportSize, expect

from floorwire.core.candle_intervals import INTERVALS
from tests.e2e.browser_page import BrowserPage
from tests.e2e.chromium import chromium
from tests.e2e.shown_chart import ShownChart, query_of
from tests.e2e.slow_link import Line
from tests.servers import Server, eventually, floorwire

HISTORY = 500
"""How many closed bars come with the subscription."""
EDGE_BARS = 100
"""With fewer bars left of what is in sight, older ones are asked for."""
SYMBOL = "BTC-USDT"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests here."""
    expect.set_options(timeout=30_000)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One simulated market, with a day of minutes before it."""
    with floorwire("--seed", "7", "--set=history.simulated_past=true") as server:
        yield server


@pytest.fixture
def young() -> Iterator[Server]:
    """A simulated market with nothing before it."""
    with floorwire("--seed", "7") as server:
        yield server


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[BrowserPage]:
    """Give a fresh page; in the end, hold it to having had nothing to complain about."""
    context = browser.new_context(viewport=ViewportSize(width=1280, height=600))
    browser_page = BrowserPage(context.new_page())
    yield browser_page
    context.close()
    assert browser_page.complaints == []


@pytest.fixture
def chart(browser_page: BrowserPage, server: Server) -> ShownChart:
    """Open the page, and wait for the bars of a minute."""
    chart = ShownChart(browser_page.page)
    browser_page.open(server, f"#{SYMBOL}")
    expect(browser_page.at("#symbol")).to_have_text(SYMBOL)
    chart.expect_bars(lambda starts: len(starts) >= HISTORY)
    return chart


@pytest.mark.slow
def test_pan_to_the_left_brings_older_bars_and_moves_nothing(chart: ShownChart, server: Server) -> None:
    chart.hold()
    chart.scroll_to(120)
    assert chart.asked == []
    for _ in range(5):  # a browser without CPU time may miss a part of a drag
        chart.pan(0.7)
        if chart.page.evaluate("drawn.timeScale().getVisibleLogicalRange().from") < EDGE_BARS:
            break
    chart.expect_asked(1)
    first, places_seen = chart.starts()[0], chart.times_in_sight()
    before = chart.places(places_seen)
    assert query_of(chart.asked[0])["to"] == str(first * 1_000_000)
    chart.pan(0.1)  # nothing more is asked for meanwhile
    before, places_seen = chart.places(chart.times_in_sight()), chart.times_in_sight()
    chart.answer = lambda route: route.continue_()
    chart.held[0].continue_()
    starts = chart.expect_bars(lambda starts: starts[0] < first)
    assert chart.places(places_seen) == before
    assert chart.times_in_sight() == places_seen
    assert len(chart.held) == chart.most_at_once == 1
    assert starts == list(range(starts[0], starts[-1] + 1, 60)), "a hole or a double where they were joined"
    _to_the_first_bar(chart, _rows(server, "1m")[0])
    starts = chart.starts()
    asked = len(chart.asked)
    chart.pan(0.7)
    chart.pan(-0.7)
    assert (chart.starts()[0], len(chart.asked)) == (starts[0], asked)


@pytest.mark.slow
def test_zoom_out_brings_older_bars_and_zoom_in_keeps_them(chart: ShownChart) -> None:
    first, spacing = chart.starts()[0], chart.places(chart.times_in_sight()).spacing
    while not chart.asked:
        chart.zoom(1)
    starts = chart.expect_bars(lambda starts: starts[0] < first)
    assert starts == list(range(starts[0], starts[-1] + 1, 60))
    assert chart.places(chart.times_in_sight()).spacing < spacing
    asked = len(chart.asked)
    for _ in range(40):
        chart.zoom(-1)
        if chart.places(chart.times_in_sight()).spacing > spacing:
            break
    assert chart.places(chart.times_in_sight()).spacing > spacing
    assert chart.starts()[0] == starts[0]
    assert (len(chart.asked), chart.most_at_once) == (asked, 1)


@pytest.mark.slow
def test_a_bar_that_closes_moves_nothing_while_the_past_is_in_sight(chart: ShownChart) -> None:
    def answer(route: Route) -> None:  # of a second there is no past that was made: it is made here
        end = int(query_of(route.request.url)["to"]) // 1_000_000
        rows = [_row(start) for start in range(end - 300, end)]
        route.fulfill(json={"candles": rows, "next": rows[0]["start"]})

    chart.answer = answer
    chart.page.locator("#interval").select_option("1s")
    first = chart.expect_bars(lambda starts: len(starts) > 300 and starts[1] - starts[0] == 1)[0]
    chart.hold()
    _scroll_to_the_edge(chart)
    seen = chart.times_in_sight()
    before, last = chart.places(seen), chart.starts()[-1]
    assert seen[1] < last - 2
    chart.expect_bars(lambda starts: starts[-1] >= last + 2)
    assert chart.places(seen) == before
    answer(chart.held[0])  # a page that was asked for before they closed
    starts = chart.expect_bars(lambda starts: starts[0] < first)
    assert chart.places(seen) == before
    assert starts == list(range(first - 300, starts[-1] + 1))
    now_seen = chart.times_in_sight()  # a bar at an edge is in sight by a fraction of a pixel, or not
    assert all(abs(time - before_it) <= 1 for time, before_it in zip(now_seen, seen, strict=True))
    chart.expect_bars(lambda starts: starts[-1] > last + 3)
    assert chart.places(seen) == before


@pytest.mark.slow
def test_every_interval_has_all_its_bars(chart: ShownChart, server: Server) -> None:
    for interval in [name for name in INTERVALS if name != "1s"]:
        chart.page.locator("#interval").select_option(interval)
        rows = _rows(server, interval)
        newest = rows[-HISTORY:]
        chart.expect_bars(partial(_end_with, newest))
        _to_the_first_bar(chart, rows[0])
        assert chart.starts()[: len(rows)] == rows, interval
    assert chart.most_at_once == 1


def test_another_interval_or_market_drops_what_is_under_way(chart: ShownChart) -> None:
    chart.hold()
    _scroll_to_the_edge(chart)
    chart.page.locator("#interval").select_option("1h")
    hours = chart.expect_bars(lambda starts: len(starts) > 2 and starts[1] - starts[0] == 3600)
    assert eventually(lambda: bool(chart.page.evaluate("true")) and chart.dropped == chart.asked[:1])
    _scroll_to_the_edge(chart)
    price = chart.first_open()
    chart.page.locator("#markets a").filter(has_text="ETH-USDT").click()
    expect(chart.page.locator("#symbol")).to_have_text("ETH-USDT")
    assert eventually(lambda: chart.first_open() not in {0, price})
    assert eventually(lambda: bool(chart.page.evaluate("true")) and chart.dropped == chart.asked[:2])
    chart.answer = lambda route: route.continue_()
    _scroll_to_the_edge(chart)
    assert [query_of(url)["symbol"] for url in chart.asked] == [SYMBOL, SYMBOL, "ETH-USDT"]
    assert [query_of(url)["interval"] for url in chart.asked] == ["1m", "1h", "1h"]
    assert chart.most_at_once == 1
    assert hours == sorted(set(hours))


def test_bars_that_were_refused_for_now_are_asked_for_again(
    browser_page: BrowserPage, server: Server
) -> None:
    """Before, the chart stayed empty: too many requests, for example, end a while later."""
    line = Line(browser_page.page)
    chart = ShownChart(browser_page.page)
    browser_page.open(server, f"#{SYMBOL}")
    chart.expect_bars(lambda starts: len(starts) >= HISTORY)
    limited = {
        "status": "error",
        "code": "rate_limited",
        "message": "no",
        "retry": True,
        "retry_after_ms": 50,
    }
    line.refuse_next("candles", limited)
    chart.page.locator("#interval").select_option("5m")
    chart.expect_bars(lambda starts: len(starts) > 2 and starts[1] - starts[0] == 300)
    unreachable = {"status": "error", "code": "venue_unavailable", "message": "no", "retry": True}
    line.refuse_next("candles", unreachable)
    chart.page.locator("#interval").select_option("1h")
    chart.expect_bars(lambda starts: len(starts) > 2 and starts[1] - starts[0] == 3600)
    asked = [ask["interval"] for ask in line.asked("candles") if ask["action"] == "subscribe"]
    assert (asked.count("5m"), asked.count("1h")) == (2, 2)


@pytest.mark.slow
def test_a_page_that_failed_is_asked_for_again_and_one_that_was_refused_is_not(
    chart: ShownChart, browser_page: BrowserPage
) -> None:
    answers = [503, 429, 0, 403]

    def answer(route: Route) -> None:
        status = answers.pop(0)
        if status == 0:
            route.fulfill(json={"candles": [_row(chart.starts()[0] - 60)], "next": 1})
        else:
            route.fulfill(status=status, json={"message": "no"}, headers={"retry-after": "1"})

    first = chart.starts()[0]
    chart.answer = answer
    _scroll_to_the_edge(chart)
    chart.expect_asked(4)
    browser_page.expect_note("older candles: no")
    assert chart.starts()[0] == first - 60
    assert [query_of(url)["to"] for url in chart.asked[:3]] == [str(first * 1_000_000)] * 3
    chart.pan(0.7)
    chart.pan(-0.7)
    assert answers == []
    assert len(chart.asked) == 4
    assert len([text for text in browser_page.complaints if "Failed to load resource" in text]) == 3
    browser_page.complaints.clear()


def test_a_chart_keeps_so_many_bars_and_no_more(chart: ShownChart) -> None:
    told = chart.page.evaluate("""async () => {
      const { Bars, MOST_BARS } = await import('/static/bars.js');
      const row = (start) => ({ start, open: '1', high: '1', low: '1', close: '1', volume: '1' });
      const rows = (from, to) => Array.from({ length: to - from }, (_, i) => row(from + i));
      const bars = new Bars();
      const told = [bars.room];
      bars.past(rows(30_000, 30_010));
      told.push(bars.room);
      bars.older(rows(29_000, 30_000), true);
      told.push(bars.room, bars.bars[0].start);
      bars.older(rows(29_000 - bars.room, 29_000), true);
      told.push(bars.room, bars.bars.length === MOST_BARS, bars.trim());
      bars.take(row(30_010));
      told.push(bars.trim(), bars.bars.length, bars.room, bars.bars.at(-1).start);
      bars.hasOlder = false;
      told.push(bars.room);
      bars.past(rows(40_000, 40_002)); // after a long cut: a hole before it
      told.push(bars.bars.map(({ start }) => start), bars.hasOlder);
      bars.older(rows(39_999, 40_001), false); // no double
      told.push(bars.bars.map(({ start }) => start), bars.room);
      return told;
    }""")
    assert told == [
        *(0, 19_990),
        *(18_990, 29_000),
        *(0, True, False),
        *(True, 18_001, 1_999, 30_010),
        0,
        *([40_000, 40_001], True),
        *([39_999, 40_000, 40_001], 0),
    ]


@pytest.mark.slow
def test_older_bars_are_asked_for_again_while_the_exchange_is_asked(chart: ShownChart) -> None:
    def answer(route: Route) -> None:
        is_first = len(chart.asked) == 1
        rows = [] if is_first else [_row(chart.starts()[0] - 60)]
        route.fulfill(json={"candles": rows, **({"filling": True} if is_first else {})})

    first = chart.starts()[0]
    chart.answer = answer
    _scroll_to_the_edge(chart)
    chart.expect_bars(lambda starts: starts[0] == first - 60)
    chart.pan(0.7)
    chart.pan(-0.7)
    assert (len(chart.asked), chart.most_at_once) == (2, 1)


@pytest.mark.slow
def test_an_edge_in_sight_waits_for_the_request_for_incomplete_bars(
    young: Server, browser_page: BrowserPage
) -> None:
    def answer(route: Route) -> None:
        first = int(query_of(route.request.url)["to"]) // 1_000_000
        rows = [_row(start) for start in range(first - 300 * 60, first, 60)]
        route.fulfill(json={"candles": rows, "next": rows[0]["start"]})

    held: list[Route] = []
    chart = ShownChart(browser_page.page)
    chart.answer, chart.answer_again = answer, held.append
    # Its first minute is incomplete. When that is over, it is asked for again.
    assert _wait_until(60, lambda: any(_is_incomplete(row) for row in _candles(young)))
    browser_page.open(young, f"#{SYMBOL}")
    chart.expect_bars(lambda starts: len(starts) > 300)
    assert _wait_until(10, lambda: bool(chart.page.evaluate("true")) and len(held) == 1)
    first, asked = chart.starts()[0], len(chart.asked)
    chart.scroll_to(1)
    assert len(chart.asked) == asked
    held[0].fulfill(json={"candles": []})
    chart.expect_bars(partial(_begin_before, first))
    assert len(chart.asked) == asked + 1


def test_bars_that_are_incomplete_become_whole(chart: ShownChart) -> None:
    told = chart.page.evaluate("""async () => {
      const { Bars } = await import('/static/bars.js');
      const figures = { open: '1', high: '1', low: '1', close: '1', volume: '1' };
      const row = (start, incomplete, high = '1') =>
        ({ start, ...figures, high, ...(incomplete ? { incomplete } : {}) });
      const bars = new Bars();
      const told = [bars.incomplete];
      for (const one of [row(1), row(2, true), row(5, true), row(6), row(7, true)]) bars.take(one);
      told.push(bars.incomplete);
      bars.again([row(2, false, '9'), row(3), row(4), row(5, true), row(7, false, '9')]);
      told.push(bars.bars.map(({ start, high, incomplete }) => [start, high, incomplete ?? false]));
      told.push(bars.incomplete);
      bars.again([row(5)]);
      told.push(bars.incomplete);
      return told;
    }""")
    assert told == [
        None,
        [2, 7],
        [
            [1, 1, False],
            [2, 9, False],
            [3, 1, False],
            [4, 1, False],
            [5, 1, True],
            [6, 1, False],
            [7, 1, True],
        ],
        [5, 7],
        None,
    ]


@pytest.mark.parametrize("width", [390, 900, 1280])
def test_the_chart_names_its_maker(browser_page: BrowserPage, server: Server, width: int) -> None:
    browser_page.page.set_viewport_size(ViewportSize(width=width, height=844))
    browser_page.open(server)
    link = browser_page.at(".attribution a")
    expect(link).to_have_attribute("href", "https://www.tradingview.com/")
    expect(link).to_be_visible()
    expect(browser_page.at(".attribution")).to_contain_text(
        re.compile("Lightweight Charts™, © TradingView, Inc.")
    )
    ends = browser_page.page.evaluate("""() => {
      const range = document.createRange();
      const [text] = [...document.querySelector('.attribution').childNodes].slice(-1);
      range.setStart(text, 0);
      range.setEnd(text, text.data.indexOf('Inc.') + 4);
      const { right, bottom } = range.getBoundingClientRect();
      const box = document.querySelector('.attribution').getBoundingClientRect();
      return [right <= box.right, bottom <= box.bottom];
    }""")
    assert ends == [True, True], "the end of the notice is cut off"


def _scroll_to_the_edge(chart: ShownChart) -> None:
    """Show the oldest bars, so that older ones are asked for."""
    asked = len(chart.asked)
    chart.scroll_to(1)
    chart.expect_asked(asked + 1)


def _to_the_first_bar(chart: ShownChart, first_s: int) -> None:
    """Show the oldest bars, until the first of all has come."""
    for _ in range(10):
        oldest = chart.starts()[0]
        if oldest == first_s:
            return
        chart.scroll_to(1)
        chart.expect_bars(partial(_begin_before_or_scroll, chart, oldest))
    raise AssertionError(f"the oldest bar is {chart.starts()[0]}, not {first_s}")


def _begin_before_or_scroll(chart: ShownChart, oldest: int, starts: list[int]) -> bool:
    """Scroll again where that was lost. Where the edge is in sight already, this changes nothing."""
    if starts[0] < oldest:
        return True
    chart.scroll_to(1)
    return False


def _begin_before(oldest: int, starts: list[int]) -> bool:
    return starts[0] < oldest


def _end_with(newest: list[int], starts: list[int]) -> bool:
    """Return whether these bars are the last ones, apart from live bars after them."""
    return [start for start in starts if start <= newest[-1]][-len(newest) :] == newest


def _rows(server: Server, interval: str) -> list[int]:
    """Return the starts of all closed candles that the server has, in seconds."""
    starts: list[int] = []
    query: dict[str, object] = {"symbol": SYMBOL, "interval": interval, "limit": 1000}
    while True:
        with urlopen(server.http(f"/api/v1/candles?{urlencode(query)}")) as answer:
            page = msgspec.json.decode(answer.read())
        starts = [row["start"] // 1_000_000 for row in page["candles"] if row["closed"]] + starts
        if "next" not in page:
            return starts
        query["to"] = page["next"]


def _candles(server: Server) -> list[dict[str, object]]:
    """Return the latest minutes."""
    with urlopen(server.http(f"/api/v1/candles?symbol={SYMBOL}&interval=1m&limit=100")) as answer:
        candles: list[dict[str, object]] = msgspec.json.decode(answer.read())["candles"]
    return candles


def _is_incomplete(row: dict[str, object]) -> bool:
    return bool(row["closed"] and row.get("incomplete"))


def _wait_until(more_s: float, is_so: Callable[[], bool]) -> bool:
    """Return whether it becomes true within so many seconds more than other things may take."""
    until_s = time.monotonic() + more_s
    while time.monotonic() < until_s:
        if is_so():
            return True
        time.sleep(0.2)
    return eventually(is_so)


def _row(start_s: int) -> dict[str, object]:
    price = dict.fromkeys(("open", "high", "low", "close"), "1")
    return {"start": start_s * 1_000_000, "volume": "1", **price}
