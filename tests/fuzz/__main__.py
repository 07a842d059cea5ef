"""Fuzz what a client without a key reaches: ``make fuzz``.

Each target runs under atheris in a process of its own, which looks for inputs that reach new code. What it
finds is kept in build/fuzz, and with ``--keep`` the smallest inputs that reach as much replace those in
tests/fuzz/corpus. The command exits with 1 if an invariant did not hold; the input is named then.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.fuzz.targets import CORPUS, TARGETS

ROOT: Final = Path(__file__).parents[2]
FOUND: Final = ROOT / "build" / "fuzz"
INPUT_TIMEOUT_S: Final = 30
MOST_MEMORY_MB: Final = 1_024
DONE: Final = re.compile(r"DONE +cov: (\d+) ft: (\d+) corp: (\d+)/\S+")
RUNS: Final = re.compile(r"^Done (\d+) runs in (\d+) second", re.MULTILINE)
MOST_KEPT_BYTES: Final = 20_000
"""Of one target. The smallest inputs are kept first."""


def worker(name: str, *options: str) -> list[str]:
    """Return the command that runs one target with these options of libFuzzer."""
    return [sys.executable, "-m", "tests.fuzz.under_atheris", name, *options]


def fuzz(name: str, seconds: int) -> bool:
    """Run one target, and print a row of the table. Return whether every invariant held."""
    inputs = FOUND / name
    inputs.mkdir(parents=True, exist_ok=True)
    kept = CORPUS / name
    kept.mkdir(parents=True, exist_ok=True)
    limits = (f"-max_total_time={seconds}", f"-timeout={INPUT_TIMEOUT_S}", f"-rss_limit_mb={MOST_MEMORY_MB}")
    log = FOUND / f"{name}.log"
    with log.open("w") as written:
        ended = subprocess.run(
            worker(
                name, *limits, "-len_control=20", f"-artifact_prefix={FOUND}/{name}-", str(inputs), str(kept)
            ),
            cwd=ROOT,
            stdout=written,
            stderr=subprocess.STDOUT,
            check=False,
        )
    text = log.read_text(errors="replace")
    done, runs = DONE.search(text), RUNS.search(text)
    if ended.returncode or done is None or runs is None:
        print(f"| {name} | an invariant does not hold, see below |||||", flush=True)
        print(text[-4_000:], file=sys.stderr)
        return False
    print(f"| {name} | {runs[1]} | {runs[2]} | {done[1]} | {done[2]} | {done[3]} |", flush=True)
    return True


def keep(name: str) -> None:
    """Replace the kept inputs by the smallest ones that reach as much code."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = f"-artifact_prefix={FOUND}/{name}-"
        sources = (str(FOUND / name), str(CORPUS / name))
        subprocess.run(
            worker(name, "-merge=1", prefix, folder, *sources), cwd=ROOT, check=True, capture_output=True
        )
        found = sorted(Path(folder).iterdir(), key=lambda path: (path.stat().st_size, path.name))
        shutil.rmtree(CORPUS / name)
        (CORPUS / name).mkdir()
        left = MOST_KEPT_BYTES
        for path in found:
            left -= path.stat().st_size
            if left >= 0:
                shutil.copyfile(path, CORPUS / name / path.name[:12])


def replay(name: str, file: Path) -> None:
    """Run one input again, without atheris: an invariant that does not hold is a traceback."""
    with closing(TARGETS[name]()) as target:
        target.run(file.read_bytes())


def main() -> None:
    """Fuzz the targets that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; none: all")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--keep", action="store_true", help="keep what was found in tests/fuzz/corpus")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="only run this input of the one target")
    asked = parser.parse_args()
    unknown = set(asked.targets) - set(TARGETS)
    if unknown:
        parser.error(f"no target {', '.join(sorted(unknown))}: there are {', '.join(TARGETS)}")
    if asked.replay is not None:
        if len(asked.targets) != 1:
            parser.error("--replay: name the input's target")
        replay(asked.targets[0], asked.replay)
        return
    print("| target | runs | seconds | edges | features | inputs |\n| --- | --- | --- | --- | --- | --- |")
    failed = [name for name in asked.targets or TARGETS if not fuzz(name, asked.seconds)]
    if asked.keep:
        for name in set(asked.targets or TARGETS) - set(failed):
            keep(name)
    if failed:
        sys.exit(f"fuzz: an invariant does not hold: {', '.join(failed)}; the inputs are in {FOUND}")


if __name__ == "__main__":
    main()
