"""Health, readiness and metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from floorwire.app import Gateway
from floorwire.core.authorization import Action
from floorwire.ops.metrics import AuditCollector, DeskCollector, GatewayCollector, KeyStoreCollector
from floorwire.web.auth_context import RequestAuth
from floorwire.web.query import CHECK_PUBLIC_QUERY, CHECK_QUERY

router = APIRouter()


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
    status = "draining" if gateway.is_draining else "ok" if feed == "live" else "waiting"
    if status != "ok":
        response.status_code = 503
    return {"status": status, "feed": feed}


@router.head("/metrics", include_in_schema=False, dependencies=[CHECK_QUERY])
@router.get("/metrics", dependencies=[CHECK_QUERY])
async def metrics(auth: RequestAuth) -> Response:
    """Return metrics in Prometheus' text format. Other machines need a key with that scope."""
    gateway = auth.gateway
    if not auth.is_local:
        auth.require(Action.METRICS)
    registry = CollectorRegistry()
    clock = gateway.clock
    registry.register(
        GatewayCollector(
            gateway.stats, gateway.outbox_bytes(), clock.monotonic_us(), clock_error_us=clock.error_us()
        )
    )
    registry.register(DeskCollector(gateway.desk.figures()))
    registry.register(KeyStoreCollector(gateway.key_faults()))
    audit = gateway.authenticator.audit
    registry.register(AuditCollector(audit.dropped, audit.waiting))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
