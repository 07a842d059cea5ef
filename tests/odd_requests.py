"""A session of odd requests: of the right types, with numbers, ids and sequences that nobody means.

Run as a module it prints a digest of every result and every error, so that runs can be compared: in
two processes, because which engine is read is decided once in each.
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
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Triggered
from floorwire.core.instrument import Instrument, Side
from floorwire.core.limits import Limits
from floorwire.core.market_events import BookChange, BookSnapshot, Level, Trade
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OrderType, Ticket, TimeInForce
from floorwire.core.ports import Prices
from floorwire.engine.execution_reporter import ExecutionReporter, refused
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import Rejected
from floorwire.engine.order_manager import OrderDecision, OrderManager, TradingRules
from floorwire.engine.paper import PaperMatching

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


class Session:
    """One seed's; remembers what came of everything."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.outcomes: Counter[str] = Counter()
        self._told = blake2b(digest_size=16)

    def digest(self) -> str:
        """Return a digest of all that came of it."""
        return self._told.hexdigest()

    def tell(self, what: object) -> None:
        """Remember this."""
        self._told.update(repr(what).encode())

    def tried(self, call: Callable[P, T], *given: P.args, **named: P.kwargs) -> T | None:
        """Return what the call returns, None where it raises; remember either."""
        try:
            result = call(*given, **named)
        except Exception as error:  # noqa: BLE001 # whatever it is, it has to be the same both ways
            self.outcomes[type(error).__name__] += 1
            self.tell((type(error).__name__, str(error)))
            return None
        self.outcomes["done"] += 1
        if not isinstance(result, OrderManager):
            self.tell(result)
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

    def ticket(self, name: str) -> Ticket:
        return Ticket(
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


def matching(at: Session, commands: int) -> None:
    """Ask odd things of a market."""
    market, reporter = Matching(), ExecutionReporter(0)
    for _ in range(commands):
        at.tried(reporter.report, at.tried(market.execute, at.command()) or [], at.number())
        if at.rng.random() < 0.02:
            at.tried(market.expire, at.number())
    at.tried(market.state_hash)


def paper(at: Session, commands: int) -> None:
    """Ask odd things of a paper market, and show it odd ones."""
    market = PaperMatching("live")
    for _ in range(commands):
        shown = at.rng.choice((BookSnapshot, BookChange))(BTC.symbol, at.levels(), at.levels(), at.number())
        at.tried(market.execute, at.command(), at.number())
        if at.rng.random() < 0.3:
            at.tried(market.show, shown, at.number())
            at.tried(
                market.trade,
                Trade(BTC.symbol, "", at.price(), at.number(), at.rng.choice(SIDES), at.number()),
                at.number(),
            )
    at.tell((sorted(market.orders), market.prices()))


class Floor:
    """A house and its market, where nobody means what he asks."""

    def __init__(self, at: Session) -> None:
        self.at, self.market, self.reporter = at, Matching(), ExecutionReporter(0)
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

    def carry_out(self, decision: OrderDecision | None) -> None:
        self.entries += decision.entries if decision is not None else ()
        for command in decision.commands if decision is not None else ():
            events = self.at.tried(self.market.execute, command)
            if events:
                first = events[0]
                if isinstance(first, Rejected):
                    self.settle([refused(command, first, 0)])
                else:
                    self.settle(self.reporter.report(events, 0))

    def settle(self, reports: list[Report]) -> None:
        self.entries += self.at.tried(self.order_manager.settle, reports, self.at.number()) or ()

    def ask(self) -> None:
        at, order_manager = self.at, self.order_manager
        draw, name, now_us, most = at.rng.random(), at.rng.choice(NAMES), at.number(), Decimal("0.03")
        if draw < 0.6:
            self.carry_out(
                at.tried(
                    order_manager.place, at.ticket(name), now_us, max_notional=at.rng.choice((None, most))
                )
            )
        elif draw < 0.8:
            order = at.tried(order_manager.find, name, at.number(1, 100))
            if order is not None:
                ticks, lots = at.maybe(0.5, at.price), at.maybe(0.5, at.number)
                self.carry_out(at.tried(order_manager.amend, order, now_us, price_ticks=ticks, lots=lots))
        elif draw < 0.9:
            self.carry_out(
                at.tried(order_manager.cancel_all, account=name, code=at.rng.choice((None, *Code)))
            )
        elif draw < 0.92:
            self.settle([at.report()])
        elif draw < 0.94:
            at.tried(
                order_manager.set_limits,
                name,
                Limits(at.rng.choice(AMOUNTS), max_open_orders=at.number()),
                now_us,
            )
        elif draw < 0.96:
            at.tried(
                order_manager.deposit,
                name,
                at.rng.choice(("BTC", "")),
                at.rng.choice(AMOUNTS),
                at.number(),
                now_us,
            )
        else:
            scope = at.rng.choice(SCOPES)
            at.tried(order_manager.halt, scope, name, now_us)
            at.tried(order_manager.resume, scope, name, now_us)


def order_manager(at: Session, requests: int) -> None:
    """Ask odd things of a house, then read its journal and its snapshot into others."""
    floor = Floor(at)
    for _ in range(requests):
        floor.ask()
    again = OrderManager(TradingRules(), floor.prices)
    for entry in floor.entries:
        if at.rng.random() < 0.99:  # and where one is missing
            at.tried(again.apply, entry.event)
    for one in (floor.order_manager, again):
        at.tried(one.conserved)
        at.tried(one.state_hash)
        pieces = at.tried(list, one.snapshot())
        back = (
            None if pieces is None else at.tried(OrderManager.restored, pieces, TradingRules(), floor.prices)
        )
        at.tell(None if back is None else back.state_hash())


if __name__ == "__main__":
    session = Session(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    for _ in range(5):
        matching(session, 300)
        paper(session, 300)
        order_manager(session, 300)
    print(session.digest(), *sorted(session.outcomes.items()))
