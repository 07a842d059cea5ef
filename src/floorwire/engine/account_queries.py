"""Account queries: what is known of accounts and orders. Nothing here changes anything."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence

from floorwire.core.account_events import (
    AccountEntry,
    Balance,
    Guard,
    HaltScope,
    MassCancelStarted,
    OrderFilled,
    Position,
    Quarantined,
    Seqs,
)
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.core.venue_names import bare
from floorwire.engine import venue_identities
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.engine.accounts import Accounts
from floorwire.engine.instrument_units import InstrumentUnits
from floorwire.engine.mass_cancel_scan import MassCancelScan
from floorwire.engine.open_order_merge import OpenOrderMerge
from floorwire.engine.risk_profiles import RiskProfiles


class AccountQueries:
    """Reads the accounts. The order manager, which changes them, is one."""

    __slots__ = ("_accounts", "_risk_profiles", "_skipped_id")

    def __init__(self, accounts: Accounts, risk_profiles: RiskProfiles) -> None:
        self._accounts = accounts
        self._risk_profiles = risk_profiles
        self._skipped_id = 0

    # --- the whole ----------------------------------------------------------------------------------

    def snapshot(self) -> AccountSnapshot:
        """Return the state of all accounts."""
        return self._accounts.snapshot()

    def state_hash(self) -> str:
        """Return a digest of ``snapshot()``. Equal states have equal digests."""
        return self._accounts.state_hash()

    # --- instruments, orders and accounts -----------------------------------------------------------

    def instrument_units(self, symbol: str) -> InstrumentUnits:
        """Return a listed instrument with its units. Raises Refusal: ``unknown_symbol``."""
        return self._risk_profiles.instrument_units(symbol)

    def instruments(self) -> list[Instrument]:
        """Return every instrument that was listed, with the identities of its assets."""
        return [known.instrument for known in self._accounts.instrument_units.values()]

    def instrument_of(self, order: Order) -> Instrument:
        """Return the instrument with the steps that the order is counted in. It may have other steps now."""
        return self._accounts.instrument_of(order)

    def kept_count(self) -> int:
        """Return how many orders are in memory, open and closed."""
        return len(self._accounts.orders)

    def last_order_id(self) -> int:
        """Return the highest order id that is used or skipped."""
        return max(self._accounts.last_order_id, self._skipped_id)

    def accounts(self) -> Iterable[str]:
        """Return the names of all accounts that have had any event."""
        return self._accounts.by_name.keys()

    def find(self, account: str, order_id: int | None = None, client_order_id: str | None = None) -> Order:
        """Return the account's order by either id. Raises Refusal: ``unknown_order``."""
        if client_order_id is not None:
            known = self._accounts.by_name.get(account)
            order_id = known.by_client.get(client_order_id) if known is not None else None
        order = self._accounts.orders.get(order_id) if order_id is not None else None
        if order is None or order.ticket.account != account:
            raise Refusal(Code.UNKNOWN_ORDER, "there is no such order, or it closed long ago")
        return order

    def open_orders(self, account: str) -> list[Order]:
        """Return the account's open orders, the oldest first."""
        known = self._accounts.by_name.get(account)
        return list(known.open.values()) if known is not None else []

    def open_orders_after(self, account: str, order_id: int, at_most: int) -> list[Order]:
        """Return the account's next open orders with higher ids, the oldest first."""
        known = self._accounts.by_name.get(account)
        if known is None:
            return []
        order_ids = list(known.open)
        begin = bisect_right(order_ids, order_id)
        return [known.open[found] for found in order_ids[begin : begin + at_most]]

    def open_order_count(self, account: str) -> int:
        """Return how many open orders the account has."""
        known = self._accounts.by_name.get(account)
        return len(known.open) if known is not None else 0

    def fills(self, account: str) -> Sequence[OrderFilled]:
        """Return the account's last fills, the latest first. The journal has the older ones."""
        known = self._accounts.by_name.get(account)
        return list(known.fills)[::-1] if known is not None else []

    def balances(self, account: str) -> list[Balance]:
        """Return the account's balances, sorted by asset."""
        known = self._accounts.by_name.get(account)
        return [balance for _, balance in sorted(known.balances.items())] if known is not None else []

    def positions(self, account: str) -> list[Position]:
        """Return the account's positions in every instrument that it ever traded, sorted by symbol."""
        known = self._accounts.by_name.get(account)
        return [position for _, position in sorted(known.positions.items())] if known is not None else []

    def seqs(self, account: str) -> Seqs:
        """Return the last seq of each of the account's private channels."""
        known = self._accounts.by_name.get(account)
        return known.seqs if known is not None else Seqs()

    def limits(self, account: str, key: str | None = None) -> Limits:
        """Return the account's limits, with the defaults; or with ``key``, the key's own limits."""
        return (
            self._risk_profiles.limits(account)
            if key is None
            else self._risk_profiles.key_limits(account, key)
        )

    def unknown_assets(self, limits: Limits) -> list[str]:
        """Return the assets in ``limits`` that no instrument trades. Such a limit has no effect."""
        named = {*(limits.max_order_quantity or ()), *(limits.max_position or ())}
        bases = {known.base for known in self._accounts.instrument_units.values()}
        return sorted(named - bases - {bare(base) for base in bases})

    def halts(self) -> list[tuple[HaltScope, str]]:
        """Return the halts in force, as scope and name."""
        return sorted(self._accounts.halts)

    def guards(self) -> list[tuple[str, str, Guard]]:
        """Return all guards that are set, each with its account and key."""
        every = self._accounts.by_name.items()
        return [(name, key, guard) for name, account in every for key, guard in account.guards.items()]

    def conserved(self) -> bool:
        """Return whether each asset sums to zero over accounts, fees and the outside."""
        ledger, holders = self._accounts.ledger, self._accounts.holders()
        return not any(ledger.sum(asset, holders) for asset in ledger.decimals)

    def quarantine(self) -> list[Quarantined]:
        """Return what is in quarantine, the oldest first."""
        return [one for _, one in sorted(self._accounts.remote.quarantine.items())]

    def has_open_orders(self, symbol: str) -> bool:
        """Return whether any account has an open order of the symbol."""
        every = (account.open.values() for account in self._accounts.by_name.values())
        return any(order.ticket.symbol == symbol for orders in every for order in orders)

    def live_venues(self) -> set[str]:
        """Return the venues that have real money, also those that do not run."""
        return {venue for venue, money in self._accounts.venue_money.items() if money == "live"}

    def unfinished_mass_cancels(self) -> list[MassCancelStarted]:
        """Return the mass cancels that have not ended, in their order. After a restart they go on."""
        return [started for _, started in sorted(self._accounts.mass_cancels.items())]

    def scan(self, started: MassCancelStarted) -> MassCancelScan:
        """Return a scan for the orders of a mass cancel."""
        return MassCancelScan(self._accounts, started)

    def open_order_merge(self, symbols: Collection[str]) -> OpenOrderMerge:
        """Return a pass over the symbols' open orders, for ``place_again``."""
        return OpenOrderMerge(self._accounts, symbols)

    def knows_money_request(self, request_id: str) -> bool:
        """Return whether an operator's request about money with this id was done."""
        return request_id in self._accounts.money_requests

    def overflow(self, instrument: Instrument) -> str | None:
        """Return an asset whose amounts would be too large if the instrument were listed; None if all fit."""
        return self._accounts.overflow(instrument)

    def last_fill_id(self) -> int:
        """Return the highest fill id that is used or reserved."""
        return self._accounts.last_fill_id

    def last_deposit_id(self, store: str) -> int:
        """Return the id of the last deposit that was credited from this key store; 0 if none was."""
        if store:
            return self._accounts.last_deposit_ids.get(store, 0)
        return self._accounts.last_deposit_id

    def identified_entry(self, entry: AccountEntry) -> AccountEntry:
        """Return an entry that was read from the journal with the identities of its venues."""
        return venue_identities.identified_entry(entry, self._accounts.identities)
