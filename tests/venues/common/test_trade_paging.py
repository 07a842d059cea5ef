"""Pages of past trades: together they tell each trade of the time once, whichever way an exchange pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate, count

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Trade
from floorwire.core.past_candles import PastEnded, PastWanted
from floorwire.core.past_trades import PastTradesPage
from floorwire.core.ports import Answer, Fetch, VenueOutput
from floorwire.venues.common.backoff import no_jitter
from floorwire.venues.common.past_fetches import PastFetches
from floorwire.venues.common.rate_limits import REST, Allowance, RateLimits
from floorwire.venues.common.trade_history import TradeRow, TradeRows

OF = Instrument("v:A-B", "A", "B", "v", "0.5", "1")
PAGE = 4


class Exchange:
    """An exchange with trades at these times. ``way``: how it pages."""

    weight = 1
    are_parts = False

    def __init__(self, times_us: Sequence[int], way: str) -> None:
        self.trades = [TradeRow(str(n), at_us, "1.5", "2", "buy") for n, at_us in enumerate(times_us, 1)]
        self.way = way
        self.is_oldest_first = way == "forward"
        self.requests = 0

    def first_cursor(self, wanted: PastWanted) -> str:
        match self.way:
            case "forward":
                return f"after {wanted.from_us - 1}"
            case "by time":
                return str(wanted.to_us)
            case _:
                return wanted.before_id

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        self.requests += 1
        return json.dumps([wanted.from_us, wanted.to_us, cursor])

    def answer(self, url: str) -> bytes:
        """Answer as the exchange does."""
        from_us, _, cursor = json.loads(url)
        match self.way:
            case "forward":
                kind, _, value = cursor.partition(" ")
                found = [
                    row
                    for row in self.trades
                    if (row.ts_us if kind == "after" else int(row.trade_id)) > int(value)
                ][:PAGE]
            case "by time":  # the end is in it
                found = [row for row in self.trades if from_us <= row.ts_us <= int(cursor)][-PAGE:]
            case "by id":
                found = [row for row in self.trades if not cursor or int(row.trade_id) < int(cursor)][-PAGE:]
            case _:
                found = self.trades[-PAGE:]
        return json.dumps(found).encode()

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        rows = [TradeRow(*row) for row in json.loads(body)]
        is_all = len(rows) < PAGE
        match self.way:
            case "forward":
                return TradeRows(rows, f"id {rows[-1].trade_id}" if rows else "", is_all)
            case "by time":
                return TradeRows(rows, str(rows[0].ts_us) if rows else "", is_all)
            case "by id":
                return TradeRows(rows, rows[0].trade_id if rows else "", is_all)
            case _:
                return TradeRows(rows, "", is_all)


def told(exchange: Exchange, wanted: PastWanted) -> tuple[list[PastTradesPage], str]:
    """Ask for a time; return the pages, and the fault."""
    fetches = PastFetches(None, exchange, RateLimits({REST: Allowance(9_999, 1)}), count(1), no_jitter)
    fetches.want(wanted)
    listed = {"ab": OF}
    outputs: list[VenueOutput] = list(fetches.due(listed, 0))
    pages: list[PastTradesPage] = []
    for _ in range(1_000):
        pages += [one for one in outputs if isinstance(one, PastTradesPage)]
        if ended := [one for one in outputs if isinstance(one, PastEnded)]:
            return pages, ended[0].fault
        (request,) = [one for one in outputs if isinstance(one, Fetch)]
        answer = Answer(request.request, 200, exchange.answer(request.url))
        outputs = list(fetches.apply(answer, listed, 0))
    raise AssertionError("it does not end")


times = st.lists(st.sampled_from([0, 0, 1, 1, 2, 9]), max_size=40).map(lambda steps: list(accumulate(steps)))


@given(times, st.sampled_from(["forward", "by time", "by id"]), st.integers(0, 60), st.integers(1, 60))
def test_each_trade_of_the_time_is_told_once(
    times_us: list[int], way: str, from_us: int, length_us: int
) -> None:
    if way == "by time" and any(times_us.count(at_us) >= PAGE for at_us in times_us):
        return  # there is no way beyond them
    wanted = PastWanted(OF.symbol, None, from_us, from_us + length_us)
    exchange = Exchange(times_us, way)
    pages, fault = told(exchange, wanted)
    assert not fault
    found = sorted(int(trade.trade_id) for page in pages for trade in page.trades)
    inside = [int(row.trade_id) for row in exchange.trades if from_us <= row.ts_us < wanted.to_us]
    assert found == inside
    for page in pages:
        of_page = [row.trade_id for row in exchange.trades if page.from_us <= row.ts_us < page.to_us]
        assert [trade.trade_id for trade in page.trades] == of_page
    spans = sorted((page.from_us, page.to_us) for page in pages)
    assert [*(start for start, _ in spans), wanted.to_us] == [from_us, *(end for _, end in spans)]


def test_a_request_begins_at_a_trade_that_is_known() -> None:
    exchange = Exchange(range(40), "by id")
    pages, _ = told(exchange, PastWanted(OF.symbol, None, 10, 13, "14"))
    assert [trade.trade_id for page in pages for trade in page.trades] == ["13", "12", "11"][::-1]
    assert exchange.requests == 1


def test_of_an_exchange_with_the_latest_alone_these_are_told() -> None:
    (page,), fault = told(Exchange([1, 5, 5, 6, 7, 9], "latest"), PastWanted(OF.symbol, None, 0, 20))
    assert (page.from_us, page.to_us, [trade.ts_us for trade in page.trades]) == (6, 20, [6, 7, 9])
    assert not fault
    (page,), _ = told(Exchange([5, 6], "latest"), PastWanted(OF.symbol, None, 0, 20))
    assert (page.from_us, page.to_us) == (0, 20)
    assert told(Exchange([5, 6, 7, 8], "latest"), PastWanted(OF.symbol, None, 0, 5)) == ([], "")


def test_too_many_trades_of_one_time_are_given_up() -> None:
    exchange = Exchange([3] * 9, "by time")
    fetches = PastFetches(None, exchange, RateLimits({REST: Allowance(9_999, 1)}), count(1), no_jitter)
    fetches.want(PastWanted(OF.symbol, None, 0, 9))
    now_us, ended = 0, list[str]()
    outputs: list[VenueOutput] = list(fetches.due({"ab": OF}, now_us))
    for _ in range(100):
        requests = [one for one in outputs if isinstance(one, Fetch)]
        ended += [one.fault for one in outputs if isinstance(one, PastEnded)]
        outputs = []
        for request in requests:
            answer = Answer(request.request, 200, exchange.answer(request.url))
            outputs += fetches.apply(answer, {"ab": OF}, now_us)
        now_us += 20_000_000
        outputs += fetches.due({"ab": OF}, now_us)
    assert ended == ["an answer that cannot be read"]


def test_a_trade_finer_than_the_steps_is_refused() -> None:
    exchange = Exchange([1, 2, 3], "forward")
    exchange.trades[1] = exchange.trades[1]._replace(price="1.25")
    (page,), _ = told(exchange, PastWanted(OF.symbol, None, 0, 9))
    assert page.refused == [2]
    assert page.trades == [Trade(OF.symbol, "1", 3, 2, "buy", 1), Trade(OF.symbol, "3", 3, 2, "buy", 3)]
