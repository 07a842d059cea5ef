"""A page under test in a real browser, in a context of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect

from tests.servers import Server, eventually

DRAW_SELDOM = """
window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 100);
window.cancelAnimationFrame = clearTimeout;
"""
"""Ten times a second instead of sixty: to draw costs most of a page's CPU time."""
EMPTY = '<!doctype html><link rel="icon" href="data:,">'
"""With an icon, or the browser would ask the server for one."""


def expect_true(page: Page, expression: str, arg: str = "") -> None:
    """Wait until the expression is true in the page, or the function there with this argument.

    ``page.wait_for_function`` looks again from inside the page, which our content security policy
    forbids: it passes only where the first look finds it.
    """
    assert eventually(lambda: bool(page.evaluate(expression, arg))), expression


class BrowserPage:
    """A page in a fresh context."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)

    def open(self, server: Server, part: str = "") -> None:
        """Open the page."""
        self.page.goto(server.http(f"/{part}"))

    def open_empty(self, server: Server) -> None:
        """Open an empty page of the same origin, for tests of single modules."""
        self.page.route("**/empty", lambda route: route.fulfill(content_type="text/html", body=EMPTY))
        self.page.goto(server.http("/empty"))

    def at(self, selector: str) -> Locator:
        """Return what the selector finds."""
        return self.page.locator(selector)

    def expect_state(self, state: str) -> None:
        """Wait until the page says so of its connection."""
        expect(self.at("html")).to_have_attribute("data-state", state)

    def expect_moves(self, selector: str) -> None:
        """Wait until the text there is another."""
        expect(self.at(selector)).not_to_have_text(self.at(selector).text_content() or "")

    def expect_true(self, expression: str) -> None:
        """Wait until the expression is true in the page."""
        expect_true(self.page, expression)

    def expect_verified_book(self) -> None:
        """Wait for the book, and see that no checksum was ever wrong."""
        expect(self.at("#book")).to_have_attribute("data-book", "verified")
        expect(self.at("#book .proof")).to_have_text(re.compile(r"^[\d,]+ checksums right$"))

    def expect_note(self, text: str) -> None:
        """Wait until the page announces it."""
        expect(self.at("#notes")).to_contain_text(text)


@contextmanager
def fresh_page(browser: Browser) -> Iterator[BrowserPage]:
    """Yield a page in a fresh context; in the end, hold it to having had nothing to complain about."""
    context = browser.new_context(reduced_motion="reduce")
    context.add_init_script(DRAW_SELDOM)
    browser_page = BrowserPage(context.new_page())
    yield browser_page
    context.close()
    assert browser_page.complaints == []
