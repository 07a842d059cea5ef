"""The desk: takes requests about orders and money, and answers when what came of them is durable.

One turn of the event loop: each request is authorised, decided by the house, executed on its venue in
memory and booked, and so is each report of the venues; the turn's entries are one append to the journal;
when that is durable, the answers leave, and then the private events. Where the journal fails, whoever waits
is told that nothing is certain, new requests are refused, and the accounts are read from the journal again;
the market runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import structlog
from msgspec import UNSET, UnsetType

from floorwire.clock import Clock
from floorwire.config import Storage
from floorwire.core.accounts import Entry, Guard, PrivateChannel
from floorwire.core.auth import Action
from floorwire.core.codes import Code
from floorwire.core.commands import Cancel
from floorwire.core.dates import Moment
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
from floorwire.trading.errands import Resolve
from floorwire.trading.floor import Floor
from floorwire.trading.follow import Following
from floorwire.trading.guards import Guards, Owner, owner
from floorwire.trading.keeper import Keeper
from floorwire.trading.lens import Lens
from floorwire.trading.line import Lines
from floorwire.trading.past import Past
from floorwire.trading.reading import Reading
from floorwire.trading.standing import Standing
from floorwire.trading.streams import Streams
from floorwire.trading.turn import Answer, answered, refused

BUSY_WAIT_US = 50_000
RETRY_S = 1.0

log = structlog.get_logger("floorwire.desk")


class Desk:
    """One process's. ``run`` is its life; before it ``read`` and ``open``, after it ``close``."""

    def __init__(
        self,
        keeper: Keeper,
        floor: Floor,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
        storage: Storage,
    ) -> None:
        self._keeper = keeper
        self._floor = floor
        self._resolve = resolve
        self._instruments = instruments
        self._clock = clock
        self._storage = storage
        self._streams = Streams(self._instrument_of, clock)
        self._reading = Reading()
        self._following = Following(self._streams, self._reading, instruments, clock)
        self._lines = Lines()
        self._past = Past(self._lines, self._counted)
        self._guards = Guards(clock, self._cancel_for, self._keep_guard)
        self._stats = DeskStats()
        self._commits: Commits | None = None
        self._standing: Standing | None = None
        self._read: Book | None = None
        self._failed: Book | None = None
        self._has_failed = asyncio.Event()
        self._deposits: Sequence[Deposit] = ()
        self._spared_id = 0  # order ids up to this one may be known to markets
        self._due: list[tuple[Owner, Code]] = []
        """Whose orders guards have to cancel, and why, each until that is durable."""
        self._is_draining = self._is_closed = False

    # --- its life -----------------------------------------------------------------------------------

    def read(self) -> None:
        """Read the accounts, before anybody comes; blocks, and may be off the loop."""
        self._read = self._keeper.open()

    def open(self) -> None:
        """Begin with what was read. Where it could not be, ``run`` tries on."""
        if self._read is None:
            self._has_failed.set()
        else:
            self._begin(self._read)
        self._read = None

    def _begin(self, book: Book) -> None:
        self._commits = commits = Commits(
            book, self._streams, self._storage.snapshot_records, self._fail, self._stats
        )
        self._standing = commits.standing
        book.house.spare(self._spared_id)
        commits.begin(self._clock.stamp_us())
        self._streams.epoch = book.epoch
        self._stand_guard(commits)
        self._list(self._floor.instruments())
        for venue in self._floor.opened:
            self._put_back(venue, self._floor.at(venue))
        self.deposit(self._deposits)

    def _stand_guard(self, commits: Commits) -> None:
        """Cancel what guards could not while there were no accounts: it is in no market, and stays out."""
        house, stamp_us = commits.book.house, self._clock.stamp_us()
        kept = {Owner(account, key): guard for account, key, guard in house.guards()}
        gone = [(whose, Code.DISCONNECTED) for whose in self._guards.begin(kept)]
        due, self._due = dict.fromkeys([*self._due, *gone]), []
        for whose, code in due:
            entries = house.withdraw(whose.account, whose.key, code, stamp_us)
            commits.book_entries(entries)
            self._see_to(commits, whose, code)
            log.info("cancelled", account=whose.account, key=whose.key, code=code.value, orders=len(entries))
        for whose in sorted({*kept, *self._guards.owners()}):
            self._keep_guard(whose, self._guards.of(whose))

    async def run(self) -> None:
        """Save snapshots, and begin anew where the journal failed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._following.run())
            tasks.create_task(self._past.run())
            while True:
                saving = None if self._commits is None else tasks.create_task(self._commits.save_snapshots())
                await self._has_failed.wait()
                self._has_failed.clear()
                if saving is not None:
                    saving.cancel()
                failed, self._failed = self._failed, None
                await self._begin_again(await self._keeper.reopen(failed))

    async def _begin_again(self, book: Book) -> None:
        try:
            self._begin(book)
        except Exception as error:  # of a venue: market data and the other venues must not end with it
            log.exception("accounts read, but not put to work")
            if self._commits is not None:
                self._commits.fail(error)
            await asyncio.sleep(RETRY_S)
            return
        if self._commits is not None:
            self._following.go_on(self._commits)

    def _fail(self, error: Exception) -> None:
        """The journal failed: take the accounts' orders out of the market, and begin anew."""
        commits, self._commits = self._commits, None
        if commits is None or self._is_closed:
            return  # nobody begins anew
        self._stats.failures += 1
        log.error("the journal failed; orders are refused", error=str(error))
        self._keeper.trouble = str(error)
        self._spared_id = commits.book.house.last_order_id()
        self._take_out(commits.book.house)
        self._failed = commits.book
        self._has_failed.set()

    def _take_out(self, house: House) -> None:
        try:
            for command in house.cancel_all().commands:
                self._floor.execute(command, self._clock.stamp_us())
        except Exception:  # a venue's fault, maybe the one that brought us here
            log.exception("orders may still be in the market")

    async def close(self) -> None:
        """Cancel for whoever is not there to do it, and close the journal when all is durable."""
        self._guards.end()
        commits, self._is_closed = self._commits, True
        if commits is not None:
            await commits.settled()
            self._commits = None  # what venues report from now on is the next process's to find out
            await asyncio.to_thread(commits.book.journal.close)

    def drain(self) -> None:
        """Take no more orders; cancels go on."""
        self._is_draining = True

    # --- what clients ask ---------------------------------------------------------------------------

    def trade(self, client: Client, request: TradingRequest) -> None:
        """See to a request; it is answered once, in order, when what came of it is durable."""
        commits = self._commits
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
        house, principal, at = commits.book.house, client.principal, self._clock.moment()
        match request:
            case OrderPlace():
                self._check_open(commits)
                decision = errands.place(house, self._resolve, principal, request, at)
                return self._outcome(commits, decision, request.id, at.stamp_us)
            case OrderAmend():
                self._check_open(commits)
                decision = errands.amend(house, principal, request, at)
                return self._outcome(commits, decision, request.id, at.stamp_us)
            case OrderCancel():
                decision = errands.cancel(house, principal, request, at.wall_us)
                return self._outcome(commits, decision, request.id, at.stamp_us)
            case OrderCancelAll():
                decision = errands.cancel_all(house, self._resolve, principal, request, at.wall_us)
                self._carry_out(commits, decision, at.stamp_us)
                order_ids = [str(command.order_id) for command in decision.commands]
                return AllCancelled(id=request.id, order_ids=order_ids)
            case CancelOnDisconnect() | Deadman():
                return self._guard(client, request, at.wall_us)
            case _:
                return self._look(commits, client, request, at)

    def _look(self, commits: Commits, client: Client, request: Query, at: Moment) -> Reply | None:
        house, principal = commits.book.house, client.principal
        lens = Lens(principal, self._instruments)
        self._reading.take(principal.account, errands.rows(house, principal.account, request), at.now_us)
        if isinstance(request, Fills):
            begun = errands.list_fills(house, principal, lens, request, at.wall_us)
            return self._past.search(commits, client, request, begun)
        return errands.answer(house, principal, lens, request, at.wall_us)

    def _check_open(self, commits: Commits) -> None:
        if self._is_draining:
            raise Refusal(Code.DRAINING, Code.DRAINING.meaning)
        if self._is_behind(commits):
            raise Refusal(Code.RATE_LIMITED, "the journal is behind", wait_us=BUSY_WAIT_US)

    def _is_behind(self, commits: Commits) -> bool:
        return commits.behind > self._storage.waiting_records // 2

    def _outcome(
        self, commits: Commits, decision: Decision, request_id: RequestId | UnsetType, stamp_us: int
    ) -> Accepted | OrderError:
        """Carry a decision about one order out, and return what came of it."""
        assert decision.order is not None
        reports = self._carry_out(commits, decision, stamp_us)
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

    def _guard(self, client: Client, request: CancelOnDisconnect | Deadman, wall_us: int) -> Guarded:
        if isinstance(request, Deadman):
            errands.authorise(client.principal, Action.DEADMAN, wall_us)
            timeout_us = _us(request.timeout_s)
            self._guards.arm(owner(client), timeout_us)
            cancels_at = wall_us + timeout_us if timeout_us else UNSET
            return Guarded(id=request.id, timeout_s=request.timeout_s, cancels_at=cancels_at)
        errands.authorise(client.principal, Action.CANCEL_ON_DISCONNECT, wall_us)
        if request.enabled:
            self._guards.watch(client, _us(request.grace_s))
        else:
            self._guards.ignore(client)
        return Guarded(id=request.id, enabled=request.enabled, grace_s=request.grace_s)

    def follow(self, client: Client, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        if self._commits is None:
            client.answer(error(self._out_of_order(), request.id))
            client.flush()
        else:
            self._following.begin(self._commits, client, request, channel)

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
        self._list(instruments)
        for venue in self._floor.opened:
            self._put_back(venue, new)

    def opened(self, venue: str) -> None:
        """A trading venue has opened, without any order of ours in it."""
        self._floor.opened.add(venue)
        self._put_back(venue, self._floor.at(venue))

    def reported(self, reports: Sequence[Report]) -> None:
        """This happened to orders that rest."""
        commits = self._commits
        if commits is None:
            return
        try:
            commits.book_entries(commits.book.house.settle(reports, self._clock.stamp_us()))
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
        commits, stamp_us = self._commits, self._clock.stamp_us()
        if commits is None:
            client.answer(error(self._out_of_order()))
            return
        try:
            entries, decision = change(commits.book.house, stamp_us)
        except Refusal as refusal:
            client.answer(error(refusal))
            return
        commits.rule(entries)
        commits.answer(Answer(client, UNSET, reply))
        if decision is not None:
            self._try(commits, decision, stamp_us)

    def standing(self) -> Standing:
        """Return the halts and limits, of a broken journal too. Raises Refusal where none was ever read."""
        if self._standing is None:
            raise self._out_of_order()
        return self._standing

    def house(self) -> House:
        """Return the accounts, to look at. Raises Refusal where they cannot be read."""
        if self._commits is None:
            raise self._out_of_order()
        return self._commits.book.house

    def state(self) -> tuple[int, Snapshot]:
        """Return how many records there are with those on their way, and all the accounts as of then.

        Raises Refusal where the accounts cannot be read.
        """
        house = self.house()
        assert self._commits is not None
        self._commits.end_turn()
        return self._commits.book.journal.last_n, house.snapshot()

    def figures(self) -> DeskFigures:
        """Return how everything is, for whoever watches."""
        commits = self._commits
        refusing = {
            "journal": commits is None,
            "behind": commits is not None and self._is_behind(commits),
            "draining": self._is_draining,
        }
        records = None if commits is None else tally.records(commits)
        return DeskFigures(self._stats, refusing, self._guards.armed(), records)

    def deposit(self, deposits: Sequence[Deposit]) -> None:
        """Credit what of these is not credited yet; all there are, in their order."""
        self._deposits = deposits
        commits = self._commits
        if commits is None:
            return
        house, stamp_us = commits.book.house, self._clock.stamp_us()
        for one in deposits:
            try:
                commits.book_entries(house.deposit(one.account, one.asset, one.amount, one.id, stamp_us))
            except Refusal as refusal:
                self._stats.uncredited.add(one.id)
                log.error("deposit not credited", account=one.account, id=one.id, reason=str(refusal))

    # --- parts --------------------------------------------------------------------------------------

    def _carry_out(self, commits: Commits, decision: Decision, stamp_us: int) -> list[Report]:
        """Journal the decision and what the venues make of it; return their reports."""
        commits.book_entries(decision.entries)
        happened: list[Report] = []
        for command in decision.commands:
            reports = self._floor.execute(command, stamp_us)
            entries = commits.book.house.settle(reports, stamp_us)
            if type(command) is Cancel:
                entries += commits.book.house.keep_cancel(command, stamp_us)
            if entries:
                commits.book_entries(entries)
            happened += reports
        return happened

    def _list(self, instruments: Iterable[Instrument]) -> None:
        commits = self._commits
        if commits is not None:
            commits.book_entries(commits.book.house.list_instruments(instruments, self._clock.stamp_us()))

    def _put_back(self, venue: str, symbols: set[str]) -> None:
        """Put the open orders of those of the symbols that the venue lists into its market as it is now."""
        commits, stamp_us = self._commits, self._clock.stamp_us()
        here = symbols & self._floor.at(venue)
        if commits is None or not here:
            return
        decision = commits.book.house.put_back(here, stamp_us)
        self._carry_out(commits, decision, stamp_us)
        if decision.commands:
            log.info("orders are in the market again", venue=venue, orders=len(decision.commands))

    def _keep_guard(self, whose: Owner, guard: Guard) -> None:
        """Journal a key's guard where it is another now; without accounts, when they have been read."""
        commits = self._commits
        if commits is not None:
            house = commits.book.house
            commits.book_entries(house.set_guard(whose.account, whose.key, guard, self._clock.stamp_us()))

    def _see_to(self, commits: Commits, whose: Owner, code: Code) -> None:
        """Cancel for it again, where what was cancelled is not durable before the journal fails."""
        self._due.append((whose, code))
        commits.then(partial(self._due.remove, (whose, code)))

    def _cancel_for(self, whose: Owner, code: Code) -> None:
        commits = self._commits
        if commits is None:
            self._due.append((whose, code))
            return
        self._see_to(commits, whose, code)
        decision = commits.book.house.cancel_all(account=whose.account, key=whose.key, code=code)
        if self._try(commits, decision, self._clock.stamp_us()):
            orders = len(decision.commands)
            log.info("cancelled", account=whose.account, key=whose.key, code=code.value, orders=orders)

    def _try(self, commits: Commits, decision: Decision, stamp_us: int) -> bool:
        try:
            self._carry_out(commits, decision, stamp_us)
        except Exception as fault:  # as in trade
            log.exception("fault", commands=len(decision.commands))
            commits.fail(fault)
        return self._commits is commits

    def _instrument_of(self, order: Order) -> Instrument:
        return self.house().instrument_of(order)

    def _out_of_order(self) -> Refusal:
        return Refusal(Code.INTERNAL, "the journal cannot be written; nothing is accepted until it can")


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000) or int(seconds > 0)
