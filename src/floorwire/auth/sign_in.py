"""Sign-in: verifies secrets, signatures, tokens and tickets, and returns the principal.

``at`` has both times. Waits and rate limits use monotonic time; expiries and signatures use the date.
"""

from __future__ import annotations

import msgspec

from floorwire.auth.client_address import network_of
from floorwire.auth.failure_throttle import FREE_OF_ADDRESS, FailureThrottle
from floorwire.auth.jwt_tokens import BadTokenError, Tokens
from floorwire.auth.keyring import Keyring
from floorwire.auth.known_addresses import KnownAddresses
from floorwire.auth.replay_cache import ReplayCache, ReplayCacheFullError, SignedLogin, UsedLogins
from floorwire.auth.tickets import Tickets, TooManyTicketsError
from floorwire.core.authorization import Principal
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.refusal import Refusal
from floorwire.protocol.rate_limit import KeyedRateLimit

SKEW_US = 30_000_000
USED_LIMIT = 200_000
"""The most signed logins that are remembered, and so the most that can sign in within a minute."""
USED_SPARE = 20_000
"""The latest signed logins, remembered for as long as there are no more (ReplayCache)."""
USED_KEPT = 400
"""The most signed logins of clocks that are ahead of ours that are remembered across a restart."""
TOKENS_PER_S = 20
"""Tokens that are looked at in a second from an address that waits. Each costs a tenth of a millisecond."""
MAX_KEY = 64
"""Characters of a key id that failures are counted by. No key has a longer one."""
TOKEN, TICKET = ":token", ":ticket"
"""What failures of tokens that name no subject, and of tickets, are counted by. No key has such an id."""


class Attempt(msgspec.Struct, frozen=True):
    """One attempt to sign in. ``network``: the address that failures count by. ``key``: the id, or ``\"\"``.

    The client chose the id, so it is cut to ``MAX_KEY``. ``wait_us``: how long it has to wait if it is wrong.
    """

    address: str
    network: str
    key: str
    wait_us: int = 0

    @property
    def pair(self) -> tuple[str, str]:
        """Return what failures of this key from this address are counted by."""
        return self.network, self.key


class SignIn:
    """Signs clients in. Each method returns a Principal or raises Refusal.

    Failures are throttled by address and key together, so that failures elsewhere never lock a key out. They
    are also throttled by address alone. For a key that has signed in from an address before, failures of
    others there do not count: what is right signs in, and only what is wrong waits.

    A right ticket signs in whatever failed before: to look at one costs next to nothing. So does a right
    token, as long as an address that waits shows no more than ``TOKENS_PER_S``.
    """

    def __init__(self, keyring: Keyring, tokens: Tokens | None, per_key_per_second: int) -> None:
        self.keyring = keyring
        self.tickets = Tickets()
        self._tokens = tokens
        self._used = ReplayCache(keep_us=2 * SKEW_US, limit=USED_LIMIT, spare=USED_SPARE)
        self._started_us = 0
        self._by_address: FailureThrottle[str] = FailureThrottle(free=FREE_OF_ADDRESS)
        self._by_pair: FailureThrottle[tuple[str, str]] = FailureThrottle()
        self._known = KnownAddresses()
        self._tokens_of_waiting = KeyedRateLimit(TOKENS_PER_S)
        self._rates = KeyedRateLimit(per_key_per_second)

    def start(self, used: UsedLogins | None, wall_us: int) -> None:
        """Begin with the signed logins that were used before the start; None: nobody knows them.

        Nothing that was signed before the start is good, unless the clock is set back to a date before it.
        """
        self._started_us = wall_us
        self._used.restore(used or UsedLogins(wall_us + SKEW_US, ()), wall_us)

    def used_logins(self, wall_us: int) -> UsedLogins:
        """Return the signed logins that may have been used, for ``start``."""
        return self._used.state(wall_us, USED_KEPT)

    def verify_bearer(self, text: str, address: str, at: Moment) -> Principal:
        """Return the principal of ``KEY.SECRET``, or of a JWT."""
        if text.count(".") == 2:
            return self.verify_token(text, address, at)
        key, _, secret = text.partition(".")
        attempt = self._check_throttle(address, key, at.now_us)
        return self._admit(self.keyring.verify_secret(key, secret, at.wall_us), attempt, at.now_us)

    def verify_signed_login(
        self, key: str, ts_us: int, signature: str, address: str, at: Moment
    ) -> Principal:
        """Return the principal of a signed login. It is valid for 30 s around its ``ts_us``, and once.

        It counts when ``used_logins`` is durable.
        """
        attempt = self._check_throttle(address, key, at.now_us)
        login = SignedLogin(key, ts_us)
        self._check_date(login, at.wall_us)
        principal = self.keyring.verify_signature(key, ts_us, signature, at.wall_us)
        if principal is not None and not self._use(login, at.wall_us):
            if not attempt.wait_us:
                self._fail(attempt, at.now_us)
            raise Refusal(Code.BAD_SIGNATURE, "this login was used before; sign a new ts")
        return self._admit(principal, attempt, at.now_us)

    def refuses_bearer(self, text: str, address: str, at: Moment) -> bool:
        """Return whether the secret is wrong as far as the known keys tell. It counts no failure.

        False where it would not be looked at, because of too many failures.
        """
        key, _, secret = text.partition(".")
        if self._is_throttled(address, key, at.now_us):
            return False
        return self.keyring.verify_secret(key, secret, at.wall_us) is None

    def refuses_signature(self, key: str, ts_us: int, signature: str, address: str, at: Moment) -> bool:
        """Return the same of a signed login."""
        if abs(ts_us - at.wall_us) > SKEW_US or self._is_throttled(address, key, at.now_us):
            return False
        return self.keyring.verify_signature(key, ts_us, signature, at.wall_us) is None

    def verify_token(self, text: str, address: str, at: Moment) -> Principal:
        """Return the principal of a JWT."""
        claimed = "" if self._tokens is None else self._tokens.claimed_key(text)
        attempt = self._attempt(address, claimed or TOKEN, at.now_us)
        if not self._is_looked_at(attempt) and not self._tokens_of_waiting.allow(attempt.network, at.now_us):
            raise _wait(attempt)
        try:
            if self._tokens is None:
                raise BadTokenError("no issuer of tokens is trusted")
            key, grant = self._tokens.verify(text, at.wall_us)
        except BadTokenError as error:
            raise self._refuse(attempt, at.now_us) from error
        return self._admit(grant.principal(key), attempt, at.now_us)

    def redeem_ticket(self, text: str, address: str, at: Moment) -> Principal:
        """Return the principal of a ticket, if the sign-in that asked for it is still valid."""
        attempt = self._attempt(address, TICKET, at.now_us)
        principal = self.tickets.redeem(text, at.now_us)
        if principal is not None and not self.is_current(principal, at.wall_us):
            principal = None
        return self._admit(principal, attempt, at.now_us)

    def issue_ticket(self, ticket: str, principal: Principal, at: Moment) -> int:
        """Make the text a ticket. Return its expiry, a date in microseconds. Raises Refusal."""
        try:
            return self.tickets.issue(ticket, principal, at.now_us) - at.now_us + at.wall_us
        except TooManyTicketsError:
            raise Refusal(Code.RATE_LIMITED, "too many tickets are out", wait_us=1_000_000) from None

    def is_current(self, principal: Principal, wall_us: int) -> bool:
        """Return whether the principal's key, token or ticket is still valid."""
        if principal.expires_us is not None and wall_us >= principal.expires_us:
            return False
        return not uses_api_key(principal) or self.keyring.is_current(principal, wall_us)

    # --- throttle and rate limit ------------------------------------------------------------------

    def _attempt(self, address: str, key: str, now_us: int) -> Attempt:
        network, key = network_of(address), key[:MAX_KEY]
        wait_us = self._by_pair.wait_us((network, key), now_us)
        if not self._known.knows(key, network):
            wait_us = max(wait_us, self._by_address.wait_us(network, now_us))
        return Attempt(address, network, key, wait_us)

    def _is_looked_at(self, attempt: Attempt) -> bool:
        """Return whether what the attempt shows is looked at, whatever it costs."""
        return not attempt.wait_us or self._known.knows(attempt.key, attempt.network)

    def _check_throttle(self, address: str, key: str, now_us: int) -> Attempt:
        attempt = self._attempt(address, key, now_us)
        if not self._is_looked_at(attempt):
            raise _wait(attempt)
        return attempt

    def _is_throttled(self, address: str, key: str, now_us: int) -> bool:
        return self._attempt(address, key, now_us).wait_us > 0

    def _admit(self, principal: Principal | None, attempt: Attempt, now_us: int) -> Principal:
        if principal is None:
            raise self._refuse(attempt, now_us)
        if not principal.comes_from(attempt.address):
            self._fail(attempt, now_us)
            raise Refusal(Code.FORBIDDEN, "the key may not be used from this address")
        if not self._rates.allow(principal.key, now_us):
            wait_us = max(1, self._rates.wait_us(principal.key, now_us))
            raise Refusal(Code.RATE_LIMITED, "this key signs in too often", wait_us=wait_us)
        if attempt.key != TICKET:
            self._known.add(attempt.key, attempt.network)
        return principal

    def _refuse(self, attempt: Attempt, now_us: int) -> Refusal:
        """Return the refusal of what is wrong. It counts, unless the attempt had to wait."""
        if attempt.wait_us:
            return _wait(attempt)
        self._fail(attempt, now_us)
        return _wrong()

    def _fail(self, attempt: Attempt, now_us: int) -> None:
        self._by_pair.fail(attempt.pair, now_us)
        if not self._known.knows(attempt.key, attempt.network):
            self._by_address.fail(attempt.network, now_us)

    def _check_date(self, login: SignedLogin, wall_us: int) -> None:
        skew = {"server_ts": wall_us}
        if abs(login.ts_us - wall_us) > SKEW_US:
            raise Refusal(Code.CLOCK_SKEW, "ts is not within 30 s of the server's clock", skew)
        if login.ts_us < self._started_us <= wall_us or self._used.is_too_old(login):
            raise Refusal(Code.CLOCK_SKEW, "ts is before the server's start; sign a new ts", skew)

    def _use(self, login: SignedLogin, wall_us: int) -> bool:
        try:
            return self._used.use(login, wall_us)
        except ReplayCacheFullError:
            raise Refusal(Code.RATE_LIMITED, "too many logins", wait_us=SKEW_US) from None


def _wait(attempt: Attempt) -> Refusal:
    return Refusal(Code.RATE_LIMITED, "too many failed sign-ins", wait_us=attempt.wait_us)


def _wrong() -> Refusal:
    return Refusal(Code.BAD_SIGNATURE, Code.BAD_SIGNATURE.meaning)


def uses_api_key(principal: Principal) -> bool:
    """Return whether the principal signed in with an API key. Other key ids have a colon."""
    return ":" not in principal.key
