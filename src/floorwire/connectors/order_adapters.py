"""The kinds of venues that orders can be sent to, with what makes the adapter of each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from floorwire.core.order_ports import MakesOrderAdapter
from floorwire.venues.live import NativeName


class OrderKind(NamedTuple):
    """One kind of venue."""

    make: MakesOrderAdapter
    native_name: NativeName


ORDER_KINDS: Final[Mapping[str, OrderKind]] = MappingProxyType({})
"""By kind, as ``venues.ID.kind`` names it."""
