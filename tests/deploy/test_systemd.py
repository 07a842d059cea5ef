"""The systemd units: systemd itself reads them, and what they forbid is not needed."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from packages import smoke

from floorwire import config
from tests.deploy.debian_programs import DEPLOY, output_of, program
from tests.servers import running
from tests.trading.trader import key, serve_arguments

UNITS = sorted((DEPLOY / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
MOST_EXPOSURE = 2.0
"""Of ten, by systemd's own count. Up to 2 it says OK."""
CALLED_BY_ROOT = {"fchown"}
"""SQLite gives its files the owner of the database, where it runs as root."""
COMMAND = "/opt/floorwire/bin/floorwire"


def settings_of(unit: Path) -> dict[str, list[str]]:
    """Return what a unit says in its section [Service], in order."""
    section = unit.read_text().partition("[Service]\n")[2].partition("\n[")[0]
    found: dict[str, list[str]] = {}
    for line in section.splitlines():
        if "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def test_systemd_takes_them(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text().replace(COMMAND, sys.executable)
        text = text.replace("User=floorwire", "User=root").replace("Group=floorwire", "Group=root")
        (tmp_path / unit.name).write_text(text)
    said = output_of(analyze, "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS))
    assert [line for line in said.splitlines() if "floorwire" in line] == []


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_systemd_counts_little_exposure(unit: Path) -> None:
    analyze = program("systemd-analyze")
    said = output_of(
        analyze, "security", "--offline=yes", "--no-pager", f"--threshold={MOST_EXPOSURE * 10:.0f}", str(unit)
    )
    exposure = re.search(r"Overall exposure level for .*: ([0-9.]+)", said)
    assert exposure, said
    assert float(exposure[1]) <= MOST_EXPOSURE


def test_the_settings_are_ours() -> None:
    made = config.load(DEPLOY / "floorwire.toml", {})
    (command,) = settings_of(DEPLOY / "systemd" / "floorwire.service")["ExecStart"]
    assert command == f"{COMMAND} serve --config /etc/floorwire/floorwire.toml"
    state = settings_of(DEPLOY / "systemd" / "floorwire.service")["StateDirectory"]
    assert made.data == f"/var/lib/{state[0]}"
    assert made.host == "127.0.0.1"
    assert msgspec.to_builtins(made.doors)["behind_proxy"]


def test_it_is_given_the_time_to_stop() -> None:
    seconds = int(settings_of(DEPLOY / "systemd" / "floorwire.service")["TimeoutStopSec"][0])
    assert seconds >= config.load(environment={}).drain.seconds + 3 + 10


def test_timers_have_their_services() -> None:
    for unit in UNITS:
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        parser.read_string(unit.read_text())
        if unit.suffix == ".timer":
            assert unit.with_suffix(".service") in UNITS
            assert parser["Install"]["WantedBy"] == "timers.target"


def allowed_calls(filters: list[str]) -> set[str]:
    """Return the system calls that the unit's filters allow."""
    analyze = program("systemd-analyze")
    allowed: set[str] = set()
    for text in filters:
        for name in text.removeprefix("~").split():
            calls = named_calls(analyze, name)
            allowed = allowed - calls if text.startswith("~") else allowed | calls
    return allowed


def named_calls(analyze: str, name: str) -> set[str]:
    if not name.startswith("@"):
        return {name}
    found: set[str] = set()
    for line in output_of(analyze, "syscall-filter", "--no-pager", name).splitlines()[1:]:
        word = line.strip()
        if word and not word.startswith("#"):
            found |= named_calls(analyze, word)
    return found


@pytest.mark.slow
def test_a_server_needs_no_call_that_is_forbidden(tmp_path: Path) -> None:
    """strace notes each system call from the start to the end of a server, with a client and an order."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace")
    allowed = allowed_calls(settings_of(DEPLOY / "systemd" / "floorwire.service")["SystemCallFilter"])
    log, issued = tmp_path / "calls", key(tmp_path / "data")
    command = [
        strace,
        "--follow-forks",
        "--summary-only",
        "-o",
        str(log),
        sys.executable,
        *serve_arguments(tmp_path / "data"),
    ]
    with running(command) as server:
        smoke.page(server.http().rstrip("/"))
        smoke.ticker(server.http().rstrip("/"))
        smoke.order(server.http().rstrip("/"), f"{issued.key}.{issued.secret}")
        (traced,) = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        os.kill(int(traced), signal.SIGTERM)
        assert server.wait() == 0
    called = {line.split()[-1] for line in log.read_text().splitlines()[2:-2]}
    assert len(called) > 30
    assert called - allowed - CALLED_BY_ROOT == set()
