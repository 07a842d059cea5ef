from __future__ import annotations

from floorwire.core.market_events import BookChange, BookSnapshot, MarketEvent, Quote, Trade
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.engine.matching import Matching
from floorwire.engine.public_events import PublicEvents

S = "BTC-USDT"


class Shown:
    """A market with what it shows to the public."""

    def __init__(self) -> None:
        self.market = Matching()
        self.public_events = PublicEvents(S, self.market, 1000)

    def after(self, *commands: Command) -> list[MarketEvent]:
        """Return what the last command showed."""
        for command in commands:
            shown = self.public_events.market_events(self.market.execute(command), 77)
        return shown


def test_an_order_at_the_top_shows_its_level_then_the_quote() -> None:
    assert Shown().after(Place(S, 1, 1, "buy", 5, 100)) == [
        BookChange(S, ((100, 5),), (), 77),
        Quote(S, 100, 5, 0, 0, 77),
    ]


def test_an_order_behind_the_top_shows_no_quote() -> None:
    assert Shown().after(Place(S, 1, 1, "buy", 5, 100), Place(S, 2, 1, "buy", 4, 99)) == [
        BookChange(S, ((99, 4),), (), 77)
    ]


def test_a_sweep_shows_trades_then_one_book_change_then_the_quote() -> None:
    asks = [Place(S, n, 1, "sell", 1, price) for n, price in enumerate((100, 100, 101), 1)]
    assert Shown().after(*asks, Place(S, 9, 2, "buy", 5, 102)) == [
        Trade(S, "1001", 100, 1, "buy", 77),
        Trade(S, "1002", 100, 1, "buy", 77),
        Trade(S, "1003", 101, 1, "buy", 77),
        BookChange(S, ((102, 2),), ((100, 0), (101, 0)), 77),
        Quote(S, 102, 2, 0, 0, 77),
    ]


def test_another_size_at_the_top_is_another_quote() -> None:
    book = [Place(S, 1, 1, "sell", 5, 100), Place(S, 2, 1, "buy", 5, 99)]
    assert Shown().after(*book, Amend(S, 1, lots=2)) == [
        BookChange(S, (), ((100, 2),), 77),
        Quote(S, 99, 5, 100, 2, 77),
    ]


def test_what_changes_no_level_shows_nothing() -> None:
    shown = Shown()
    shown.after(Place(S, 1, 1, "sell", 5, 100))
    assert shown.after(Cancel(S, 2)) == []
    assert shown.after(Place(S, 3, 1, "buy", 1, 99, "ioc")) == []
    assert shown.after(Amend(S, 1)) == []


def test_the_snapshot_is_the_whole_book_best_first() -> None:
    shown = Shown()
    for order_id, price in enumerate((98, 99, 97), 1):
        shown.after(Place(S, order_id, 1, "buy", order_id, price))
    shown.after(Place(S, 9, 1, "sell", 5, 101), Place(S, 10, 1, "sell", 6, 100))
    expected = BookSnapshot(S, ((99, 2), (98, 1), (97, 3)), ((100, 6), (101, 5)), 78)
    assert shown.public_events.snapshot(78) == expected
    assert shown.public_events.quote(78) == Quote(S, 99, 2, 100, 6, 78)
