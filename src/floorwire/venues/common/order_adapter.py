"""The order adapter of exchanges. ``OrderExchange`` is what differs from one to another.

``docs/live-orders.md`` has the states of an order's request and of the links.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Generic, assert_never, final

from floorwire.core.codes import Code
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import OrderAdapterInput, OrderAdapterOutput
from floorwire.core.ports import Answer, Close, Closed, Frame, Open, Opened, Random, Send
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelOrder,
    LinkDown,
    LinkUp,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    RemoteCommand,
    RemoteReport,
)
from floorwire.venues.common.account_reads import AccountReads
from floorwire.venues.common.order_amounts import AmountError
from floorwire.venues.common.order_exchange import (
    Answered,
    AnswerT,
    LinkEndsSoon,
    OrderCall,
    OrderExchange,
    OrderReading,
    RestSteps,
    ShownOrder,
    SignedIn,
    SignInStep,
    TryAgain,
    UnplaceableError,
    UselessLink,
)
from floorwire.venues.common.order_outcomes import OrderRequest, rejected, unknown
from floorwire.venues.common.order_times import WakeTimer
from floorwire.venues.common.prepared_order import PreparedOrder
from floorwire.venues.common.private_links import Preparation, PrivateLinks
from floorwire.venues.common.private_stream_watch import PrivateStreamWatch
from floorwire.venues.common.request_sequences import UNUSABLE, RequestSequences, Steps
from floorwire.venues.common.unanswered_requests import UnansweredRequests
from floorwire.venues.common.waiting_cancels import WaitingCancels

RETRY_CANCEL_US = SECOND_US // 20
"""How soon a cancel is tried again that could not be sent."""
REFUSED_US = 10 * SECOND_US
"""The least wait after a preparation that had no answer."""


@final
class ExchangeOrderAdapter(Generic[AnswerT]):
    """The order adapter, a pure state machine.

    ``UnansweredRequests``, ``WaitingCancels`` and ``RequestSequences`` are its queues, with their limits.
    """

    def __init__(self, exchange: OrderExchange[AnswerT], random: Random) -> None:
        self.policy = exchange.policy
        self._exchange = exchange
        self._reads = RequestSequences(
            exchange.sign, exchange.budgets, exchange.most_sent, exchange.reading_us
        )
        self._account = AccountReads(self._reads)
        self._links = [PrivateLinks(kind, random) for kind in exchange.links]
        self._private = self._links[0]
        self._requests = UnansweredRequests()
        self._cancels = WaitingCancels()
        self._watch = PrivateStreamWatch(exchange.patience_us)
        self._wake = WakeTimer()
        self._is_linked = False
        """Whether ``LinkUp`` was the last word about the private link."""
        self._is_preparing = False
        self._prepared: PreparedOrder | None = None
        """The order that was prepared last."""
        self._now_us = self._date_us = 0

    # --- the port -----------------------------------------------------------------------------------

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Ask for the exchange's clock and instruments; then the links are opened."""
        self._at(now_us, date_us)
        return self._with_due([])

    def prepare(self, command: PlaceOrder, now_us: int, date_us: int) -> None:
        """Make the message of an order that goes over a link. By REST nothing can be made before."""
        self._at(now_us, date_us)
        link, number = self._order_link(), self._requests.next_number
        if link is None:
            return
        try:
            call = self._exchange.place(command, number, on_link=True)
        except (UnplaceableError, AmountError):
            return  # it is answered when it comes
        if isinstance(call, str):
            self._prepared = PreparedOrder(command, number, link, call, now_us)
        else:
            call.close()

    def command(self, command: RemoteCommand, now_us: int, date_us: int) -> Iterator[OrderAdapterOutput]:
        """Yield what the command needs, then what is due: an order has left before that is looked for."""
        self._at(now_us, date_us)
        if isinstance(command, PlaceOrder):
            yield from self._place(command)
        elif isinstance(command, AmendOrder):
            yield from self._amend(command)
        elif isinstance(command, CancelOrder):
            if not (self._exchange.can_cancel(command) and self._cancels.add(command)):
                yield unknown(command)
        elif isinstance(command, QueryOrder):
            yield from self._account.query(command, self._exchange.query(command), now_us, date_us)
        elif isinstance(command, Reconcile):
            yield from self._account.reconcile(command, self._exchange.reconcile(command), now_us, date_us)
        else:
            assert_never(command)
        yield from self._with_due([])

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Return what follows from one input. Never raises on anything that the exchange sent."""
        self._at(now_us, date_us)
        outputs: list[OrderAdapterOutput] = []
        if isinstance(happened, Frame):
            outputs += self._frame(happened)
        elif isinstance(happened, Answer):
            self._exchange.look_at(happened)
            outputs += self._reads.answered(happened, now_us, date_us)
        elif isinstance(happened, Opened):
            if any(links.opened(happened.link, now_us) for links in self._links):
                outputs += [Send(happened.link, text) for text in self._exchange.opened(happened.link)]
        elif isinstance(happened, Closed):
            for links in self._links:
                links.closed(happened.link, now_us)
            outputs += self._lost(happened.link)
        else:
            self._wake.woke()
        return self._with_due(outputs)

    # --- requests about orders ----------------------------------------------------------------------

    def _order_link(self) -> str | None:
        """Return the link for requests about orders; None: they go by REST."""
        for links in self._links:
            if links.kind.takes_orders and (name := links.active()):
                return name
        return None

    def _place(self, command: PlaceOrder) -> list[OrderAdapterOutput]:
        if not self._private.is_up:
            return [rejected(command, Code.VENUE_UNAVAILABLE, "the private link is down")]
        link, number = self._order_link(), self._requests.next_number
        prepared, self._prepared = self._prepared, None
        try:
            if prepared is not None and prepared.fits(command, number, link, self._now_us):
                call: OrderCall[AnswerT] = prepared.message
            else:
                call = self._exchange.place(command, number, on_link=link is not None)
        except UnplaceableError as error:
            return [rejected(command, error.code, str(error))]
        except AmountError as error:
            return [rejected(command, Code.VENUE_REJECTED, str(error))]
        if not self._may_send(command, on_link=isinstance(call, str)):
            name = self._exchange.name
            return [rejected(command, Code.RATE_LIMITED, f"the rate limit of {name} is used up")]
        return self._send([command], call, link)

    def _amend(self, command: AmendOrder) -> list[OrderAdapterOutput]:
        if not self._private.is_up:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_UNAVAILABLE)]
        link = self._order_link()
        try:
            call = self._exchange.amend(command, self._requests.next_number, on_link=link is not None)
        except UnplaceableError as error:
            return [AmendAnswer(command.client_id, "refused", error.code)]
        except AmountError:
            return [AmendAnswer(command.client_id, "refused", Code.VENUE_REJECTED)]
        if not self._may_send(command, on_link=isinstance(call, str)):
            return [AmendAnswer(command.client_id, "refused", Code.RATE_LIMITED)]
        return self._send([command], call, link)

    def _send_cancels(self) -> list[OrderAdapterOutput]:
        """Send the cancels that may be sent now. The others go on waiting."""
        outputs: list[OrderAdapterOutput] = []
        waiting = iter(self._cancels.take(self._now_us))
        while group := list(islice(waiting, self._exchange.cancels_per_request)):
            link = self._order_link()
            if not self._may_send(group[0], on_link=link is not None):
                for command in group:
                    self._cancels.add(command)
                continue
            numbered = dict(enumerate(group, self._requests.next_number))
            outputs += self._send(group, self._exchange.cancel(numbered, on_link=link is not None), link)
        return outputs

    def _may_send(self, request: OrderRequest, *, on_link: bool) -> bool:
        """Return whether a request may be sent now. Its budget is spent then."""
        is_full = self._requests.is_full if on_link else self._reads.is_full
        return not is_full and self._exchange.spend(self._requests.next_number, request, on_link=on_link)

    def _send(
        self, requests: Sequence[OrderRequest], call: OrderCall[AnswerT], link: str | None
    ) -> list[OrderAdapterOutput]:
        """Send the requests, once. ``call`` was made for the next numbers."""
        if isinstance(call, str):
            assert link is not None, "a message is made where a link is up"
            for request in requests:
                self._requests.add(request, link, self._now_us)
            return [Send(link, call)]
        numbers = [self._requests.add(request, "", self._now_us) for request in requests]
        if self._reads.is_full:
            call.close()
            return [outcome for number in numbers for outcome in self._requests.give_up(number)]
        return self._reads.start(self._by_rest(numbers, call), (), self._now_us, self._date_us)

    def _by_rest(self, numbers: Sequence[int], call: RestSteps[AnswerT]) -> Steps:
        """Send requests by REST. What takes too long is overdue in ``UnansweredRequests`` at that time."""
        try:
            answers = yield from call
        except UNUSABLE:
            return [outcome for number in numbers for outcome in self._requests.give_up(number)]
        return [report for number, answer in answers for report in self._answered(number, answer)]

    def _answered(self, number: int, answer: AnswerT) -> list[RemoteReport]:
        """Return what the answer to a request reports. A cancel may be sent again instead."""
        request = self._requests.get(number)
        if request is None:
            return []
        outcome = self._exchange.outcome(request, answer)
        if outcome is None:
            return []
        self._requests.take(number)
        if isinstance(outcome, TryAgain):
            assert isinstance(request, CancelOrder), "only cancels are sent again"
            is_kept = self._cancels.add(request, self._now_us + outcome.wait_us)
            return [] if is_kept else [unknown(request)]
        # Without a stream nothing is to come of it. A new one would be given up for that again and again.
        if isinstance(outcome, PlaceAnswer) and outcome.outcome == "accepted" and self._is_linked:
            self._watch.accepted(outcome.client_id, self._now_us)
        return [outcome]

    # --- frames -------------------------------------------------------------------------------------

    def _frame(self, frame: Frame) -> Iterator[OrderAdapterOutput]:
        for links in self._links:
            link = links.of(frame.link)
            if link is None or not link.received(self._now_us):
                continue
            try:
                readings = self._exchange.read(frame.link, frame.data, is_up=link.is_up)
            except (ValueError, RecursionError):
                return  # a bad frame costs a frame
            for reading in readings:
                yield from self._take(reading, links, frame.link)

    def _take(
        self, reading: OrderReading[AnswerT], links: PrivateLinks, name: str
    ) -> Sequence[OrderAdapterOutput]:
        link = links.of(name)
        match reading:
            case ShownOrder():
                return self._shown(reading)
            case Answered(number, answer):
                return self._answered(number, answer)
            case SignInStep(requests):
                return [Send(name, text) for text in requests]
            case SignedIn():
                if link is not None and not link.is_up:
                    link.accepted(self._now_us)
            case UselessLink(reason, wait_us):
                if link is not None:
                    return self._carried(link.close(reason, self._now_us, wait_us))
            case LinkEndsSoon(takes_requests):
                links.replace(name, takes_requests=takes_requests)
            case _:
                assert_never(reading)
        return ()

    def _shown(self, order: ShownOrder) -> list[RemoteReport]:
        if any(isinstance(report, OrderSeen) for report in order.reports):
            self._watch.told(order.client_id)
        return [*self._requests.shown(order.client_id, order.venue_order_id), *order.reports]

    # --- links --------------------------------------------------------------------------------------

    def _links_due(self) -> list[OrderAdapterOutput]:
        outputs: list[OrderAdapterOutput] = []
        if self._watch.is_overdue(self._now_us):
            for link in self._private.links():
                outputs += self._carried(link.close("its events do not come", self._now_us))
        outputs += self._prepare_opening()
        for links in self._links:
            outputs += self._carried(
                links.due(self._now_us, may_open=self._may_open(links), is_idle=self._requests.is_idle)
            )
        return outputs

    def _prepare_opening(self) -> list[OrderAdapterOutput]:
        """Ask for what the private link needs, once it is to be opened."""
        prepare = self._private.kind.prepare
        if prepare is None or not (
            self._may_open(self._private) and self._private.is_opening_due(self._now_us)
        ):
            return []
        steps = prepare()
        if steps is None:
            return []
        outputs = self._reads.start(self._prepare(steps), (), self._now_us, self._date_us)
        if not self._is_preparing:  # it could not even begin
            self._private.postpone(self._now_us, 0)
        return outputs

    def _prepare(self, steps: Preparation) -> Steps:
        wait_us: int | None = REFUSED_US
        self._is_preparing = True
        try:
            wait_us = yield from steps
        finally:
            self._is_preparing = False
            if wait_us is not None:
                self._private.postpone(self._now_us, wait_us)
        return ()

    def _may_open(self, links: PrivateLinks) -> bool:
        """Links are of no use before the clock and the instruments are known."""
        is_preparing = links is self._private and self._is_preparing
        return self._exchange.clock.is_complete and not is_preparing

    def _carried(self, effects: Sequence[Open | Send | Close]) -> list[OrderAdapterOutput]:
        """Return the effects. No answer comes on a link that is being closed."""
        outputs: list[OrderAdapterOutput] = []
        for effect in effects:
            if isinstance(effect, Close):
                outputs += self._lost(effect.link)
            outputs.append(effect)
        return outputs

    def _lost(self, link: str) -> list[OrderAdapterOutput]:
        self._exchange.closed(link)
        return [*self._requests.lost(link)]

    def _tell_link(self) -> list[OrderAdapterOutput]:
        """Tell whether the account's events come, where that changed."""
        if self._private.is_up == self._is_linked:
            return []
        self._is_linked = self._private.is_up
        self._watch.clear()
        if self._is_linked:
            self._account.link_up()
            return [LinkUp()]
        return [LinkDown(), *self._account.link_down()]

    # --- time ---------------------------------------------------------------------------------------

    def _at(self, now_us: int, date_us: int) -> None:
        self._now_us, self._date_us = now_us, date_us
        self._exchange.clock.at(now_us, date_us)
        if self._exchange.switch is not None:
            self._exchange.switch.at(now_us)

    def _with_due(self, outputs: list[OrderAdapterOutput]) -> list[OrderAdapterOutput]:
        """Return the outputs, then what is due, then the time of the next wake."""
        now_us, clock = self._now_us, self._exchange.clock
        outputs += self._tell_link()
        if clock.is_due:
            outputs += self._reads.start(clock.read(), (), now_us, self._date_us)
        outputs += self._set_switch()
        outputs += self._requests.overdue(now_us)
        outputs += self._links_due()
        outputs += self._tell_link()
        outputs += self._reads.wake(now_us, self._date_us)
        outputs += self._send_cancels()
        outputs += self._wake.at(self._due_us())
        return outputs

    def _set_switch(self) -> list[OrderAdapterOutput]:
        """Set the exchange's own dead man's switch, where one is wanted, and tell whether it is set."""
        switch, outputs = self._exchange.switch, list[OrderAdapterOutput]()
        if switch is None:
            return outputs
        if switch.is_due and self._exchange.clock.is_complete:
            outputs += self._reads.start(switch.set(), (), self._now_us, self._date_us)
        outputs += switch.changes()
        return outputs

    def _due_us(self) -> int:
        now_us = self._now_us
        due_us = min(
            self._exchange.clock.wake_us,
            self._requests.due_us(),
            self._reads.due_us(now_us),
            self._watch.due_us(),
            *(links.due_us(now_us, may_open=self._may_open(links)) for links in self._links),
        )
        if self._exchange.switch is not None and self._exchange.clock.is_complete:
            due_us = min(due_us, self._exchange.switch.due_us)
        for symbol, from_us in self._cancels.times().items():
            free_us = self._exchange.cancel_free_us(symbol)
            due_us = min(due_us, max(free_us, from_us, now_us + RETRY_CANCEL_US))
        return due_us
