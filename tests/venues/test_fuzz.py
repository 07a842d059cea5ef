"""Whatever an exchange sends, an adapter never raises, and never tells a book that it cannot vouch for."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.connectors.recorded_line import SkippedLineCounter
from floorwire.connectors.transcript import read_transcript
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, Listing
from floorwire.core.ports import Answer, Closed, Fetch, Frame, Opened, VenueInput, VenueOutput, Wanted, Woke
from floorwire.venues.binance import market_data as binance
from floorwire.venues.bybit import market_data as bybit
from floorwire.venues.coinbase import market_data as coinbase
from floorwire.venues.common.market_data_adapter import MarketDataAdapter
from floorwire.venues.common.subscribed_symbol import EVERYTHING
from floorwire.venues.kraken import market_data as kraken
from floorwire.venues.okx import market_data as okx
from floorwire.venues.recorded_round import Adapter
from tests.venues.driver import START

RECORDED = Path(__file__).parent.parent / "recorded"
LINKS = {
    "binance": "streams-0",
    "coinbase": "feed-0",
    "okx": "public-0",
    "bybit": "spot-0",
    "kraken": "spot-0",
}
LIST_REQUEST = 1
"""The first request of each adapter is the list."""
SYMBOLS = ("ABC-USDT", "XYZ-EUR")
MAKE: dict[str, Callable[[], Adapter]] = {
    "binance": lambda: binance.venue(SYMBOLS),
    "coinbase": lambda: coinbase.venue(SYMBOLS),
    "okx": lambda: okx.venue(SYMBOLS),
    "bybit": lambda: bybit.venue(SYMBOLS),
    "kraken": lambda: kraken.venue(SYMBOLS),
}
WARM = 150
"""So many frames of a recording are enough for an adapter to have books."""
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def recorded(name: str, mark: str) -> list[bytes]:
    """Return the texts of the own recording of an exchange."""
    files = sorted((RECORDED / name).iterdir())
    return [
        entry.text
        for file in files
        for entry in read_transcript(file, SkippedLineCounter())
        if entry.mark == mark
    ]


FRAMES = {name: recorded(name, "")[:WARM] for name in MAKE}
ANSWERS = {name: recorded(name, "->") for name in MAKE}

scalars: st.SearchStrategy[Json] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
flat: st.SearchStrategy[Json] = (
    scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=8), scalars, max_size=3)
)
# Two levels, written out: st.recursive sometimes takes this for no recursion, and warns.
json_values: st.SearchStrategy[Json] = (
    flat | st.lists(flat, max_size=3) | st.dictionaries(st.text(max_size=8), flat, max_size=3)
)


@st.composite
def mutated(draw: st.DrawFn, texts: list[bytes]) -> bytes:
    """Return a real text with a value changed, or bytes cut out, doubled or flipped."""
    text = draw(st.sampled_from(texts))
    if draw(st.booleans()) and text != b"pong":
        return json.dumps(_changed(draw, json.loads(text)), allow_nan=False).encode()
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 20)))
    return text[:start] + draw(st.sampled_from([b"", text[start:end] * 2, b"\xff", b'"', b"0"])) + text[end:]


def _changed(draw: st.DrawFn, value: Json) -> Json:
    """Return the value with one of its parts replaced."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.integers(0, 4)) == 0:
            return {name: part for name, part in value.items() if name != key}
        return value | {key: _changed(draw, value[key])}
    if isinstance(value, list) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], _changed(draw, value[place]), *value[place + 1 :]]
    near: list[Json] = [
        "0",
        "-1",
        "1e9",
        "0.000000000000000001",
        "9" * 40,
        2**70,
        -1,
        0,
        "",
        [],
        {},
        None,
        True,
    ]
    return draw(st.sampled_from(near) | json_values)


def frames(name: str) -> st.SearchStrategy[bytes]:
    anything = st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode())
    return st.sampled_from(FRAMES[name]) | mutated(FRAMES[name]) | anything


def inputs(name: str) -> st.SearchStrategy[VenueInput]:
    link = st.just(LINKS[name])
    body = mutated(ANSWERS[name]) | st.sampled_from(ANSWERS[name]) | st.binary(max_size=60)
    return st.one_of(
        st.builds(Frame, link, frames(name)),
        st.builds(Frame, link, frames(name)),
        st.builds(Answer, st.integers(1, 5), st.sampled_from([200, 200, 0, 429]), body),
        st.builds(Opened, link),
        st.builds(Closed, link, st.just("lost")),
        st.just(Woke()),
    )


def check(outputs: list[VenueOutput], listed: set[str], live: dict[str, bool]) -> None:
    """Check that events name what is listed and that books change only from a snapshot on, until a gap."""
    for output in outputs:
        match output:
            case Listing(instruments):
                listed.update(instrument.symbol for instrument in instruments)
            case BookSnapshot(symbol, bids, asks):
                assert symbol in listed
                assert list(bids) == sorted(bids, reverse=True)
                assert list(asks) == sorted(asks)
                assert all(size > 0 for _, size in (*bids, *asks))
                live[symbol] = True
            case BookChange(symbol, bids, asks):
                assert live.get(symbol), "a change of a book that is not current"
                assert all(price > 0 and size >= 0 for price, size in (*bids, *asks))
            case FeedStatus(None, feed, _) if feed != "live":
                live.clear()
            case FeedStatus(str(symbol), feed, _) if feed != "live":
                live[symbol] = False
            case _:
                assert getattr(output, "symbol", None) in {None, *listed}


def want(adapter: Adapter, now_us: int) -> Sequence[VenueOutput]:
    """Want all streams of all symbols, of an adapter that subscribes only to what is wanted."""
    if not isinstance(adapter, MarketDataAdapter):
        return []
    return adapter.receive(Wanted(dict.fromkeys(SYMBOLS, EVERYTHING)), now_us)


@pytest.mark.parametrize("name", list(MAKE))
@given(data=st.data())
def test_an_adapter_never_raises_and_never_tells_a_broken_book(name: str, data: st.DataObject) -> None:
    adapter = MAKE[name]()
    now_us = START
    listed: set[str] = set()
    live: dict[str, bool] = {}
    pending = list(adapter.start(now_us))
    pending += adapter.receive(Answer(LIST_REQUEST, 200, ANSWERS[name][0]), now_us)
    pending += want(adapter, now_us)
    pending += adapter.receive(Opened(LINKS[name]), now_us)
    check(pending, listed, live)
    warm = FRAMES[name][: data.draw(st.integers(0, len(FRAMES[name])))]
    for happened in [
        *(Frame(LINKS[name], text) for text in warm),
        *data.draw(st.lists(inputs(name), max_size=30)),
    ]:
        now_us += data.draw(st.sampled_from([0, 1_000, 1_000_000, 40_000_000]))
        out = list(adapter.receive(happened, now_us))
        check(out, listed, live)
        for fetch in [output for output in out if isinstance(output, Fetch)]:
            if data.draw(st.booleans()):
                answer = Answer(fetch.request, 200, data.draw(st.sampled_from(ANSWERS[name])))
                check(list(adapter.receive(answer, now_us)), listed, live)


@pytest.mark.parametrize("name", list(MAKE))
@given(junk=st.binary(max_size=200) | st.text(max_size=100))
def test_any_bytes_are_borne(name: str, junk: bytes | str) -> None:
    adapter = MAKE[name]()
    adapter.start(START)
    adapter.receive(Answer(LIST_REQUEST, 200, ANSWERS[name][0]), START)
    want(adapter, START)
    adapter.receive(Opened(LINKS[name]), START)
    for output in adapter.receive(Frame(LINKS[name], junk), START):
        assert not isinstance(output, BookChange | BookSnapshot)
