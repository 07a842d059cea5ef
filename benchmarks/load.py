"""Runs ``floorwire bench`` on a CPU of its own, and reads its report."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TypeVar

import msgspec

ReportT = TypeVar("ReportT", bound=msgspec.Struct)


class LoadError(RuntimeError):
    """The load generator failed."""


def bench(report: type[ReportT], cpu: int, run: str, url: str, **options: str | float) -> ReportT:
    """Return the report of a run of ``floorwire bench`` with these options. Raises LoadError."""
    flags = [text for name, value in options.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "floorwire", "bench", run, url, "--json", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        os.sched_setaffinity(process.pid, {cpu})
        output, _ = process.communicate()
    try:
        return msgspec.json.decode(output, type=report)
    except msgspec.DecodeError as error:
        raise LoadError(f"{' '.join(command)} ended with {process.returncode}") from error
