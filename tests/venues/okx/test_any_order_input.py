"""OKX: whatever comes, in whatever order."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from floorwire.core.order_ports import OrderAdapterInput
from floorwire.core.ports import Answer, Closed, Frame, Opened, Woke
from floorwire.core.remote_order_messages import (
    PlaceAnswer,
)
from tests.venues.okx.order_session import (
    FILL,
    ID,
    LISTED,
    LOGGED_IN,
    SUBSCRIBED,
    connected,
    new,
    order_row,
    orders,
    rest,
    verdict,
)
from tests.venues.order_driver import (
    SECOND,
    place,
    reports,
    sent,
)

# --- whatever comes ----------------------------------------------------------------------------------

KNOWN = [
    LOGGED_IN,
    SUBSCRIBED,
    orders(FILL),
    orders(order_row("canceled")),
    verdict("1"),
    verdict("2", "50004"),
    verdict("1", "51008"),
    rest(order_row()),
    rest({"ts": "9"}),
    rest(*LISTED),
    {"event": "notice", "code": "64008"},
    {"event": "error", "code": "60009"},
    {"op": "order", "id": "1"},
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
texts = st.one_of(
    st.text(),
    st.sampled_from(["pong", "[" * 2000]),
    values.map(json.dumps),
    st.sampled_from(KNOWN).map(json.dumps),
)
happenings = st.one_of(
    st.builds(Frame, st.just("private"), st.one_of(texts, st.binary())),
    st.just(Opened("private")),
    st.just(Closed("private", "lost")),
    st.builds(Answer, st.integers(1, 8), st.sampled_from([0, 200, 429, 503]), texts.map(str.encode)),
    st.just(Woke()),
)


@given(st.lists(st.tuples(happenings, st.integers(0, 30 * SECOND)), max_size=30))
def test_whatever_comes_nothing_raises_and_an_order_is_placed_once(
    steps: list[tuple[OrderAdapterInput, int]],
) -> None:
    for driver in (new(), connected()):
        outputs = list(driver.command(place()))
        for happened, wait_us in steps:
            outputs += driver.give(happened)
            driver.now_us += wait_us
            outputs += driver.give(Woke())
        placed = [message for message in sent(outputs) if message.get("op") == "order"]
        assert len(placed) <= 1
        answers = [one for one in reports(outputs) if isinstance(one, PlaceAnswer) and one.client_id == ID]
        assert len(answers) <= 1
