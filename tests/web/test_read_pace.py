"""The pace of reading: paused while frames wait, and longer when the frame budget is spent."""

from __future__ import annotations

import asyncio

from floorwire.protocol.frame_budget import FRAMES_BURST
from floorwire.web.read_pace import ReadPace


class Transport(asyncio.Transport):
    """Notes what it is told to do."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.is_gone = False

    def pause_reading(self) -> None:
        self.told.append("pause")

    def resume_reading(self) -> None:
        self.told.append("resume")

    def is_closing(self) -> bool:
        return self.is_gone


async def test_it_resumes_what_it_paused_and_nothing_else() -> None:
    transport = Transport()
    pace = ReadPace(transport)
    pace.resume()
    pace.resume_in_budget(1)
    assert transport.told == []
    pace.pause()
    pace.resume_in_budget(1)
    assert transport.told == ["pause", "resume"]


async def test_a_spent_budget_pauses_until_its_timer() -> None:
    transport = Transport()
    pace = ReadPace(transport)
    pace.resume_in_budget(FRAMES_BURST + 1)
    pace.resume_in_budget(1)
    assert transport.told == ["pause"]
    while pace.is_paused:
        await asyncio.sleep(0)
    assert transport.told == ["pause", "resume"]


async def test_a_connection_that_is_gone_is_left_alone() -> None:
    transport = Transport()
    pace = ReadPace(transport)
    pace.resume_in_budget(2 * FRAMES_BURST)
    transport.is_gone = True
    pace.resume()
    pace.stop_timer()
    assert transport.told == ["pause"]
