from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorwire.ops.file_descriptors import (
    RESERVED,
    SHARE,
    DescriptorPlan,
    TooFewDescriptorsError,
    plan,
)

WANTED = DescriptorPlan(20_000, 1_024)


def test_with_room_for_all_nothing_is_less() -> None:
    assert plan(RESERVED + 21_024, WANTED) == WANTED


def test_with_less_room_there_are_fewer_connections() -> None:
    assert plan(1_024, WANTED) == DescriptorPlan(847, 121)
    assert plan(64, WANTED) == DescriptorPlan(7, 1)
    assert plan(RESERVED + 21_023, WANTED) == DescriptorPlan(19_999, 1_024)


def test_too_little_room_is_refused_with_what_is_needed() -> None:
    with pytest.raises(
        TooFewDescriptorsError, match=rf"open {RESERVED + 7} files; at least {RESERVED + SHARE}"
    ):
        plan(RESERVED + SHARE - 1, WANTED)
    assert plan(RESERVED + SHARE, WANTED) == DescriptorPlan(7, 1)


COUNTS = st.integers(1, 100_000)


@given(st.integers(0, 1 << 20), st.builds(DescriptorPlan, COUNTS, COUNTS))
def test_what_is_planned_fits_and_is_no_more_than_wanted(allowed: int, wanted: DescriptorPlan) -> None:
    try:
        planned = plan(allowed, wanted)
    except TooFewDescriptorsError:
        assert allowed < RESERVED + SHARE
        return
    assert RESERVED + planned.connections + planned.rejected <= allowed
    assert 1 <= planned.connections <= wanted.connections
    assert 0 <= planned.rejected <= wanted.rejected


CLOSED = """
import os, sys
from floorwire.ops import file_descriptors
file_descriptors.occupy_standard()
print(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT))
os.write(2, b"of a library")
"""


def test_no_file_of_ours_takes_the_place_of_a_closed_standard_error(tmp_path: Path) -> None:
    file = tmp_path / "journal"
    command = (sys.executable, "-c", CLOSED, str(file))
    run = subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2), check=True)
    assert int(run.stdout) > 2
    assert file.read_bytes() == b""
