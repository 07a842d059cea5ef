"""The log: lines of key=value on standard error, nothing below its level, libraries quiet."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys, structlog
from floorwire.ops import logs
logs.configure(sys.argv[1])
log = structlog.get_logger("floorwire.test")
log.debug("fine detail")
log.info("so it is", port=8000)
try:
    1 / 0
except ZeroDivisionError:
    log.exception("it failed", venue="sim")
logging.getLogger("library").info("chatter")
logging.getLogger("library").warning("trouble")
ESCAPE = chr(27) + "[31m" + chr(0x9B) + "2J"
log.warning(ESCAPE, key="jwt:" + ESCAPE, error=ValueError(ESCAPE), lines="a" + chr(10) + "b")
logging.getLogger("library").warning("%s", ESCAPE)
try:
    raise ValueError(ESCAPE)
except ValueError:
    log.error("it failed", exc_info=True)
"""


def logged(level: str) -> str:
    """Return what a process with this level logs."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, level], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("level", "shown"),
    [("debug", 3), ("info", 2), ("warning", 1), ("error", 1)],
)
def test_nothing_below_the_level_is_logged(level: str, shown: int) -> None:
    text = logged(level)
    said = [event in text for event in ('event="fine detail"', 'event="so it is"', 'event="it failed"')]
    assert sum(said) == shown
    assert "trouble" in text
    assert "chatter" not in text


def test_a_line_has_time_level_event_and_fields() -> None:
    line = next(line for line in logged("info").splitlines() if "so it is" in line)
    timestamp, *rest = line.split(" ", 1)
    assert timestamp.startswith("timestamp=2")
    assert timestamp.endswith("Z")
    assert rest == ['level=info event="so it is" port=8000']


def test_nothing_in_a_line_acts_on_a_terminal() -> None:
    text = logged("warning")
    assert text.replace("\n", "").isprintable()
    assert text.count(r"\x1b[31m\x9b2J") >= 4
    assert r"lines=a\nb" in text


def test_an_exception_is_logged_with_its_traceback() -> None:
    assert "ZeroDivisionError" in logged("error")


LOST = """
import logging, structlog, sys
from floorwire.ops import logs
if sys.argv[1] == "closed":
    sys.stderr.close()
writer = logs.configure("info")
structlog.get_logger("floorwire.test").info("so it is")
logging.getLogger("library").warning("trouble")
print(writer.lost)
"""


@pytest.mark.parametrize("how", ["broken pipe", "closed", "none"])
def test_a_line_that_nobody_can_read_is_lost_and_nothing_fails(how: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-c", LOST, how],
            stdout=subprocess.PIPE,
            stderr=writing,
            text=True,
            check=False,
            preexec_fn=(lambda: os.close(2)) if how == "none" else None,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stdout) == (0, "2\n")
