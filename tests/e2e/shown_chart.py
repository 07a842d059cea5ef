"""The page's chart as the library draws it, moved by the mouse, and the older bars that the page asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias
from urllib.parse import parse_qs, urlsplit

import msgspec
from playwright.sync_api import Page, Request, Route

from floorwire.web.page_routes import PARTS
from tests.servers import eventually

LIBRARY: Final = "lightweight-charts.js"
# The library itself, under another name, and in its place what tells of the chart that it makes.
WATCHED: Final = """
export * from './library.js';
import { createChart as create } from './library.js';
export function createChart(...args) { return (window.drawn = create(...args)); }
"""
STARTS: Final = "drawn.panes()[0].getSeries()[0].data().map(({ time }) => time)"
TWO_DRAWINGS: Final = "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
OLDER: Final = "**/api/v1/candles?*"
Answer: TypeAlias = Callable[[Route], None]


class InSight(msgspec.Struct, frozen=True):
    """Where two bars are on the screen, in pixels, and how wide bars are."""

    first_x: float
    last_x: float
    spacing: float


class ShownChart:
    """The chart of a page that is not open yet."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        """The addresses that were asked for older bars."""
        self.most_at_once = 0
        """How many such requests were under way together, at most."""
        self.dropped: list[str] = []
        """Those that the page gave up."""
        self.answer: Answer = lambda route: route.continue_()
        """What is done with a request: it goes on, until a test says otherwise."""
        self.answer_again: Answer = lambda route: route.continue_()
        """The same, with a request for incomplete bars."""
        self.held: list[Route] = []
        """The requests that were held."""
        self._under_way: set[Request] = set()
        script = {"content_type": "text/javascript"}
        page.route(f"**/static/{LIBRARY}", lambda route: route.fulfill(body=WATCHED, **script))
        page.route("**/static/library.js", lambda route: route.fulfill(body=PARTS[LIBRARY], **script))
        page.route(OLDER, self._answer)
        page.on("request", self._began)
        page.on("requestfinished", self._finished)
        page.on("requestfailed", self._failed)

    def hold(self) -> None:
        """Hold the requests that come from now on."""
        self.answer = self._hold

    def _hold(self, route: Route) -> None:
        self.held.append(route)

    def _answer(self, route: Route) -> None:
        if _is_again(route.request.url):
            self.answer_again(route)
        else:
            self.answer(route)

    def _began(self, request: Request) -> None:
        if urlsplit(request.url).path == "/api/v1/candles" and not _is_again(request.url):
            self.asked.append(request.url)
            self._under_way.add(request)
            self.most_at_once = max(self.most_at_once, len(self._under_way))

    def _finished(self, request: Request) -> None:
        self._under_way.discard(request)

    def _failed(self, request: Request) -> None:
        if request in self._under_way:
            self._under_way.discard(request)
            self.dropped.append(request.url)

    # --- what is drawn ------------------------------------------------------------------------------

    def starts(self) -> list[int]:
        """Return the starts of all bars, in seconds."""
        starts: list[int] = self.page.evaluate(STARTS)
        return starts

    def first_open(self) -> float:
        """Return the opening price of the oldest bar, or 0."""
        price: float = self.page.evaluate("drawn.panes()[0].getSeries()[0].data()[0]?.open ?? 0")
        return price

    def expect_bars(self, is_so: Callable[[list[int]], bool]) -> list[int]:
        """Wait until the bars are so; return their starts."""
        if not eventually(lambda: is_so(self.starts())):
            starts = self.starts()
            seen = self.page.evaluate("JSON.stringify(drawn.timeScale().getVisibleLogicalRange())")
            told = (
                f"{len(starts)} bars, {starts[:2]} to {starts[-2:]}; in sight: {seen}; asked: {self.asked}; "
            )
            told += f"under way: {len(self._under_way)}; given up: {self.dropped}; "
            told += f"connection: {self.page.evaluate('document.documentElement.dataset.state')}"
            raise AssertionError(told)
        return self.starts()

    def expect_asked(self, count: int) -> None:
        """Wait until older bars were asked for so often."""
        # The page's events are told while something is asked of it.
        assert eventually(lambda: bool(self.page.evaluate("true")) and len(self.asked) >= count), self.asked

    def times_in_sight(self) -> tuple[float, float]:
        """Return the times of the first and the last bar that are in sight."""
        seen: dict[str, float] = self.page.evaluate("drawn.timeScale().getVisibleRange()")
        return seen["from"], seen["to"]

    def places(self, times: tuple[float, float]) -> InSight:
        """Return where these bars are."""
        found: list[float] = self.page.evaluate(
            "(times) => [...times.map((time) => drawn.timeScale().timeToCoordinate(time)),"
            " drawn.timeScale().options().barSpacing]",
            list(times),
        )
        return InSight(*(round(pixels, 6) for pixels in found))

    def scroll_to(self, bar: int) -> None:
        """Show a hundred bars from this one on, without the mouse: a drag takes some tenths of a second."""
        # The library moves to the latest bars when it draws next, and tells no change between two drawings.
        self.page.evaluate(TWO_DRAWINGS)
        self.page.evaluate("(from) => drawn.timeScale().setVisibleLogicalRange({ from, to: from + 99 })", bar)
        self.page.evaluate(TWO_DRAWINGS)

    # --- the mouse ----------------------------------------------------------------------------------

    def pan(self, share: float) -> None:
        """Drag the chart to the right, by a share of its width: earlier bars come in sight."""
        x, y, width = self._middle()
        self.page.mouse.move(x - width * share / 2, y)
        self.page.mouse.down()
        self.page.mouse.move(x + width * share / 2, y, steps=4)
        self.page.mouse.up()

    def zoom(self, notches: int) -> None:
        """Turn the wheel over the chart: more bars come in sight, or, below 0, fewer."""
        x, y, _ = self._middle()
        self.page.mouse.move(x, y)
        for _ in range(abs(notches)):
            self.page.mouse.wheel(0, 120 if notches > 0 else -120)

    def _middle(self) -> tuple[float, float, float]:
        """Return the middle of the chart, and its width."""
        box = self.page.locator("#chart").bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"]


def _is_again(url: str) -> bool:
    """Return whether incomplete bars are asked for again, such as that of the first minute."""
    return "from" in query_of(url)


def query_of(url: str) -> dict[str, str]:
    """Return the parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
