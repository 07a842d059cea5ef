"""``floorwire serve`` for tests: "not found" is believed sooner, since a fake does not lag by itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from floorwire.cli import main
from floorwire.connectors import order_adapters
from floorwire.connectors.order_adapters import OrderKind
from floorwire.core.order_ports import InstrumentNames, MakesOrderAdapter, OrderAdapter, OrderSettings
from floorwire.core.ports import Random
from floorwire.engine import reconciliation

MILLISECOND = 1_000


def quick(make: MakesOrderAdapter, query_us: int) -> MakesOrderAdapter:
    """Return what makes the same adapters with shorter waits."""

    def made(settings: OrderSettings, names: InstrumentNames, random: Random, /) -> OrderAdapter:
        adapter = make(settings, names, random)
        adapter.policy = replace(
            adapter.policy,
            lag_us=1_000 * MILLISECOND,
            query_us=query_us,
            fills_us=query_us,
            answer_us=2_000 * MILLISECOND,
            reconcile_us=20 * query_us,
        )
        return adapter

    return made


if __name__ == "__main__":
    kinds: Mapping[str, OrderKind] = {
        # Kraken: the counter of a key falls by one in three seconds.
        name: kind._replace(make=quick(kind.make, (1_000 if name == "kraken" else 100) * MILLISECOND))
        for name, kind in order_adapters.ORDER_KINDS.items()
    }
    order_adapters.ORDER_KINDS = MappingProxyType(kinds)  # type: ignore[misc] # for this process
    reconciliation.RETRY_US = 100 * MILLISECOND
    main()
