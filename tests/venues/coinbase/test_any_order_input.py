"""Coinbase: whatever comes, in whatever order."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.order_ports import OrderAdapterInput
from floorwire.core.ports import Answer, Closed, Fetch, Frame, Opened, Woke
from floorwire.core.remote_order_messages import PlaceAnswer
from tests.venues.coinbase.order_session import (
    ID,
    LISTED,
    PLACE,
    connected,
    heartbeat,
    new,
    order,
    subscriptions,
    success,
    user,
    user_order,
)
from tests.venues.order_driver import SECOND, of, path_of, place, reports

KNOWN = [
    subscriptions("heartbeats", "user", number=0),
    subscriptions("heartbeats", "user", number=2),
    user([user_order("PENDING")], number=3),
    user([user_order("FAILED")], number=4),
    heartbeat(9),
    {"type": "error", "message": "no"},
    success(),
    {"success": False, "error_response": {"error": "INSUFFICIENT_FUND"}},
    {"epochMillis": "5"},
    LISTED,
    {"order": order()},
    {"orders": [order()], "has_next": True, "cursor": "n"},
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
texts = st.one_of(
    st.text(),
    st.sampled_from(["<html>", "[" * 2000]),
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


@given(st.lists(st.tuples(happenings, st.integers(0, 30 * SECOND)), max_size=30))
def test_whatever_comes_nothing_raises_and_an_order_is_placed_once(
    steps: list[tuple[OrderAdapterInput, int]],
) -> None:
    for driver in (new(), connected()):
        outputs = list(driver.command(place(ID)))
        for happened, wait_us in steps:
            outputs += driver.give(happened)
            driver.now_us += wait_us
            outputs += driver.give(Woke())
        assert len([one for one in of(outputs, Fetch) if path_of(one) == PLACE]) <= 1
        answers = [one for one in reports(outputs) if isinstance(one, PlaceAnswer) and one.client_id == ID]
        assert len(answers) <= 1
