"""HTTP routes of operators: limits, halts (the kill switch), and the state of the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from fastapi import APIRouter, Path, Query, Request, Response
from msgspec import UNSET
from pydantic import ConfigDict, Field

from floorwire.auth.admin_reach import halt_refusal, limits_refusal
from floorwire.core.account_events import AccountEntry, HaltScope, MassCancel
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.notices import TradingChanged
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.replies import Done
from floorwire.storage.database import DatabaseError
from floorwire.trading.operator_requests import Change
from floorwire.trading.risk_status import RiskStatus
from floorwire.trading.visibility import visible_halts
from floorwire.web.admin_replies import AccountLimits, HaltChanged, HaltList, HaltRow, JournalState
from floorwire.web.auth_context import AUTH_SCHEME, AuthContext, RequestAuth
from floorwire.web.http_desk_client import HttpDeskClient, respond
from floorwire.web.http_responses import answer
from floorwire.web.limits_body import read_limits
from floorwire.web.openapi_schemas import gives_json
from floorwire.web.order_routes import takes
from floorwire.web.request_fields import CHECK_QUERY
from floorwire.web.signed_in_route import SignedInRoute

router = APIRouter(
    prefix="/api/v1",
    tags=["operators"],
    dependencies=[AUTH_SCHEME, CHECK_QUERY],
    route_class=SignedInRoute,
)

OK = 200
NO_ACCOUNT = ""
"""No account's name. Its limits are the default ones."""
AccountPath: TypeAlias = Annotated[str, Path(max_length=64)]
HaltedName: TypeAlias = Annotated[str, Field(max_length=64)]
KeyQuery: TypeAlias = Annotated[str, Query(min_length=1, max_length=64)]


@dataclass(frozen=True)
class NewHalt:
    """A halt to make: of ``all``, or of the ``account``, ``key`` or ``symbol`` with this name."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    scope: HaltScope
    name: HaltedName = ""


@router.put("/limits/{account}", responses=gives_json(Done), openapi_extra=takes(Limits))
async def set_limits(
    auth: RequestAuth,
    account: AccountPath,
    request: Request,
    key: KeyQuery = "",
) -> Response:
    """Set the limits of an account or of one of its keys. A field that is left out has no limit."""
    auth.require(Action.LIMITS_SET, account)
    limits = read_limits(await request.body())
    auth.require_none(Action.LIMITS_SET, limits_refusal(auth.principal, limits))
    if key:
        await _check_key(auth, account, key)

    def change(
        order_manager: OrderManager, stamp_us: int
    ) -> tuple[Sequence[AccountEntry], MassCancel | None]:
        return [order_manager.set_limits(account, limits, stamp_us, key or None)], None

    return await _administer(auth, Action.LIMITS_SET, f"{account} {key}".strip(), change)


@router.get("/limits/{account}", responses=gives_json(AccountLimits))
async def show_limits(auth: RequestAuth, account: AccountPath, key: KeyQuery = "") -> Response:
    """Show the effective limits of an account, defaults included, or those of one of its keys."""
    auth.require(Action.LIMITS_SHOW, account)
    risk_status = auth.gateway.desk.operators.risk_status()
    return answer(
        AccountLimits(
            account=account,
            limits=risk_status.limits(account, key or None),
            default=Limits() if key else risk_status.limits(NO_ACCOUNT),
            unknown_assets=risk_status.unknown_assets(account, key or None),
            journal=_journal(risk_status),
            in_doubt=risk_status.limits_are_uncertain(account, key or None),
        )
    )


@router.get("/halts", responses=gives_json(HaltList))
async def list_halts(auth: RequestAuth) -> Response:
    """List what is halted, of the accounts and symbols that your key is for."""
    auth.require(Action.HALTS_LIST)
    risk_status = auth.gateway.desk.operators.risk_status()
    return answer(
        HaltList(
            halts=_rows(auth, risk_status.halts()),
            journal=_journal(risk_status),
            in_doubt=_rows(auth, risk_status.uncertain_halts()),
        )
    )


@router.post("/halts", responses=gives_json(HaltChanged))
async def halt(auth: RequestAuth, new: NewHalt) -> Response:
    """The kill switch: refuse new orders and amends in the scope, and cancel its open orders."""
    _check(auth, Action.HALT, new)
    new = _with_full_symbol(auth, new)
    auth.require_none(Action.HALT, halt_refusal(auth.principal, new.scope, new.name))
    cancelled = 0

    def change(
        order_manager: OrderManager, stamp_us: int
    ) -> tuple[Sequence[AccountEntry], MassCancel | None]:
        mass_cancel = MassCancel(
            account=new.name if new.scope == "account" else None,
            symbol=new.name if new.scope == "symbol" else None,
            key=new.name if new.scope == "key" else None,
            code=Code.MARKET_HALTED,
        )
        return [order_manager.halt(new.scope, new.name, stamp_us)], mass_cancel

    def on_counted(count: int) -> None:
        nonlocal cancelled
        cancelled = count

    target = f"{new.scope} {new.name}".strip()
    response = await _administer(auth, Action.HALT, target, change, on_counted)
    if response.status_code != OK:
        return response
    _notify(auth, new, is_halted=True)
    return answer(HaltChanged(scope=new.scope, name=_shown(auth, new), cancelled=cancelled))


@router.delete("/halts", responses=gives_json(HaltChanged))
async def resume(
    auth: RequestAuth, scope: HaltScope, name: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """End a halt. Cancelled orders stay cancelled."""
    ended = NewHalt(scope, name)
    _check(auth, Action.RESUME, ended)
    if scope == "symbol":
        halts = auth.gateway.desk.operators.risk_status().halts()
        given = (NewHalt(scope, one) for one in (auth.gateway.names.identity(name), name))
        unlisted = next((one for one in given if (scope, one.name) in halts), None)
        ended = unlisted or _with_full_symbol(auth, ended)
    auth.require_none(Action.RESUME, halt_refusal(auth.principal, ended.scope, ended.name))

    def change(
        order_manager: OrderManager, stamp_us: int
    ) -> tuple[Sequence[AccountEntry], MassCancel | None]:
        return [order_manager.resume(scope, ended.name, stamp_us)], None

    response = await _administer(auth, Action.RESUME, f"{scope} {ended.name}".strip(), change)
    if response.status_code != OK:
        return response
    _notify(auth, ended, is_halted=False)
    return answer(HaltChanged(scope=scope, name=_shown(auth, ended)))


@router.get("/journal", responses=gives_json(JournalState))
async def journal(auth: RequestAuth) -> Response:
    """Show the number of journal records, and the digest of all accounts after the last one."""
    auth.require(Action.JOURNAL)
    records, accounts = auth.gateway.desk.state()
    state = await asyncio.to_thread(
        accounts.digest
    )  # It takes up to a second, and would block the event loop.
    return answer(JournalState(records=records, state=state))


async def _check_key(auth: AuthContext, account: str, key: str) -> None:
    """Raise Refusal where the account has no such key. Its limits would limit nothing, and stay for good.

    A token's key has a colon, and nobody lists those: the order manager bounds their number.
    """
    authenticator = auth.gateway.authenticator
    if ":" in key or authenticator.keyring.account_of(key) == account:
        return
    with suppress(DatabaseError):  # a key that was made a moment ago
        await authenticator.refresh()
    if authenticator.keyring.account_of(key) != account:
        raise Refusal(Code.UNKNOWN_KEY, "the account has no such key", {"key": key})


def _journal(risk_status: RiskStatus) -> Literal["ok", "broken"]:
    """Return whether the journal can be written now."""
    return "ok" if risk_status.is_current else "broken"


def _rows(auth: AuthContext, halts: Sequence[tuple[HaltScope, str]]) -> list[HaltRow]:
    seen = visible_halts(auth.principal, halts, auth.gateway.authenticator.keyring.account_of)
    shown = auth.gateway.names.shown
    return [HaltRow(scope, shown(name) if scope == "symbol" else name) for scope, name in seen]


def _check(auth: AuthContext, action: Action, new: NewHalt) -> None:
    if (new.scope == "all") is bool(new.name):
        raise Refusal(Code.BAD_REQUEST, "name: goes with every scope but all", {"field": "name"})
    auth.require(action, new.name if new.scope == "account" else None)


def _with_full_symbol(auth: AuthContext, new: NewHalt) -> NewHalt:
    """Return the halt with its full symbol. Raises Refusal for an unknown one: it would halt nothing."""
    if new.scope != "symbol":
        return new
    instrument = auth.gateway.hub.market.symbols.resolve(new.name)
    if instrument is None:
        message = f"{new.name!r} names no instrument, or more than one"
        raise Refusal(Code.UNKNOWN_SYMBOL, message, {"symbol": new.name})
    return NewHalt(new.scope, instrument.symbol)


def _shown(auth: AuthContext, halt: NewHalt) -> str:
    """Return the halt's name as clients know it."""
    return auth.gateway.names.shown(halt.name) if halt.scope == "symbol" else halt.name


def _notify(auth: AuthContext, halt: NewHalt, *, is_halted: bool) -> None:
    """Publish the halt on ``system``, unless it concerns one account or key only."""
    if halt.scope in ("all", "symbol"):
        auth.gateway.hub.notify(
            TradingChanged(_shown(auth, halt) or None, is_halted, auth.gateway.clock.stamp_us())
        )


async def _administer(
    auth: AuthContext,
    action: Action,
    target: str,
    change: Change,
    on_counted: Callable[[int], None] = lambda _: None,
) -> Response:
    client = HttpDeskClient(auth)
    auth.gateway.desk.operators.administer(client, Done(id=UNSET), change, on_counted)
    reply = await client.reply
    if isinstance(reply, Done):
        auth.gateway.authenticator.record(auth.principal, action, auth.address, target=target)
    return respond(auth, action, reply)
