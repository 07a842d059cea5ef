"""Outcomes that every exchange has."""

from __future__ import annotations

import pytest

from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import AmendAnswer, CancelAnswer, PlaceAnswer
from floorwire.venues.common.order_outcomes import (
    MOST_MESSAGE,
    OrderOutcome,
    OrderRequest,
    kind_of,
    rejected,
    unknown,
)
from tests.venues.order_driver import amend, cancel, place


@pytest.mark.parametrize(
    ("request_", "kind", "outcome"),
    [
        (place("a"), "place", PlaceAnswer("a", "unknown")),
        (amend("a"), "amend", AmendAnswer("a", "unknown")),
        (cancel("a"), "cancel", CancelAnswer("a", "unknown")),
    ],
    ids=["place", "amend", "cancel"],
)
def test_a_request_has_a_kind_and_may_have_no_answer(
    request_: OrderRequest, kind: str, outcome: OrderOutcome
) -> None:
    assert kind_of(request_) == kind
    assert unknown(request_) == outcome


def test_the_venues_words_are_cut_off() -> None:
    refused = rejected(place("a"), Code.TICK_SIZE, "x" * (MOST_MESSAGE + 1))
    assert refused == PlaceAnswer("a", "rejected", code=Code.TICK_SIZE, message="x" * MOST_MESSAGE)
