"""Health, readiness and metrics."""

from __future__ import annotations

from itertools import chain
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST

from floorwire.app import Gateway
from floorwire.auth.client_address import network_of
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.ops.exposition import pieces
from floorwire.ops.metrics import (
    AuditCollector,
    BackfillCollector,
    DeskCollector,
    GatewayCollector,
    HistoryCollector,
    KeyStoreCollector,
)
from floorwire.protocol.cost_budget import SAMPLE_US, SharedBudgets
from floorwire.web.auth_context import RequestAuth
from floorwire.web.request_fields import CHECK_PUBLIC_QUERY, CHECK_QUERY

router = APIRouter()
PIECE_US: Final = 50
"""What a piece of the metrics costs besides its samples."""
STEP_US: Final = 500
"""After work of this price the rest waits for its turn."""


@router.head("/health", include_in_schema=False, dependencies=[CHECK_PUBLIC_QUERY])  # Balancers use HEAD.
@router.get("/health", dependencies=[CHECK_PUBLIC_QUERY])
async def health() -> dict[str, str]:
    """Return ok: the process runs, and so does its event loop."""
    return {"status": "ok"}


@router.head("/ready", include_in_schema=False, dependencies=[CHECK_PUBLIC_QUERY])
@router.get("/ready", dependencies=[CHECK_PUBLIC_QUERY])
async def ready(request: Request, response: Response) -> dict[str, str]:
    """Return 200 if every feed is live and the server is not draining, else 503."""
    gateway: Gateway = request.app.state.gateway
    feed = gateway.hub.market.feed(None)
    status = "draining" if gateway.drain.has_begun else "ok" if feed == "live" else "waiting"
    if status != "ok":
        response.status_code = 503
    return {"status": status, "feed": feed}


@router.head("/metrics", include_in_schema=False, dependencies=[CHECK_QUERY])
@router.get("/metrics", dependencies=[CHECK_QUERY], response_class=PlainTextResponse)
async def metrics(request: Request, auth: RequestAuth) -> Response:
    """Return metrics in Prometheus' text format. Other machines need a key with that scope."""
    # The text of ten thousand symbols takes a twentieth of a second. It is made in pieces, and charged for.
    gateway = auth.gateway
    if not auth.is_local:
        auth.require(Action.METRICS)
    clock, budgets = gateway.clock, _metrics_budgets(request)
    subject = auth.principal.key or network_of(auth.address)
    budget = budgets.of(subject, clock.monotonic_us())
    wait_us = budget.wait_us(clock.monotonic_us())
    if wait_us:
        raise Refusal(Code.RATE_LIMITED, "metrics are read too often", wait_us=wait_us)
    of_gateway = GatewayCollector(
        gateway.stats, gateway.outbox_bytes(), clock.monotonic_us(), clock_error_us=clock.error_us()
    )
    audit = gateway.authenticator.audit
    collectors = (
        of_gateway,
        DeskCollector(gateway.desk.figures()),
        KeyStoreCollector(gateway.key_faults()),
        AuditCollector(audit.dropped, audit.waiting),
        HistoryCollector(gateway.history.figures()),
        BackfillCollector(gateway.backfill.figures()),
    )
    text, cost_us = [], 0
    for piece in pieces(chain.from_iterable(collector.collect() for collector in collectors)):
        text.append(piece.text)
        budget.charge(SAMPLE_US * piece.samples, clock.monotonic_us())
        cost_us += PIECE_US + SAMPLE_US * piece.samples
        if cost_us >= STEP_US:
            await gateway.hub.turns.wait(subject, cost_us)
            cost_us = 0
    return Response(b"".join(text), media_type=CONTENT_TYPE_LATEST)


def _metrics_budgets(request: Request) -> SharedBudgets:
    """Return the budgets of those who read metrics. Floods of other requests do not use them up."""
    budgets: SharedBudgets = request.app.state.metrics_budgets
    return budgets
