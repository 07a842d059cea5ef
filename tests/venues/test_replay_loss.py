"""A recording with a loss in it: what is answered after it is not older than it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from floorwire.core.market_events import BookChange, BookSnapshot, Listing, Trade
from floorwire.core.ports import Closed, Fetch, Frame, Open, Opened, VenueOutput, Wake, Woke
from floorwire.venues.binance import market_data as binance
from floorwire.venues.recorded_answers import RecordedAnswer
from floorwire.venues.recorded_links import RecordedInput
from floorwire.venues.replay import Replay
from tests.venues.driver import SECOND, every, statuses
from tests.venues.test_replay import LINK, NEW, OLD, Scripted, at, told
from tests.venues.test_replay import Session as Made

DEPTH = "https://api.binance.com/api/v3/depth?symbol=ABCUSDT&limit=100"
LIST = "https://api.binance.com/api/v3/exchangeInfo"


def listed(tick: str) -> bytes:
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": tick},
        {"filterType": "LOT_SIZE", "stepSize": "0.1"},
    ]
    names = {"symbol": "ABCUSDT", "status": "TRADING", "baseAsset": "ABC", "quoteAsset": "USDT"}
    return json.dumps({"symbols": [names | {"filters": filters}]}).encode()


def snapshot(last_id: int, bid: str) -> bytes:
    return json.dumps({"lastUpdateId": last_id, "bids": [[bid, "1"]], "asks": [["20", "1"]]}).encode()


def change(number: int, bid: str) -> bytes:
    data = {"e": "depthUpdate", "E": 1, "s": "ABCUSDT", "U": number, "u": number, "b": [[bid, "2"]], "a": []}
    return json.dumps({"stream": "abcusdt@depth@100ms", "data": data}).encode()


def trade(number: int, price: str = "10.00") -> bytes:
    data = {
        "e": "trade",
        "s": "ABCUSDT",
        "t": number,
        "p": price,
        "q": "1",
        "T": 1_700_000_000_000,
        "m": False,
    }
    return json.dumps({"stream": "abcusdt@trade", "data": data}).encode()


class Session:
    """A session of Binance with these frames and answers, in seconds."""

    def __init__(
        self, frames: Sequence[tuple[float, bytes]], answers: Sequence[tuple[float, str, bytes]]
    ) -> None:
        self.answers: Sequence[RecordedAnswer] = [
            RecordedAnswer(at(second), url, body) for second, url, body in answers
        ]
        self._frames = frames

    def inputs(self) -> Iterator[RecordedInput]:
        yield RecordedInput(at(0), Opened("r"))
        for second, data in self._frames:
            yield RecordedInput(at(second), Frame("r", data))


def play(session: Session) -> list[VenueOutput]:
    replay = Replay(lambda: binance.venue(["ABC-USDT"], recorded=True), session, None)
    out = list(replay.start(0))
    while every(out[-1:], Wake):
        out += replay.receive(Woke(), 0)
    return out


def test_after_a_pause_the_first_snapshot_is_not_served_again() -> None:
    frames = [(number, change(100 + number, "10.00")) for number in range(1, 5)]
    frames += [(120 + number, change(104 + number, "11.00")) for number in range(1, 20)]
    out = play(Session(frames, [(-1, LIST, listed("0.01")), (1.5, DEPTH, snapshot(101, "9.00"))]))
    [first] = every(out, BookSnapshot)
    assert first.bids[0] == (900, 10)
    said = statuses(out)
    assert (None, "stale", "silent") in said
    lost = said.index((None, "stale", "silent"))
    assert [status for status in said[lost:] if status[1] == "live"] == [], "nothing was known after it"
    assert len(every(out, BookChange)) == 3


def test_a_book_asked_for_when_nothing_comes_is_not_older_than_the_loss_either() -> None:
    """Five quiet seconds after it opened, the adapter asks without a difference to compare with."""
    frames = [(number, change(100 + number, "10.00")) for number in range(1, 5)]
    frames += [(120 + number, trade(number)) for number in range(1, 20)]
    out = play(Session(frames, [(-1, LIST, listed("0.01")), (1.5, DEPTH, snapshot(101, "9.00"))]))
    assert len(every(out, BookSnapshot)) == 1
    assert len(every(out, Trade)) == 19


def test_a_snapshot_of_the_pause_begins_the_book_again() -> None:
    frames = [(number, change(100 + number, "10.00")) for number in range(1, 5)]
    frames += [(120 + number, change(204 + number, "11.00")) for number in range(1, 20)]
    answers = [
        (-1, LIST, listed("0.01")),
        (1.5, DEPTH, snapshot(101, "9.00")),
        (125, DEPTH, snapshot(206, "9.50")),
    ]
    out = play(Session(frames, answers))
    assert [book.bids[0] for book in every(out, BookSnapshot)] == [(900, 10), (1100, 20)]
    assert statuses(out)[-4:] == [
        (None, "stale", "silent"),
        (None, "live", "synced"),
        ("ABC-USDT", "live", "synced"),
        (None, "stale", "ended"),
    ]


def answered(
    *seconds: float, ask_at: float, lost_at: float, silent_from: float = 0
) -> list[tuple[bytes, float]]:
    """Return the bodies given after a loss, where answers were recorded at these times."""
    answers = [RecordedAnswer(at(second), OLD, b"%g" % second) for second in seconds]
    session = Made(
        (0, Opened("r")),
        (silent_from, Frame("r", b"")),
        (lost_at, Closed("r", "x")),
        (lost_at, Opened("r")),
        (9, Frame("r", b"")),
        answers=answers,
    )
    adapter = Scripted([LINK, Wake(at(ask_at))], {Woke(): [Fetch(1, NEW)]})
    return [(what.body, when) for what, when in told(session, adapter) if hasattr(what, "body")]


def test_an_answer_older_than_the_last_frame_before_a_loss_is_no_answer() -> None:
    assert answered(1, ask_at=5, lost_at=4, silent_from=2) == [(b"", 5)]
    assert answered(2, ask_at=5, lost_at=4, silent_from=2) == [(b"", 5)]


def test_an_answer_of_the_silence_before_the_link_was_lost_is_one() -> None:
    assert answered(1, 3, ask_at=5, lost_at=4, silent_from=2) == [(b"3", 5)]


def test_the_last_answer_is_not_given_twice() -> None:
    session = Made((0, Opened("r")), (9, Frame("r", b"")), answers=[RecordedAnswer(at(1), OLD, b"1")])
    adapter = Scripted([LINK, Wake(at(2)), Fetch(1, NEW)], {Woke(): [Fetch(1, NEW)]})
    answers = [(what.body, when) for what, when in told(session, adapter) if hasattr(what, "body")]
    assert answers == [(b"1", 1), (b"", 2)]


def test_what_is_asked_for_before_any_link_is_given_again() -> None:
    """Instruments do not age with a link: where no later list was recorded, the one there is holds."""
    session = Made(
        (0, Opened("r")),
        (1, Frame("r", b"")),
        (5, Closed("r", "x")),
        (9, Opened("r")),
        answers=[RecordedAnswer(at(-1), OLD, b"list")],
    )
    adapter = Scripted([Fetch(1, NEW), Open("mine", "wss://x"), Wake(at(6))], {Woke(): [Fetch(1, NEW)]})
    answers = [(what.body, when) for what, when in told(session, adapter) if hasattr(what, "body")]
    assert answers == [(b"list", 0), (b"list", 6)]


def test_of_two_lists_the_one_of_the_beginning_is_first() -> None:
    lists = [(-1, LIST, listed("0.1")), (600.5, LIST, listed("0.01"))]
    frames = [(second, trade(second)) for second in range(1, 640)]
    out = play(Session(frames, lists))
    ticks = [(said.instruments[0].tick_size, (said.ts_us - at(0)) // SECOND) for said in every(out, Listing)]
    assert ticks == [("0.1", 0), ("0.01", 600)]


def test_where_all_lists_are_of_later_the_first_of_them_is_taken() -> None:
    lists = [(300, LIST, listed("0.1")), (600.5, LIST, listed("0.01"))]
    out = play(Session([(second, trade(second)) for second in range(1, 640)], lists))
    assert [said.instruments[0].tick_size for said in every(out, Listing)] == ["0.1", "0.01"]
