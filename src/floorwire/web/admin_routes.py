"""What operators do while the server runs: limits, halts (the kill switch), and a look at the journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from msgspec import UNSET
from pydantic import ConfigDict, Field

from floorwire.core.account_events import AccountEntry, HaltScope
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.limits import Limits
from floorwire.core.notices import TradingChanged
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.protocol.replies import Done
from floorwire.trading.risk_status import RiskStatus
from floorwire.web.auth_context import SHOWN, Asking, AuthContext
from floorwire.web.http_desk_client import HttpDeskClient, respond
from floorwire.web.http_responses import answer
from floorwire.web.order_routes import takes
from floorwire.web.query import CHECKED

router = APIRouter(prefix="/api/v1", tags=["operators"], dependencies=[SHOWN, CHECKED])

OK = 200
NOBODY = ""
"""Is no account's name, and so has the limits that all have who were given none."""
Account: TypeAlias = Annotated[str, Path(max_length=64)]
Change: TypeAlias = Callable[[OrderManager, int], tuple[Sequence[AccountEntry], OrderDecision | None]]
"""What to journal, and what then follows for orders."""
Name: TypeAlias = Annotated[str, Field(max_length=64)]


@dataclass(frozen=True)
class NewHalt:
    """Whom to stop: ``all``, or the ``account``, ``key`` or ``symbol`` of this name."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    scope: HaltScope
    name: Name = ""


@router.put("/limits/{account}", openapi_extra=takes(Limits))
async def set_limits(
    caller: Asking, account: Account, request: Request, key: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Set an account's limits, or one of its keys', from the next order on; what is left out has none."""
    caller.require(Action.LIMITS_SET, account)
    try:
        limits = msgspec.json.decode(await request.body(), type=Limits)
    except msgspec.ValidationError as error:
        raise Refusal(Code.BAD_REQUEST, str(error)[:200]) from None
    except (msgspec.DecodeError, ValueError) as error:
        raise Refusal(Code.BAD_JSON, str(error)[:200]) from None

    def change(
        order_manager: OrderManager, stamp_us: int
    ) -> tuple[Sequence[AccountEntry], OrderDecision | None]:
        return [order_manager.set_limits(account, limits, stamp_us, key or None)], None

    return await _administer(caller, Action.LIMITS_SET, f"{account} {key}".strip(), change)


@router.get("/limits/{account}")
async def show_limits(
    caller: Asking, account: Account, key: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """Tell an account's limits as they hold, and the house's default among them; or what a key of it has."""
    caller.require(Action.LIMITS_SET, account)
    risk_status = caller.gateway.desk.risk_status()
    return answer(
        {
            "status": "ok",
            "account": account,
            "limits": risk_status.limits(account, key or None),
            "default": Limits() if key else risk_status.limits(NOBODY),
            "unknown_assets": risk_status.unknown_assets(account, key or None),
            "journal": _journal(risk_status),
            "in_doubt": risk_status.limits_are_uncertain(account, key or None),
        }
    )


@router.get("/halts")
async def list_halts(caller: Asking) -> Response:
    """List what is halted."""
    caller.require(Action.HALTS_LIST)
    risk_status = caller.gateway.desk.risk_status()
    return answer(
        {
            "status": "ok",
            "halts": _rows(risk_status.halts()),
            "journal": _journal(risk_status),
            "in_doubt": _rows(risk_status.uncertain_halts()),
        }
    )


@router.post("/halts")
async def halt(caller: Asking, new: NewHalt) -> Response:
    """The kill switch: refuse new orders and amends, and cancel all open orders, of whom it names."""
    _check(caller, Action.HALT, new)
    new = _named(caller, new)
    cancelled = 0

    def change(
        order_manager: OrderManager, stamp_us: int
    ) -> tuple[Sequence[AccountEntry], OrderDecision | None]:
        nonlocal cancelled
        cancels = order_manager.cancel_all(
            account=new.name if new.scope == "account" else None,
            symbol=new.name if new.scope == "symbol" else None,
            key=new.name if new.scope == "key" else None,
            code=Code.MARKET_HALTED,
        )
        cancelled = len(cancels.commands)
        return [order_manager.halt(new.scope, new.name, stamp_us)], cancels

    response = await _administer(caller, Action.HALT, f"{new.scope} {new.name}".strip(), change)
    if response.status_code != OK:
        return response
    _tell(caller, new, is_halted=True)
    return answer({"status": "ok", "scope": new.scope, "name": new.name, "cancelled": cancelled})


@router.delete("/halts")
async def resume(
    caller: Asking, scope: HaltScope, name: Annotated[str, Query(max_length=64)] = ""
) -> Response:
    """End a halt; what was cancelled stays so."""
    ended = NewHalt(scope, name)
    _check(caller, Action.RESUME, ended)
    if (scope, name) not in caller.gateway.desk.risk_status().halts():
        ended = _named(caller, ended)

    def change(
        order_manager: OrderManager, stamp_us: int
    ) -> tuple[Sequence[AccountEntry], OrderDecision | None]:
        return [order_manager.resume(scope, ended.name, stamp_us)], None

    response = await _administer(caller, Action.RESUME, f"{scope} {ended.name}".strip(), change)
    if response.status_code != OK:
        return response
    _tell(caller, ended, is_halted=False)
    return answer({"status": "ok", "scope": scope, "name": ended.name})


@router.get("/journal")
async def journal(caller: Asking) -> Response:
    """Tell how many records the journal has, and the digest of the accounts as of the last of them."""
    caller.require(Action.JOURNAL)
    records, accounts = caller.gateway.desk.state()
    state = await asyncio.to_thread(accounts.digest)  # up to a second, which the loop would stand still
    return answer({"status": "ok", "records": records, "state": state})


def _journal(risk_status: RiskStatus) -> Literal["ok", "broken"]:
    """Return whether what stands may be changed now."""
    return "ok" if risk_status.is_current else "broken"


def _rows(halts: Sequence[tuple[HaltScope, str]]) -> list[dict[str, str]]:
    return [{"scope": scope, "name": name} for scope, name in halts]


def _check(caller: AuthContext, action: Action, new: NewHalt) -> None:
    if (new.scope == "all") is bool(new.name):
        raise Refusal(Code.BAD_REQUEST, "name: goes with every scope but all", {"field": "name"})
    caller.require(action, new.name if new.scope == "account" else None)
    if new.scope != "account" and caller.principal.accounts is not None:
        raise Refusal(Code.FORBIDDEN, "the key administers some accounts only", {"scope": new.scope})


def _named(caller: AuthContext, new: NewHalt) -> NewHalt:
    """Return the halt with its symbol as the house knows it: one that names nothing would stop nothing."""
    if new.scope != "symbol":
        return new
    instrument = caller.gateway.hub.market.symbols.resolve(new.name)
    if instrument is None:
        message = f"{new.name!r} names no instrument, or more than one"
        raise Refusal(Code.UNKNOWN_SYMBOL, message, {"symbol": new.name})
    return NewHalt(new.scope, instrument.symbol)


def _tell(caller: AuthContext, halt: NewHalt, *, is_halted: bool) -> None:
    """Let everybody know on ``system`` what concerns everybody."""
    if halt.scope in ("all", "symbol"):
        caller.gateway.hub.notify(
            TradingChanged(halt.name or None, is_halted, caller.gateway.clock.stamp_us())
        )


async def _administer(caller: AuthContext, action: Action, target: str, change: Change) -> Response:
    inquiry = HttpDeskClient(caller)
    caller.gateway.desk.administer(inquiry, Done(id=UNSET), change)
    reply = await inquiry.reply
    if isinstance(reply, Done):
        caller.gateway.authenticator.note(caller.principal, action, caller.address, target=target)
    return respond(caller, action, reply)
