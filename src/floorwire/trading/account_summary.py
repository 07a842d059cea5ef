"""The summary of an account: its value in one currency, its profit, and what it traded by day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Final

from msgspec import UNSET

from floorwire.core.codes import Code
from floorwire.core.microseconds import DAY_US
from floorwire.core.refusal import Refusal
from floorwire.core.units import format_units, trim
from floorwire.protocol.account_rows import DayRow, ProfitRow, ValuedBalanceRow
from floorwire.protocol.replies import AccountReply
from floorwire.protocol.trading_requests import AccountSummary
from floorwire.storage import account_history_rows
from floorwire.storage.account_history_index import AccountHistoryIndex
from floorwire.trading.account_history_pages import HistoryView
from floorwire.trading.valuation import PricesOf, Valuation, as_text

CURRENCY: Final = re.compile(r"[A-Z0-9.]{1,20}")
MAX_DAY_ROWS: Final = 1_000
"""Rows of days in one reply. Only whole days are listed."""
VALUE_US: Final = 1_000
"""The price of valuing an account."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def account(
    view: HistoryView, prices: PricesOf, default_currency: str, request: AccountSummary, wall_us: int, n: int
) -> AccountReply:
    """Return the summary. Raises Refusal, sqlite3.Error."""
    currency = (default_currency if request.currency is UNSET else request.currency).upper()
    today = wall_us // DAY_US
    first_day = today - request.days + 1
    read = partial(_read_days, account=view.account, first_day=first_day)
    days, first_day = await view.indexer.read(n, read) if request.days else ([], today + 1)
    await view.turns.wait(view.account, VALUE_US)
    valuation = Valuation(view.order_manager.instruments(), prices, currency)
    if not CURRENCY.fullmatch(currency) or not valuation.is_known:
        raise Refusal(
            Code.BAD_REQUEST, f"currency: nothing is traded in {currency[:20]!r}", {"field": "currency"}
        )
    return _summary(view, valuation, request, currency, days, _date(first_day), wall_us)


def _summary(
    view: HistoryView,
    valuation: Valuation,
    request: AccountSummary,
    currency: str,
    days: Sequence[account_history_rows.IndexedDay],
    since: str,
    wall_us: int,
) -> AccountReply:
    order_manager, visibility = view.order_manager, view.visibility
    shown, unpriced = view.names.shown, set[str]()
    equity = realised = unrealised = Fraction(0)
    balances: list[ValuedBalanceRow] = []
    for balance in visibility.balances(order_manager.balances(view.account)):
        value = valuation.value(balance.asset, balance.total, balance.decimals)
        equity += value or 0
        if value is None:
            unpriced.add(shown(balance.asset))
        total = trim(format_units(balance.total, balance.decimals))
        balances.append(
            ValuedBalanceRow(shown(balance.asset), total, None if value is None else as_text(value))
        )
    positions: list[ProfitRow] = []
    for position in visibility.positions(order_manager.positions(view.account)):
        units = order_manager.instrument_units(position.symbol)
        instrument, quote, decimals = units.instrument, units.quote, position.quote_decimals
        made = valuation.value(quote, position.realised, decimals)
        open_profit = valuation.unrealised(position, instrument)
        rate = valuation.value(quote, 1, 0)
        realised += made or 0
        if open_profit is not None and rate is not None:
            unrealised += open_profit * rate
        if made is None or (position.bought and rate is None):
            unpriced.add(shown(quote))
        if open_profit is None:
            unpriced.add(shown(units.base))
        price = valuation.price(instrument) if position.bought else None
        positions.append(
            ProfitRow(
                shown(position.symbol),
                shown(quote),
                trim(format_units(position.realised, decimals)),
                None if open_profit is None else as_text(open_profit),
                None if price is None else as_text(price),
            )
        )
    visible = None if visibility.sees_all else visibility.assets()
    return AccountReply(
        id=request.id,
        account=view.account,
        currency=currency,
        equity=as_text(equity),
        realised=as_text(realised),
        unrealised=as_text(unrealised),
        unpriced=sorted(unpriced),
        balances=balances,
        positions=positions,
        since=since,
        days=[
            DayRow(
                _date(day.day),
                shown(day.asset),
                trim(format_units(day.turnover, day.decimals)),
                trim(format_units(day.fees, day.decimals)),
                day.fills,
            )
            for day in days
            if visible is None or day.asset in visible
        ],
        ts=wall_us,
    )


def _read_days(
    index: AccountHistoryIndex, account: str, first_day: int
) -> tuple[list[account_history_rows.IndexedDay], int]:
    """Return the rows of whole days, the latest first, and the first day that they are of."""
    rows = index.days(account, first_day, MAX_DAY_ROWS + 1)
    if len(rows) <= MAX_DAY_ROWS:
        return rows, first_day
    cut = rows[-1].day
    return [row for row in rows if row.day != cut], cut + 1


def _date(day: int) -> str:
    return (EPOCH + timedelta(days=day)).date().isoformat()
