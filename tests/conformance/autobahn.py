"""The Autobahn TestSuite's fuzzing client: a few hundred hostile connections, judged case by case."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

FOLDER = Path(__file__).parents[2] / ".venv-autobahn"
"""Where ``make conformance`` installs the suite, in a Python 2.7: it runs on no later one."""
WSTEST = FOLDER / "bin" / "wstest"

AGENT = "server"
TIMEOUT_S = 600
PASSED = frozenset({"OK", "NON-STRICT", "INFORMATIONAL"})


class Outcome(msgspec.Struct, frozen=True, rename="camel"):
    """The suite's verdict on one case: on what was answered, and on how the connection was closed."""

    behavior: str
    behavior_close: str
    remote_close_code: int | None

    @property
    def passed(self) -> bool:
        """Whether neither is FAILED, UNCLEAN or WRONG CODE."""
        return {self.behavior, self.behavior_close} <= PASSED

    @property
    def plain(self) -> bool:
        """Whether there is nothing to say of it."""
        return {self.behavior, self.behavior_close} == {"OK"}


Report = Mapping[str, Outcome]


def fuzz(url: str, cases: Sequence[str], folder: Path) -> Report:
    """Return the outcome of each case by its number; the folder gets a page a case, with every octet."""
    spec = {"outdir": str(folder), "servers": [{"agent": AGENT, "url": url}], "cases": cases}
    (folder / "spec.json").write_bytes(msgspec.json.encode(spec))
    command = [str(WSTEST), "-m", "fuzzingclient", "-s", str(folder / "spec.json")]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=TIMEOUT_S, check=True)
    index = (folder / "index.json").read_bytes()
    return msgspec.json.decode(index, type=dict[str, dict[str, Outcome]])[AGENT]


def describe(report: Report) -> str:
    """Return a line for each outcome."""
    return "\n".join(
        f"{case}: {outcome.behavior}, close {outcome.behavior_close} ({outcome.remote_close_code})"
        for case, outcome in sorted(report.items(), key=lambda item: _number(item[0]))
    )


def _number(case: str) -> list[int]:
    return [int(part) for part in case.split(".")]
