"""Whether and when a client comes back after a connection has ended, or was refused (docs/protocol.md)."""

from __future__ import annotations

from random import Random
from typing import Final

FOR_GOOD_CODES: Final = range(4500, 5000)
"""Change something before you try again."""
CLIENT_FAULTS: Final = range(300, 500)
"""HTTP statuses that come again until the client asks in another way."""
TRY_LATER: Final = frozenset({408, 425, 429})
"""Those among them that only mean: not now."""
FIRST_S: Final = 0.1
MOST_S: Final = 10.0


def is_close_for_good(code: int) -> bool:
    """Return whether the server does not want the client back as it is."""
    return code in FOR_GOOD_CODES


def is_refusal_for_good(status: int) -> bool:
    """Return whether a handshake with this HTTP status would be refused again. 0: there was no answer."""
    return status in CLIENT_FAULTS and status not in TRY_LATER


def retry_after_s(header: str | None) -> float:
    """Return the seconds of a ``Retry-After`` header. A date, or nonsense, is 0."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else 0.0


class Backoff:
    """Draws each wait between 0 and a limit (full jitter): clients that were cut together come one by one.

    The limit doubles with each wait, up to ``most_s``.
    """

    def __init__(self, random: Random, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._random = random
        self._first_s = first_s
        self._most_s = most_s
        self._limit_s = first_s

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return how long to wait. ``at_least_s``: what the server asked for; the jitter comes on top."""
        limit_s, self._limit_s = self._limit_s, min(2 * self._limit_s, self._most_s)
        return at_least_s + self._random.uniform(0, limit_s)

    def reset(self) -> None:
        """Begin anew: the last connection worked."""
        self._limit_s = self._first_s
