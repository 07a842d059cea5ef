"""The instruments of Coinbase, with the steps of their sizes."""

from __future__ import annotations

from floorwire.venues.coinbase import order_messages as messages
from floorwire.venues.common.order_clock import InstrumentReads
from floorwire.venues.common.request_sequences import HttpRequest

PRODUCTS = "/api/v3/brokerage/market/products"


class OrderInstruments:
    """The instruments by their ids."""

    def __init__(self) -> None:
        self._products: dict[str, messages.ProductRow] = {}

    def product(self, product_id: str) -> messages.ProductRow | None:
        """Return the instrument; None if it is not listed."""
        return self._products.get(product_id)

    def quote_of(self, product_id: str) -> str:
        """Return the quote currency of an instrument, in which fees are paid."""
        product = self._products.get(product_id)
        return product_id.rpartition("-")[2] if product is None else product.quote_currency_id

    def read(self) -> InstrumentReads:
        """Read the instruments."""
        answer = yield HttpRequest(PRODUCTS, "product_type=SPOT", budget="public", is_signed=False)
        self._products = {product.product_id: product for product in messages.products(answer)}
