"""Change the code in one small place at a time and look whether a test fails: `make mutants`.

mutmut makes the mutants and runs the tests, one module at a time, in a copy of the sources under
build/mutants. mypy refuses a part of the mutants first: `make check` would find those. A mutant that no test
fails on is printed as a diff, unless equivalent.toml says why no test can tell it from the original.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec

from tests.mutants import order
from tests.mutants.equivalent import Equivalents
from tests.mutants.select import PACKAGE, ROOT, judges_of, modules

FOLDER = ROOT / "build" / "mutants"
# What mutmut writes as exit code of a mutant's tests.
SURVIVED, UNTESTED, REFUSED_BY_TYPES = 0, (5, 33), 37
KILLED = (1, 3)
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = ["src/floorwire/{module}.py"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "tests.mutants.order", "--hypothesis-profile=mutants"]
also_copy = ["docs", "benchmarks"]
timeout_constant = 2.0
timeout_multiplier = 10.0
use_setproctitle = false
use_git_change_detection = false
type_check_command = [
    "mypy", "--output", "json", "--no-warn-unused-ignores", "--no-warn-unreachable", "--cache-dir", "{cache}",
    "src/floorwire/{module}.py",
]
"""


class Meta(msgspec.Struct):
    """What mutmut keeps of a module."""

    exit_code_by_key: dict[str, int | None]


class Counts(msgspec.Struct):
    """How the mutants of one module ended."""

    mutants: int = 0
    killed: int = 0
    refused_by_types: int = 0
    equivalent: int = 0
    survived: int = 0
    not_run: int = 0

    def add(self, other: Counts) -> None:
        for field in self.__struct_fields__:
            setattr(self, field, getattr(self, field) + getattr(other, field))

    def __str__(self) -> str:
        return ", ".join(
            f"{getattr(self, field)} {field.replace('_', ' ')}" for field in self.__struct_fields__
        )


def prepare(module: str) -> None:
    """Copy the sources and the tests to build/mutants, and say there what is to be mutated."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("mutants", "src", "tests", "docs", "benchmarks"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__", "compiled_*", "*.so", "*.egg-info")
    for name in ("src", "tests", "docs", "benchmarks"):
        shutil.copytree(ROOT / name, FOLDER / name, ignore=without)
    settings = SETTINGS.format(
        module=module, tests=msgspec.json.encode(judges_of(module)).decode(), cache=FOLDER / ".mypy"
    )
    (FOLDER / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings)


def run(module: str, seconds: float) -> None:
    """Let mutmut try the mutants of `module`, and stop it after `seconds`."""
    bin_folder = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', '')}",
        "PURE_PYTHON": "1",  # what is compiled could not be mutated
        "PYTHONHASHSEED": "0",
        order.VARIABLE: os.pathsep.join(judges_of(module)),
        "PYTHONPATH": "",
    }
    command = [str(bin_folder / "mutmut"), "run", "--max-children", "1"]
    with (FOLDER / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=FOLDER, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def outcome(module: str, equivalents: Equivalents) -> tuple[Counts, list[str]]:
    """Count the mutants of `module`, and return what is to be read: the diffs on which no test fails."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    path = f"src/floorwire/{module}.py"
    meta = FOLDER / "mutants" / f"{path}.meta"
    if not meta.exists():
        return Counts(not_run=1), ["mutmut made no mutants: its output is in build/mutants/log"]
    results = msgspec.json.decode(meta.read_bytes(), type=Meta).exit_code_by_key
    counts = Counts(mutants=len(results))
    diffs = []
    for name, code in results.items():
        if code is None:
            counts.not_run += 1
        elif code == REFUSED_BY_TYPES:
            counts.refused_by_types += 1
        elif code != SURVIVED and code not in UNTESTED:
            counts.killed += 1
        else:
            with contextlib.chdir(FOLDER):
                diff = get_diff_for_mutant(name, path=path)
            if equivalents.has(module, diff):
                counts.equivalent += 1
            else:
                counts.survived += 1
                how = "survived" if code == SURVIVED else "is reached by no test"
                diffs.append(f"{name.split('.')[-1]} {how}\n{diff}")
    if counts.not_run:
        diffs.append("mutmut stopped before all were tried: its output is in build/mutants/log")
    return counts, diffs


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants")
    parser.add_argument(
        "module",
        nargs="?",
        default="",
        help="a room, a folder or a module, such as engine/risk_checks; all by default",
    )
    parser.add_argument("--minutes", type=float, default=180, help="stop after so many minutes")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that mutmut is ended too
    names = modules(asked.module)
    if not names:
        raise SystemExit(
            f"no module is called {asked.module!r}: say one such as engine/risk_checks, below {PACKAGE}"
        )
    equivalents = Equivalents.read()
    ends = time.monotonic() + asked.minutes * 60
    total = Counts()
    survivors = FOLDER / "survivors.txt"
    FOLDER.mkdir(parents=True, exist_ok=True)
    survivors.write_text("")
    for number, module in enumerate(names, 1):
        left_s = ends - time.monotonic()
        if left_s <= 0:
            print(
                f"The time is over: {len(names) - number + 1} modules are left, {module} and those after it."
            )
            total.not_run += 1
            break
        began = time.monotonic()
        print(f"[{number}/{len(names)}] {module} ...", end=" ", flush=True)
        prepare(module)
        run(module, left_s)
        counts, diffs = outcome(module, equivalents)
        total.add(counts)
        print(f"{counts} ({time.monotonic() - began:.0f} s)", flush=True)
        for diff in diffs:
            print(diff + "\n", flush=True)
            with survivors.open("a") as file:
                file.write(diff + "\n\n")
    print(f"total: {total}")
    return 1 if total.survived or total.not_run else 0


if __name__ == "__main__":
    sys.exit(main())
