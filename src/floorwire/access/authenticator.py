"""Authenticator: signs connections in, records it, and closes those whose sign-in no longer holds."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from msgspec import UNSET

from floorwire.access import token_issuer
from floorwire.access.key_reader import KeyReader
from floorwire.access.session_index import SessionIndex
from floorwire.access.used_login_writer import UsedLoginWriter, WhenWritten
from floorwire.auth.keyring import Keyring
from floorwire.auth.sign_in import SignIn
from floorwire.clock import Clock
from floorwire.config import JwtSettings, Settings, SettingsError
from floorwire.core.authorization import ANONYMOUS, ANONYMOUS_MARKET, Principal, Scope
from floorwire.core.codes import CloseCode, Code
from floorwire.core.dates import Moment
from floorwire.core.refusal import Refusal
from floorwire.protocol.rate_limit import TokenBucket
from floorwire.protocol.requests import Login
from floorwire.storage.audit_log import AuditEntry, AuditLog
from floorwire.storage.data_dir import DataDir
from floorwire.storage.database import DatabaseError
from floorwire.storage.login_mark import LoginMark
from floorwire.storage.private_files import ExposedFileError, read_secret

POLL_S = 0.2
"""How often changed and expired keys are looked for. Their connections close within a second."""
COMMANDS_BURST_S = 5
TICKET_BYTES = 32
KEY_ID = re.compile(r"fw[0-9a-f]{16}")
DEMO = Principal("demo", "page:demo", frozenset({Scope.MARKET, Scope.ACCOUNT, Scope.TRADE}))
DEMO_MONEY = {"USDT": "1000000"}

log = structlog.get_logger("floorwire.authenticator")


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
    """Signs connections in, writes the audit log, and indexes the signed-in connections.

    ``is_local``: only this machine can reach the server. Then it may serve clients without a key.

    Raises DataDirError, DatabaseError, OSError and SettingsError if its files cannot be opened.
    """

    def __init__(self, settings: Settings, data_dir: DataDir, clock: Clock, *, is_local: bool) -> None:
        self.keyring = Keyring(data_dir.sealer)
        self.audit = AuditLog(data_dir.audit_path)
        self._clock = clock
        self._limits = settings.limits
        self._issuer = token_issuer.connect(settings.auth.jwt, _secret(settings.auth.jwt))
        tokens = self._issuer.tokens if self._issuer is not None else None
        self._signin = SignIn(self.keyring, tokens, settings.limits.logins_per_second_per_key)
        self._session_index: SessionIndex[SignedInPeer] = SessionIndex()
        self._commands: dict[str, TokenBucket] = {}
        self.keys = KeyReader(self.keyring, data_dir.keys, self._close_ended)
        mark = LoginMark(data_dir.folder)
        self._signin.start(mark.used, clock.wall_us())
        self._used_logins = UsedLoginWriter(mark, lambda: self._signin.used_logins(clock.wall_us()))
        self._market = settings.auth.market
        self.demo = DEMO if is_local and not self.has_keys else None
        """The principal of our own page on this machine, if no key existed at the start. Else None."""
        default = settings.venues.get(settings.venue[0])
        if self.demo is not None and (default is None or default.orders == "paper"):
            data_dir.keys.open_account(self.demo.account, DEMO_MONEY, clock.wall_us())

    @property
    def has_keys(self) -> bool:
        """Return whether any key is live: neither revoked nor expired."""
        return self.keyring.has_live(self._clock.wall_us())

    def anonymous(self, *, is_local: bool) -> Principal:
        """Return the principal of a client without a key. ``is_local``: it connects from this machine."""
        is_open = self._market == "open" or (self._market == "auto" and is_local)
        return ANONYMOUS_MARKET if is_open else ANONYMOUS

    # --- sign-in ----------------------------------------------------------------------------------

    def verify_bearer(self, text: str, address: str) -> Principal:
        """Return the principal of an Authorization header. Raises Refusal."""
        prove = self._signin.verify_bearer
        return self._prove("bearer", text.partition(".")[0], address, lambda at: prove(text, address, at))

    def verify_request(self, text: str, address: str) -> Principal:
        """Return the principal of one HTTP request's Authorization header. Raises Refusal.

        Only refusals are recorded. A request is not a sign-in; what it changes is recorded where it is done.
        """
        try:
            return self._signin.verify_bearer(text, address, self._clock.moment())
        except Refusal as refusal:
            self._record_failure("request", text.partition(".")[0], refusal, address)
            raise

    def redeem_ticket(self, text: str, address: str) -> Principal:
        """Return the principal of a ticket, which works once. Raises Refusal."""
        return self._prove("ticket", "", address, lambda at: self._signin.redeem_ticket(text, address, at))

    def login(self, request: Login, address: str) -> Principal:
        """Return the principal of a login request: by token, or by signature. Raises Refusal.

        A signed login counts only when it is durable that it was used (``when_durable``).
        """
        key, ts, signature, token = request.key, request.ts, request.signature, request.token
        if token is not UNSET and key is UNSET and ts is UNSET and signature is UNSET:
            return self._prove("token", "", address, lambda at: self._signin.verify_token(token, address, at))
        if token is not UNSET or key is UNSET or ts is UNSET or signature is UNSET:
            raise Refusal(Code.BAD_REQUEST, "give token, or key, ts and signature", {"field": "key"})
        prove = self._signin.verify_signed_login
        return self._prove(
            "signature", key, address, lambda at: prove(key, ts, signature, address, at), signed_ts=ts
        )

    def when_durable(self, when_written: WhenWritten) -> None:
        """Call back in a later turn, when it is durable that the logins so far were used."""
        self._used_logins.wait(when_written)

    def issue_ticket(self, principal: Principal, address: str) -> IssuedTicket:
        """Return a new ticket for the principal. Raises Refusal if too many are valid."""
        text = secrets.token_urlsafe(TICKET_BYTES)
        ticket = IssuedTicket(text, self._signin.issue_ticket(text, principal, self._clock.moment()))
        self.record(principal, "ticket", address)
        return ticket

    # --- keys that were made a moment ago ---------------------------------------------------------

    def read_before_bearer(self, text: str, address: str, resume: Callable[[], None]) -> bool:
        """If the bearer would be refused, read the keys once more, call ``resume`` then, and return True."""
        if text.count(".") != 1 or not KEY_ID.fullmatch(text.partition(".")[0]):
            return False
        if not self._signin.refuses_bearer(text, address, self._clock.moment()):
            return False
        key, _, secret = text.partition(".")
        if self.keyring.shows_next_secret(key, secret):
            self.keys.confirm(key)
        return self.keys.after_read(address, resume)

    def read_before_login(self, request: Login, address: str, resume: Callable[[], None]) -> bool:
        """Do the same for a signed login."""
        key, ts, signature = request.key, request.ts, request.signature
        if key is UNSET or ts is UNSET or signature is UNSET or not KEY_ID.fullmatch(key):
            return False
        if not self._signin.refuses_signature(key, ts, signature, address, self._clock.moment()):
            return False
        if self.keyring.shows_next_signature(key, ts, signature):
            self.keys.confirm(key)
        return self.keys.after_read(address, resume)

    async def wait_for_key(self, bearer: str, address: str) -> None:
        """If the bearer would be refused, wait until the keys have been read once more."""
        is_read = asyncio.Event()
        if self.read_before_bearer(bearer, address, is_read.set):
            await is_read.wait()

    # --- sessions ---------------------------------------------------------------------------------

    def has_room(self, principal: Principal) -> bool:
        """Return whether the key may have one more connection."""
        return self._session_index.count(principal.key) < self._limits.connections_per_key

    def add_session(self, peer: SignedInPeer, principal: Principal) -> TokenBucket | None:
        """Add a signed-in connection. Return the rate limit that it shares with all connections of its key.

        Return None for a principal without a key.
        """
        if not principal.key:
            return None
        self._session_index.add(peer, principal)
        bucket = self._commands.get(principal.key)
        if bucket is None:
            rate = self._limits.commands_per_second_per_key or 10 * self._limits.commands_per_second
            bucket = self._commands[principal.key] = TokenBucket(rate, burst=COMMANDS_BURST_S * rate)
        return bucket

    def remove_session(self, peer: SignedInPeer, principal: Principal) -> None:
        """Remove a connection that is gone, or that signed in as another principal."""
        if principal.key:
            self._session_index.remove(peer, principal)
            if not self._session_index.count(principal.key):
                del self._commands[principal.key]

    def is_current(self, principal: Principal) -> bool:
        """Return whether the principal's key, token or ticket is still valid."""
        return self._signin.is_current(principal, self._clock.wall_us())

    # --- audit log --------------------------------------------------------------------------------

    def record(self, principal: Principal, event: str, address: str, target: str = "") -> None:
        """Record in the audit log what the principal did. ``target``: what it did it to."""
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

    def record_refusal(self, principal: Principal, action: str, code: str, reason: str, address: str) -> None:
        """Record in the audit log what the principal was refused, and why."""
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

    def _prove(
        self, how: str, key: str, address: str, prove: Callable[[Moment], Principal], signed_ts: int = 0
    ) -> Principal:
        at = self._clock.moment()
        try:
            principal = prove(at)
        except Refusal as refusal:
            self._record_failure(how, key, refusal, address)
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

    def _record_failure(self, how: str, key: str, refusal: Refusal, address: str) -> None:
        shown = key if KEY_ID.fullmatch(key) else ""  # Never log what may be a secret.
        claimed = msgspec.structs.replace(ANONYMOUS, key=shown)
        self.record_refusal(claimed, how, refusal.code, str(refusal.__cause__ or refusal.message), address)

    # --- background -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow changes of keys, and write the audit log, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.audit.run())
                tasks.create_task(self._used_logins.run())
                tasks.create_task(self._poll())
                tasks.create_task(self.keys.run())
                if self._issuer is not None:
                    tasks.create_task(self._issuer.run())
        finally:
            self.audit.flush()
            self.keys.close()

    async def refresh(self) -> None:
        """Read changed keys now, and close the connections of those that changed. Raises DatabaseError."""
        await self.keys.refresh()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            with suppress(DatabaseError):  # It is logged once, and read again at the next poll.
                await self.refresh()
            self._close_signed_in(
                self._session_index.expired(self._clock.wall_us()), "", "the key or the token has expired"
            )

    def _close_ended(self, keys: Set[str]) -> None:
        for key in self._session_index.keys_among(keys):
            self._close_signed_in(self._session_index.of(key), key, "the key was revoked or changed")

    def _close_signed_in(self, peers: Iterable[SignedInPeer], key: str, reason: str) -> None:
        closed = 0
        for peer in peers:
            peer.close(CloseCode.KEY_REVOKED, reason)
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
