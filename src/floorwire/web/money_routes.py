"""HTTP routes of operators: withdraw and transfer paper money, and reset paper accounts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

from fastapi import APIRouter, Path, Response
from pydantic import ConfigDict, Field

from floorwire.auth import grant
from floorwire.auth.admin_reach import money_refusal
from floorwire.auth.grant import GrantError
from floorwire.auth.traded_names import TradedNames
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.money_requests import MoneyRequest, Reset, Transfer, Withdrawal
from floorwire.core.refusal import Refusal
from floorwire.protocol.replies import MoneyMoved
from floorwire.web.auth_context import AUTH_SCHEME, AuthContext, RequestAuth
from floorwire.web.http_desk_client import HttpDeskClient, respond
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.request_fields import CHECK_QUERY
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1/accounts/{account}",
    tags=["operators"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

AccountPath: TypeAlias = Annotated[str, Path(max_length=64)]
OperatorRequestId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
"""The operator's own name for a request. The same sent again is done once."""
ShortText: TypeAlias = Annotated[str, Field(max_length=64)]


@dataclass(frozen=True)
class NewWithdrawal:
    """What to take from an account."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    request_id: OperatorRequestId
    asset: ShortText
    amount: ShortText


@dataclass(frozen=True)
class NewTransfer:
    """What to move, and the account that gets it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    request_id: OperatorRequestId
    to: ShortText
    asset: ShortText
    amount: ShortText


@dataclass(frozen=True)
class NewReset:
    """The balances that the account has after it, by asset; it has no others."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    request_id: OperatorRequestId
    balances: Annotated[dict[str, ShortText], Field(max_length=100)]


@router.post("/withdrawals", responses=gives_json(MoneyMoved))
async def withdraw(auth: RequestAuth, account: AccountPath, new: NewWithdrawal) -> Response:
    """Take paper money from an account: what no open order holds."""
    _require(auth, Action.ACCOUNTS_WITHDRAW, account)
    asset, amount = _amount(auth, new.asset, new.amount)
    request = Withdrawal(new.request_id, account, asset, amount)
    return await _move(auth, Action.ACCOUNTS_WITHDRAW, request, f"{account} {new.asset}={new.amount}")


@router.post("/transfers", responses=gives_json(MoneyMoved))
async def transfer(auth: RequestAuth, account: AccountPath, new: NewTransfer) -> Response:
    """Move paper money from one account to another: what no open order holds."""
    _require(auth, Action.ACCOUNTS_TRANSFER, account)
    auth.require(Action.ACCOUNTS_TRANSFER, new.to)
    known = await asyncio.to_thread(auth.gateway.data_dir.keys.accounts)
    if new.to not in known and new.to not in auth.gateway.desk.money.accounts():
        raise Refusal(Code.BAD_REQUEST, f"to: there is no account {new.to}", {"field": "to"})
    asset, amount = _amount(auth, new.asset, new.amount)
    request = Transfer(new.request_id, account, new.to, asset, amount)
    target = f"{account} {new.to} {new.asset}={new.amount}"
    return await _move(auth, Action.ACCOUNTS_TRANSFER, request, target)


@router.post("/reset", responses=gives_json(MoneyMoved))
async def reset(auth: RequestAuth, account: AccountPath, new: NewReset) -> Response:
    """Cancel the account's open orders, and give it these balances and no positions."""
    _require(auth, Action.ACCOUNTS_RESET, account)
    balances = tuple(_amount(auth, asset, amount) for asset, amount in new.balances.items())
    request = Reset(new.request_id, account, balances)
    given = " ".join(f"{asset}={amount}" for asset, amount in new.balances.items())
    return await _move(auth, Action.ACCOUNTS_RESET, request, f"{account} {given}".strip())


def _require(auth: AuthContext, action: Action, account: str) -> None:
    auth.require(action, account)
    auth.require_none(action, money_refusal(auth.principal))


def _amount(auth: AuthContext, asset: str, amount: str) -> tuple[str, str]:
    """Return the asset's identity and the amount. Raises Refusal for an asset that no market here trades."""
    listed = frozenset(instrument.symbol for instrument in auth.gateway.hub.market.symbols)
    try:
        (named,) = grant.deposits([f"{asset}={amount}"])
        TradedNames(listed).check((), (named,))
    except GrantError as error:
        text = str(error).removeprefix("deposit: ")
        raise Refusal(Code.BAD_REQUEST, f"amount: {text}", {"field": "amount"}) from None
    return auth.gateway.names.identity(named), amount


async def _move(auth: AuthContext, action: Action, request: MoneyRequest, target: str) -> Response:
    """Have the desk do it. Record in the audit log what is done, and once."""
    client, money = HttpDeskClient(auth), auth.gateway.desk.money
    if isinstance(request, Reset):
        await money.reset(client, request)
    else:
        money.move(client, request)
    reply = await client.reply
    if isinstance(reply, MoneyMoved) and not reply.duplicate:
        auth.gateway.authenticator.record(
            auth.principal, action, auth.address, target=f"{request.request_id} {target}"
        )
    return respond(auth, action, reply)
