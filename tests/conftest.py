"""What tests of several rooms share."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from typing import Final

import pytest
import structlog
from hypothesis import Phase, settings

from floorwire.access.authenticator import Authenticator
from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.ops import logs

# Property tests are judged by what they find, not by how fast the machine is.
# The quick suite tries the same few examples each time; `make test-slow` wanders too: it tries other and more
# examples, and prints the way back.
settings.register_profile("wander", deadline=None, print_blob=True, max_examples=200)
settings.register_profile("floorwire", deadline=None, print_blob=True, derandomize=True, max_examples=30)
# `make mutants`: each test runs hundreds of times, and the smallest example of a failure is of no use there.
settings.register_profile(
    "mutants", deadline=None, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("floorwire")

gc.disable()  # until all tests are collected: nothing of that is garbage

# A shell starts what runs in its background with SIGINT ignored, and our servers would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A traceback with the locals of each frame takes a second to print; tests of faults print many.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


LOGS: Final = structlog.get_config()


def _configure_logs(level: str) -> None:
    """Set up logs for a command that runs in this process, until its test ends.

    Loggers are not kept: they would write to the file that captured the output of that command.
    """
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logs.LEVELS[level]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def pytest_runtest_teardown() -> None:
    """Undo what the test did to the logs."""
    structlog.configure(**LOGS)


def pytest_collection_finish() -> None:
    """Let later garbage collections skip the ten thousand tests."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep data folders and secrets of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("FLOORWIRE_MASTER_KEY", raising=False)
        patch.setattr(logs, "configure", _configure_logs)
        # A simulated market's past takes a second of CPU time at a server's first start.
        patch.setenv("FLOORWIRE_HISTORY__SIMULATED_PAST", "false")
        yield


@pytest.fixture(scope="session")
def authenticator(tmp_path_factory: pytest.TempPathFactory) -> Authenticator:
    """A gate that lets everybody in to see the market, as on a person's own machine."""
    return Gateway(Settings(data=str(tmp_path_factory.mktemp("data"))), venues=[]).authenticator
