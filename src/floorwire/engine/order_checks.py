"""Order checks: all checks of a new order and of an amend, in the order in which they are made.

The first check that fails decides the error code. A refused request changes nothing, except that it counts
against the order rate. ``docs/orders.md`` explains the checks to traders. ``trading.handlers.place`` makes
checks 1 to 3, which turn the client's request into an ``OrderTicket``. ``OrderChecks.find_duplicate`` makes
check 4. ``OrderChecks.new_order`` makes the others, in the order of this table.

    check         error code                   refused where                                    decided in
     1 permission unauthenticated, forbidden   the key may not do this with the symbol          authorization
     2 instrument venue_unavailable            its venue has listed nothing since the start     handlers
                  unknown_symbol               the symbol names none, or more than one          handlers
     3 form       bad_request                  the fields do not go together                    order_parsing
                  tick_size, lot_size          a price or a quantity is no whole step           order_parsing
     4 identity   duplicate_client_order_id    the id is known with other content               request_checks
     5 deadline   deadline_passed              it came later than its deadline                  request_checks
     6 halts      market_halted                the instrument is not open; a halt of all, the
                                               account, the key or the symbol                   risk_checks
     7 feed       stale_market                 the prices are not current                       risk_checks
     8 rate       rate_limited                 too many orders a second, of the account, then
                                               of the key                                       risk_checks
     9 date       bad_request                  gtd: the date has passed                         request_checks
    10 liquidity  no_liquidity                 market orders: the other side is empty           risk_checks
    11 minimum    min_quantity, min_notional   smaller, or worth less, than the instrument's
                                               minimum                                          risk_checks
    12 quantity   max_quantity                 larger than account and key allow                risk_checks
    13 limit      max_notional                 worth more than account and key allow            risk_checks
    14 price      price_band                   too far from the last price, or through the
                                               market                                           risk_checks
    15 reduce     reduce_only                  a buy: nothing is short that it could reduce     request_checks
    16 count      max_open_orders              of the account, then of the key                  risk_checks
    17 position   position_limit               what is held, all open buys and this             risk_checks
    18 reserve    insufficient_balance         the hold does not fit into what is available     risk_checks
    19 bounds     bad_request                  the balance could become too large to count      order_checks

An amend gets checks 1, 5 to 8, 11 to 14, and 17 to 19. Before check 5, its order has to be open
(``order_closed``). After check 5, it has to name a price or a quantity that the order has (``bad_request``).

The matching engine or the venue checks post-only, fill-or-kill and self-trades, while it matches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from floorwire.core.account_events import Balance
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.instrument import Side
from floorwire.core.orders import Order, OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import bare
from floorwire.engine import request_checks, risk_checks
from floorwire.engine.account import Account
from floorwire.engine.accounts import Accounts
from floorwire.engine.effective_limits import EffectiveLimits
from floorwire.engine.holds import asking, held, holding
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.ledger import MOST_UNITS
from floorwire.engine.risk_profiles import RiskProfile, RiskProfiles


class OrderChecks:
    """Checks orders against the present state of the accounts. Changes nothing but the order rates.

    Order rates (rate limit) use monotonic time. Deadlines and expiries are compared with the wall clock.
    """

    __slots__ = ("_accounts", "_prices", "_risk_profiles", "_worst_of_venue", "_worst_ppm")

    def __init__(
        self,
        accounts: Accounts,
        risk_profiles: RiskProfiles,
        prices: Callable[[str], Prices],
        worst_ppm: int,
        worst_of_venue: Mapping[str, int] | None = None,
    ) -> None:
        """``worst_ppm``: the higher of the two fees, in millionths. An order's hold covers it.

        ``worst_of_venue``: the same by venue, where a venue has fees of its own.
        """
        self._worst_of_venue = dict(worst_of_venue or {})
        self._accounts = accounts
        self._risk_profiles = risk_profiles
        self._prices = prices
        self._worst_ppm = worst_ppm

    def find_duplicate(self, ticket: OrderTicket) -> Order | None:
        """Return the order that has the ticket's client order id already; None where the id is new.

        Check 4, for idempotency: the same request sent again is the same order, and is not placed again.
        Raises Refusal ``duplicate_client_order_id`` where the known order has other content.
        """
        known = self._accounts.by_name.get(ticket.account)
        if known is None or ticket.client_order_id not in known.by_client:
            return None
        order = self._accounts.orders[known.by_client[ticket.client_order_id]]
        if order.ticket != ticket:
            request_checks.refuse_different(ticket, order)
        return order

    def new_order(
        self,
        ticket: OrderTicket,
        at: Moment,
        order_id: int,
        key: str,
        max_notional: Decimal | None,
        deadline_us: int | None,
    ) -> tuple[Order, tuple[Balance], RiskProfile]:
        """Make checks 5 to 19 of a new ticket. Raises Refusal.

        Returns the accepted order, the balance with its hold, and the risk profile that applied.
        ``max_notional``: the key's own limit, in the quote asset. ``deadline_us``: a date in microseconds.
        """
        name, symbol, is_buy = ticket.account, ticket.symbol, ticket.side == "buy"
        if deadline_us is not None and at.wall_us > deadline_us:
            request_checks.refuse_late(deadline_us, at.wall_us)
        # check 6: no risk profile exists during a halt
        risk_profile = self._risk_profiles.of((name, key, symbol, max_notional), at.now_us)
        account, instrument_units, limits, prices = (
            risk_profile.account,
            risk_profile.instrument_units,
            risk_profile.bounds,
            self._prices(symbol),
        )
        self._feed_and_rates(risk_profile, prices, name, key, at.now_us)
        if ticket.expires_us is not None and ticket.expires_us <= at.wall_us:
            request_checks.expired()
        order = self._drafted(
            ticket, instrument_units, prices, limits, order_id, key, at.stamp_us
        )  # check 10
        lots = order.lots
        risk_checks.check_size_and_price(
            ticket, instrument_units, limits, lots, order.price_ticks, prices
        )  # checks 11 to 14
        if ticket.reduce_only and is_buy:
            request_checks.cannot_reduce()
        risk_checks.check_open_orders(account, limits, key)
        if limits.max_position_lots is not None and is_buy:
            risk_checks.check_position_limit(
                account, instrument_units, risk_profile.same_base, limits.max_position_lots, lots
            )
        balances = _reserve_balance(account, instrument_units, ticket.side, order.held)
        _check_room(account, instrument_units, is_buy, lots, max(order.price_ticks, prices.bid_ticks))
        return order, balances, risk_profile

    def early_order(
        self, ticket: OrderTicket, order_id: int, key: str, stamp_us: int
    ) -> tuple[Order, tuple[Balance]]:
        """Make the checks of a new limit order that hang on nothing but the accounts: 18 and 19.

        Where these refuse it, they did so before. What the others said is not known. Raises Refusal.
        """
        account = self._accounts.by_name.get(ticket.account)
        instrument_units = self._risk_profiles.instrument_units(ticket.symbol)
        if account is None or ticket.price_ticks is None or ticket.lots is None:
            raise Refusal(Code.BAD_REQUEST, "no limit order of a known account")
        order = self._order(
            ticket, instrument_units, ticket.lots, ticket.price_ticks, order_id, key, stamp_us
        )
        balances = _reserve_balance(account, instrument_units, ticket.side, order.held)
        is_buy = ticket.side == "buy"
        _check_room(account, instrument_units, is_buy, order.lots, order.price_ticks)
        return order, balances

    def amend(
        self,
        order: Order,
        at: Moment,
        price_ticks: int | None,
        lots: int | None,
        key: str,
        max_notional: Decimal | None,
        deadline_us: int | None,
    ) -> tuple[Order, tuple[Balance]]:
        """Make the checks of an amend. Raises Refusal.

        Returns the order with the unanswered amend, and the balance with its new hold. ``price_ticks``,
        ``lots``: the new values; None leaves a value as it is. ``lots`` includes the filled lots.
        """
        ticket, name = order.ticket, order.ticket.account
        request_checks.refuse_closed(order)
        if deadline_us is not None and at.wall_us > deadline_us:
            request_checks.refuse_late(deadline_us, at.wall_us)
        request_checks.refuse_unchangeable(ticket, price_ticks, lots)
        risk_profile = self._risk_profiles.of((name, key, ticket.symbol, max_notional), at.now_us)  # check 6
        account, instrument_units, limits = (
            risk_profile.account,
            risk_profile.instrument_units,
            risk_profile.bounds,
        )
        prices, is_buy = self._prices(ticket.symbol), ticket.side == "buy"
        self._feed_and_rates(risk_profile, prices, name, key, at.now_us)
        new_ticks, new_lots = price_ticks or order.price_ticks, lots or order.lots
        if new_lots > order.filled_lots:  # otherwise nothing is left, and the amend cancels the order
            risk_checks.check_size_and_price(
                ticket, instrument_units, limits, new_lots, new_ticks, prices, not order.triggered
            )
            if limits.max_position_lots is not None and is_buy:
                more_lots = max(0, new_lots - order.lots)
                risk_checks.check_position_limit(
                    account, instrument_units, risk_profile.same_base, limits.max_position_lots, more_lots
                )
        asked = asking(order, instrument_units, new_ticks, new_lots)
        balances = _reserve_balance(account, instrument_units, ticket.side, asked.held - order.held)
        _check_room(
            account, instrument_units, is_buy, new_lots - order.filled_lots, max(new_ticks, prices.bid_ticks)
        )
        return asked, balances

    def _feed_and_rates(
        self, risk_profile: RiskProfile, prices: Prices, account: str, key: str, now_us: int
    ) -> None:
        """Checks 7 and 8. Raises Refusal."""
        if prices.feed != "live":
            risk_checks.check_feed_is_live(risk_profile.instrument_units, prices.feed)
        rate, key_rate = risk_profile.account_rate, risk_profile.key_rate
        if rate is not None and not rate.allow(now_us):
            risk_checks.refuse_rate_limited(
                "account", self._risk_profiles.limits(account), rate.wait_us(now_us)
            )
        if key_rate is not None and not key_rate.allow(now_us):
            risk_checks.refuse_rate_limited(
                "key", self._risk_profiles.key_limits(account, key), key_rate.wait_us(now_us)
            )

    def _drafted(
        self,
        ticket: OrderTicket,
        instrument_units: InstrumentUnits,
        prices: Prices,
        limits: EffectiveLimits,
        order_id: int,
        key: str,
        stamp_us: int,
    ) -> Order:
        """Return the order as it would be accepted, with its hold. Makes check 10. Raises Refusal.

        A market order gets the collar's price as its limit, so that its hold has an upper bound.
        """
        price_ticks, lots = ticket.price_ticks, ticket.lots
        if price_ticks is None:
            reference = risk_checks.reference_ticks(ticket, prices)
            price_ticks = risk_checks.collar_ticks(ticket.side == "buy", reference, limits.collar_ppm)
            if lots is None:
                lots = (ticket.spend or 0) // reference
        return self._order(ticket, instrument_units, lots or 0, price_ticks, order_id, key, stamp_us)

    def _order(
        self,
        ticket: OrderTicket,
        instrument_units: InstrumentUnits,
        lots: int,
        price_ticks: int,
        order_id: int,
        key: str,
        stamp_us: int,
    ) -> Order:
        """Return the order with its hold, which covers the higher fee."""
        ppm = self._worst_ppm
        if self._worst_of_venue:
            ppm = self._worst_of_venue.get(instrument_units.instrument.venue, ppm)
        return Order(
            order_id,
            ticket,
            key,
            lots,
            price_ticks,
            "new",
            stamp_us,
            stamp_us,
            held=held(ticket, instrument_units, price_ticks, lots, 0, ppm, 0),
            fee_ppm=ppm,
        )


def _reserve_balance(
    account: Account, instrument_units: InstrumentUnits, side: Side, more: int
) -> tuple[Balance]:
    """Reserve ``more`` units of a balance: return the balance with them held. Check 18. Raises Refusal."""
    balance = holding(account.balances, instrument_units, side, more)
    if balance.held > balance.total and more > 0:
        risk_checks.refuse_insufficient_balance(balance, more)
    return (balance,)


def _check_room(
    account: Account, instrument_units: InstrumentUnits, is_buy: bool, lots: int, price_ticks: int
) -> None:
    """Check that the balance stays countable if the order fills completely. Check 19. Raises Refusal."""
    asset, units = (
        (instrument_units.base, lots * instrument_units.base_units)
        if is_buy
        else (instrument_units.quote, lots * price_ticks * instrument_units.quote_units)
    )
    has = account.balances.get(asset)
    if units + (has.total if has is not None else 0) > MOST_UNITS:
        text = f"quantity: the balance of {bare(asset)} could become too large to be counted"
        raise Refusal(Code.BAD_REQUEST, text, {"field": "quantity"})
