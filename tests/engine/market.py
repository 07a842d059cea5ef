"""A market for order managers in tests: real matching behind what a trading venue says and takes."""

from __future__ import annotations

from collections.abc import Collection

from floorwire.core.account_events import AccountEntry, MassCancel, MassCancelStarted
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended, Report
from floorwire.core.instrument import Instrument, Side
from floorwire.core.market_events import Feed
from floorwire.core.order_commands import Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.core.ports import Prices
from floorwire.core.risk_limits import Limits
from floorwire.engine.execution_reporter import ExecutionReporter, refused
from floorwire.engine.matching_events import Rejected
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.simulated_exchange import SimulatedExchange
from floorwire.engine.trading_rules import TradingRules

BTC = Instrument("BTC-USDT", "BTC", "USDT", "test", "0.5", "0.01", "1")
ETH = Instrument("ETH-USDT", "ETH", "USDT", "test", "0.05", "0.1", "1")
CROSS = Instrument("ETH-BTC", "ETH", "BTC", "test", "0.00001", "0.1")
RULES = TradingRules(limits=Limits(price_collar="0.1"), maker_ppm=1_000, taker_ppm=2_500)


class Market:
    """Several instruments' books; others trade in them under negative ids."""

    def __init__(self, *instruments: Instrument) -> None:
        self.exchange = SimulatedExchange(instrument.symbol for instrument in instruments)
        self.feed: Feed = "live"
        self._reporter = ExecutionReporter(0)
        self._others = 0

    def prices(self, symbol: str) -> Prices:
        market = self.exchange.markets[symbol]
        return Prices(market.bids.best_size()[0], market.asks.best_size()[0], market.last_ticks, self.feed)

    def execute(self, command: Command) -> list[Report]:
        events = self.exchange.execute(command)
        if isinstance(events[0], Rejected) and events[0].order_id > 0:
            return [refused(command, events[0], 0)]
        return self._reporter.report(events, 0)

    def other(
        self, side: Side, lots: int, price_ticks: int | None, symbol: str = BTC.symbol, ioc: bool = False
    ) -> list[Report]:
        """Let somebody outside place an order; return what it did to accounts'."""
        self._others -= 1
        tif: TimeInForce = "ioc" if ioc or price_ticks is None else "gtc"
        return self.execute(Place(symbol, self._others, -1, side, lots, price_ticks, tif))

    def expire(self, now_us: int) -> list[Report]:
        return [
            report
            for market in self.exchange.markets.values()
            for report in self._reporter.report(market.expire(now_us), 0)
        ]


def order_manager(market: Market, *instruments: Instrument, rules: TradingRules = RULES) -> OrderManager:
    made = OrderManager(rules, market.prices)
    made.list_instruments(instruments, 0)
    return made


def cancel_all(
    manager: OrderManager,
    *,
    account: str | None = None,
    symbol: str | None = None,
    key: str | None = None,
    code: Code | None = None,
) -> OrderDecision:
    """Return the cancels of all open orders, or of those of an account, a symbol or a key."""
    return mass_cancelled(manager, manager.mass_cancel(MassCancel(account, symbol, key, code), 0))


def mass_cancelled(manager: OrderManager, started: MassCancelStarted) -> OrderDecision:
    """Return all cancels of a mass cancel."""
    scan, order_ids = manager.scan(started), list[int]()
    while not scan.is_done:
        order_ids += scan.find(3)
    return OrderDecision(None, (), manager.cancels(order_ids, started.mass_cancel.code))


def at_no_venue(manager: OrderManager, decision: OrderDecision, stamp_us: int) -> list[AccountEntry]:
    """Book the cancels of orders that no venue has, as the router reports them."""
    return manager.settle(
        [
            Ended(command.order_id, 0, "cancelled", command.code, stamp_us)
            for command in decision.commands
            if isinstance(command, Cancel)
        ],
        stamp_us,
    )


def place_again(manager: OrderManager, symbols: Collection[str], stamp_us: int) -> OrderDecision:
    """Place all open orders of the symbols again, in one go."""
    merge = manager.open_order_merge(symbols)
    while not merge.is_collected:
        merge.collect(2)
    return manager.place_again(merge.pop(1_000_000), stamp_us)
