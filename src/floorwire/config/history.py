"""Settings of market history: where it is kept, for how long, and how much."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from floorwire.config.number_ranges import Amount, Bytes, Count

MEBIBYTE = 1 << 20


class HistorySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept of the market. The oldest rows go first; of each kind there is a limit of its own."""

    store: Annotated[
        Literal["disk", "memory"],
        Meta(description="where trades and candles are kept: in the data folder, or until the server ends"),
    ] = "disk"
    trades_days: Annotated[
        Amount, Meta(description="how long trades are kept on disk; 0: whatever their age")
    ] = 7
    trades_bytes: Annotated[Bytes, Meta(description="bytes of trades on disk, 10 to 25 for each")] = (
        2_048 * MEBIBYTE
    )
    seconds_days: Annotated[Amount, Meta(description="the same of candles of a second")] = 3
    seconds_bytes: Annotated[Bytes, Meta(description="bytes of them on disk, about 20 for each")] = (
        256 * MEBIBYTE
    )
    minutes_days: Annotated[Amount, Meta(description="the same of candles of a minute")] = 400
    minutes_bytes: Annotated[Bytes, Meta(description="bytes of them on disk, about 25 for each")] = (
        1_024 * MEBIBYTE
    )
    longer_days: Annotated[
        Amount, Meta(description="the same of candles of 15 minutes and more, of which longer ones are made")
    ] = 0
    longer_bytes: Annotated[Bytes, Meta(description="bytes of them on disk, about 25 for each")] = (
        256 * MEBIBYTE
    )
    memory_bytes: Annotated[
        Bytes,
        Meta(
            description="bytes of each of these kinds in memory: with store=memory, and of what replays show"
        ),
    ] = 16 * MEBIBYTE
    simulated_past: Annotated[
        bool, Meta(description="give a simulated market candles of the time before its first start")
    ] = True
    past_days: Annotated[
        float,
        Meta(
            ge=0,
            le=30,
            description="days of minutes (and more of longer candles) that exchanges are asked for; 0: none",
        ),
    ] = 2
    past_trades_minutes: Annotated[
        float,
        Meta(
            ge=0,
            le=1_440,
            description="minutes of trades before now that exchanges are asked for, where they lack; 0: none",
        ),
    ] = 15
    waiting_events: Annotated[
        Count,
        Meta(description="events that may wait to be stored; trades beyond are dropped, and a hole is noted"),
    ] = 200_000
