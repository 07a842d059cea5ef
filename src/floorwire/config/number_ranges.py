"""Ranges of numbers that settings take: counts, bytes, seconds, amounts, fractions."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=1024)]
Seconds = Annotated[float, Meta(gt=0)]
Amount = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Collar = Annotated[float, Meta(ge=0.000001, le=0.999999)]
