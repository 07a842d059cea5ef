"""Binance: whatever comes, in whatever order, nothing raises and nothing is placed twice."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.order_ports import OrderAdapterInput
from floorwire.core.ports import Answer, Closed, Frame, Opened, Send, Woke
from floorwire.core.remote_order_messages import PlaceAnswer, Reconcile, RemoteCommand
from tests.venues.binance.order_session import (
    CLIENT_ID,
    Driver,
    amend,
    cancel,
    connected,
    place,
    query,
    report,
    row,
)
from tests.venues.order_driver import SECOND, of, reports

LINKS = st.sampled_from(["orders", "orders_2"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
results = st.sampled_from(
    [
        row(),
        row("FILLED", "0.5"),
        row("CANCELED", orderId=-5),
        [row()],
        {"serverTime": 1_767_225_600_000},
        {"serverTime": 2**53},
        {"subscriptionId": 0},
        {"balances": [{"asset": "BTC", "free": "1", "locked": "x"}]},
        {"transactTime": 5, "amendedOrder": {"orderId": 17}},
        [],
    ]
)
errors = st.builds(
    lambda code, msg, data: {"code": code, "msg": msg, "data": data},
    st.sampled_from([-1000, -1003, -1007, -1008, -1013, -1015, -1021, -2010, -2011, -2013, -2026, -2035, -9]),
    st.sampled_from(["", "Duplicate order sent.", "Unknown order sent.", "Filter failure: LOT_SIZE"]),
    st.none() | st.builds(lambda at: {"retryAfter": at}, st.integers(0, 2**53)),
)
replies = st.builds(
    lambda number, status, result, error: {"id": number, "status": status, "result": result, "error": error},
    st.integers(1, 12) | st.none(),
    st.sampled_from([200, 400, 401, 409, 418, 429, 500]),
    results,
    errors,
)
events = st.sampled_from(
    [
        report(),
        report(x="TRADE", X="FILLED", t=5, l="0.5", z="0.5"),
        report(x="CANCELED", X="CANCELED", c="random", C=CLIENT_ID),
        {"e": "eventStreamTerminated"},
        {"e": "serverShutdown"},
    ]
).map(lambda event: {"subscriptionId": 0, "event": event})
texts = st.one_of(st.text(), (replies | events | values).map(json.dumps), st.just("[" * 2_000))
happenings = st.one_of(
    st.builds(Frame, LINKS, texts | st.binary()),
    st.builds(Opened, LINKS),
    st.builds(Closed, LINKS, st.just("lost")),
    st.builds(
        Answer,
        st.integers(1, 12),
        st.sampled_from([0, 200, 400, 429, 503]),
        texts.map(str.encode),
        st.sampled_from([(), (("retry-after", "9"),), (("retry-after", "\u0663"),)]),
    ),
    st.just(Woke()),
)
commands: st.SearchStrategy[RemoteCommand] = st.sampled_from(
    [cancel("17"), cancel(), query(1), query(2, "17"), amend("0.2"), Reconcile(3, '{"BTCUSDT":7}')]
)


@given(st.lists(st.tuples(happenings | commands, st.integers(0, 20 * SECOND)), max_size=25))
def test_whatever_comes(steps: list[tuple[OrderAdapterInput | RemoteCommand, int]]) -> None:
    for driver in (Driver(), connected()):
        driver.tells_time = False
        outputs = list(driver.command(place()))
        for happened, wait_us in steps:
            if isinstance(happened, Frame | Opened | Closed | Answer | Woke):
                outputs += driver.give(happened)
            else:
                outputs += driver.command(happened)
            driver.now_us += wait_us
            outputs += driver.give(Woke())
        sent = [json.loads(send.text)["method"] for send in of(outputs, Send)]
        assert sent.count("order.place") <= 1
        answers = [one for one in reports(outputs) if isinstance(one, PlaceAnswer)]
        # at most one of them is a verdict: an answer that comes after its time
        assert sum(one.outcome != "unknown" for one in answers) <= 1
        assert len(answers) <= 2
