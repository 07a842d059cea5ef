"""Following: how a client begins on a private channel, from a snapshot or from where it was cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable

import structlog
from msgspec import UNSET

from floorwire.channels import balances, fills, orders, positions
from floorwire.clock import Clock
from floorwire.core.accounts import Entry, PrivateChannel
from floorwire.core.instrument import Instrument
from floorwire.core.refusal import Refusal
from floorwire.engine.house import House
from floorwire.protocol.counter import Client
from floorwire.protocol.private import PrivateEvent
from floorwire.protocol.replies import Gap, Held, Subscribed, error
from floorwire.protocol.requests import Resume, Subscribe
from floorwire.protocol.stamp import PrivateStamp
from floorwire.storage.journal import ForgottenError, JournalError
from floorwire.trading import catchup, errands
from floorwire.trading.commits import Commits
from floorwire.trading.follower import Follower
from floorwire.trading.lens import Lens
from floorwire.trading.reading import Reading
from floorwire.trading.streams import Streams
from floorwire.trading.turn import Answer
from floorwire.trading.words import seq_of

SHOWN_FILLS = 100
"""Fills in a snapshot; the action ``fills`` has those before."""
FULL_S = 0.01
"""How long the past waits for room in an outbox before it looks again."""
ROOM_BYTES = 65_536
AT_ONCE = 2
"""Clients whose place in the journal is looked for; the others wait for their turn."""

log = structlog.get_logger("floorwire.desk")


class Following:
    """Lets clients in on the private channels."""

    def __init__(
        self,
        streams: Streams,
        reading: Reading,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._reading = reading
        self._instruments = instruments
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, commits: Commits, client: Client, request: Subscribe, channel: PrivateChannel) -> None:
        """Let the client follow the channel, or tell it why not."""
        account, lens = client.principal.account, Lens(client.principal, self._instruments)
        follower = Follower(client, channel, lens, self._seq(commits, client, channel))
        follower.waiting = []
        resume = None if request.resume is UNSET else request.resume
        gap = None if resume is None else self._gap(follower, resume)
        if resume is None or gap is not None:
            try:
                self._reading.take(
                    account, self._rows(commits.book.house, follower), self._clock.monotonic_us()
                )
            except Refusal as refusal:
                commits.answer(Answer(client, request.id, error(refusal, request.id)))
                return
        self._streams.enter(account, follower)
        if resume is None or gap is not None:
            self._begin_anew(commits, follower, request, gap)
            return
        follower.seq = resume.seq

        def missed() -> None:
            follower.is_in = True
            self._start(follower, self._begin_again(commits, follower, request, resume))

        commits.answer(Answer(client, request.id, None, afterwards=missed))

    def _gap(self, follower: Follower, resume: Resume) -> Gap | None:
        if resume.epoch != self._streams.epoch:
            return Gap(1, follower.seq, "epoch")
        return Gap(follower.seq + 1, resume.seq, "ahead") if resume.seq > follower.seq else None

    def _begin_anew(self, commits: Commits, follower: Follower, request: Subscribe, gap: Gap | None) -> None:
        """Begin with a snapshot of now; it leaves, as the answer does, when now is durable."""
        client, channel = follower.client, follower.channel
        follower.seq = self._seq(commits, client, channel)
        snapshot = client.codec.frame(self._snapshot(commits.book.house, follower))
        reply = self._subscribed(follower, request, follower.seq, gap)
        commits.answer(
            Answer(client, request.id, reply, afterwards=lambda: self._present(follower, snapshot))
        )

    async def _begin_again(
        self, commits: Commits, follower: Follower, request: Subscribe, resume: Resume
    ) -> None:
        """Begin with what was missed."""
        client, channel, waiting = follower.client, follower.channel, follower.waiting
        now_seq = self._seq(commits, client, channel)
        is_told = False
        try:
            async for entry in self._missed(commits, follower, resume.seq):
                if not is_told:
                    client.answer(self._subscribed(follower, request, now_seq, None))
                    is_told = True
                await self._tell_past(follower, entry)
                if follower.is_gone:
                    return
        except ForgottenError:
            if is_told:
                raise  # what follows is lost to it: it comes back, and is told so
            gap = Gap(resume.seq + 1, self._seq(commits, client, channel), "expired")
            self._begin_anew(commits, follower, request, gap)
            return
        if not is_told:
            client.answer(self._subscribed(follower, request, now_seq, None))
        if follower.waiting is waiting:  # else the next journal is read for it already
            self._present(follower, b"")
        client.flush()

    async def _missed(self, commits: Commits, follower: Follower, seq: int) -> AsyncIterator[Entry]:
        journal, account = commits.book.journal, follower.client.principal.account
        async with self._turns:
            if follower.is_gone:  # of those who ask again and again only the last is served
                return
            after_n = await catchup.place(journal, account, follower.channel, seq)
        async for entry in catchup.after(journal, account, follower.channel, seq, after_n):
            yield entry

    async def _tell_past(self, follower: Follower, entry: Entry) -> None:
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

    def go_on(self, commits: Commits) -> None:
        """The accounts were read again: let everybody know what they were not told before that."""
        for follower in self._streams.all():
            if not follower.is_in:  # it was told that it does not follow
                self._streams.leave(follower.client, follower.channel)
                continue
            follower.waiting = []
            self._start(follower, self._catch_up(commits, follower))

    async def _catch_up(self, commits: Commits, follower: Follower) -> None:
        account = follower.client.principal.account
        async for entry in catchup.after(commits.book.journal, account, follower.channel, follower.seq):
            await self._tell_past(follower, entry)
        self._present(follower, b"")
        follower.client.flush()

    # --- parts --------------------------------------------------------------------------------------

    def held(self, client: Client, channel: PrivateChannel) -> Held:
        """Return the subscription as it stands."""
        follower = self._streams.follower(client, channel)
        seq = 0 if follower is None else follower.seq
        return Held(
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

    def _seq(self, commits: Commits, client: Client, channel: PrivateChannel) -> int:
        return seq_of(commits.book.house.seqs(client.principal.account), channel)

    def _snapshot(self, house: House, follower: Follower) -> PrivateEvent:
        account, lens = follower.client.principal.account, follower.lens
        at = PrivateStamp(self._streams.epoch, follower.seq, self._clock.stamp_us())
        match follower.channel:
            case "orders":
                return orders.snapshot(errands.order_rows(house, lens.orders(house.open_orders(account))), at)
            case "fills":
                return fills.snapshot(errands.search(house, account, lens, SHOWN_FILLS).rows, at)
            case "balances":
                return balances.snapshot(
                    [balances.row(b) for b in lens.balances(house.balances(account))], at
                )
            case "positions":
                return positions.snapshot(
                    [positions.row(p) for p in lens.positions(house.positions(account))], at
                )

    @staticmethod
    def _rows(house: House, follower: Follower) -> int:
        """Return how many rows the snapshot may have, where that may be many."""
        account = follower.client.principal.account
        if follower.channel == "orders":
            return len(house.open_orders(account))
        return min(SHOWN_FILLS, house.seqs(account).fills) if follower.channel == "fills" else 0

    def _start(self, follower: Follower, work: Coroutine[None, None, None]) -> None:
        assert self._tasks is not None, "nobody comes before the desk runs"
        self._tasks.create_task(self._guarded(follower, work))

    async def _guarded(self, follower: Follower, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except (JournalError, Refusal) as error:  # it resumes when it comes back
            log.error("private channel cannot be read", error=str(error))
            follower.client.shut()

    async def run(self) -> None:
        """Tell the past to whoever asks for it, until cancelled."""
        async with asyncio.TaskGroup() as self._tasks:
            await asyncio.get_running_loop().create_future()
