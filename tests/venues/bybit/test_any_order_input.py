"""Bybit: whatever comes, in whatever order, nothing raises and nothing is placed twice."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.order_ports import OrderAdapterInput
from floorwire.core.ports import Answer, Closed, Fetch, Frame, Opened, Send, Woke
from floorwire.core.remote_order_messages import PlaceAnswer, Reconcile, RemoteCommand
from tests.venues.bybit.order_session import (
    AUTH,
    ID,
    SUBSCRIBED,
    TRADE_AUTH,
    connected,
    execution_row,
    executions,
    new,
    order_row,
    orders,
    rest,
    rows,
    subscribed,
    verdict,
)
from tests.venues.order_driver import DATE, SECOND, amend, cancel, of, place, query, reports

LINKS = st.sampled_from(["private", "trade"])
KNOWN = [
    AUTH,
    SUBSCRIBED,
    TRADE_AUTH,
    orders(order_row()),
    orders(order_row("Filled", cumExecQty="0.01")),
    orders(order_row("Rejected", rejectReason="EC_PostOnlyWillTakeLiquidity")),
    executions(execution_row()),
    verdict(f"{DATE}-1"),
    verdict(f"{DATE}-2", 170191),
    verdict(f"{DATE}-1", 10006),
    verdict(f"{DATE}-1", 10019),
    verdict(f"{DATE}-1", 10016),
    rest({"orderId": "5"}),
    rest({}, time=1767225600000),
    rest(code=10002),
    rows(order_row()),
    rows(execution_row()),
    rows(),
    rest({"list": [{"coin": [{"coin": "BTC", "walletBalance": "x"}]}]}),
    {"op": "pong"},
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
texts = st.one_of(st.text(), (st.sampled_from(KNOWN) | values).map(json.dumps), st.just("[" * 2_000))
happenings = st.one_of(
    st.builds(Frame, LINKS, texts | st.binary()),
    st.builds(Opened, LINKS),
    st.builds(Closed, LINKS, st.just("lost")),
    st.builds(Answer, st.integers(1, 9), st.sampled_from([0, 200, 403, 429, 503]), texts.map(str.encode)),
    st.just(Woke()),
)
commands: st.SearchStrategy[RemoteCommand] = st.sampled_from(
    [cancel(), query(), query(8), amend(), Reconcile(3, "1767225500000"), Reconcile(4, "")]
)


@given(st.lists(st.tuples(happenings | commands, st.integers(0, 20 * SECOND)), max_size=25))
def test_whatever_comes(steps: list[tuple[OrderAdapterInput | RemoteCommand, int]]) -> None:
    for driver in (new(), subscribed(), connected()):
        outputs = list(driver.command(place()))
        for happened, wait_us in steps:
            if isinstance(happened, Frame | Opened | Closed | Answer | Woke):
                outputs += driver.give(happened)
            else:
                outputs += driver.command(happened)
            driver.now_us += wait_us
            outputs += driver.give(Woke())
        placed = [send for send in of(outputs, Send) if '"order.create"' in send.text]
        fetched = [fetch for fetch in of(outputs, Fetch) if fetch.url.endswith("/v5/order/create")]
        assert len(placed) + len(fetched) <= 1
        answers = [one for one in reports(outputs) if isinstance(one, PlaceAnswer) and one.client_id == ID]
        assert sum(one.outcome != "unknown" for one in answers) <= 1
        assert len(answers) <= 2
