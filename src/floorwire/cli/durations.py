"""Durations on the command line: 90s, 10m, 2h, 1d, or seconds."""

from __future__ import annotations

import re

import typer

DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(s|m|h|d)?")
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, None: 1}


def seconds(text: str, option: str) -> float:
    """Return the seconds. Raises BadParameter, which names the option."""
    found = DURATION.fullmatch(text)
    if found is None or not float(found[1]):
        raise typer.BadParameter(f"{text!r} is no duration such as 90s, 10m, 2h", param_hint=option)
    return float(found[1]) * UNITS_S[found[2]]
