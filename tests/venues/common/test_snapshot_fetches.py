from __future__ import annotations

from itertools import count

from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import SECOND_US
from floorwire.core.ports import Answer, Fetch
from floorwire.venues.binance.depth_book import DepthBook
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.snapshot_fetches import WAIT_S, SnapshotFetches
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol

ABC = Instrument("ABC-USDT", "ABC", "USDT", "binance", "0.1", "0.01")


def symbol() -> SubscribedSymbol:
    return SubscribedSymbol(DepthBook(ABC), "streams-0", 0)


def test_an_answer_finds_its_symbol_once() -> None:
    fetches, abc = SnapshotFetches(count(7), no_jitter), symbol()
    assert fetches.request("u", "ABCUSDT", abc, 0) == Fetch(7, "u")
    assert abc.fetch == 7
    found = fetches.answered(Answer(7, 200, b""))
    assert found == ("ABCUSDT", abc)
    assert fetches.answered(Answer(7, 200, b"")) is None
    assert fetches.answered(Answer(8, 200, b"")) is None


def test_the_answer_to_a_request_of_before_a_loss_is_of_no_use() -> None:
    fetches, abc = SnapshotFetches(count(1), no_jitter), symbol()
    fetches.request("u", "ABCUSDT", abc, 0)
    abc.link_lost(1)
    fetches.request("u", "ABCUSDT", abc, 1)
    assert fetches.answered(Answer(1, 200, b"")) is None
    assert fetches.answered(Answer(2, 200, b"")) == ("ABCUSDT", abc)


def test_each_request_makes_the_next_one_wait_longer() -> None:
    fetches, abc, waits = SnapshotFetches(count(1), no_jitter), symbol(), []
    for _ in range(8):
        fetches.request("u", "ABCUSDT", abc, 0)
        waits.append(abc.next_fetch_us // SECOND_US)
    assert waits == [*WAIT_S, WAIT_S[-1], WAIT_S[-1]]
    abc.book_synced()
    fetches.request("u", "ABCUSDT", abc, 0)
    assert abc.next_fetch_us == WAIT_S[0] * SECOND_US
