"""Order connector: runs the order adapter of one venue, with its own links and requests.

Commands of the desk go to the adapter, its effects are carried out, and its reports go to the desk, in order.
It repeats nothing by itself, and never logs what a request has in it. A fault of the adapter ends its links;
a new adapter starts after a while. What became of what was sent is unknown then: the desk asks the venue.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog

from floorwire.clock import Clock
from floorwire.connectors import dry_run
from floorwire.connectors.waiting_links import WaitingLinks
from floorwire.core.codes import Code
from floorwire.core.connector_port import Connector
from floorwire.core.credentials import VenueCredentials
from floorwire.core.order_ports import (
    AddressLimits,
    OrderAdapter,
    OrderAdapterInput,
    OrderAdapterOutput,
    SwitchChanged,
)
from floorwire.core.past_candles import PastWanted
from floorwire.core.ports import Close, Fetch, Open, Send, Wake, Wanted, Woke
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    LinkDown,
    LinkUp,
    OrderAnswer,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    QueryOrder,
    ReconcileFailed,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
)

RESTART_S: Final = 5.0
"""The pause after a fault of the adapter."""
IDLE_S: Final = 1.0
INPUTS_A_TURN: Final = 128
"""So many frames and answers are handled in one turn of the event loop. Others go between."""
MAX_COMMANDS: Final = 10_000
"""Commands that wait for their turn. One more is answered as if the venue could not be reached."""

log = structlog.get_logger("floorwire.venues")


class ReportListener(Protocol):
    """Gets the reports of one venue. The desk's ``RemoteVenue`` is one."""

    def reported(self, report: RemoteReport) -> None:
        """Book the report. Never raises."""
        ...


class OrderConnector:
    """Owns the task, the links and the requests of one venue's orders."""

    def __init__(
        self,
        venue: str,
        make_adapter: Callable[[], OrderAdapter],
        connector: Connector,
        clock: Clock,
        dry_run_credentials: VenueCredentials | None = None,
        limits: AddressLimits | None = None,
    ) -> None:
        """``dry_run_credentials``: show what would be sent for orders, without these, and do not send it.

        ``limits``: of the address; links count in them. None: links are not counted.
        """
        self.venue = venue
        self.connector = connector
        self._make_adapter = make_adapter
        self._adapter = make_adapter()
        self.policy: RemotePolicy = self._adapter.policy
        self._clock = clock
        self._dry_run_credentials = dry_run_credentials
        self._listener: ReportListener | None = None
        self._commands: deque[RemoteCommand] = deque()
        """Bounded by MAX_COMMANDS."""
        self._queries: set[int] = set()
        """Queries that the adapter has not answered; as many as the policy allows."""
        self._waiting = WaitingLinks(limits)
        self._wake_us: int | None = None
        self._is_due = asyncio.Event()
        self._is_up = False
        self._is_linked = False
        """Whether the adapter's last word of its private stream was ``LinkUp``."""
        self._is_turn_due = False
        self._is_carrying_out = False
        self._is_sending = False
        """Whether ``send`` is giving a command to the adapter."""
        self._fault: Exception | None = None

    def listen(self, listener: ReportListener) -> None:
        """Send the reports there. Called once, before ``run``."""
        self._listener = listener

    # --- CommandSender ------------------------------------------------------------------------------

    def send(self, command: RemoteCommand) -> None:
        """Give the command to the adapter: at once, or behind those that wait. Its answer comes as a report.

        Commands wait while the adapter's outputs are carried out: it is asked for all of them first.
        """
        if not self._is_up or len(self._commands) >= MAX_COMMANDS:
            asyncio.get_running_loop().call_soon(self._report, _unsent(command, Code.VENUE_UNAVAILABLE))
            return
        if self._is_carrying_out or self._commands or self._fault is not None:
            self._commands.append(command)
            self._schedule_turn()
            return
        before_us = self._wake_us
        self._is_sending = True
        try:
            self._command(command)
        except Exception as error:  # noqa: BLE001 - _run_adapter() raises it again
            self._fault = error
        finally:
            self._is_sending = False
        self._hurry(before_us)

    def prepare(self, command: PlaceOrder) -> None:
        """Let the adapter make ready what it can, while the order becomes durable. Nothing is sent."""
        if not self._is_up or self._is_carrying_out or self._fault is not None:
            return
        try:
            at = self._clock.moment()
            self._adapter.prepare(command, at.now_us, at.wall_us)
        except Exception as error:  # noqa: BLE001 - _run_adapter() raises it again
            self._fault = error
            self._is_due.set()

    # --- the task -----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Run the adapter until cancelled."""
        self.connector.start(self._schedule_turn)
        try:
            while True:
                try:
                    await self._run_adapter()
                except Exception:  # one venue's fault must not stop the gateway
                    log.exception("order adapter failed", venue=self.venue)
                self._stop()
                await asyncio.sleep(RESTART_S)
                self._adapter = self._make_adapter()
        finally:
            self._stop()
            await self.connector.close()

    async def _run_adapter(self) -> None:
        self._is_up = True
        self._carry_out(self._adapter.start(self._clock.monotonic_us(), self._clock.wall_us()))
        while True:
            await self._pause()
            if self._fault is not None:
                fault, self._fault = self._fault, None
                raise fault
            self._open_waiting()
            if self._wake_us is not None and self._clock.monotonic_us() >= self._wake_us:
                self._wake_us = None
                self._receive(Woke())

    def _stop(self) -> None:
        """End links and requests. The stream is down, and commands that wait were not sent."""
        self._is_up, self._wake_us, self._fault = False, None, None
        self._waiting.clear()
        self.connector.reset()
        unsent, self._commands = self._commands, deque()
        if self._is_linked:
            self._report(LinkDown())
        queries, self._queries = self._queries, set()
        for query in sorted(queries):
            self._report(QueryFailed(query))
        for command in unsent:
            self._report(_unsent(command, Code.VENUE_UNAVAILABLE))

    async def _pause(self) -> None:
        """Wait until the adapter's next wake-up, but at most IDLE_S."""
        wait_s, now_us = IDLE_S, self._clock.monotonic_us()
        for due_us in (self._wake_us, self._waiting.due_us(now_us)):
            if due_us is not None:
                wait_s = min(wait_s, max(0, due_us - now_us) / 1_000_000)
        alarm = asyncio.get_running_loop().call_later(wait_s, self._is_due.set)
        try:
            await self._is_due.wait()
        finally:
            alarm.cancel()
            self._is_due.clear()

    # --- turns --------------------------------------------------------------------------------------

    def _schedule_turn(self) -> None:
        if not self._is_turn_due:
            self._is_turn_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        """Handle what came, then the commands."""
        self._is_turn_due = False
        if not self._is_up or self._fault is not None:
            return
        before_us = self._wake_us
        try:
            for _ in range(INPUTS_A_TURN):
                happened = self.connector.next_input()
                if happened is None:
                    break
                assert not isinstance(happened, Wanted | PastWanted), "nobody tells an order connector"
                self._receive(happened)
            else:
                self._schedule_turn()
            while self._commands:
                self._command(self._commands.popleft())
        except Exception as error:  # noqa: BLE001 - _run_adapter() raises it again
            self._fault = error
        self._hurry(before_us)

    def _hurry(self, before_us: int | None) -> None:
        """Let ``_run_adapter`` see a fault at once, and a wake-up that is earlier than the one before."""
        if self._fault or (self._wake_us is not None and (before_us is None or self._wake_us < before_us)):
            self._is_due.set()

    def _receive(self, happened: OrderAdapterInput) -> None:
        self._carry_out(self._adapter.receive(happened, self._clock.monotonic_us(), self._clock.wall_us()))

    def _command(self, command: RemoteCommand) -> None:
        if isinstance(command, QueryOrder):
            self._queries.add(command.query)
        credentials = self._dry_run_credentials
        if credentials is not None and isinstance(command, CancelOrder | PlaceOrder | AmendOrder):
            self._show(command, credentials)
        else:
            at = self._clock.moment()
            self._carry_out(self._adapter.command(command, at.now_us, at.wall_us))

    def _show(self, command: CancelOrder | PlaceOrder | AmendOrder, credentials: VenueCredentials) -> None:
        """Dry run: show what would be sent. A cancel is not signed, since adapters may send it again."""
        outputs: Sequence[OrderAdapterOutput] = ()
        if not isinstance(command, CancelOrder):
            outputs = [*self._adapter.command(command, self._clock.monotonic_us(), self._clock.wall_us())]
        log.info("dry run: nothing is sent", venue=self.venue, command=repr(command))
        for output in outputs:
            if isinstance(output, Fetch | Send):
                log.info("dry run: not sent", venue=self.venue, **dry_run.shown(output, credentials))
        self._carry_out([output for output in outputs if not isinstance(output, Open | Send | Close | Fetch)])
        asyncio.get_running_loop().call_soon(self._report, _unsent(command, Code.DRY_RUN))

    def _carry_out(self, outputs: Iterable[OrderAdapterOutput]) -> None:
        self._is_carrying_out = True
        try:
            for output in outputs:
                if isinstance(output, Open):
                    self._waiting.add(output)
                    self._open_waiting()
                    self._is_due.set()  # one that waits has to be looked for in time
                elif isinstance(output, Close):
                    self._waiting.drop(output.link)
                    self.connector.carry_out(output)
                elif isinstance(output, Send | Fetch):
                    self.connector.carry_out(output)
                elif isinstance(output, Wake):
                    self._wake_us = output.at_us
                elif isinstance(output, SwitchChanged):
                    self._tell_switch(output)
                elif self._is_sending:  # whoever sends hears nothing before ``send`` returns
                    asyncio.get_running_loop().call_soon(self._report, output)
                else:
                    self._report(output)
        finally:
            self._is_carrying_out = False

    def _open_waiting(self) -> None:
        for link in self._waiting.take(self._clock.monotonic_us()):
            self.connector.carry_out(link)

    def _tell_switch(self, changed: SwitchChanged) -> None:
        if changed.is_set:
            log.info("orders: the exchange cancels them when we are gone", venue=self.venue)
        else:
            log.warning(
                "orders: the exchange does not cancel them when we are gone",
                venue=self.venue,
                why=changed.message,
            )

    def _report(self, report: RemoteReport) -> None:
        if isinstance(report, LinkUp | LinkDown):
            self._is_linked = isinstance(report, LinkUp)
        elif isinstance(report, OrderAnswer | QueryFailed):
            self._queries.discard(report.query)
        assert self._listener is not None, "a listener was given before"
        self._listener.reported(report)


def _unsent(command: RemoteCommand, code: Code) -> RemoteReport:
    """Return the answer to a command that never left."""
    match command:
        case PlaceOrder():
            return PlaceAnswer(command.client_id, "rejected", code=code, message=code.meaning)
        case AmendOrder():
            return AmendAnswer(command.client_id, "refused", code)
        case CancelOrder():
            return CancelAnswer(command.client_id, "unknown")
        case QueryOrder():
            return QueryFailed(command.query)
        case _:
            return ReconcileFailed(command.request)
