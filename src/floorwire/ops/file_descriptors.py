"""File descriptors: how many connections the system's limit leaves room for (RLIMIT_NOFILE).

A connection is a descriptor. Without a limit the server would accept connections until none is left. Whatever
then opens a file would fail: a snapshot, a new key, the journal after a failure.
"""

from __future__ import annotations

import os
import resource

import msgspec

STANDARD = (0, 1, 2)
"""Standard input, output and error. Libraries in C write to them by number."""
RESERVED = 56
"""Descriptors that are not for connections. An idle server has 40; threads open some more for moments."""
SHARE = 8
"""With too little room, rejected connections get one part in so many."""


class TooFewDescriptorsError(Exception):
    """The limit leaves no room for a connection. The message says what to do."""


class DescriptorPlan(msgspec.Struct, frozen=True):
    """How many connections of each kind may be open at once."""

    connections: int
    rejected: int


def plan(allowed: int, wanted: DescriptorPlan) -> DescriptorPlan:
    """Return what fits into ``allowed`` descriptors, at most ``wanted``. Raises TooFewDescriptorsError."""
    room = allowed - RESERVED
    if room >= wanted.connections + wanted.rejected:
        return wanted
    rejected = min(wanted.rejected, room // SHARE)
    connections = min(wanted.connections, room - rejected)
    if room < SHARE:
        raise TooFewDescriptorsError(
            f"the system lets this process open {allowed} files; at least {RESERVED + SHARE} are needed:"
            " raise `ulimit -n`, or LimitNOFILE= in systemd"
        )
    return DescriptorPlan(connections, rejected)


def allowed() -> int:
    """Return how many descriptors this process may have open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else soft


def allow_most() -> None:
    """Raise this process's limit as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def occupy_standard() -> None:
    """Open the null device in place of standard files that are closed.

    The next file that is opened would get their number, and with it what libraries write to standard error.
    """
    for number in STANDARD:
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # POSIX: the lowest number that is free
