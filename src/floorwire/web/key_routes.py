"""HTTP routes of API keys, for admins: create, list, revoke and rotate."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, TypeAlias

import msgspec
from fastapi import APIRouter, Path, Response
from msgspec import UNSET
from pydantic import ConfigDict, Field

from floorwire.auth import grant
from floorwire.auth.admin_reach import deposit_refusal
from floorwire.auth.grant import Grant, GrantError
from floorwire.auth.keyring import KeyInfo
from floorwire.auth.traded_names import TradedNames
from floorwire.core.authorization import Action, Scope
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import SAFE
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import UnknownKeyError
from floorwire.web.admin_replies import EncodedKeyList, KeyIssued, KeyList, KeyRevoked
from floorwire.web.auth_context import AUTH_SCHEME, AuthContext, RequestAuth
from floorwire.web.http_responses import answer
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1/keys",
    tags=["keys"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

KeyPath: TypeAlias = Annotated[str, Path(max_length=64)]
AllowedNames: TypeAlias = Annotated[list[str], Field(max_length=grant.MOST)]


@dataclass(frozen=True)
class NewKey:
    """What a new key allows. The fields are those of ``floorwire keys create``.

    ``expires``: microseconds since the epoch, UTC, or as text: 30d, 2030-01-31.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    account: str
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]
    symbols: AllowedNames | None = None
    accounts: AllowedNames | None = None
    max_notional: str | None = None
    addresses: AllowedNames = field(default_factory=list)
    expires: Annotated[int, Field(strict=True, ge=0, le=SAFE)] | str | None = None
    deposit: Annotated[dict[str, str], Field(max_length=100)] = field(default_factory=dict)

    def grant(self, at_us: int) -> Grant:
        """Return it as a grant. Raises GrantError."""
        expires = self.expires
        if isinstance(expires, int) and expires <= at_us:
            raise GrantError("expires", "is past")
        return Grant(
            account=self.account,
            scopes=tuple(dict.fromkeys(self.scopes)),
            symbols=None if self.symbols is None else tuple(self.symbols),
            accounts=None if self.accounts is None else tuple(self.accounts),
            max_notional=self.max_notional,
            addresses=tuple(self.addresses),
            expires_us=grant.expiry(expires, at_us) if isinstance(expires, str) else expires,
        )


@router.get("", responses=gives_json(KeyList))
async def list_keys(auth: RequestAuth) -> Response:
    """List the keys of the accounts and symbols that you administer, without secrets.

    ``faults``: what is wrong with the rows of keys.db; only where your key is for all accounts and symbols.
    """
    auth.require(Action.KEYS_LIST)
    return await asyncio.to_thread(_listing, auth)


def _listing(auth: AuthContext) -> Response:
    """Return the answer with the keys. Run it in a thread: of 100,000 keys it is 17 MB, and takes 0.24 s.

    Each row is encoded by itself, so that the event loop gets the interpreter in between.
    """
    stored = auth.gateway.data_dir.keys.read()
    seen = (KeyInfo.of(key).seen_by(auth.principal) for key in stored.keys)
    rows = b",".join(msgspec.json.encode(info) for info in seen if info is not None)
    faults = UNSET if auth.principal.is_narrowed else stored.faults()
    return answer(EncodedKeyList(keys=msgspec.Raw(b"[" + rows + b"]"), faults=faults))


@router.post("", status_code=201, responses=gives_json(KeyIssued, status=201))
async def create(auth: RequestAuth, new: NewKey) -> Response:
    """Create a key. Only this answer shows its secret."""
    auth.require(Action.KEYS_CREATE, new.account)
    at_us = auth.gateway.clock.wall_us()
    try:
        allowed = new.grant(at_us)
        deposits = grant.deposits([f"{asset}={amount}" for asset, amount in new.deposit.items()])
        listed = frozenset(instrument.symbol for instrument in auth.gateway.hub.market.symbols)
        if listed:  # Before the venues have said what they trade, nothing is mistyped.
            TradedNames(listed).check(allowed.symbols, deposits)
    except GrantError as error:
        raise Refusal(Code.BAD_REQUEST, str(error), {"field": error.field}) from None
    beyond = grant.exceeds(auth.principal, allowed)
    if beyond is not None:
        raise Refusal(Code.FORBIDDEN, f"{beyond}: more than your own key may", {"field": beyond})
    auth.require_none(Action.KEYS_CREATE, deposit_refusal(auth.principal, deposits, auth.gateway.names))
    issued = await asyncio.to_thread(auth.gateway.data_dir.keys.create, allowed, deposits, at_us)
    await _changed(auth, Action.KEYS_CREATE, issued.key)
    return answer(KeyIssued(key=issued.key, secret=issued.secret), 201)


@router.delete("/{key}", responses=gives_json(KeyRevoked))
async def revoke(auth: RequestAuth, key: KeyPath) -> Response:
    """Revoke a key. Its connections close within a second."""
    found = await _require_key(auth, Action.KEYS_REVOKE, key)
    if grant.is_out_of_reach(auth.principal, found):
        raise Refusal(Code.FORBIDDEN, "the key is for more than your own")
    try:
        await asyncio.to_thread(auth.gateway.data_dir.keys.revoke, key, auth.gateway.clock.wall_us())
    except UnknownKeyError as unknown:
        raise _unknown(unknown) from None
    await _changed(auth, Action.KEYS_REVOKE, key)
    return answer(KeyRevoked(key=key))


@router.post("/{key}/rotate", responses=gives_json(KeyIssued))
async def rotate(auth: RequestAuth, key: KeyPath) -> Response:
    """Offer a new secret, shown in this answer only. The old one ends when the new one is first used."""
    found = await _require_key(auth, Action.KEYS_ROTATE, key)
    if grant.exceeds(auth.principal, found) is not None:  # Who sees its secret may do what it may.
        raise Refusal(Code.FORBIDDEN, "the key may more than your own")
    try:
        issued = await asyncio.to_thread(auth.gateway.data_dir.keys.offer_secret, key)
    except UnknownKeyError as unknown:
        raise _unknown(unknown) from None
    await _changed(auth, Action.KEYS_ROTATE, key)
    return answer(KeyIssued(key=issued.key, secret=issued.secret))


async def _require_key(auth: AuthContext, action: Action, key: str) -> Grant:
    """Return the key's grant. Raises Refusal if there is no such key, or for accounts of others."""
    auth.require(action)
    try:
        found = await asyncio.to_thread(auth.gateway.data_dir.keys.find, key)
    except UnknownKeyError as unknown:
        raise _unknown(unknown) from None
    auth.require(action, found.grant.account)
    return found.grant


async def _changed(auth: AuthContext, action: Action, key: str) -> None:
    auth.gateway.authenticator.record(auth.principal, action, auth.address, target=key)
    with suppress(DatabaseError):  # The change is stored. It is read at the next poll.
        await auth.gateway.authenticator.refresh()


def _unknown(unknown: UnknownKeyError) -> Refusal:
    return Refusal(Code.UNKNOWN_KEY, Code.UNKNOWN_KEY.meaning, {"key": unknown.key})
