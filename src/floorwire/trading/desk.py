"""The desk: takes requests about orders and money, and answers when what came of them is durable.

One turn of the event loop: each request is authorised, decided by the house, executed on its venue in
memory and booked, and so is each report of the venues; the turn's entries are one append to the journal;
when that is durable, the answers leave, and then the private events. Where the journal fails, whoever waits
is told that nothing is certain, and new requests are refused until the accounts have been read again
(``keeper.py``); the market runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from msgspec import UNSET, UnsetType

from floorwire.config import Storage
from floorwire.core.accounts import Entry, PrivateChannel
from floorwire.core.auth import Action
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.reports import Report
from floorwire.engine.house import Decision, House
from floorwire.engine.snapshot import Snapshot
from floorwire.ops.stats import DeskFigures, DeskStats
from floorwire.protocol.answers import Accepted, AllCancelled, Guarded, OrderError, order_error
from floorwire.protocol.counter import Client, Reply
from floorwire.protocol.replies import Held, error
from floorwire.protocol.requests import RequestId, Subscribe
from floorwire.protocol.trading import (
    CancelOnDisconnect,
    Deadman,
    Fills,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Query,
    TradingRequest,
)
from floorwire.storage.keys import Deposit
from floorwire.trading import errands, tally
from floorwire.trading.book import Book
from floorwire.trading.commits import Commits
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.desk_state import DeskLife
from floorwire.trading.errands import Resolve
from floorwire.trading.floor import Floor
from floorwire.trading.follow import Following
from floorwire.trading.guard_cancels import GuardCancels
from floorwire.trading.guards import owner
from floorwire.trading.keeper import Keeper
from floorwire.trading.lens import Lens
from floorwire.trading.line import Lines
from floorwire.trading.past import Past
from floorwire.trading.reading import Reading
from floorwire.trading.standing import Standing
from floorwire.trading.streams import Streams
from floorwire.trading.turn import Answer, answered, refused

BUSY_WAIT_US = 50_000

log = structlog.get_logger("floorwire.desk")


class Desk:
    """There is one in a process. ``open`` it, then ``run`` it, and ``close`` it at the end.

    ``open_book`` reads the accounts and may block; ``clock`` gives the time in microseconds.
    """

    def __init__(
        self,
        open_book: Callable[[], Book],
        floor: Floor,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Callable[[], int],
        storage: Storage,
    ) -> None:
        self._floor = floor
        self._resolve = resolve
        self._instruments = instruments
        self._clock = clock
        self._storage = storage
        self._life = DeskLife()
        self._stats = DeskStats()
        self._keeper = Keeper(self._life, open_book, self._stats, self)
        self._executor = DecisionExecutor(floor, clock)
        self._guard_cancels = GuardCancels(self._life, self._executor, clock)
        self._guards = self._guard_cancels.guards
        self._streams = Streams(self._instrument_of, clock)
        self._reading = Reading()
        self._following = Following(self._streams, self._reading, instruments, clock)
        self._lines = Lines()
        self._past = Past(self._lines, self._counted)
        self._deposits: Sequence[Deposit] = ()
        """All that there are; those that the journal lost are credited again."""

    # --- its life: what is behind it is in keeper.py ----------------------------------------------

    async def open(self) -> None:
        """Read the accounts and begin. Where that cannot be, ``run`` tries again."""
        await self._keeper.open()

    async def run(self) -> None:
        """Recover when the journal fails, and serve readers of the past. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._following.run())
            tasks.create_task(self._past.run())
            tasks.create_task(self._keeper.run())

    def drain(self) -> None:
        """Take no more orders; cancels go on."""
        self._keeper.drain()

    async def close(self) -> None:
        """Cancel for whoever is not there to do it, and close the journal when all is durable."""
        await self._keeper.close()

    # --- what recovery asks: Work of keeper.py ----------------------------------------------------

    def make_committer(self, book: Book, on_failure: Callable[[Exception], None]) -> Commits:
        """Return what takes the entries for this journal; ``on_failure`` is called once, with why."""
        return Commits(book, self._streams, self._storage.snapshot_records, on_failure, self._stats)

    def begin_work(self, commits: Commits) -> None:
        """Put the accounts to work: guards first, then the orders go back into their markets."""
        commits.begin(self._clock())
        self._streams.epoch = commits.book.epoch
        self._guard_cancels.begin(commits)
        self._executor.list_instruments(commits, self._floor.instruments())
        for venue in self._floor.opened:
            self._executor.put_back(commits, venue, self._floor.at(venue))
        self.deposit(self._deposits)

    def tell_followers(self, commits: Commits) -> None:
        """Tell followers of the private channels what they missed."""
        self._following.go_on(commits)

    def take_orders_out(self, house: House) -> None:
        """Take the accounts' orders out of the market. Never raises."""
        self._executor.take_out(house)

    def end_guards(self) -> None:
        """Cancel now what guards would cancel when nobody is there any more."""
        self._guards.end()

    # --- what clients ask ---------------------------------------------------------------------------

    def trade(self, client: Client, request: TradingRequest) -> None:
        """See to a request; it is answered once, in order, when what came of it is durable."""
        commits = self._life.state.committer
        if commits is None:
            self._lines.stand(client).answer(self._counted(request, refused(request, self._out_of_order())))
            client.flush()
            return
        try:
            reply = self._reply(commits, client, request)
        except Refusal as refusal:
            reply = refused(request, refusal)
        except Exception as error:  # a fault of ours or of a venue: what was done is not known
            log.exception("fault", request=type(request).__name__)
            self._stats.commands[type(request), Code.INTERNAL.value] += 1
            commits.answer(answered(self._lines.stand(client), request, None))
            commits.fail(error)
            return
        if reply is not None:
            commits.answer(answered(self._lines.stand(client), request, self._counted(request, reply)))

    def _counted(self, request: TradingRequest, reply: Reply) -> Reply:
        self._stats.commands[type(request), tally.outcome(reply)] += 1
        return reply

    def _reply(self, commits: Commits, client: Client, request: TradingRequest) -> Reply | None:
        """Return the answer; None where it follows by itself."""
        house, principal, now_us = commits.book.house, client.principal, self._clock()
        match request:
            case OrderPlace():
                self._check_open(commits)
                decision = errands.place(house, self._resolve, principal, request, now_us)
                return self._outcome(commits, decision, request.id, now_us)
            case OrderAmend():
                self._check_open(commits)
                decision = errands.amend(house, principal, request, now_us)
                return self._outcome(commits, decision, request.id, now_us)
            case OrderCancel():
                decision = errands.cancel(house, principal, request, now_us)
                return self._outcome(commits, decision, request.id, now_us)
            case OrderCancelAll():
                decision = errands.cancel_all(house, self._resolve, principal, request, now_us)
                self._executor.execute(commits, decision, now_us)
                order_ids = [str(command.order_id) for command in decision.commands]
                return AllCancelled(id=request.id, order_ids=order_ids)
            case CancelOnDisconnect() | Deadman():
                return self._guard(client, request, now_us)
            case _:
                return self._look(commits, client, request, now_us)

    def _look(self, commits: Commits, client: Client, request: Query, now_us: int) -> Reply | None:
        house, principal = commits.book.house, client.principal
        lens = Lens(principal, self._instruments)
        self._reading.take(principal.account, errands.rows(house, principal.account, request), now_us)
        if isinstance(request, Fills):
            begun = errands.list_fills(house, principal, lens, request, now_us)
            return self._past.search(commits, client, request, begun)
        return errands.answer(house, principal, lens, request, now_us)

    def _check_open(self, commits: Commits) -> None:
        if self._life.state.is_draining:
            raise Refusal(Code.DRAINING, Code.DRAINING.meaning)
        if self._is_behind(commits):
            raise Refusal(Code.RATE_LIMITED, "the journal is behind", wait_us=BUSY_WAIT_US)

    def _is_behind(self, commits: Commits) -> bool:
        return commits.behind > self._storage.waiting_records // 2

    def _outcome(
        self, commits: Commits, decision: Decision, request_id: RequestId | UnsetType, now_us: int
    ) -> Accepted | OrderError:
        """Carry a decision about one order out, and return what came of it."""
        assert decision.order is not None
        reports = self._executor.execute(commits, decision, now_us)
        before = decision.order
        order = commits.book.house.find(before.ticket.account, before.order_id)
        code = order.code if order.state == "rejected" else errands.refused(reports, order)
        duplicate = True if decision.duplicate else UNSET
        if code is None:
            return Accepted(
                id=request_id,
                order_id=str(order.order_id),
                client_order_id=order.ticket.client_order_id,
                duplicate=duplicate,
            )
        details = {"order_id": str(order.order_id), "client_order_id": order.ticket.client_order_id}
        refusal = Refusal(code, code.meaning, details)
        return order_error(refusal, request_id, "rejected", duplicate=decision.duplicate)

    def _guard(self, client: Client, request: CancelOnDisconnect | Deadman, now_us: int) -> Guarded:
        if isinstance(request, Deadman):
            errands.authorise(client.principal, Action.DEADMAN, now_us)
            timeout_us = _us(request.timeout_s)
            self._guards.arm(owner(client), timeout_us)
            cancels_at = now_us + timeout_us if timeout_us else UNSET
            return Guarded(id=request.id, timeout_s=request.timeout_s, cancels_at=cancels_at)
        errands.authorise(client.principal, Action.CANCEL_ON_DISCONNECT, now_us)
        if request.enabled:
            self._guards.watch(client, _us(request.grace_s))
        else:
            self._guards.ignore(client)
        return Guarded(id=request.id, enabled=request.enabled, grace_s=request.grace_s)

    def follow(self, client: Client, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        commits = self._life.state.committer
        if commits is None:
            client.answer(error(self._out_of_order(), request.id))
            client.flush()
        else:
            self._following.begin(commits, client, request, channel)

    def unfollow(self, client: Client, channel: PrivateChannel) -> None:
        """Tell it no more."""
        self._streams.leave(client, channel)

    def held(self, client: Client, channel: PrivateChannel) -> Held:
        """Return the subscription as it stands."""
        return self._following.held(client, channel)

    def left(self, client: Client) -> None:
        """The connection is gone."""
        self._streams.left(client)
        self._guards.left(client)

    # --- what venues tell ---------------------------------------------------------------------------

    def listed(self, instruments: Sequence[Instrument]) -> None:
        """A trading venue lists these, new or changed; where it has opened, orders of the new enter now."""
        new = self._floor.list_instruments(instruments)
        commits = self._life.state.committer
        if commits is None:
            return  # they are listed when the accounts have been read
        self._executor.list_instruments(commits, instruments)
        for venue in self._floor.opened:
            self._executor.put_back(commits, venue, new)

    def opened(self, venue: str) -> None:
        """A trading venue has opened, without any order of ours in it."""
        self._floor.opened.add(venue)
        commits = self._life.state.committer
        if commits is not None:
            self._executor.put_back(commits, venue, self._floor.at(venue))

    def reported(self, reports: Sequence[Report]) -> None:
        """This happened to orders that rest."""
        commits = self._life.state.committer
        if commits is None:
            return
        try:
            commits.book_entries(commits.book.house.settle(reports, self._clock()))
        except Exception as fault:  # as in trade
            log.exception("a venue reports what cannot be")
            commits.fail(fault)

    # --- what operators do --------------------------------------------------------------------------

    def administer(
        self,
        client: Client,
        reply: Reply,
        change: Callable[[House, int], tuple[Sequence[Entry], Decision | None]],
    ) -> None:
        """Make a change, carry out what follows, and answer when it is durable, or with the refusal."""
        commits, now_us = self._life.state.committer, self._clock()
        if commits is None:
            client.answer(error(self._out_of_order()))
            return
        try:
            entries, decision = change(commits.book.house, now_us)
        except Refusal as refusal:
            client.answer(error(refusal))
            return
        commits.rule(entries)
        commits.answer(Answer(client, UNSET, reply))
        if decision is not None:
            self._executor.execute_or_fail(commits, decision, now_us)

    def standing(self) -> Standing:
        """Return the halts and limits, of a broken journal too. Raises Refusal where none was ever read."""
        standing = self._life.state.standing
        if standing is None:
            raise self._out_of_order()
        return standing

    def house(self) -> House:
        """Return the accounts, to look at. Raises Refusal where they cannot be read."""
        return self._working().book.house

    def state(self) -> tuple[int, Snapshot]:
        """Return how many records there are with those on their way, and all the accounts as of then.

        Raises Refusal where the accounts cannot be read.
        """
        commits = self._working()
        commits.end_turn()
        return commits.book.journal.last_n, commits.book.house.snapshot()

    def _working(self) -> Commits:
        commits = self._life.state.committer
        if commits is None:
            raise self._out_of_order()
        return commits

    def figures(self) -> DeskFigures:
        """Return how everything is, for whoever watches."""
        commits = self._life.state.committer
        refusing = {
            "journal": commits is None,
            "behind": commits is not None and self._is_behind(commits),
            "draining": self._life.state.is_draining,
        }
        records = None if commits is None else tally.records(commits)
        return DeskFigures(self._stats, refusing, self._guards.armed(), records)

    def deposit(self, deposits: Sequence[Deposit]) -> None:
        """Credit what of these is not credited yet; all there are, in their order."""
        self._deposits = deposits
        commits = self._life.state.committer
        if commits is None:
            return
        house, now_us = commits.book.house, self._clock()
        for one in deposits:
            try:
                commits.book_entries(house.deposit(one.account, one.asset, one.amount, one.id, now_us))
            except Refusal as refusal:
                self._stats.uncredited.add(one.id)
                log.error("deposit not credited", account=one.account, id=one.id, reason=str(refusal))

    # --- parts --------------------------------------------------------------------------------------

    def _instrument_of(self, order: Order) -> Instrument:
        return self.house().instrument_of(order)

    def _out_of_order(self) -> Refusal:
        return Refusal(Code.INTERNAL, "the journal cannot be written; nothing is accepted until it can")


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000) or int(seconds > 0)
