"""The exchange's own dead man's switch: it cancels all orders of the account unless it is set again in time.

    UNSET ---- its time has come ----> ASKED ---- done ------> SET
      ^                                  |                      |
      |                                  |                      | a third of its time is over
      |                                  v                      v
      '---- a second later --------- no use of it <---- fails - ASKED (again)

It works where nothing here does: the process is killed, the machine or its network is gone. It is never
switched off, neither when the process ends: that is what it is for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import SwitchChanged
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import UNUSABLE, Steps

RETRY_US = SECOND_US
"""How soon it is set again after that failed."""
RENEWALS = 3
"""How often it is set in its own time."""
MOST_TEXT = 200


class CancelAllSwitch:
    """Says when to set the switch, and whether it is set."""

    __slots__ = ("_after_us", "_due_us", "_fires_us", "_is_asking", "_now_us", "_steps", "_told", "_why")

    def __init__(self, after_s: int, steps: Callable[[int], Steps]) -> None:
        """``after_s``: the exchange cancels so long after the last setting. ``steps``: what sets it."""
        self._after_us = after_s * SECOND_US
        self._steps: Callable[[], Steps] = partial(steps, after_s)
        self._due_us = 0
        self._is_asking = False
        self._fires_us: int | None = None
        """When the exchange cancels at the soonest; None: it was not set yet, or has fired."""
        self._told: bool | None = None
        """Whether it was set when that was told last."""
        self._why = ""
        self._now_us = 0

    def at(self, now_us: int) -> None:
        """Take in the time."""
        self._now_us = now_us

    @property
    def is_due(self) -> bool:
        """Whether to set it now."""
        return not self._is_asking and self._now_us >= self._due_us

    @property
    def due_us(self) -> int:
        """When to set it; never while an answer is to come."""
        return NEVER_US if self._is_asking else self._due_us

    def set(self) -> Steps:
        """Return the requests that set it."""
        self._due_us = self._now_us + RETRY_US  # where they cannot even begin
        return self._set(self._now_us)

    def _set(self, asked_us: int) -> Steps:
        self._is_asking, why = True, "no answer"
        try:
            yield from self._steps()
            why = ""
        except UNUSABLE as error:
            why = str(error)[:MOST_TEXT] or why
        finally:
            self._is_asking, self._why = False, why
            if why:
                self._due_us = self._now_us + RETRY_US
            else:  # from the request on: nobody knows how long its way was
                self._fires_us = asked_us + self._after_us
                self._due_us = asked_us + self._after_us // RENEWALS
        return ()

    def changes(self) -> Iterator[SwitchChanged]:
        """Yield whether it is set, where that was not told yet."""
        if self._fires_us is not None and self._now_us >= self._fires_us:
            self._fires_us = None
        is_set = self._fires_us is not None
        is_known = is_set or bool(self._why)
        if is_known and is_set != self._told:
            self._told = is_set
            yield SwitchChanged(is_set, self._why)
