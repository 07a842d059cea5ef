"""HTTP routes of traders: further paper accounts of their own, within the limits of the settings."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final

import msgspec
from fastapi import APIRouter, Response
from pydantic import ConfigDict, Field

from floorwire.auth import grant
from floorwire.auth.grant import Grant, GrantError
from floorwire.core.authorization import Action, Principal, Scope
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.storage.database import DatabaseError
from floorwire.storage.deposit_rows import AccountExistsError, TooManyAccountsError
from floorwire.storage.key_store import OWNED, owner_of
from floorwire.web.auth_context import AUTH_SCHEME, RequestAuth
from floorwire.web.http_responses import answer
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1/accounts",
    tags=["trading"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

SCOPES: Final = (Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)
"""The scopes that the key of such an account may have: those of them that its maker has."""


@dataclass(frozen=True)
class NewAccount:
    """The account to make. Its whole name is OWNER--NAME."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,19}$")]


class AccountNames(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the key, and those that its owner made."""

    status: str = "ok"
    accounts: list[str]


class AccountMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new account, and a key for it with its secret, which nothing shows again."""

    status: str = "ok"
    account: str
    key: str
    secret: str


@router.get("", responses=gives_json(AccountNames))
async def list_accounts(auth: RequestAuth) -> Response:
    """List the account of the key, and those that its owner made, if the key may see them all."""
    auth.require(Action.ACCOUNTS_LIST)
    account, prefix = auth.principal.account, owner_of(auth.principal.account) + OWNED
    known = await asyncio.to_thread(auth.gateway.data_dir.keys.accounts)
    own = [name for name in known if account == owner_of(account) and name.startswith(prefix)]
    return answer(AccountNames(accounts=sorted({account, *own})))


@router.post("", status_code=201, responses=gives_json(AccountMade, status=201))
async def create_account(auth: RequestAuth, new: NewAccount) -> Response:
    """Make a paper account with money, and a key for it. Only this answer has the secret."""
    auth.require(Action.ACCOUNTS_CREATE)
    settings, principal = auth.gateway.settings.accounts, auth.principal
    account = f"{owner_of(principal.account)}{OWNED}{new.name}"
    if principal.accounts is not None and account not in principal.accounts:
        refusal = Refusal(Code.FORBIDDEN, "the key is for some accounts only", {"account": account})
        auth.require_none(Action.ACCOUNTS_CREATE, refusal)
    try:
        allowed, deposits = _grant(principal, account), grant.deposits(settings.own_deposit)
    except GrantError as error:
        raise Refusal(Code.BAD_REQUEST, str(error), {"field": "name"}) from None
    keys, at_us = auth.gateway.data_dir.keys, auth.gateway.clock.wall_us()
    try:
        issued = await asyncio.to_thread(keys.create_owned, allowed, deposits, at_us, settings.own_accounts)
    except AccountExistsError:
        raise Refusal(Code.BAD_REQUEST, f"name: there is {account}", {"field": "name"}) from None
    except TooManyAccountsError:
        text = f"an owner may make {settings.own_accounts} accounts (accounts.own_accounts)"
        refusal = Refusal(Code.FORBIDDEN, text, {"limit": settings.own_accounts})
        auth.require_none(Action.ACCOUNTS_CREATE, refusal)
        raise refusal from None
    authenticator = auth.gateway.authenticator
    authenticator.record(principal, Action.ACCOUNTS_CREATE, auth.address, target=f"{account} {issued.key}")
    with suppress(DatabaseError):  # The key is stored. It is read at the next poll.
        await authenticator.refresh()
    return answer(AccountMade(account=account, key=issued.key, secret=issued.secret), 201)


def _grant(principal: Principal, account: str) -> Grant:
    """Return a grant that allows no more than the maker may, but for the new account. Raises GrantError."""
    return Grant(
        account=account,
        scopes=tuple(scope for scope in SCOPES if scope in principal.scopes),
        symbols=None if principal.symbols is None else tuple(sorted(principal.symbols)),
        max_notional=None if principal.max_notional is None else f"{principal.max_notional:f}",
        addresses=tuple(map(str, principal.networks)),
        expires_us=principal.expires_us,
    )
