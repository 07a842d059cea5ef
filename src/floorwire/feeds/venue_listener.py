"""Who gets what a trading venue reports, as its feed sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument


class VenueListener(Protocol):
    """Gets what a trading venue reports. The desk is one."""

    def listed(self, instruments: Sequence[Instrument]) -> None:
        """These instruments can be traded. They are new or changed."""
        ...

    def opened(self, venue: str) -> None:
        """The venue has started, without any order of ours."""
        ...

    def reported(self, reports: Sequence[Report]) -> None:
        """The venue changed resting orders, without a command of ours."""
        ...
