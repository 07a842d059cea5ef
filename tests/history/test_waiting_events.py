"""The queue between the event loop and the store: bounded, and it says when it dropped something."""

from __future__ import annotations

from floorwire.core.market_events import MarketEvent, VenueTime
from floorwire.history.memory_snapshot import ReadRequest
from floorwire.history.waiting_events import Batch, Dropped, Entry, ReadMark, WaitingEvents
from tests.history.market import START_US, trade


def all_of(waiting: WaitingEvents) -> list[Entry]:
    """Take everything."""
    found = []
    while (entry := waiting.take()) is not None:
        found.append(entry)
    return found


def test_batches_and_marks_keep_their_order() -> None:
    waiting = WaitingEvents(10)
    events: list[MarketEvent] = [trade(START_US)]
    mark = ReadMark(ReadRequest("v:A-B"))
    waiting.put("v", events)
    events.clear()  # the venue's list is used again
    waiting.mark(mark)
    waiting.put("v", [trade(START_US + 1)])
    assert len(waiting) == 2
    first, second, third = all_of(waiting)
    assert first == Batch("v", [trade(START_US)])
    assert second is mark
    assert third == Batch("v", [trade(START_US + 1)])
    assert len(waiting) == 0


def test_what_does_not_fit_is_dropped_and_told_once() -> None:
    waiting = WaitingEvents(3)
    waiting.put("v", [trade(START_US)] * 3)
    waiting.put("v", [trade(START_US)] * 2)
    waiting.put("v", [trade(START_US), VenueTime(START_US)])  # the time is never dropped
    waiting.put("w", [trade(START_US)])
    assert waiting.dropped == 4
    found = all_of(waiting)
    assert [entry for entry in found if type(entry) is Dropped] == [Dropped("v"), Dropped("w")]
    assert found[-3] == Batch("v", [VenueTime(START_US)])
    waiting.put("v", [trade(START_US)])
    waiting.put("v", [trade(START_US)] * 3)
    assert [type(entry) for entry in all_of(waiting)] == [Batch, Dropped, Batch]
