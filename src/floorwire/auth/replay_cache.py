"""Replay cache: signed logins that were used, so that none is good twice.

What has to survive a restart is a date and a few logins (``UsedLogins``): a login that was used is signed up
to that date, or is one of these. They are those of clients whose clocks are ahead of ours.
"""

from __future__ import annotations

import msgspec


class SignedLogin(msgspec.Struct, frozen=True, array_like=True):
    """One signed login: the key's id, and the date that was signed."""

    key: str
    ts_us: int


class UsedLogins(msgspec.Struct, frozen=True, array_like=True):
    """All that may have been used: what is signed up to ``until_us``, and ``later``."""

    until_us: int
    later: tuple[SignedLogin, ...]


class ReplayCacheFullError(Exception):
    """The cache is full. Refuse the login: a replay of it could not be noticed."""


class ReplayCache:
    """Remembers used logins for ``keep_us``: at most ``limit``. When full, it refuses.

    The latest ``spare`` are remembered for longer, for a clock that is set back to a date at which they are
    valid. What was signed up to the date of a forgotten login is refused from then on.
    """

    def __init__(self, keep_us: int, limit: int, spare: int) -> None:
        self._keep_us = keep_us
        self._limit = limit
        self._spare = spare
        self._used: dict[SignedLogin, int] = {}
        """Login -> the date of its use. In order of use."""
        self._until_us = 0
        """Logins signed up to here are refused: they may be among those that are not remembered."""
        self._later: dict[SignedLogin, None] = {}
        """Those of ``_used`` that were signed later than ``_noted_us``, and all since then."""
        self._noted_us = 0
        """The date of the latest ``state``."""

    def is_too_old(self, login: SignedLogin) -> bool:
        """Return whether it cannot be said that the login was not used before."""
        return login.ts_us <= self._until_us

    def use(self, login: SignedLogin, wall_us: int) -> bool:
        """Mark the login as used. Return whether this is the first time. Raises ReplayCacheFullError.

        ``wall_us`` is a date, as logins are valid by date. If the clock was set back, all is kept longer.
        """
        self._forget(wall_us)
        if login in self._used or self.is_too_old(login):
            return False
        if len(self._used) >= self._limit:
            raise ReplayCacheFullError
        self._used[login] = wall_us
        self._later[login] = None
        return True

    def state(self, wall_us: int, most: int) -> UsedLogins:
        """Return all that may have been used, with at most ``most`` logins. Where there are more, a later
        date stands for them.
        """
        if wall_us < self._noted_us:  # The clock was set back: earlier logins are later than this date.
            self._later = dict.fromkeys(self._used)
        self._noted_us = wall_us
        self._later = {login: None for login in self._later if login.ts_us > wall_us}
        until_us = max(self._until_us, wall_us)
        later = sorted(self._later, key=_date)
        if len(later) > most:
            until_us = max(until_us, later[-most - 1].ts_us)
        return UsedLogins(until_us, tuple(login for login in later if login.ts_us > until_us))

    def restore(self, state: UsedLogins, wall_us: int) -> None:
        """Begin with what was used before."""
        self._until_us = max(self._until_us, state.until_us)
        for login in state.later:
            self._used[login] = wall_us
            self._later[login] = None

    def __len__(self) -> int:
        return len(self._used)

    def _forget(self, wall_us: int) -> None:
        oldest_us = wall_us - self._keep_us
        while len(self._used) > self._spare:
            login, used_us = next(iter(self._used.items()))
            if used_us >= oldest_us:
                return
            del self._used[login]
            self._later.pop(login, None)
            self._until_us = max(self._until_us, login.ts_us)


def _date(login: SignedLogin) -> int:
    return login.ts_us
