"""The server's date, from the replies to pings, with how far it may be off."""

from __future__ import annotations

DRIFT_PPM = 200
"""Two clocks may drift apart by so many millionths. Those of machines without NTP stay well below."""


class ServerClock:
    """Keeps the best of all measurements: the ping that was answered soonest says most.

    A measurement is off by half of the ping's round trip at most, and by the drift since then.
    """

    def __init__(self) -> None:
        self._offset_us = 0
        """The server's date less our monotonic time."""
        self._error_us: int | None = None
        """At most so much was that off when it was measured. None: there was no measurement."""
        self._measured_us = 0

    @property
    def is_set(self) -> bool:
        """Whether there was a measurement."""
        return self._error_us is not None

    def measured(self, server_us: int, sent_us: int, received_us: int) -> None:
        """Take a reply that has the server's date; ``sent_us`` and ``received_us`` are monotonic time."""
        error_us = (received_us - sent_us + 1) // 2
        if self._error_us is None or error_us <= self._error_at(received_us):
            self._offset_us = server_us - (sent_us + received_us) // 2
            self._error_us, self._measured_us = error_us, received_us

    def date_us(self, now_us: int) -> int:
        """Return the server's date, as far as it is known."""
        return now_us + self._offset_us

    def least_us(self, now_us: int) -> int:
        """Return a date that the server's clock has reached for certain."""
        return self.date_us(now_us) - self._error_at(now_us)

    def _error_at(self, now_us: int) -> int:
        assert self._error_us is not None
        return self._error_us + (now_us - self._measured_us) * DRIFT_PPM // 1_000_000 + 1
