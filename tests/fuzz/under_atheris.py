"""Runs one target under atheris: ``python -m tests.fuzz.under_atheris TARGET`` and options of libFuzzer."""

from __future__ import annotations

import importlib
import logging
import shlex
import sys
import tempfile
from pathlib import Path

import structlog

INSTRUMENTED = ["floorwire", "jwt", "uvicorn.protocols"]


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    name, *options = sys.argv[1:]
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    atheris = importlib.import_module("atheris")  # not among the packages that the other tests need
    with atheris.instrument_imports(include=INSTRUMENTED):
        targets = importlib.import_module("tests.fuzz.targets")
    target = targets.TARGETS[name]()
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words, tempfile.TemporaryDirectory() as seeds:
        words.writelines(f'"{_escaped(word)}"\n' for word in target.words())
        words.flush()
        for number, data in enumerate(target.seeds()):
            (Path(seeds) / f"seed{number}").write_bytes(data)
        # libFuzzer runs this again, in a shell, when it merges inputs.
        again = f"{shlex.quote(sys.executable)} -m {__spec__.name} {name}"
        mine = [f"-dict={words.name}", f"-max_len={target.max_bytes}", *options, seeds]
        atheris.Setup([again, *mine], target.run)
        atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()
