"""The gate: everybody who signs in passes here; who loses the right to stay is shown out."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from msgspec import UNSET

from floorwire.access import token_issuer
from floorwire.access.session_index import SessionIndex
from floorwire.auth.keyring import Keyring
from floorwire.auth.sign_in import SKEW_US, SignIn
from floorwire.clock import Clock
from floorwire.config import JwtSettings, Settings, SettingsError
from floorwire.core.authorization import ANONYMOUS, ANONYMOUS_MARKET, Principal, Scope
from floorwire.core.codes import CloseCode, Code
from floorwire.core.dates import Moment
from floorwire.core.refusal import Refusal
from floorwire.protocol.rate_limit import TokenBucket
from floorwire.protocol.requests import Login
from floorwire.storage.audit_log import AuditEntry, AuditLog, recent_logins
from floorwire.storage.data_dir import DataDir
from floorwire.storage.database import DatabaseError
from floorwire.storage.private_files import ExposedFileError, read_secret

POLL_S = 0.2
"""How often changed keys and ended ones are looked for: both are shown out within a second."""
COMMANDS_BURST_S = 5
TICKET_BYTES = 32
KEY_ID = re.compile(r"fw[0-9a-f]{16}")
DEMO = Principal("demo", "page:demo", frozenset({Scope.MARKET, Scope.ACCOUNT, Scope.TRADE}))
DEMO_MONEY = {"USDT": "1000000"}

log = structlog.get_logger("floorwire.gate")


class SignedInPeer(Protocol):
    """A connection that may be signed in."""

    def close(self, code: CloseCode, reason: str) -> None:
        """End the connection."""
        ...


class IssuedTicket(msgspec.Struct, frozen=True):
    """A ticket, and until when it is good: microseconds since the epoch, UTC."""

    ticket: str
    expires: int


class Authenticator:
    """Signs in, keeps the record of it, and knows who is here.

    Raises LockerError, DatabaseError, OSError and SettingsError where it cannot open.
    """

    def __init__(self, settings: Settings, data_dir: DataDir, clock: Clock, *, is_home: bool) -> None:
        self.keyring = Keyring(data_dir.sealer)
        self.audit = AuditLog(data_dir.audit_path)
        self._audit_path = data_dir.audit_path
        self._clock = clock
        self._limits = settings.limits
        self._issuer = token_issuer.connect(settings.auth.jwt, _secret(settings.auth.jwt))
        tokens = self._issuer.tokens if self._issuer is not None else None
        self._signin = SignIn(self.keyring, tokens, settings.limits.logins_per_second_per_key)
        self._session_index: SessionIndex[SignedInPeer] = SessionIndex()
        self._commands: dict[str, TokenBucket] = {}
        self._watch = data_dir.keys.watch()
        self._polling = asyncio.Lock()
        self.keyring.replace(self._watch.poll() or ())
        self._latest_us = 0
        """The latest date that a sign-in was judged by."""
        self._remember(clock.wall_us())
        self._market = settings.auth.market
        self.demo = DEMO if is_home and not self.has_keys else None
        """Whom our own page on this machine signs in as, by itself, where there was no key at the start."""
        if self.demo is not None:
            data_dir.keys.open_account(self.demo.account, DEMO_MONEY, clock.wall_us())

    @property
    def has_keys(self) -> bool:
        """Return whether there is a key that opens anything."""
        return self.keyring.has_live(self._clock.wall_us())

    def anonymous(self, *, at_home: bool) -> Principal:
        """Return who comes without a key, on a connection that only this machine could make or not."""
        is_open = self._market == "open" or (self._market == "auto" and at_home)
        return ANONYMOUS_MARKET if is_open else ANONYMOUS

    # --- the ways in ------------------------------------------------------------------------------

    def bearer(self, text: str, address: str) -> Principal:
        """Return whom an Authorization header proves. Raises Refusal."""
        prove = self._signin.bearer
        return self._noted("bearer", text.partition(".")[0], address, lambda at: prove(text, address, at))

    def request(self, text: str, address: str) -> Principal:
        """Return whom the Authorization header of one HTTP request proves. Raises Refusal.

        Only refusals are recorded here: a request is not a sign-in, and what it does is recorded by itself.
        """
        try:
            return self._signin.bearer(text, address, self._clock.moment())
        except Refusal as refusal:
            self._note_failure("request", text.partition(".")[0], refusal, address)
            raise

    def ticket(self, text: str, address: str) -> Principal:
        """Return whom a ticket lets in. Raises Refusal."""
        return self._noted("ticket", "", address, lambda at: self._signin.ticket(text, address, at))

    def login(self, request: Login, address: str) -> Principal:
        """Return whom a login request proves. Raises Refusal."""
        key, ts, signature, token = request.key, request.ts, request.signature, request.token
        if token is not UNSET and key is UNSET and ts is UNSET and signature is UNSET:
            return self._noted("token", "", address, lambda at: self._signin.token(token, address, at))
        if token is not UNSET or key is UNSET or ts is UNSET or signature is UNSET:
            raise Refusal(Code.BAD_REQUEST, "give token, or key, ts and signature", {"field": "key"})
        prove = self._signin.signed
        return self._noted(
            "signature", key, address, lambda at: prove(key, ts, signature, address, at), signed_ts=ts
        )

    def issue(self, principal: Principal, address: str) -> IssuedTicket:
        """Return a ticket that signs the principal in, once. Raises Refusal."""
        text = secrets.token_urlsafe(TICKET_BYTES)
        ticket = IssuedTicket(text, self._signin.issue(text, principal, self._clock.moment()))
        self.note(principal, "ticket", address)
        return ticket

    # --- who is here ------------------------------------------------------------------------------

    def has_room(self, principal: Principal) -> bool:
        """Return whether one more connection may be here with the key."""
        return self._session_index.count(principal.key) < self._limits.connections_per_key

    def enter(self, guest: SignedInPeer, principal: Principal) -> TokenBucket | None:
        """It is here as this; return what all connections of its key may ask, None where it has no key."""
        if not principal.key:
            return None
        self._session_index.enter(guest, principal)
        bucket = self._commands.get(principal.key)
        if bucket is None:
            rate = self._limits.commands_per_second_per_key or 10 * self._limits.commands_per_second
            bucket = self._commands[principal.key] = TokenBucket(rate, burst=COMMANDS_BURST_S * rate)
        return bucket

    def leave(self, guest: SignedInPeer, principal: Principal) -> None:
        """It is no longer here as this."""
        if principal.key:
            self._session_index.leave(guest, principal)
            if not self._session_index.count(principal.key):
                del self._commands[principal.key]

    def is_current(self, principal: Principal) -> bool:
        """Return whether what the principal signed in with still holds."""
        return self._signin.is_current(principal, self._clock.wall_us())

    # --- the record -------------------------------------------------------------------------------

    def note(self, principal: Principal, event: str, address: str, target: str = "") -> None:
        """Record what somebody did."""
        self.audit.add(
            AuditEntry(
                ts=self._clock.wall_us(),
                event=event,
                account=principal.account,
                key=principal.key,
                address=address,
                target=target,
            )
        )

    def note_refusal(self, principal: Principal, action: str, code: str, reason: str, address: str) -> None:
        """Record what somebody was refused."""
        self.audit.add(
            AuditEntry(
                ts=self._clock.wall_us(),
                event="refused",
                account=principal.account,
                key=principal.key,
                address=address,
                how=action,
                code=code,
                reason=reason,
            )
        )

    def _noted(
        self, how: str, key: str, address: str, prove: Callable[[Moment], Principal], signed_ts: int = 0
    ) -> Principal:
        at = self._clock.moment()
        if at.wall_us < self._latest_us - SKEW_US:
            self._remember(at.wall_us)
        self._latest_us = at.wall_us
        try:
            principal = prove(at)
        except Refusal as refusal:
            self._note_failure(how, key, refusal, address)
            raise
        self.audit.add(
            AuditEntry(
                ts=at.wall_us,
                event="sign_in",
                account=principal.account,
                key=principal.key,
                address=address,
                how=how,
                signed_ts=signed_ts,
            )
        )
        return principal

    def _remember(self, wall_us: int) -> None:
        """Let no signed login be used again that would be valid again: after a restart, and where the clock
        was set back since, to a time in which it was used before."""
        self.audit.flush()
        self._signin.remember(recent_logins(self._audit_path, wall_us - 2 * SKEW_US), wall_us)

    def _note_failure(self, how: str, key: str, refusal: Refusal, address: str) -> None:
        shown = key if KEY_ID.fullmatch(key) else ""  # never what may be a secret in the wrong place
        claimed = msgspec.structs.replace(ANONYMOUS, key=shown)
        self.note_refusal(claimed, how, refusal.code, str(refusal.__cause__ or refusal.message), address)

    # --- its life ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow what changes until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.audit.run())
                tasks.create_task(self._poll())
                if self._issuer is not None:
                    tasks.create_task(self._issuer.run())
        finally:
            self.audit.flush()
            self._watch.close()

    async def refresh(self) -> None:
        """See now what has changed. Raises DatabaseError."""
        async with self._polling:
            keys = await asyncio.to_thread(self._watch.poll)
        if keys is not None:
            for key in self.keyring.replace(keys):
                self._close_signed_in(self._session_index.of(key), key, "the key was revoked or changed")

    async def _poll(self) -> None:
        is_well = True
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.refresh()
                is_well = True
            except DatabaseError as error:
                if is_well:
                    log.error("changes of keys cannot be seen", error=str(error))
                is_well = False
            self._close_signed_in(
                self._session_index.expired(self._clock.wall_us()), "", "the key or the token has expired"
            )

    def _close_signed_in(self, guests: Iterable[SignedInPeer], key: str, reason: str) -> None:
        closed = 0
        for guest in guests:
            guest.close(CloseCode.KEY_REVOKED, reason)
            closed += 1
        if closed:
            self.audit.add(
                AuditEntry(
                    ts=self._clock.wall_us(),
                    event="closed",
                    target=key,
                    reason=f"{reason}: {closed} connections",
                )
            )


def _secret(settings: JwtSettings) -> bytes | None:
    if settings.secret_file is None:
        return None
    try:
        return read_secret(Path(settings.secret_file).expanduser()).strip()
    except (OSError, ExposedFileError) as error:
        raise SettingsError(f"auth.jwt.secret_file: {error}") from None
