"""Kraken: whatever comes, in whatever order."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.order_ports import OrderAdapterInput
from floorwire.core.ports import Answer, Closed, Fetch, Frame, Opened, Woke
from floorwire.core.remote_order_messages import PlaceAnswer
from tests.venues.kraken.order_session import (
    ID,
    LISTED,
    STATUS,
    SUBSCRIBED,
    connected,
    done,
    new,
    refused,
    rest,
    row,
    rows,
)
from tests.venues.order_driver import SECOND, of, path_of, place, reports, sent

KNOWN = [
    SUBSCRIBED,
    done(1),
    done(2),
    refused(1, "EService:Busy"),
    refused(1, "EOrder:Insufficient funds"),
    rows([row()]),
    rows([row(exec_type="canceled", order_status="canceled")], sequence=3),
    rows([row()], sequence=9),
    rest({"token": "t"}),
    rest({"unixtime": 5}),
    rest(LISTED),
    rest({"txid": ["O1"]}),
    rest(None, "EService:Unavailable"),
    rest(None, "EAPI:Rate limit exceeded"),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
texts = st.one_of(
    st.text(),
    st.sampled_from([STATUS, "[" * 2000]),
    values.map(json.dumps),
    st.sampled_from(KNOWN).map(json.dumps),
)
happenings = st.one_of(
    st.builds(Frame, st.just("private"), st.one_of(texts, st.binary())),
    st.just(Opened("private")),
    st.just(Closed("private", "lost")),
    st.builds(Answer, st.integers(1, 8), st.sampled_from([0, 200, 429, 520]), texts.map(str.encode)),
    st.just(Woke()),
)


@given(
    st.lists(st.tuples(happenings, st.integers(0, 30 * SECOND)), max_size=30),
    st.sampled_from(["gtc", "fok"]),
)
def test_whatever_comes_nothing_raises_and_an_order_is_placed_once(
    steps: list[tuple[OrderAdapterInput, int]], time_in_force: str
) -> None:
    for driver in (new(), connected()):
        outputs = list(driver.command(place(ID, time_in_force=time_in_force)))
        for happened, wait_us in steps:
            outputs += driver.give(happened)
            driver.now_us += wait_us
            outputs += driver.give(Woke())
        placed = [message for message in sent(outputs) if message["method"] == "add_order"]
        by_rest = [one for one in of(outputs, Fetch) if path_of(one) == "/0/private/AddOrder"]
        assert len(placed) + len(by_rest) <= 1
        answers = [one for one in reports(outputs) if isinstance(one, PlaceAnswer) and one.client_id == ID]
        assert len(answers) <= 1
