"""Sends requests about orders to Binance, and finds the request that an answer is for.

All of them go over one session of the WebSocket API (``order_sessions``), on which the account's events come
too. While no session is up, cancels and reads go by REST; nothing is placed then. Limits are kept, and clocks
are compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec.structs import replace

from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import OrderAdapterOutput, OrderSettings
from floorwire.core.ports import Answer, Fetch, Frame, Random, Send
from floorwire.core.remote_order_messages import LinkDown, LinkUp
from floorwire.venues.binance import order_codes, order_requests
from floorwire.venues.binance.order_limits import FOR_CANCELS, FOR_ORDERS, SOCKET_WEIGHT, OrderLimits
from floorwire.venues.binance.order_messages import (
    Failure,
    RateLimit,
    event_decoder,
    failure_decoder,
    rate_limits,
    reply_decoder,
    server_time_decoder,
    subscribed_decoder,
)
from floorwire.venues.binance.order_requests import (
    REST,
    AskingTime,
    Call,
    Cancelling,
    Placing,
    Subscribing,
)
from floorwire.venues.binance.order_sessions import session_kind
from floorwire.venues.binance.pending_calls import PendingCalls
from floorwire.venues.binance.signing import signed, signed_query
from floorwire.venues.binance.waiting_calls import WaitingCalls
from floorwire.venues.common.private_link import PrivateLink, PrivateLinkState
from floorwire.venues.common.private_links import PrivateLinks
from floorwire.venues.common.private_stream_watch import PrivateStreamWatch
from floorwire.venues.common.secret_signer import signer

REST_URL = "https://api.binance.com"
PLACE_US = 11 * SECOND_US
"""Binance gives up by itself after 10 s, and says so (-1007)."""
ANSWER_US = 10 * SECOND_US
LATE_US = 60 * SECOND_US
"""How long an answer to a new order is still taken after that."""
CLOCK_US = 30 * SECOND_US
"""How often Binance's time is asked for. An answer also shows that the session lives."""
PATIENCE_US = 10 * SECOND_US
"""So long after an order was accepted its event has come."""
MOST_PENDING = 500
MOST_READS = 16
"""Reads on their way."""
MOST_TRIES = 3


class CallResults(Protocol):
    """Takes what came of requests, and the account's events."""

    def succeeded(self, call: Call, result: bytes) -> None:
        """Take in a result. Raises ValueError where it cannot be read."""
        ...

    def failed(self, call: Call, status: int, failure: Failure) -> None:
        """Take in a refusal, or a failure."""
        ...

    def given_up(self, call: Call) -> None:
        """Take in that nobody knows what became of a request."""
        ...

    def happened(self, kind: str, event: bytes) -> None:
        """Take in an event. Raises ValueError where it cannot be read."""
        ...


class OrderApi:
    """The requests of one account. ``at`` tells the time, before all other calls."""

    def __init__(self, settings: OrderSettings, results: CallResults, random: Random) -> None:
        """Raises ValueError where the secret is none that Binance has."""
        self._key = settings.credentials.key
        self._signer = signer(settings.credentials.secret)
        self._rest_url = (settings.rest_url or REST_URL).rstrip("/")
        self._results = results
        self._sessions = PrivateLinks(session_kind(settings.ws_url), random)
        self._pending = PendingCalls()
        self._waiting = WaitingCalls()
        self._limits = OrderLimits(settings.limits)
        self._watch = PrivateStreamWatch(PATIENCE_US)
        self._offset_us = 0
        """How far Binance's clock is ahead of ours."""
        self._clock_due_us = 0
        self._is_up = False
        self._now_us = self._date_us = 0
        self.out: list[OrderAdapterOutput] = []
        """Effects, and whether the link is up, in order. The caller takes them, and adds its own."""
        self.skipped: Counter[str] = Counter()
        """Messages that could not be used, by reason."""

    def at(self, now_us: int, date_us: int) -> None:
        """Take in what time it is."""
        self._now_us, self._date_us = now_us, date_us
        self._limits.now_us = now_us

    @property
    def is_up(self) -> bool:
        """Whether orders can be placed."""
        return self._sessions.active() is not None

    # --- requests -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the session."""
        self._look_at_sessions()

    def send_order(self, call: Call) -> bool:
        """Send a new order now; False, and nothing is sent, where the limits do not allow it."""
        session = self._sessions.active()
        if session is None or len(self._pending) >= MOST_PENDING:
            return False
        if not self._limits.spend_order(self._venue_us):
            return False
        self._send(call, session)
        return True

    def send(self, call: Call) -> bool:
        """Send another request now; False, and nothing is sent, where the limits do not allow it."""
        session = self._sessions.active()
        if session is None or len(self._pending) >= MOST_PENDING:
            return False
        if not self._limits.spend(call.weight, self._venue_us, FOR_CANCELS):
            return False
        self._send(call, session)
        return True

    def queue(self, call: Call, after_us: int = 0) -> None:
        """Send a cancel or a read as soon as the limits allow it."""
        if not self._waiting.add(call, self._now_us + after_us):
            self._results.given_up(call)

    def send_waiting(self) -> None:
        """Send what may be sent now of the requests that wait."""
        while (call := self._waiting.take(self._now_us, self._may_send)) is not None:
            session = self._sessions.active()
            if session is not None:
                self._send(call, session)
            else:
                self._fetch(call)

    def _may_send(self, call: Call) -> bool:
        """Return whether a cancel or a read may be sent now. Its weight is spent then."""
        is_cancel = isinstance(call.purpose, Cancelling)
        if len(self._pending) >= MOST_PENDING:
            return False
        if not is_cancel and self._pending.reads() >= MOST_READS:
            return False
        return self._limits.spend(call.weight, self._venue_us, 0 if is_cancel else FOR_ORDERS)

    def _send(self, call: Call, session: str) -> None:
        is_placing = isinstance(call.purpose, Placing)
        timeout_us, late_us = (PLACE_US, LATE_US) if is_placing else (ANSWER_US, 0)
        number = self._pending.add(call, session, self._now_us, timeout_us, late_us)
        frame: dict[str, object] = {"id": number, "method": call.method}
        if call.is_signed:
            frame["params"] = signed({**self._stamped(call), "apiKey": self._key}, self._signer)
        self.out.append(Send(session, msgspec.json.encode(frame).decode()))

    def _fetch(self, call: Call) -> None:
        method, path = REST[call.method]
        number = self._pending.add(call, "", self._now_us, ANSWER_US + SECOND_US)
        url = f"{self._rest_url}{path}?{signed_query(self._stamped(call), self._signer)}"
        self.out.append(Fetch(number, url, method, (("X-MBX-APIKEY", self._key),), b"", ANSWER_US))

    def _stamped(self, call: Call) -> dict[str, str | int | bool]:
        return {**call.params, "recvWindow": call.window_ms, "timestamp": self._venue_us // 1_000}

    @property
    def _venue_us(self) -> int:
        """The date by Binance's clock."""
        return self._date_us + self._offset_us

    # --- sessions, time -----------------------------------------------------------------------------

    def opened(self, link: str) -> None:
        """A link is up: compare the clocks, then subscribe."""
        if self._sessions.opened(link, self._now_us):
            self._limits.spend(SOCKET_WEIGHT, self._venue_us, 0)
            self._ask_time(link)

    def closed(self, link: str) -> None:
        """A link is down. Nobody knows what became of its requests."""
        self._sessions.closed(link, self._now_us)
        self.tell_link()
        for call in self._pending.lost(link):
            self._unanswered(call)

    def look_what_is_due(self) -> None:
        """Give up what had no answer, and look after the sessions."""
        for call in self._pending.expired(self._now_us):
            self._unanswered(call)
        self._look_at_sessions()
        if self._now_us >= self._clock_due_us:
            self._clock_due_us = self._now_us + CLOCK_US
            for session in self._sessions.ready():
                self._ask_time(session.name)
        if self._watch.is_overdue(self._now_us):
            for session in self._sessions.ready():
                self._close(session, "its events do not come")

    def _look_at_sessions(self) -> None:
        """Open, close and replace sessions."""
        self.out += self._sessions.due(
            self._now_us, may_open=True, is_idle=lambda session: not self._pending.is_waiting(session)
        )

    def tell_link(self) -> None:
        """Tell whether the account's events come, where that changed."""
        is_up = self._sessions.is_up
        if is_up != self._is_up:
            self._is_up = is_up
            self._watch.clear()
            self.out.append(LinkUp() if is_up else LinkDown())

    def _ask_time(self, session: str) -> None:
        if self._limits.spend(1, self._venue_us, 0):
            self._send(order_requests.server_time(session, self._date_us), session)

    def _subscribe(self, session: str) -> None:
        self._limits.spend(2, self._venue_us, 0)
        self._send(order_requests.subscribe(session), session)

    def _close(self, session: PrivateLink, reason: str) -> None:
        self.out += session.close(reason, self._now_us)

    def _unanswered(self, call: Call) -> None:
        purpose = call.purpose
        if isinstance(purpose, AskingTime | Subscribing):
            self._session_failed(purpose, f"no answer to {call.method}")
            return
        if isinstance(purpose, Placing):
            self._limits.order_answered(self._venue_us, (), is_counted=True)
        self._results.given_up(call)

    def _session_failed(self, purpose: AskingTime | Subscribing, reason: str) -> None:
        session = self._sessions.of(purpose.session)
        if session is not None:
            self._close(session, reason)

    # --- answers ------------------------------------------------------------------------------------

    def frame(self, frame: Frame) -> None:
        """Take in a message of a session."""
        session = self._sessions.of(frame.link)
        if session is None or not session.received(self._now_us):
            return
        try:
            reply = reply_decoder.decode(frame.data)
            if bytes(reply.event):
                self._event(session, bytes(reply.event))
                return
            failure = failure_decoder.decode(reply.error) if bytes(reply.error) else Failure()
        except (ValueError, RecursionError):
            self.skipped["bad_message"] += 1
            return
        if isinstance(reply.id, int):
            limits = rate_limits(bytes(reply.rate_limits))
            self._answered(reply.id, reply.status, bytes(reply.result), failure, limits, 0)
        elif reply.status == 401:  # to whatever was sent last: the key is not accepted any more
            self._close(session, f"refused: {failure.code} {failure.msg[:100]}")

    def answer(self, answer: Answer) -> None:
        """Take in the answer to a REST request."""
        failure, wait_s = Failure(), 0
        if answer.status != 200:
            try:
                failure = failure_decoder.decode(answer.body)
            except (ValueError, RecursionError):
                self.skipped["bad_message"] += 1  # of something in between
            told = dict(answer.headers).get("retry-after", "")
            wait_s = int(told) if told.isdecimal() and told.isascii() and len(told) < 8 else 0
        self._answered(answer.request, answer.status, answer.body, failure, (), wait_s)

    def _answered(
        self,
        number: int,
        status: int,
        result: bytes,
        failure: Failure,
        limits: Sequence[RateLimit],
        wait_s: int,
    ) -> None:
        is_late, call = self._pending.is_late(number), self._pending.answered(number)
        if call is None:
            self.skipped["no_request"] += 1
            return
        if isinstance(call.purpose, Placing) and not is_late:
            is_counted = status == 200 or order_codes.outcome(status, failure.code, "")[0] == "unknown"
            self._limits.order_answered(self._venue_us, limits, is_counted=is_counted)
        else:
            self._limits.told(limits, self._venue_us)
        if status == 200:
            try:
                self._succeeded(call, result)
            except (ValueError, RecursionError):
                self.skipped["bad_message"] += 1
                self._results.given_up(call)
            return
        if order_codes.is_rate_limit(status, failure.code):
            self._limits.exceeded(failure, wait_s, self._venue_us)
        if failure.code == order_codes.BAD_TIMESTAMP:
            self._clock_due_us = 0
        self._failed(call, status, failure)

    def _succeeded(self, call: Call, result: bytes) -> None:
        """Take in a result. Raises ValueError where it cannot be read."""
        purpose = call.purpose
        if isinstance(purpose, AskingTime):
            self._told_time(purpose, result)
        elif isinstance(purpose, Subscribing):
            subscribed_decoder.decode(result)
            self._subscribed(purpose)
        else:
            self._results.succeeded(call, result)

    def _failed(self, call: Call, status: int, failure: Failure) -> None:
        purpose = call.purpose
        if isinstance(purpose, Subscribing) and failure.code == order_codes.SUBSCRIPTION_ACTIVE:
            self._subscribed(purpose)
        elif isinstance(purpose, AskingTime | Subscribing):
            self._session_failed(purpose, f"refused: {failure.code} {failure.msg[:100]}")
        elif (
            call.method in REST
            and call.tries < MOST_TRIES
            and order_codes.may_be_sent_again(status, failure.code)
        ):
            self.queue(replace(call, tries=call.tries + 1), call.tries * SECOND_US)
        else:
            self._results.failed(call, status, failure)

    def _told_time(self, purpose: AskingTime, result: bytes) -> None:
        server_us = server_time_decoder.decode(result).server_time * 1_000
        self._offset_us = server_us - (purpose.date_us + self._date_us) // 2
        self._clock_due_us = self._now_us + CLOCK_US
        session = self._sessions.of(purpose.session)
        if session is not None and session.state is PrivateLinkState.SIGNING_IN:
            self._subscribe(session.name)

    def _subscribed(self, purpose: Subscribing) -> None:
        session = self._sessions.of(purpose.session)
        if session is not None and session.state is PrivateLinkState.SIGNING_IN:
            session.accepted(self._now_us)

    # --- events -------------------------------------------------------------------------------------

    def accepted(self, order_id: int) -> None:
        """An order was accepted: its event has to come."""
        self._watch.accepted(order_id, self._now_us)

    def told(self, order_id: int) -> None:
        """An event of the order came."""
        self._watch.told(order_id)

    def _event(self, session: PrivateLink, event: bytes) -> None:
        """Take in an event. Raises ValueError where it cannot be read."""
        kind = event_decoder.decode(event).kind
        if kind == "eventStreamTerminated" and session.is_up:
            session.sign_in_again(self._now_us)
            self._subscribe(session.name)
        elif kind == "serverShutdown":
            self._sessions.replace(session.name)
            self._look_at_sessions()
        else:
            self._results.happened(kind, event)
