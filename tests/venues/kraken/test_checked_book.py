"""The book of Kraken: cut to its depth, and checked by the checksum of the texts as sent."""

from __future__ import annotations

import json
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.exchange import SymbolMessages
from floorwire.venues.common.venue_book import CrossedBookError, LostChangeError
from floorwire.venues.kraken import messages
from floorwire.venues.kraken.checked_book import CheckedBook
from tests.venues.driver import rebuilt

ABC = Instrument("ABC-USD", "ABC", "USD", "kraken", "0.1", "0.00000001")
WHOLE = Instrument("ABC-USD", "ABC", "USD", "kraken", "1", "1")
CURRENT = Path(__file__).parents[4] / "shared" / "recorded" / "current" / "kraken"
is_real = pytest.mark.skipif(not CURRENT.is_dir(), reason="../shared/recorded/current is not here")
Sides = dict[str, dict[int, int]]


def book(
    bids: dict[str, str], asks: dict[str, str], checksum: int | None = None, kind: str = "update"
) -> messages.BookFrame:
    """Return a message as it is read, with its numbers as written."""
    sides = ",".join(
        f'"{side}":[' + ",".join(f'{{"price":{p},"qty":{q}}}' for p, q in levels.items()) + "]"
        for side, levels in (("bids", bids), ("asks", asks))
    )
    check = "" if checksum is None else f',"checksum":{checksum}'
    return _one(f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"ABC/USD",{sides}{check}}}]}}')


def _one(text: str) -> messages.BookFrame:
    frame = messages.read(text)
    assert isinstance(frame, SymbolMessages)
    [message] = frame.messages
    assert isinstance(message, messages.BookFrame)
    return message


def synced(depth: int = 10) -> CheckedBook:
    kept = CheckedBook(ABC, depth)
    kept.apply_snapshot(book({"10.4": "1.00000000"}, {"10.5": "2.00000000"}), 1)
    return kept


def test_a_snapshot_and_a_change() -> None:
    kept = CheckedBook(ABC, 10)
    event = kept.apply_snapshot(book({"10.4": "1.0"}, {"10.5": "0.5"}), 7)
    assert event == BookSnapshot("ABC-USD", ((104, 10**8),), ((105, 5 * 10**7),), 7)
    changed = kept.apply_change(book({"10.4": "0.00000000"}, {"10.6": "1e-08"}), 8)
    assert changed == BookChange("ABC-USD", ((104, 0),), ((106, 1),), 8)
    assert kept.apply_change(book({}, {}), 9) is None


def test_levels_that_are_pushed_out_are_removed() -> None:
    kept = CheckedBook(ABC, 2)
    kept.apply_snapshot(book({"10.4": "1", "10.3": "1"}, {"10.6": "1", "10.7": "1"}), 1)
    changed = kept.apply_change(book({}, {"10.5": "1"}), 2)
    assert changed == BookChange("ABC-USD", (), ((105, 10**8), (107, 0)), 2)


def test_the_checksum_is_of_the_texts_asks_first() -> None:
    right = crc32(b"1052000000001045100")
    kept = CheckedBook(ABC, 10)
    kept.apply_snapshot(book({"10.4": "0.00005100"}, {"10.5": "2.00000000"}, right), 1)
    assert kept.is_synced


def test_a_wrong_checksum_ends_the_book() -> None:
    kept = synced()
    with pytest.raises(LostChangeError) as raised:
        kept.apply_change(book({"10.3": "1.00000000"}, {}, 1), 2)
    assert raised.value.reason == "bad_message"
    assert not kept.is_synced


def test_a_level_between_ticks_ends_the_book_as_its_depth_would_be_wrong() -> None:
    kept = synced()
    with pytest.raises(OffTickError):
        kept.apply_change(book({"10.35": "1"}, {}), 2)
    assert not kept.is_synced


def test_a_crossed_book_ends() -> None:
    kept = synced()
    with pytest.raises(CrossedBookError):
        kept.apply_change(book({"10.6": "1"}, {}), 2)
    assert not kept.is_synced


@pytest.mark.parametrize("bad", ["true", "1e999999999", "1e-999999999"])
def test_a_frame_with_what_is_no_number_is_not_read(bad: str) -> None:
    with pytest.raises(ValueError, match=bad):
        book({"10.3": bad}, {})


@pytest.mark.parametrize("bad", ["null", '"1"', "[1]", "-1"])
def test_what_is_no_size_ends_the_book(bad: str) -> None:
    kept = synced()
    with pytest.raises(ValueError, match=r"."):
        kept.apply_change(book({"10.3": bad}, {}), 2)
    assert not kept.is_synced


def test_a_price_that_comes_twice_has_its_later_size() -> None:
    text = '{"channel":"book","type":"update","data":[{"symbol":"ABC/USD","bids":[%s],"asks":[]%s}]}'
    rows = ",".join(f'{{"price":10.3,"qty":{qty}}}' for qty in ("1.0", "0.0", "3.0"))
    right = f',"checksum":{crc32(b"105200000000" + b"104100000000" + b"10330")}'
    changed = synced().apply_change(_one(text % (rows, right)), 2)
    assert changed == BookChange("ABC-USD", ((103, 3 * 10**8),), (), 2)


def test_checksums_hold_over_a_change_of_the_tick() -> None:
    kept = synced()
    before, finer = kept.instrument, Instrument("ABC-USD", "ABC", "USD", "kraken", "0.01", "0.00000001")
    kept.levels.instrument = finer
    kept.levels.convert(before, 2)
    right = crc32(b"105200000000" + b"1041100000000" + b"104100000000")
    changed = kept.apply_change(book({"10.41": "1.00000000"}, {}, right), 3)
    assert changed == BookChange("ABC-USD", ((1041, 10**8),), (), 3)


def test_a_level_between_new_ticks_ends_the_book_whatever_changes_next() -> None:
    kept = synced()
    kept.levels.instrument = WHOLE
    kept.levels.convert(ABC, 2)
    with pytest.raises(OffTickError):
        kept.apply_change(book({"10": "1"}, {}, 1), 3)
    assert not kept.is_synced


@given(
    depth=st.sampled_from([1, 3, 10, 12]),
    steps=st.lists(
        st.lists(st.tuples(st.booleans(), st.integers(1, 20), st.integers(0, 3)), min_size=1, max_size=4),
        max_size=30,
    ),
)
def test_the_book_is_the_exchanges_though_it_does_not_tell_what_is_pushed_out(
    depth: int, steps: list[list[tuple[bool, int, int]]]
) -> None:
    """Bids are 1 to 20, asks 21 to 40. A full book at the exchange is cut to the depth on both ends."""
    whole: Sides = {"bids": {20: 1}, "asks": {21: 1}}
    known = _shown(whole, depth)
    kept = CheckedBook(WHOLE, depth)
    out: list[BookSnapshot | BookChange] = [kept.apply_snapshot(_message(known, whole, depth, "snapshot"), 0)]
    for step in steps:
        for is_bid, price, lots in step:
            side, at = ("bids", price) if is_bid else ("asks", price + 20)
            whole[side][at] = lots
            if not lots:
                del whole[side][at]
        now = _shown(whole, depth)
        told: Sides = {
            side: {p: 0 for p in known[side] if p not in whole[side]}
            | {p: lots for p, lots in now[side].items() if known[side].get(p) != lots}
            for side in known
        }
        known = now
        change = kept.apply_change(_message(told, whole, depth, "update"), 0)
        out += [] if change is None else [change]
        seen = rebuilt(out, "ABC-USD")
        assert dict(seen.bids.top(99)) == known["bids"]
        assert dict(seen.asks.top(99)) == known["asks"]


def _shown(whole: Sides, depth: int) -> Sides:
    bids = dict(sorted(whole["bids"].items(), reverse=True)[:depth])
    return {"bids": bids, "asks": dict(sorted(whole["asks"].items())[:depth])}


def _message(told: Sides, whole: Sides, depth: int, kind: str) -> messages.BookFrame:
    best = _shown(_shown(whole, depth), 10)
    text = "".join(f"{price}{lots}" for side in ("asks", "bids") for price, lots in best[side].items())
    bids, asks = ({str(p): str(q) for p, q in told[side].items()} for side in ("bids", "asks"))
    return book(bids, asks, crc32(text.encode()), kind)


@is_real
@pytest.mark.parametrize(
    ("pattern", "depth", "books"),
    [
        ("captured_btcusd_d10_20260719.jsonl", 10, 41),
        ("tickvault_kraken_book.jsonl", 10, 4),
    ],
)
def test_real_checksums_all_hold(pattern: str, depth: int, books: int) -> None:
    kept = CheckedBook(ABC, depth)
    checked = 0
    for line in (CURRENT / pattern).read_text().splitlines():
        if json.loads(line).get("channel") != "book":
            continue
        message = _one(line)
        assert message.checksum is not None
        checked += 1
        if '"snapshot"' in line:
            kept.apply_snapshot(message, 0)
        else:
            kept.apply_change(message, 0)
    assert checked == books
    assert kept.is_synced
