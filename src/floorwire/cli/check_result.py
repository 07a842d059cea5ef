"""What ``floorwire doctor`` found: a state, a sentence, and what to do."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class CheckState(StrEnum):
    """How a check ended."""

    WELL = "well"
    NOTE = "note"
    """A server runs, but not as well as it could."""
    WRONG = "wrong"
    """A server does not start, or does not do what it should."""


class CheckResult(msgspec.Struct, frozen=True):
    """One check."""

    name: str
    state: CheckState
    text: str
    todo: str = ""
    """What to do; empty: nothing."""


def well(name: str, text: str) -> CheckResult:
    """Return that all is well."""
    return CheckResult(name, CheckState.WELL, text)


def note(name: str, text: str, todo: str) -> CheckResult:
    """Return what could be better."""
    return CheckResult(name, CheckState.NOTE, text, todo)


def wrong(name: str, text: str, todo: str) -> CheckResult:
    """Return what is wrong."""
    return CheckResult(name, CheckState.WRONG, text, todo)
