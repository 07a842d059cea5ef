"""A freed large block goes back to the system, also after many of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from floorwire.ops import memory_allocator

FREED = """
import sys
from pathlib import Path
from floorwire.ops import memory_allocator

def resident_mib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

if sys.argv[1] == "configured":
    assert memory_allocator.configure()
kept = []
before = resident_mib()
for number in range(8):
    large = [b"x" * (4 << 20) for _ in range(8)]  # a snapshot
    kept.append(b"%d" % number * 100_000)  # what lives long comes after it
    del large
print(resident_mib() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it sets glibc's options")
def test_freed_blocks_leave_the_process() -> None:
    grown = {}
    for how in ("default", "configured"):
        ran = subprocess.run([sys.executable, "-c", FREED, how], check=True, capture_output=True, text=True)
        grown[how] = int(ran.stdout)
    assert grown["configured"] <= 2 < 16 < grown["default"], grown


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not memory_allocator.configure()
