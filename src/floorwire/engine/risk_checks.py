"""Risk checks: an order against halts, prices, limits and balances.

``order_checks`` has the list of all checks and calls these. The numbers here are those of that list.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from floorwire.core.account_events import Balance, HaltScope
from floorwire.core.codes import Code
from floorwire.core.market_events import Feed
from floorwire.core.orders import OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.units import format_units
from floorwire.core.venue_names import bare
from floorwire.engine.account import Account
from floorwire.engine.accounts import Accounts
from floorwire.engine.effective_limits import EffectiveLimits
from floorwire.engine.instrument_units import MILLION, InstrumentUnits


def check_halts(accounts: Accounts, instrument_units: InstrumentUnits, account: str, key: str) -> None:
    """Check 6: the instrument is open, and no halt (kill switch) covers the order.

    Raises Refusal: ``market_halted``.
    """
    symbol = instrument_units.symbol
    if instrument_units.instrument.state != "open":
        raise Refusal(
            Code.MARKET_HALTED, f"{bare(symbol)} is {instrument_units.instrument.state}", {"scope": "symbol"}
        )
    if accounts.halts:
        halted: tuple[tuple[HaltScope, str], ...] = (
            ("all", ""),
            ("account", account),
            ("key", key),
            ("symbol", symbol),
        )
        for scope, name in halted:
            if (scope, name) in accounts.halts:
                raise Refusal(Code.MARKET_HALTED, f"halted: {bare(name) or 'all'}", {"scope": scope})


def check_feed_is_live(instrument_units: InstrumentUnits, feed: Feed) -> None:
    """Check 7, called where the feed is not live. Raises Refusal: ``stale_market``.

    Instruments that trade on stale prices pass.
    """
    if not instrument_units.instrument.trades_stale:
        raise Refusal(Code.STALE_MARKET, f"{bare(instrument_units.symbol)}'s feed is {feed}", {"feed": feed})


def refuse_rate_limited(who: str, limits: Limits, wait_us: int) -> NoReturn:
    """Refuse an order over the rate limit (check 8) of an account or a key.

    ``wait_us`` is the time until it may try again. Raises Refusal: ``rate_limited``.
    """
    per_second = limits.orders_per_second or 0
    text = f"the {who} may send {per_second} orders a second"
    raise Refusal(Code.RATE_LIMITED, text, {"limit": per_second, "of": who}, wait_us)


def reference_ticks(ticket: OrderTicket, prices: Prices) -> int:
    """Return the price in ticks at which an order without a limit price is measured (check 10).

    It is the stop price of a stop order, otherwise the best price of the other side.
    Raises Refusal: ``no_liquidity``.
    """
    if ticket.stop_ticks is not None:
        return ticket.stop_ticks
    best = prices.ask_ticks if ticket.side == "buy" else prices.bid_ticks
    if not best:
        raise Refusal(Code.NO_LIQUIDITY, f"nothing rests on the other side of {bare(ticket.symbol)}")
    return best


def collar_ticks(is_buy: bool, best_ticks: int, collar_ppm: int) -> int:
    """Return the worst price in ticks that the collar allows: above the best for buys, below it for sells."""
    if is_buy:
        return best_ticks * (MILLION + collar_ppm) // MILLION
    return max(1, -(-best_ticks * (MILLION - collar_ppm) // MILLION))


def check_size_and_price(
    ticket: OrderTicket,
    instrument_units: InstrumentUnits,
    bounds: EffectiveLimits,
    lots: int,
    price_ticks: int,
    prices: Prices,
    waits: bool = True,
) -> None:
    """Checks 11 to 14: quantity, notional, price band and collar of an order.

    ``price_ticks`` is the limit price, or the end of the collar where there is none. ``waits``: a stop order
    has not triggered yet. Then its stop price stands for the market's price.
    Raises Refusal: ``min_quantity``, ``min_notional``, ``max_quantity``, ``max_notional``, ``price_band``.
    """
    worth_ticks = _worth_ticks(ticket, price_ticks, prices, waits)
    turnover = ticket.spend or lots * worth_ticks
    if lots < instrument_units.min_lots:
        if not lots:  # an amount to spend that buys no lot
            _notional(Code.MIN_NOTIONAL, instrument_units, turnover, "at least", worth_ticks)
        _quantity(Code.MIN_QUANTITY, instrument_units, lots, "at least", instrument_units.min_lots)
    if turnover < instrument_units.min_turnover:
        _notional(Code.MIN_NOTIONAL, instrument_units, turnover, "at least", instrument_units.min_turnover)
    if bounds.max_lots is not None and lots > bounds.max_lots:
        _quantity(Code.MAX_QUANTITY, instrument_units, lots, "at most", bounds.max_lots)
    if bounds.max_turnover is not None and turnover > bounds.max_turnover:
        _notional(Code.MAX_NOTIONAL, instrument_units, turnover, "at most", bounds.max_turnover)
    if ticket.price_ticks is None:
        return
    last, band = prices.last_ticks, instrument_units.band_ppm
    if band is not None and last and abs(price_ticks - last) * MILLION > last * band:
        _outside(instrument_units, price_ticks, "band", collar_ticks(price_ticks > last, last, band))
    is_buy = ticket.side == "buy"
    best = prices.ask_ticks if is_buy else prices.bid_ticks
    if waits and ticket.stop_ticks is not None:
        best = ticket.stop_ticks
    if best and (price_ticks > best if is_buy else price_ticks < best):
        worst = collar_ticks(is_buy, best, bounds.collar_ppm)
        if price_ticks > worst if is_buy else price_ticks < worst:
            _outside(instrument_units, price_ticks, "collar", worst)


def _worth_ticks(ticket: OrderTicket, price_ticks: int, prices: Prices, waits: bool) -> int:
    """Return the price in ticks that values the order.

    - A buy with a limit: its limit, which is the most that it pays.
    - A sell with a limit: the market's price or its limit, whichever is higher.
    - Without a limit: the market's price. The collar is only the worst price that it may get.

    The market's price is the best of the other side, or the stop price of a stop that waits.
    """
    is_buy = ticket.side == "buy"
    if ticket.price_ticks is not None and is_buy:
        return price_ticks
    market_ticks = prices.ask_ticks if is_buy else prices.bid_ticks
    if waits and ticket.stop_ticks is not None:
        market_ticks = ticket.stop_ticks
    if ticket.price_ticks is None:
        return market_ticks or price_ticks
    return price_ticks if price_ticks > market_ticks else market_ticks


def _quantity(
    code: Code, instrument_units: InstrumentUnits, lots: int, relation: str, limit: int
) -> NoReturn:
    size = instrument_units.instrument.size
    bound, base = size.format(limit), bare(instrument_units.base)
    raise Refusal(code, f"{size.format(lots)} {base}, has to be {relation} {bound}", {"limit": bound})


def _notional(
    code: Code, instrument_units: InstrumentUnits, turnover: int, relation: str, limit: int
) -> NoReturn:
    worth, bound = (
        instrument_units.instrument.format_notional(turnover),
        instrument_units.instrument.format_notional(limit),
    )
    text = f"worth {worth} {bare(instrument_units.quote)}, has to be {relation} {bound}"
    raise Refusal(code, text, {"limit": bound, "notional": worth})


def _outside(instrument_units: InstrumentUnits, price_ticks: int, rule: str, limit_ticks: int) -> NoReturn:
    scale = instrument_units.instrument.price
    bound = scale.format(limit_ticks)
    text = f"{scale.format(price_ticks)} is outside the {rule}, which ends at {bound}"
    raise Refusal(Code.PRICE_BAND, text, {"rule": rule, "limit": bound})


def check_open_orders(account: Account, bounds: EffectiveLimits, key: str) -> None:
    """Check 16: the account and the key may have one more open order. Raises Refusal: ``max_open_orders``."""
    most = bounds.max_open
    if most is not None and len(account.open) >= most:
        _too_many("account", most)
    most = bounds.max_open_of_key
    if most is not None and account.open_by_key.get(key, 0) >= most:
        _too_many("key", most)


def _too_many(who: str, limit: int) -> NoReturn:
    text = f"the {who} may have {limit} open orders"
    raise Refusal(Code.MAX_OPEN_ORDERS, text, {"limit": limit, "of": who})


def check_position_limit(
    account: Account,
    instrument_units: InstrumentUnits,
    same_base: Iterable[InstrumentUnits],
    most: int,
    more_lots: int,
) -> None:
    """Check 17: the position after all open buys and ``more_lots`` is at most ``most`` lots.

    ``same_base``: all instruments with this base asset. Raises Refusal: ``position_limit``.
    """
    has, buying = account.balances.get(instrument_units.base), account.buying
    units = more_lots * instrument_units.base_units
    if has is not None:
        units += has.total
    for one in same_base:
        units += buying.get(one.symbol, 0) * one.base_units
    if units > most * instrument_units.base_units:
        limit = instrument_units.instrument.size.format(most)
        would = format_units(units, instrument_units.base_decimals)
        text = f"the position would grow to {would} {bare(instrument_units.base)}, may be {limit}"
        raise Refusal(Code.POSITION_LIMIT, text, {"limit": limit, "position": would})


def refuse_insufficient_balance(would: Balance, needed: int) -> NoReturn:
    """Refuse an order whose hold does not fit into the balance (check 18: the reserve of a balance).

    ``would`` is the balance as it would be with ``needed`` units more on hold.
    Raises Refusal: ``insufficient_balance``.
    """
    available = needed - (would.held - would.total)
    needs, left = format_units(needed, would.decimals), format_units(available, would.decimals)
    asset = bare(would.asset)
    raise Refusal(
        Code.INSUFFICIENT_BALANCE,
        f"needs {needs} {asset}, has {left}",
        {"asset": asset, "needed": needs, "available": left},
    )
