"""What Coinbase has to say before orders are placed: its time, and the steps of its instruments."""

from __future__ import annotations

from floorwire.venues.coinbase import order_messages as messages
from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import HttpRequest, Steps

SECOND_US = 1_000_000
TIME = "/api/v3/brokerage/time"
PRODUCTS = "/api/v3/brokerage/market/products"
REFRESH_US = 600 * SECOND_US
RETRY_US = 5 * SECOND_US
MOST_MS = 4_102_444_800_000
"""The year 2100."""


class OrderReference:
    """The venue's clock, and its instruments by their ids."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether both were read once."""
        self._is_reading = False
        self._due_us = 0
        self._offset_us = 0
        """The venue's time minus the date."""
        self._date_us = 0
        self._now_us = 0
        self._products: dict[str, messages.ProductRow] = {}

    def at(self, now_us: int, date_us: int) -> None:
        """Take in the time."""
        self._now_us, self._date_us = now_us, date_us

    @property
    def venue_us(self) -> int:
        """The date by the venue's clock."""
        return self._date_us + self._offset_us

    def product(self, product_id: str) -> messages.ProductRow | None:
        """Return the instrument; None if it is not listed."""
        return self._products.get(product_id)

    def quote_of(self, product_id: str) -> str:
        """Return the quote currency of an instrument, in which fees are paid."""
        product = self._products.get(product_id)
        return product_id.rpartition("-")[2] if product is None else product.quote_currency_id

    def read_soon(self) -> None:
        """Read the venue's clock again: it refused a token."""
        self._due_us = min(self._due_us, self._now_us + RETRY_US)

    @property
    def is_due(self) -> bool:
        """Whether to read them now."""
        return not self._is_reading and self._now_us >= self._due_us

    @property
    def wake_us(self) -> int:
        """When they are due; never while they are read."""
        return NEVER_US if self._is_reading else self._due_us

    def read(self) -> Steps:
        """Return the sequence that reads the time, then the instruments. If it fails it is due again soon."""
        self._due_us = self._now_us + RETRY_US
        return self._read(self._date_us)

    def _read(self, sent_us: int) -> Steps:
        self._is_reading = True
        try:
            answer = yield HttpRequest(TIME, budget="public", is_signed=False)
            millis = int(messages.result(answer, messages.ServerTime).epoch_millis)
            if not 0 <= millis < MOST_MS:
                raise ValueError(millis)
            # how much of the way was there and how much back is not known
            self._offset_us = millis * 1000 - (sent_us + self._date_us) // 2
            answer = yield HttpRequest(PRODUCTS, "product_type=SPOT", budget="public", is_signed=False)
            listed = messages.products(answer)
            self._products = {product.product_id: product for product in listed}
            self.is_complete, self._due_us = True, self._now_us + REFRESH_US
        finally:
            self._is_reading = False
        return ()
