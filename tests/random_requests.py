"""Random requests of the right types, with numbers, ids and orders of calls that no client would send.

Run as a module it prints a digest of all results and errors. So the compiled engine can be compared with its
sources: in two processes, because a process decides at its start which of them it uses.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b
from typing import Final, ParamSpec, TypeVar

from floorwire.core.account_events import AccountEntry, HaltScope
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Triggered
from floorwire.core.instrument import Instrument, Side
from floorwire.core.market_events import BookChange, BookSnapshot, Level, Trade
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OrderTicket, OrderType, TimeInForce
from floorwire.core.ports import Prices
from floorwire.core.risk_limits import Limits
from floorwire.engine.execution_reporter import ExecutionReporter, refused
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import Rejected
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.paper_matching import PaperMatching
from floorwire.engine.trading_rules import TradingRules
from tests.engine.market import cancel_all

P = ParamSpec("P")
T = TypeVar("T")
NUMBERS: Final = (0, -1, 99, 100, 101, 1 << 31, (1 << 53) - 1, 1 << 62, 1 << 63, 1 << 80, -(1 << 90))
AMOUNTS: Final = ("0", "1", "0.5", "-1", "x", "", "9" * 30, "0." + "0" * 30 + "1")
NAMES: Final = ("ann", "bob", "", "nobody")
SIDES: Final[tuple[Side, ...]] = ("buy", "sell")
TYPES: Final[tuple[OrderType, ...]] = ("limit", "limit", "market", "stop", "stop_limit")
TIMES: Final[tuple[TimeInForce, ...]] = ("gtc", "gtc", "gtc", "ioc", "fok", "gtd")
SCOPES: Final[tuple[HaltScope, ...]] = ("all", "account", "key", "symbol")
BTC: Final = Instrument("BTC-USDT", "BTC", "USDT", "v", "0.1", "0.001", "0.0001", price_band="0.9")


class RandomSession:
    """Makes random values from a seed, and keeps a digest of all results."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.outcomes: Counter[str] = Counter()
        self._digest = blake2b(digest_size=16)

    def digest(self) -> str:
        """Return the digest of all results so far."""
        return self._digest.hexdigest()

    def record(self, what: object) -> None:
        """Add a value to the digest."""
        self._digest.update(repr(what).encode())

    def attempt(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return what the call returns, or None where it raises; record the result or the error."""
        try:
            result = call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 # any error has to be the same in both engines
            self.outcomes[type(error).__name__] += 1
            self.record((type(error).__name__, str(error)))
            return None
        self.outcomes["done"] += 1
        if not isinstance(result, OrderManager):
            self.record(result)
        return result

    def number(self, low: int = 1, high: int = 30) -> int:
        return self.rng.choice(NUMBERS) if self.rng.random() < 0.1 else self.rng.randrange(low, high)

    def price(self) -> int:
        return self.number(90, 110)

    def maybe(self, share: float, make: Callable[[], int]) -> int | None:
        return make() if self.rng.random() < share else None

    def command(self) -> Command:
        draw, order_id = self.rng.random(), self.number(1, 200)
        if draw < 0.2:
            return Cancel(BTC.symbol, order_id, self.rng.choice((None, *Code)))
        if draw < 0.4:
            return Amend(BTC.symbol, order_id, self.maybe(0.5, self.price), self.maybe(0.5, self.number))
        return Place(
            BTC.symbol,
            order_id,
            self.number(-2, 4),
            self.rng.choice(SIDES),
            self.number(),
            self.maybe(0.9, self.price),
            self.rng.choice(TIMES),
            self.rng.random() < 0.1,
            self.maybe(0.1, self.price),
            self.maybe(0.1, self.number),
            self.maybe(0.1, self.number),
            self.maybe(0.1, self.number) or 0,
            self.rng.random() < 0.3,
        )

    def ticket(self, name: str) -> OrderTicket:
        return OrderTicket(
            name,
            f"c{self.number(0, 60)}",
            self.rng.choice((BTC.symbol,) * 9 + ("NO-NE",)),
            self.rng.choice(SIDES),
            self.rng.choice(TYPES),
            self.maybe(0.95, self.number),
            self.maybe(0.1, self.number),
            self.maybe(0.9, self.price),
            self.maybe(0.1, self.price),
            self.rng.choice(TIMES),
            self.maybe(0.1, self.number),
            self.rng.random() < 0.1,
        )

    def report(self) -> Report:
        order_id = self.number(1, 100)
        return self.rng.choice(
            (
                Filled(order_id, "", self.price(), self.number(), self.number(0, 3), "maker", 0),
                Amended(order_id, self.price(), self.number(), 0),
                Triggered(order_id, 0),
                Ended(order_id, self.number(), "cancelled", Code.DEADMAN, 0),
                Refused(order_id, self.rng.choice(("place", "amend", "cancel")), Code.INTERNAL, 0),
            )
        )

    def levels(self) -> tuple[Level, ...]:
        return tuple((self.price(), self.number(0, 20)) for _ in range(4))


def matching(session: RandomSession, commands: int) -> None:
    """Send random commands to a market."""
    market, reporter = Matching(), ExecutionReporter(0)
    for _ in range(commands):
        session.attempt(
            reporter.report, session.attempt(market.execute, session.command()) or [], session.number()
        )
        if session.rng.random() < 0.02:
            session.attempt(market.expire, session.number())
    session.attempt(market.state_hash)


def paper(session: RandomSession, commands: int) -> None:
    """Send random commands to a paper market, and show it random books and trades."""
    market = PaperMatching("live")
    for _ in range(commands):
        shown = session.rng.choice((BookSnapshot, BookChange))(
            BTC.symbol, session.levels(), session.levels(), session.number()
        )
        session.attempt(market.execute, session.command(), session.number())
        if session.rng.random() < 0.3:
            session.attempt(market.apply_book, shown, session.number())
            session.attempt(
                market.apply_trade,
                Trade(
                    BTC.symbol,
                    "",
                    session.price(),
                    session.number(),
                    session.rng.choice(SIDES),
                    session.number(),
                ),
                session.number(),
            )
    session.record((sorted(market.orders), market.prices()))


class TradedMarket:
    """An order manager and its market, for random requests."""

    def __init__(self, session: RandomSession) -> None:
        self.session, self.market, self.reporter = session, Matching(), ExecutionReporter(0)
        rules = TradingRules(
            limits=Limits(price_collar="0.5", orders_per_second=1_000), maker_ppm=100, taker_ppm=250
        )
        self.order_manager = OrderManager(rules, self.prices)
        self.entries: list[AccountEntry] = self.order_manager.list_instruments([BTC], 0)
        for number, (name, asset) in enumerate(
            (name, asset) for name in NAMES[:2] for asset in ("BTC", "USDT")
        ):
            self.entries += self.order_manager.deposit(name, asset, "1000", number + 1, 0)

    def prices(self, symbol: str) -> Prices:
        market = self.market
        return Prices(market.bids.best_ticks(), market.asks.best_ticks(), market.last_ticks, "live")

    def execute(self, decision: OrderDecision | None) -> None:
        self.entries += decision.entries if decision is not None else ()
        for command in decision.commands if decision is not None else ():
            events = self.session.attempt(self.market.execute, command)
            if events:
                first = events[0]
                if isinstance(first, Rejected):
                    self.settle([refused(command, first, 0)])
                else:
                    self.settle(self.reporter.report(events, 0))

    def settle(self, reports: list[Report]) -> None:
        self.entries += self.session.attempt(self.order_manager.settle, reports, self.session.number()) or ()

    def request(self) -> None:
        """Send one random request."""
        session, order_manager = self.session, self.order_manager
        draw, name, now_us, most = (
            session.rng.random(),
            session.rng.choice(NAMES),
            session.number(),
            Decimal("0.03"),
        )
        moment = Moment(now_us, now_us, now_us)
        if draw < 0.6:
            self.execute(
                session.attempt(
                    order_manager.place,
                    session.ticket(name),
                    moment,
                    max_notional=session.rng.choice((None, most)),
                )
            )
        elif draw < 0.8:
            order = session.attempt(order_manager.find, name, session.number(1, 100))
            if order is not None:
                ticks, lots = session.maybe(0.5, session.price), session.maybe(0.5, session.number)
                self.execute(
                    session.attempt(order_manager.amend, order, moment, price_ticks=ticks, lots=lots)
                )
        elif draw < 0.9:
            self.execute(
                session.attempt(
                    cancel_all, order_manager, account=name, code=session.rng.choice((None, *Code))
                )
            )
        elif draw < 0.92:
            self.settle([session.report()])
        elif draw < 0.94:
            session.attempt(
                order_manager.set_limits,
                name,
                Limits(session.rng.choice(AMOUNTS), max_open_orders=session.number()),
                now_us,
            )
        elif draw < 0.96:
            session.attempt(
                order_manager.deposit,
                name,
                session.rng.choice(("BTC", "")),
                session.rng.choice(AMOUNTS),
                session.number(),
                now_us,
            )
        else:
            scope = session.rng.choice(SCOPES)
            session.attempt(order_manager.halt, scope, name, now_us)
            session.attempt(order_manager.resume, scope, name, now_us)


def order_manager(session: RandomSession, requests: int) -> None:
    """Send random requests to an order manager; then restore others from its journal and its snapshot."""
    traded = TradedMarket(session)
    for _ in range(requests):
        traded.request()
    replayed = OrderManager(TradingRules(), traded.prices)
    for entry in traded.entries:
        if session.rng.random() < 0.99:  # some entries are missing
            session.attempt(replayed.apply, entry.event)
    for one in (traded.order_manager, replayed):
        session.attempt(one.conserved)
        session.attempt(one.state_hash)
        pieces = session.attempt(list, one.snapshot())
        back = (
            None
            if pieces is None
            else session.attempt(OrderManager.restored, pieces, TradingRules(), traded.prices)
        )
        session.record(None if back is None else back.state_hash())


if __name__ == "__main__":
    session = RandomSession(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    for _ in range(5):
        matching(session, 300)
        paper(session, 300)
        order_manager(session, 300)
    print(session.digest(), *sorted(session.outcomes.items()))
