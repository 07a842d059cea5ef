"""Following: how a client begins on a private channel, from a snapshot or from where it was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

import structlog
from msgspec import UNSET

from floorwire.channels import balances, fills, orders, positions
from floorwire.clock import Clock
from floorwire.core.account_events import AccountEntry, PrivateChannel
from floorwire.core.instrument import Instrument
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.desk_ports import DeskClient
from floorwire.protocol.private_events import PrivateEvent
from floorwire.protocol.replies import Gap, HeldSubscription, Subscribed, error
from floorwire.protocol.requests import Resume, Subscribe
from floorwire.protocol.stamp import PrivateEventStamp
from floorwire.storage.journal import ForgottenError, JournalError
from floorwire.trading import handlers, private_resume
from floorwire.trading.commit_batch import PendingAnswer
from floorwire.trading.committer import Committer
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.private_follower import Follower
from floorwire.trading.private_messages import seq_of
from floorwire.trading.read_quota import ReadQuota
from floorwire.trading.visibility import Visibility

SHOWN_FILLS = 100
"""Fills in a snapshot; the action ``fills`` has those before."""
FULL_S = 0.01
"""How long the past waits for room in an outbox before it looks again."""
ROOM_BYTES = 65_536
AT_ONCE = 2
"""Clients whose place in the journal is looked for; the others wait for their turn."""

log = structlog.get_logger("floorwire.desk")


class PrivateSubscriptions:
    """Lets clients in on the private channels."""

    def __init__(
        self,
        streams: PrivateFanout,
        reading: ReadQuota,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._read_quota = reading
        self._instruments = instruments
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: asyncio.TaskGroup | None = None

    def begin(
        self, committer: Committer, client: DeskClient, request: Subscribe, channel: PrivateChannel
    ) -> None:
        """Let the client follow the channel, or tell it why not."""
        account, visibility = client.principal.account, Visibility(client.principal, self._instruments)
        follower = Follower(client, channel, visibility, self._seq(committer, client, channel))
        follower.waiting = []
        resume = None if request.resume is UNSET else request.resume
        gap = None if resume is None else self._gap(follower, resume)
        if resume is None or gap is not None:
            try:
                self._read_quota.take(
                    account, self._rows(committer.book.order_manager, follower), self._clock.monotonic_us()
                )
            except Refusal as refusal:
                committer.answer(PendingAnswer(client, request.id, error(refusal, request.id)))
                return
        self._streams.enter(account, follower)
        if resume is None or gap is not None:
            self._begin_anew(committer, follower, request, gap)
            return
        follower.seq = resume.seq

        def missed() -> None:
            follower.is_in = True
            self._start(follower, self._begin_again(committer, follower, request, resume))

        committer.answer(PendingAnswer(client, request.id, None, afterwards=missed))

    def _gap(self, follower: Follower, resume: Resume) -> Gap | None:
        if resume.epoch != self._streams.epoch:
            return Gap(1, follower.seq, "epoch")
        return Gap(follower.seq + 1, resume.seq, "ahead") if resume.seq > follower.seq else None

    def _begin_anew(
        self, committer: Committer, follower: Follower, request: Subscribe, gap: Gap | None
    ) -> None:
        """Begin with a snapshot of now; it leaves, as the answer does, when now is durable."""
        client, channel = follower.client, follower.channel
        follower.seq = self._seq(committer, client, channel)
        snapshot = client.codec.frame(self._snapshot(committer.book.order_manager, follower))
        reply = self._subscribed(follower, request, follower.seq, gap)
        committer.answer(
            PendingAnswer(client, request.id, reply, afterwards=lambda: self._present(follower, snapshot))
        )

    async def _begin_again(
        self, committer: Committer, follower: Follower, request: Subscribe, resume: Resume
    ) -> None:
        """Begin with what was missed."""
        client, channel, waiting = follower.client, follower.channel, follower.waiting
        now_seq = self._seq(committer, client, channel)
        is_told = False
        try:
            async for entry in self._missed(committer, follower, resume.seq):
                if not is_told:
                    client.answer(self._subscribed(follower, request, now_seq, None))
                    is_told = True
                await self._tell_past(follower, entry)
                if follower.is_gone:
                    return
        except ForgottenError:
            if is_told:
                raise  # what follows is lost to it: it comes back, and is told so
            gap = Gap(resume.seq + 1, self._seq(committer, client, channel), "expired")
            self._begin_anew(committer, follower, request, gap)
            return
        if not is_told:
            client.answer(self._subscribed(follower, request, now_seq, None))
        if follower.waiting is waiting:  # else the next journal is read for it already
            self._present(follower, b"")
        client.flush()

    async def _missed(
        self, committer: Committer, follower: Follower, seq: int
    ) -> AsyncIterator[AccountEntry]:
        journal, account = committer.book.journal, follower.client.principal.account
        async with self._turns:
            if follower.is_gone:  # of those who ask again and again only the last is served
                return
            after_n = await private_resume.place(journal, account, follower.channel, seq)
        async for entry in private_resume.after(journal, account, follower.channel, seq, after_n):
            yield entry

    async def _tell_past(self, follower: Follower, entry: AccountEntry) -> None:
        while not (follower.is_gone or follower.client.has_room(ROOM_BYTES)):  # noqa: ASYNC110
            await asyncio.sleep(FULL_S)
        if not follower.is_gone:
            self._streams.tell(follower, entry)
            follower.client.flush()

    def _present(self, follower: Follower, first: bytes) -> None:
        """Tell what has waited while the past was told; the present begins."""
        waiting, follower.waiting = follower.waiting, None
        follower.is_in = True
        if follower.is_gone:
            return
        if first:
            follower.client.tell(first)
        for entry in waiting or ():
            self._streams.tell(follower, entry)

    def go_on(self, committer: Committer) -> None:
        """The accounts were read again: let everybody know what they were not told before that."""
        for follower in self._streams.all():
            if not follower.is_in:  # it was told that it does not follow
                self._streams.leave(follower.client, follower.channel)
                continue
            follower.waiting = []
            self._start(follower, self._catch_up(committer, follower))

    async def _catch_up(self, committer: Committer, follower: Follower) -> None:
        account = follower.client.principal.account
        async for entry in private_resume.after(
            committer.book.journal, account, follower.channel, follower.seq
        ):
            await self._tell_past(follower, entry)
        self._present(follower, b"")
        follower.client.flush()

    # --- parts --------------------------------------------------------------------------------------

    def held(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the subscription as it stands."""
        follower = self._streams.follower(client, channel)
        seq = 0 if follower is None else follower.seq
        return HeldSubscription(
            channel=channel,
            on_slow="disconnect",
            epoch=self._streams.epoch,
            seq=seq,
            feed="stale" if follower is None else "live",
        )

    def _subscribed(self, follower: Follower, request: Subscribe, seq: int, gap: Gap | None) -> Subscribed:
        return Subscribed(
            id=request.id,
            channel=follower.channel,
            on_slow="disconnect",
            epoch=self._streams.epoch,
            seq=seq,
            feed="live",
            gap=gap or UNSET,
        )

    def _seq(self, committer: Committer, client: DeskClient, channel: PrivateChannel) -> int:
        return seq_of(committer.book.order_manager.seqs(client.principal.account), channel)

    def _snapshot(self, order_manager: OrderManager, follower: Follower) -> PrivateEvent:
        account, visibility = follower.client.principal.account, follower.visibility
        at = PrivateEventStamp(self._streams.epoch, follower.seq, self._clock.stamp_us())
        match follower.channel:
            case "orders":
                return orders.snapshot(
                    handlers.order_rows(order_manager, visibility.orders(order_manager.open_orders(account))),
                    at,
                )
            case "fills":
                return fills.snapshot(
                    handlers.search(order_manager, account, visibility, SHOWN_FILLS).rows, at
                )
            case "balances":
                return balances.snapshot(
                    [balances.row(b) for b in visibility.balances(order_manager.balances(account))], at
                )
            case "positions":
                return positions.snapshot(
                    [positions.row(p) for p in visibility.positions(order_manager.positions(account))], at
                )

    @staticmethod
    def _rows(order_manager: OrderManager, follower: Follower) -> int:
        """Return how many rows the snapshot may have, where that may be many."""
        account = follower.client.principal.account
        if follower.channel == "orders":
            return len(order_manager.open_orders(account))
        return min(SHOWN_FILLS, order_manager.seqs(account).fills) if follower.channel == "fills" else 0

    def _start(self, follower: Follower, work: Coroutine[None, None, None]) -> None:
        assert self._tasks is not None, "nobody comes before the desk runs"
        self._tasks.create_task(self._guarded(follower, work))

    async def _guarded(self, follower: Follower, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (JournalError, Refusal) as error:  # it resumes when it comes back
            log.error("private channel cannot be read", error=str(error))
            follower.client.close_slow()

    async def run(self) -> None:
        """Tell the past to whoever asks for it, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.get_running_loop().create_future()
