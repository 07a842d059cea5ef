"""Kraken's private channels: executions and balances, each with a sequence by connection."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.fake_exchange.faults import Faults
from tests.fake_exchange.kraken import messages
from tests.fake_exchange.kraken.connection import Connection, Params, Subscription
from tests.fake_exchange.kraken.errors import KrakenError
from tests.fake_exchange.kraken.names import symbol_of
from tests.fake_exchange.kraken.number_texts import (
    amount,
    decimals_of,
    fixed,
    number,
    price,
    quantity,
    rfc3339,
)
from tests.fake_exchange.kraken.orders import flag
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.orders import (
    OUT_OF_TIME,
    BalanceChanged,
    Event,
    Fill,
    Order,
    OrderChanged,
    OrderState,
    Side,
)

SNAPSHOT_FILLS = 50
Row = dict[str, object]
# What a subscription without `order_status` gets of the life of an order.
ALWAYS = frozenset({"new", "trade", "filled", "canceled", "expired"})


@dataclass(frozen=True)
class Change:
    """`details` is what the first record of an order has besides. Later records leave it out."""

    order_id: int
    details: Row
    changes: Row


class KrakenExecutions:
    """`mixes_rows`: what one request changes of an account comes in one message, fills and orders together.
    Without it, each record has its own message."""

    names = frozenset({"executions", "balances"})

    def __init__(
        self, trading: KrakenTrading, connections: set[Connection], faults: Faults, now_us: Callable[[], int]
    ) -> None:
        self._trading = trading
        self._core = trading.core
        self._connections = connections
        self._faults = faults
        self._now_us = now_us
        self._changes: dict[str, list[Change]] = {}
        self._entries: dict[str, list[Row]] = {}
        self.mixes_rows = False
        self._deposits = 0
        self._core.listeners.append(self._on_event)

    def subscription(self, params: Params) -> Subscription:
        channel = str(params["channel"])
        options = {"snapshot": True}
        if channel == "executions":
            options = {"snap_orders": True, "snap_trades": False, "order_status": True, "ratecounter": False}
        for name in params:
            if name not in {"channel", "token", *options}:
                raise KrakenError(f"Unsupported field: '{name}' for the given msg type: subscribe")
        return Subscription(
            channel, "", {name: flag({name: d, **params}, name) for name, d in options.items()}
        )

    def start(self, connection: Connection, subscription: Subscription) -> None:
        assert subscription.account is not None
        account = subscription.account.name
        if subscription.channel == "balances":
            rows = [
                self._balance_row(asset, kept.free_e8 + kept.locked_e8)
                for asset, kept in self._core.balances(account).items()
            ]
        else:
            rows = self._snapshot(account, subscription)
        self._send(connection, subscription, "snapshot", rows)

    def skip_sequence(self) -> None:
        """As if a private frame had been lost on each connection."""
        for connection in self._connections:
            for kept in connection.subscriptions.values():
                kept.sequence += 1 if kept.account is not None else 0

    def _snapshot(self, account: str, subscription: Subscription) -> list[Row]:
        rows = []
        if subscription.options["snap_orders"]:
            for order in self._core.open_orders(account):
                subscription.seen_orders.add(order.order_id)
                status = self._open_status(order)
                rows.append(self._details(order) | self._totals(order) | self._state(order, "status", status))
        if subscription.options["snap_trades"]:
            fills = [fill for fill in self._core.fills if fill.account == account][-SNAPSHOT_FILLS:]
            rows += [self._fill_row(self._core.orders[fill.order_id], fill) for fill in fills]
        return rows

    def _on_event(self, event: Event) -> None:
        if isinstance(event, OrderChanged):
            changes = self._changes.setdefault(event.order.account, [])
            changes += self._changes_of(event)
            if event.fill is not None:
                entries = self._entries.setdefault(event.order.account, [])
                entries += self._entries_of(event.order, event.fill)
            if event.kind == "NEW" or not self.mixes_rows:
                for change in changes:
                    self._publish_changes(event.order.account, [change])
                changes.clear()
        elif isinstance(event, BalanceChanged):
            if len(event.assets) == 1:
                self._add_deposit(event.account, event.assets[0])
            changes = self._changes.pop(event.account, [])
            self._publish_changes(event.account, changes)
            self._publish_entries(event.account, self._entries.pop(event.account, []))

    def _publish_changes(self, account: str, changes: list[Change]) -> None:
        if not changes:
            return
        has_fill = any(change.changes["exec_type"] == "trade" for change in changes)
        followers = list(self._followers("executions", account))
        times = 1
        if has_fill and followers and self._faults.repeat_fills:
            self._faults.repeat_fills -= 1
            times = 2
        for connection, kept in followers:
            rows = [self._row(kept, change) for change in changes]
            wanted = [row for row in rows if kept.options["order_status"] or row["exec_type"] in ALWAYS]
            for _ in range(times if wanted else 0):
                self._send(connection, kept, "update", wanted)

    def _publish_entries(self, account: str, entries: list[Row]) -> None:
        for connection, kept in self._followers("balances", account) if entries else ():
            self._send(connection, kept, "update", entries)

    def _row(self, subscription: Subscription, change: Change) -> Row:
        if change.order_id in subscription.seen_orders:
            return change.changes
        subscription.seen_orders.add(change.order_id)
        return change.details | change.changes

    def _changes_of(self, event: OrderChanged) -> list[Change]:
        order = event.order
        details = self._details(order)
        states: list[Row] = []
        match event.kind:
            case "NEW":
                states.append(self._state(order, "pending_new", "pending_new"))
                if not order.waits:
                    states.append(self._state(order, "new", "new"))
            case "TRIGGERED":
                states.append(self._triggers(order) | self._state(order, "new", "new"))
            case "TRADE":
                assert event.fill is not None
                states.append(self._fill_row(order, event.fill))
                if order.state is OrderState.FILLED:
                    states.append(self._totals(order) | self._state(order, "filled", "filled"))
            case "REPLACED":
                status = self._open_status(order)
                assert order.price_ticks is not None
                amended: Row = {
                    "order_qty": quantity(order.market, order.lots),
                    "limit_price": price(order.market, order.price_ticks),
                }
                states.append(amended | self._totals(order) | self._state(order, "amended", status))
            case _:
                reason = messages.end_reason(order)
                ended: Row = {"cancel_reason": reason, "reason": reason}
                end = "expired" if order.end_reason == OUT_OF_TIME else "canceled"
                states.append(self._totals(order) | self._state(order, end, end) | ended)
        return [Change(order.order_id, details, state) for state in states]

    def _open_status(self, order: Order) -> str:
        if order.waits:
            return "pending_new"
        return "partially_filled" if order.filled_lots else "new"

    def _triggers(self, order: Order) -> Row:
        if order.stop is None:
            return {}
        stop_price = price(order.market, order.stop.price_ticks)
        status = "untriggered" if order.waits else "triggered"
        return {
            "triggers": {"price": stop_price, "price_type": "static", "reference": "last", "status": status},
            "stop_price": stop_price,
            "trigger": "last",
        }

    def _state(self, order: Order, exec_type: str, status: str) -> Row:
        return {
            "timestamp": rfc3339(order.updated_us),
            "order_status": status,
            "exec_type": exec_type,
            "order_userref": self._trading.user_refs.get(order.order_id, 0),
            "order_id": self._trading.ids.of_order(order),
        }

    def _details(self, order: Order) -> Row:
        market, end_us = order.market, self._trading.expiries.end_us(order.order_id)
        details: Row = {
            "symbol": symbol_of(market),
            "order_qty": quantity(market, order.lots),
            "cum_cost": amount(order.filled_quote_e8),
            "time_in_force": order.time_in_force.value if end_us is None else "GTD",
            "side": order.side.value.lower(),
            "order_type": messages.order_type(order),
            "fee_usd_equiv": amount(messages.fees_e8(order)),
            "fee_ccy_pref": "fciq",
            **self._triggers(order),
        }
        if order.price_ticks is not None:
            details |= {"limit_price_type": "static", "limit_price": price(market, order.price_ticks)}
        if end_us is not None:
            details["expire_time"] = rfc3339(end_us)
        if order.post_only:
            details["post_only"] = True
        if order.client_id:
            details["cl_ord_id"] = order.client_id
        return details

    def _totals(self, order: Order) -> Row:
        average = fixed(messages.average_e8(order), decimals_of(order.market.tick_e8))
        return {
            "cum_qty": quantity(order.market, order.filled_lots),
            "cum_cost": amount(order.filled_quote_e8),
            "fee_usd_equiv": amount(messages.fees_e8(order)),
            "avg_price": amount(0) if not order.filled_lots else number(average),
        }

    def _fill_row(self, order: Order, fill: Fill) -> Row:
        """Kraken: the last fill says partially_filled too. The end comes as a record of its own."""
        market = order.market
        fills = [kept for kept in order.fills if kept.trade_id <= fill.trade_id]
        quote_e8 = sum(kept.quote_e8 for kept in fills)
        lots = sum(kept.lots for kept in fills)
        average_e8 = quote_e8 * 10**8 // (lots * market.step_e8)
        return {
            "order_id": self._trading.ids.of_order(order),
            "order_userref": self._trading.user_refs.get(order.order_id, 0),
            "exec_id": self._trading.ids.of_fill(fill),
            "exec_type": "trade",
            "trade_id": fill.trade_id,
            "symbol": symbol_of(market),
            "side": fill.side.value.lower(),
            "last_qty": quantity(market, fill.lots),
            "last_price": price(market, fill.price_ticks),
            "liquidity_ind": "m" if fill.is_maker else "t",
            "cost": amount(fill.quote_e8),
            "order_type": messages.order_type(order),
            "timestamp": rfc3339(fill.time_us),
            "order_status": "partially_filled",
            "cum_qty": quantity(market, lots),
            "cum_cost": amount(quote_e8),
            "avg_price": number(fixed(average_e8, decimals_of(market.tick_e8))),
            "fee_usd_equiv": amount(fill.fee_e8),
            "fees": [{"asset": fill.fee_asset, "qty": amount(fill.fee_e8)}],
        }

    def _entries_of(self, order: Order, fill: Fill) -> list[Row]:
        """The two ledger entries of a fill. Kraken's fee is beside the amount and not in it."""
        market, sign = order.market, 1 if fill.side is Side.BUY else -1
        amounts = {market.base: sign * fill.lots * market.step_e8, market.quote: -sign * fill.quote_e8}
        reference = self._trading.ids.of_fill(fill)
        return [
            self._entry(order.account, asset, amount_e8, fill.fee_e8 if asset == fill.fee_asset else 0)
            | {"ref_id": reference, "type": "trade", "category": "trade"}
            | {"ledger_id": self._trading.ids.make("L", f"{reference} {asset}")}
            for asset, amount_e8 in amounts.items()
        ]

    def _add_deposit(self, account: str, asset: str) -> None:
        self._deposits += 1
        entry: Row = {
            "asset": asset,
            "asset_class": "currency",
            "balance": amount(self._total_e8(account, asset)),
            "type": "deposit",
            "category": "deposit",
            "ledger_id": self._trading.ids.make("L", f"deposit {self._deposits}"),
            "timestamp": rfc3339(self._now_us()),
        }
        self._entries.setdefault(account, []).append(entry)

    def _entry(self, account: str, asset: str, amount_e8: int, fee_e8: int) -> Row:
        return {
            "asset": asset,
            "asset_class": "currency",
            "amount": amount(amount_e8),
            "balance": amount(self._total_e8(account, asset)),
            "fee": amount(fee_e8),
            "timestamp": rfc3339(self._now_us()),
            "wallet_type": "spot",
            "wallet_id": "main",
        }

    def _total_e8(self, account: str, asset: str) -> int:
        """Kraken: what open orders hold is not subtracted."""
        balance = self._core.balance(account, asset)
        return balance.free_e8 + balance.locked_e8

    def _balance_row(self, asset: str, total_e8: int) -> Row:
        wallet = {"type": "spot", "id": "main", "balance": amount(total_e8)}
        return {"asset": asset, "asset_class": "currency", "wallets": [wallet], "balance": amount(total_e8)}

    def _followers(self, channel: str, account: str) -> Iterator[tuple[Connection, Subscription]]:
        for connection in self._connections:
            for kept in connection.of_channel(channel):
                if kept.account is not None and kept.account.name == account:
                    yield connection, kept

    def _send(self, connection: Connection, subscription: Subscription, kind: str, rows: list[Row]) -> None:
        subscription.sequence += 1
        connection.send_data(subscription.channel, kind, rows, subscription.sequence)
