"""Bybit's cancel on disconnect (DCP): for institutions, which Bybit enables it for."""

from collections.abc import Callable, Iterable

from tests.fake_exchange.bybit.errors import BybitError, bad_parameter
from tests.fake_exchange.bybit.orders import Fields, refuse_unknown, text_of
from tests.fake_exchange.matching import MatchingCore

TOPIC = "dcp.spot"
REASON = "all connections with the topic are gone"
WINDOW_S = (3, 300)
DEFAULT_S = 10
# Bybit: a new time takes effect some ten seconds later.
DELAY_US = 10_000_000


class DisconnectCancel:
    """`enabled` has the accounts that Bybit enabled it for: tests add them."""

    def __init__(self, core: MatchingCore, now_us: Callable[[], int]) -> None:
        self.enabled: set[str] = set()
        self._core = core
        self._now_us = now_us
        self._settings: dict[str, list[tuple[int, int]]] = {}  # since when, and how many seconds
        self._seen_us: dict[str, int] = {}  # when an account last had a connection with the topic

    def set(self, account: str, fields: Fields) -> dict[str, object]:
        if account not in self.enabled:
            raise BybitError(10005, "Permission denied, please check your API key permissions.")
        refuse_unknown(fields, frozenset({"product", "timeWindow"}))
        # Without a product Bybit sets it for options, which the fake does not have.
        if text_of(fields, "product", "OPTIONS") != "SPOT":
            raise bad_parameter("product")
        window_s = fields.get("timeWindow")
        if isinstance(window_s, bool) or not isinstance(window_s, int):
            raise bad_parameter("timeWindow")
        if not WINDOW_S[0] <= window_s <= WINDOW_S[1]:
            raise bad_parameter("timeWindow")
        self._settings.setdefault(account, []).append((self._now_us() + DELAY_US, window_s))
        return {}

    def info(self, account: str) -> dict[str, object]:
        """Bybit: without it the list is empty."""
        if account not in self.enabled:
            return {"dcpInfos": []}
        window = str(self._window_s(account))
        return {"dcpInfos": [{"product": "SPOT", "dcpStatus": "ON", "timeWindow": window}]}

    def watch(self, followers: Iterable[str]) -> None:
        """Cancel the orders of accounts that were gone for too long. `followers` have the topic now."""
        now_us, there = self._now_us(), set(followers) & self.enabled
        self._seen_us |= dict.fromkeys(there, now_us)
        for account, seen_us in list(self._seen_us.items()):
            if now_us - seen_us >= self._window_s(account) * 1_000_000:
                del self._seen_us[account]  # until it is connected again
                for order in self._core.open_orders(account):
                    self._core.cancel(order, reason=REASON)

    def _window_s(self, account: str) -> int:
        settings = self._settings.get(account, [])
        return next(
            (window_s for since_us, window_s in reversed(settings) if since_us <= self._now_us()), DEFAULT_S
        )
