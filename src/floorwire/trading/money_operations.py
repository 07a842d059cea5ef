"""Operators' withdrawals, transfers and resets of paper accounts.

A reset cancels the open orders first, in turns as always, and waits until the market has ended each of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

import structlog
from msgspec import UNSET

from floorwire.clock import Clock
from floorwire.core.account_events import MassCancel
from floorwire.core.codes import Code
from floorwire.core.money_requests import MoneyRequest, Reset, Transfer
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.replies import MoneyMoved, error
from floorwire.trading.commit_batch import DurableReply
from floorwire.trading.committer import Committer
from floorwire.trading.desk_state import DeskLifecycle
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.operator_requests import journal_unavailable

RESET_S = 10.0
"""How long a reset waits for the end of the account's open orders."""
LOOK_S = 0.01
"""How often it looks whether they have ended."""
CANCEL_AGAIN_S = 0.5
"""After this time it cancels again: orders may have come since."""

log = structlog.get_logger("floorwire.desk")


class MoneyOperations:
    """Moves paper money when an operator asks for it, once for each id, and replies when that is durable."""

    def __init__(
        self,
        lifecycle: DeskLifecycle,
        mass_cancels: MassCancels,
        clock: Clock,
        live_accounts: Mapping[str, str],
    ) -> None:
        """``live_accounts``: each account that trades at a venue with real money, and the venue."""
        self._lifecycle = lifecycle
        self._mass_cancels = mass_cancels
        self._clock = clock
        self._live_accounts = live_accounts

    def accounts(self) -> Collection[str]:
        """Return the accounts that anything ever happened to. Raises Refusal while there are none."""
        return list(self._committer().store.order_manager.accounts())

    def move(self, client: DeskClient, request: MoneyRequest) -> None:
        """Do the request, and reply when it is durable."""
        try:
            committer = self._committer()
            self._check(request)
            self._move(committer, client, request)
        except Refusal as refusal:
            client.answer(error(refusal))

    async def reset(self, client: DeskClient, request: Reset) -> None:
        """Cancel the account's open orders, wait for their end, and do the reset."""
        try:
            self._check(request)
            await self._end_orders(request)
        except Refusal as refusal:
            client.answer(error(refusal))
            return
        self.move(client, request)

    def _move(self, committer: Committer, client: DeskClient, request: MoneyRequest) -> None:
        """Raises Refusal."""
        try:
            entries = committer.store.order_manager.move_money(request, self._clock.stamp_us())
        except Refusal:
            raise
        except Exception as fault:  # as in Desk.submit
            log.exception("fault in an operator's request about money")
            committer.fail(fault)
            raise Refusal(Code.INTERNAL, Code.INTERNAL.meaning) from None
        committer.add_entries(entries)
        reply = MoneyMoved(request_id=request.request_id, duplicate=UNSET if entries else True)
        committer.reply_when_durable(DurableReply(client, UNSET, reply))

    async def _end_orders(self, request: Reset) -> None:
        """Cancel until no order of the account is open. Raises Refusal where that takes too long."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        cancels_s = 0.0
        if self._committer().store.order_manager.knows_money_request(request.request_id):
            return  # orders that were placed since then are not its business
        while (committer := self._committer()).store.order_manager.open_order_count(request.account):
            if loop.time() - begun_s >= RESET_S:
                text = f"{request.account} still has open orders: halt the account first, then reset it"
                raise Refusal(Code.RATE_LIMITED, text, wait_us=int(RESET_S * 1e6))
            if loop.time() >= cancels_s:
                cancels_s = loop.time() + CANCEL_AGAIN_S
                mass_cancel = MassCancel(request.account, code=Code.MARKET_HALTED)
                with committer.fail_on_error("reset"):
                    self._mass_cancels.start(committer, mass_cancel, _ignore)
            await asyncio.sleep(LOOK_S)

    def _check(self, request: MoneyRequest) -> None:
        """Raise Refusal where an account trades with real money: only its venue moves that."""
        named = (request.account, request.receiver) if isinstance(request, Transfer) else (request.account,)
        for account in named:
            venue = self._live_accounts.get(account)
            if venue is not None:
                text = f"{account} trades with real money at {venue}, which only the venue can move"
                raise Refusal(Code.FORBIDDEN, text, {"account": account})

    def _committer(self) -> Committer:
        committer = self._lifecycle.state.committer
        if committer is None:
            raise journal_unavailable()
        return committer


def _ignore(_order_ids: Sequence[int] | None) -> None:
    """Nobody waits for the ids."""
