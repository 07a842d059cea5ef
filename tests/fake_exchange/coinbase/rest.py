"""Coinbase's REST face as an ASGI application."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tests.fake_exchange.coinbase.errors import (
    CoinbaseError,
    gateway_page,
    invalid,
    too_many,
    unauthorized,
)
from tests.fake_exchange.coinbase.keys import CoinbaseAccount, CoinbaseKeys, Unauthorized
from tests.fake_exchange.coinbase.queries import CoinbaseQueries, Query
from tests.fake_exchange.coinbase.trading import CoinbaseTrading
from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.limits import Counts, SlidingWindow
from tests.fake_exchange.rest import RestAnswer, serve_rest

ROOT = "/api/v3/brokerage/"
Body = Mapping[str, object]


class CoinbaseRest:
    """`private_per_s` requests in a second of a key, and `public_per_s` of an address."""

    def __init__(
        self, trading: CoinbaseTrading, queries: CoinbaseQueries, keys: CoinbaseKeys, faults: Faults,
        counts: Counts, now_us: Callable[[], int],
    ) -> None:  # fmt: skip
        self.private_per_s = 30
        self.public_per_s = 10
        self._queries = queries
        self._keys = keys
        self._faults = faults
        self._counts = counts
        self._now_us = now_us
        self._windows: dict[str, SlidingWindow] = {}
        self._banned_until_us = 0
        self._ban_s = 60
        self._posts: dict[str, Callable[[CoinbaseAccount, Body], Body]] = {
            "orders": trading.create,
            "orders/preview": trading.preview,
            "orders/edit": trading.edit,
            "orders/batch_cancel": trading.cancel,
        }
        self._gets: dict[str, Callable[[CoinbaseAccount, Query], Body]] = {
            "accounts": queries.accounts,
            "transaction_summary": queries.transaction_summary,
            "orders/historical/batch": queries.orders,
            "orders/historical/fills": queries.fills,
            "products": lambda account, query: queries.products(query),
            "product_book": lambda account, query: queries.product_book(query),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_rest(scope, receive, send, self._faults, self._reply)

    def _reply(self, request: Request, body: str, fault: RequestFault | None) -> RestAnswer:
        answer = self._answer(request, body, fault)
        if answer.status != 200:
            self._counts.refusals[answer.status] += 1
        return answer

    def _answer(self, request: Request, body: str, fault: RequestFault | None) -> RestAnswer:
        if self._faults.in_maintenance:
            return gateway_page(503)
        if fault is RequestFault.BANNED:
            # Each ban is twice as long as the one before.
            self._banned_until_us = self._now_us() + self._ban_s * 1_000_000
            self._ban_s *= 2
        if fault is RequestFault.TOO_MANY or self._now_us() < self._banned_until_us:
            return too_many()
        path = request.url.path
        name = path.removeprefix(ROOT)
        if not path.startswith(ROOT):
            return CoinbaseError(404, "NOT_FOUND", "no such path").answer()
        self._counts.requests[name] += 1
        query: Query = parse_qs(request.url.query, keep_blank_values=True)
        try:
            if name == "time" or name.startswith("market/"):
                answer = self._limited(
                    "", self.public_per_s, lambda: self._public(request.method, name, query)
                )
            else:
                account = self._keys.of_request(
                    request.headers.get("Authorization", ""), request.method, path
                )
                answer = self._limited(
                    account.name,
                    self.private_per_s,
                    lambda: self._private(account, request, name, query, body),
                )
        except Unauthorized as error:
            self._counts.refusals[f"unauthorized: {error}"] += 1
            return unauthorized()
        except CoinbaseError as error:
            return error.answer()
        return gateway_page(504) if fault is RequestFault.TIMEOUT_AFTER else answer

    def _limited(self, key: str, limit: int, call: Callable[[], Body]) -> RestAnswer:
        window = self._windows.setdefault(key, SlidingWindow(limit, 1_000_000, self._now_us))
        window.limit = limit
        headers = {"x-ratelimit-limit": str(limit), "x-ratelimit-reset": "1"}
        if not window.take():
            refused = too_many()
            return RestAnswer(429, refused.body, headers | {"x-ratelimit-remaining": "0"})
        return RestAnswer(200, msgspec.json.encode(call()), headers)

    def _public(self, method: str, name: str, query: Query) -> Body:
        if method != "GET":
            raise CoinbaseError(405, "METHOD_NOT_ALLOWED", method)
        if name == "time":
            return self._queries.time()
        return self._product_call(name.removeprefix("market/"), query)

    def _private(
        self, account: CoinbaseAccount, request: Request, name: str, query: Query, body: str
    ) -> Body:
        if request.method == "POST" and name in self._posts:
            return self._posts[name](account, _content(request, body))
        if request.method != "GET":
            raise CoinbaseError(404, "NOT_FOUND", name)
        if name in self._gets:
            return self._gets[name](account, query)
        order_id = name.removeprefix("orders/historical/")
        if order_id != name:
            return self._queries.order(account, order_id)
        return self._product_call(name, query)

    def _product_call(self, name: str, query: Query) -> Body:
        """Products are told to everybody and to keys alike."""
        match name.split("/"):
            case ["products"]:
                return self._queries.products(query)
            case ["product_book"]:
                return self._queries.product_book(query)
            case ["products", product_id]:
                return self._queries.product(product_id)
            case ["products", product_id, "ticker"]:
                return self._queries.ticker(product_id, query)
            case ["products", product_id, "candles"]:
                return self._queries.candles(product_id, query)
            case _:
                raise CoinbaseError(404, "NOT_FOUND", name)


def _content(request: Request, body: str) -> Body:
    if not request.headers.get("Content-Type", "").startswith("application/json"):
        raise invalid("the body has to be JSON")
    try:
        content = json.loads(body)
    except ValueError:
        raise invalid("the body has to be JSON") from None
    if not isinstance(content, dict):
        raise invalid("the body has to be an object")
    return content
