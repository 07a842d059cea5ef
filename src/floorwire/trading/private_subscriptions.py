"""Subscriptions to private channels: start with a snapshot, or resume after the last seq of the client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from functools import partial

import structlog
from msgspec import UNSET

from floorwire.channels import balances, fills, orders, positions
from floorwire.clock import Clock
from floorwire.core.account_events import AccountEntry, PrivateChannel
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.desk_ports import DeskClient, Turns
from floorwire.protocol.event_stamps import PrivateEventStamp
from floorwire.protocol.private_events import PrivateEvent
from floorwire.protocol.replies import Gap, HeldSubscription, Subscribed, error
from floorwire.protocol.requests import Resume, Subscribe
from floorwire.storage.journal import ForgottenError, JournalError
from floorwire.trading import handlers, private_resume
from floorwire.trading.commit_batch import DurableReply
from floorwire.trading.committer import Committer
from floorwire.trading.private_event_mapping import seq_of
from floorwire.trading.private_fanout import PrivateFanout, PrivateSubscriber
from floorwire.trading.read_quota import ReadQuota
from floorwire.trading.visibility import Visibility

MAX_SNAPSHOT_ORDERS = 100
"""Orders in a snapshot of one event; with more, there are several events."""
ORDERS_A_PART = 100
"""Orders in each of those."""
SNAPSHOT_FILLS = 100
"""Fills in a snapshot; the action ``fills`` returns older ones."""
FULL_OUTBOX_RETRY_S = 0.01
"""Seconds until a full outbox is checked again (backpressure)."""
ROOM_BYTES = 65_536
PART_US = 1_000
"""The price of one such part, or of ``EVENTS_A_TURN`` missed events."""
EVENTS_A_TURN = 32
MAX_CONCURRENT_READS = 2
"""Clients whose position in the journal is searched at once; the others wait."""

log = structlog.get_logger("floorwire.desk")


class PrivateSubscriptions:
    """Starts, resumes and repairs subscriptions; ``PrivateFanout`` sends the events."""

    def __init__(
        self,
        fanout: PrivateFanout,
        read_quota: ReadQuota,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
        turns: Turns,
        names: VenueNames = NO_VENUES,
    ) -> None:
        self._names = names
        self._fanout = fanout
        self._read_quota = read_quota
        self._instruments = instruments
        self._clock = clock
        self._turns = turns
        self._read_semaphore = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self._tasks: asyncio.TaskGroup | None = None

    def subscribe(
        self, committer: Committer, client: DeskClient, request: Subscribe, channel: PrivateChannel
    ) -> None:
        """Subscribe the client to the channel, or reply with the refusal."""
        account = client.principal.account
        visibility = Visibility(client.principal, self._instruments, self._names)
        subscriber = PrivateSubscriber(client, channel, visibility, self._seq(committer, client, channel))
        subscriber.backlog = []
        resume = None if request.resume is UNSET else request.resume
        gap = None if resume is None else self._gap(subscriber, resume)
        if resume is None or gap is not None:
            try:
                self._read_quota.charge(
                    account,
                    self._row_count(committer.store.order_manager, subscriber),
                    self._clock.monotonic_us(),
                )
            except Refusal as refusal:
                committer.reply_when_durable(DurableReply(client, request.id, error(refusal, request.id)))
                return
        self._fanout.add(account, subscriber)
        if resume is None or gap is not None:
            self._start_with_snapshot(committer, subscriber, request, gap)
            return
        subscriber.seq = resume.seq

        def send_missed() -> None:
            subscriber.is_confirmed = True
            self._start(subscriber, self._resume(committer, subscriber, request, resume))

        committer.reply_when_durable(DurableReply(client, request.id, None, callback=send_missed))

    def _gap(self, subscriber: PrivateSubscriber, resume: Resume) -> Gap | None:
        if resume.epoch != self._fanout.epoch:
            return Gap(1, subscriber.seq, "epoch")
        return Gap(subscriber.seq + 1, resume.seq, "ahead") if resume.seq > subscriber.seq else None

    def _start_with_snapshot(
        self, committer: Committer, subscriber: PrivateSubscriber, request: Subscribe, gap: Gap | None
    ) -> None:
        """Start with a snapshot of now. It is sent, as the reply is, when now is durable."""
        client, channel, order_manager = subscriber.client, subscriber.channel, committer.store.order_manager
        subscriber.seq = self._seq(committer, client, channel)
        reply = self._subscribed(subscriber, request, subscriber.seq, gap)
        open_orders = order_manager.open_orders(client.principal.account) if channel == "orders" else []
        if len(open_orders) > MAX_SNAPSHOT_ORDERS:
            sending = partial(self._send_parts, order_manager, subscriber, open_orders)
            committer.reply_when_durable(DurableReply(client, request.id, reply, callback=sending))
            return
        snapshot = client.codec.frame(self._snapshot(order_manager, subscriber))
        committer.reply_when_durable(
            DurableReply(client, request.id, reply, callback=lambda: self._go_live(subscriber, snapshot))
        )

    def _send_parts(
        self, order_manager: OrderManager, subscriber: PrivateSubscriber, open_orders: Sequence[Order]
    ) -> None:
        """Send a snapshot of many orders as several events, without holding the event loop."""
        subscriber.is_confirmed = True
        self._start(subscriber, self._send_orders(order_manager, subscriber, open_orders))

    async def _send_orders(
        self, order_manager: OrderManager, subscriber: PrivateSubscriber, open_orders: Sequence[Order]
    ) -> None:
        client, backlog = subscriber.client, subscriber.backlog
        stamp = PrivateEventStamp(self._fanout.epoch, subscriber.seq, self._clock.stamp_us())
        for begin in range(0, len(open_orders), ORDERS_A_PART):
            await self._turns.wait(client.principal.account, PART_US)
            part = subscriber.visibility.orders(open_orders[begin : begin + ORDERS_A_PART])
            more = begin + ORDERS_A_PART < len(open_orders)
            frame = client.codec.frame(
                orders.snapshot(
                    handlers.order_rows(order_manager, part, subscriber.visibility.names), stamp, more=more
                )
            )
            while not (subscriber.is_removed or client.has_room(ROOM_BYTES)):  # noqa: ASYNC110
                await asyncio.sleep(FULL_OUTBOX_RETRY_S)
            if subscriber.is_removed:
                return
            if subscriber.backlog is not backlog:  # recovery sends later events: the snapshot would undo them
                client.close_slow()
                return
            client.queue_events(frame)
            client.flush()
        if subscriber.backlog is backlog:
            self._go_live(subscriber, b"")
            client.flush()

    async def _resume(
        self, committer: Committer, subscriber: PrivateSubscriber, request: Subscribe, resume: Resume
    ) -> None:
        """Send the reply and the missed events, then go on live."""
        client, channel, backlog = subscriber.client, subscriber.channel, subscriber.backlog
        now_seq = self._seq(committer, client, channel)
        is_answered = False
        try:
            async for entry in self._missed(committer, subscriber, resume.seq):
                if not is_answered:
                    client.answer(self._subscribed(subscriber, request, now_seq, None))
                    is_answered = True
                await self._send_missed(subscriber, entry)
                if subscriber.is_removed:
                    return
        except ForgottenError:
            if is_answered:
                raise  # events are lost after the reply: close it; when it resumes, it gets the gap
            gap = Gap(resume.seq + 1, self._seq(committer, client, channel), "expired")
            self._start_with_snapshot(committer, subscriber, request, gap)
            return
        if not is_answered:
            client.answer(self._subscribed(subscriber, request, now_seq, None))
        if subscriber.backlog is backlog:  # else recovery reads the next journal for it already
            self._go_live(subscriber, b"")
        client.flush()

    async def _missed(
        self, committer: Committer, subscriber: PrivateSubscriber, seq: int
    ) -> AsyncIterator[AccountEntry]:
        journal, account = committer.store.journal, subscriber.client.principal.account
        async with self._read_semaphore:
            if subscriber.is_removed:  # it subscribed again meanwhile; only the last one counts
                return
            after_n = await private_resume.find_position(journal, account, subscriber.channel, seq)
        count = 0
        async for entry in private_resume.entries_after(journal, account, subscriber.channel, seq, after_n):
            if count % EVENTS_A_TURN == 0:
                await self._turns.wait(account, PART_US)
            count += 1
            yield committer.store.order_manager.identified_entry(entry)

    async def _send_missed(self, subscriber: PrivateSubscriber, entry: AccountEntry) -> None:
        while not (subscriber.is_removed or subscriber.client.has_room(ROOM_BYTES)):  # noqa: ASYNC110
            await asyncio.sleep(FULL_OUTBOX_RETRY_S)
        if not subscriber.is_removed:
            self._fanout.send(subscriber, entry)
            subscriber.client.flush()

    def _go_live(self, subscriber: PrivateSubscriber, first: bytes) -> None:
        """Send the snapshot, then the backlog. From now on events are sent as they happen."""
        backlog, subscriber.backlog = subscriber.backlog, None
        subscriber.is_confirmed = True
        if subscriber.is_removed:
            return
        if first:
            subscriber.client.queue_events(first)
        for entry in backlog or ():
            self._fanout.send(subscriber, entry)

    def resend_missed(self, committer: Committer) -> None:
        """After recovery: send all subscribers the events that they missed."""
        for subscriber in self._fanout.subscribers():
            if not subscriber.is_confirmed:  # its subscribe request got an error
                self._fanout.remove(subscriber.client, subscriber.channel)
                continue
            subscriber.backlog = []
            self._start(subscriber, self._catch_up(committer, subscriber))

    async def _catch_up(self, committer: Committer, subscriber: PrivateSubscriber) -> None:
        account = subscriber.client.principal.account
        async for entry in private_resume.entries_after(
            committer.store.journal, account, subscriber.channel, subscriber.seq
        ):
            await self._send_missed(subscriber, committer.store.order_manager.identified_entry(entry))
        self._go_live(subscriber, b"")
        subscriber.client.flush()

    # --- parts --------------------------------------------------------------------------------------

    def subscription(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the current state of the subscription."""
        subscriber = self._fanout.find(client, channel)
        seq = 0 if subscriber is None else subscriber.seq
        return HeldSubscription(
            channel=channel,
            on_slow="disconnect",
            epoch=self._fanout.epoch,
            seq=seq,
            feed="stale" if subscriber is None else "live",
        )

    def _subscribed(
        self, subscriber: PrivateSubscriber, request: Subscribe, seq: int, gap: Gap | None
    ) -> Subscribed:
        return Subscribed(
            id=request.id,
            channel=subscriber.channel,
            on_slow="disconnect",
            epoch=self._fanout.epoch,
            seq=seq,
            feed="live",
            gap=gap or UNSET,
        )

    def _seq(self, committer: Committer, client: DeskClient, channel: PrivateChannel) -> int:
        return seq_of(committer.store.order_manager.seqs(client.principal.account), channel)

    def _snapshot(self, order_manager: OrderManager, subscriber: PrivateSubscriber) -> PrivateEvent:
        account, visibility = subscriber.client.principal.account, subscriber.visibility
        names = visibility.names
        stamp = PrivateEventStamp(self._fanout.epoch, subscriber.seq, self._clock.stamp_us())
        match subscriber.channel:
            case "orders":
                visible = visibility.orders(order_manager.open_orders(account))
                return orders.snapshot(handlers.order_rows(order_manager, visible, names), stamp)
            case "fills":
                return fills.snapshot(
                    handlers.latest_fills(order_manager, account, visibility, SNAPSHOT_FILLS), stamp
                )
            case "balances":
                return balances.snapshot(
                    [balances.row(b, names) for b in visibility.balances(order_manager.balances(account))],
                    stamp,
                )
            case "positions":
                return positions.snapshot(
                    [positions.row(p, names) for p in visibility.positions(order_manager.positions(account))],
                    stamp,
                )

    @staticmethod
    def _row_count(order_manager: OrderManager, subscriber: PrivateSubscriber) -> int:
        """Return how many rows to charge for the snapshot: 0 for the short ones."""
        account = subscriber.client.principal.account
        if subscriber.channel == "orders":
            return order_manager.open_order_count(account)
        return min(SNAPSHOT_FILLS, order_manager.seqs(account).fills) if subscriber.channel == "fills" else 0

    def _start(self, subscriber: PrivateSubscriber, work: Coroutine[None, None, None]) -> None:
        assert self._tasks is not None, "the desk is not running"
        self._tasks.create_task(self._close_on_error(subscriber, work))

    async def _close_on_error(self, subscriber: PrivateSubscriber, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (JournalError, Refusal) as error:  # it can resume after it reconnects
            log.error("private channel cannot be read", error=str(error))
            subscriber.client.close_slow()

    async def run(self) -> None:
        """Own the tasks that read the journal, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.get_running_loop().create_future()
