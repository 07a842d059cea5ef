"""Programs in forks run and end as programs of an interpreter do."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.forked_python import ForkedProcess, fork_server, run

SHOWN = "import os, sys; print(sys.argv, os.environ.get('OF_THE_TEST'), os.getcwd(), __name__)"
FAILS = "import atexit, sys; atexit.register(print, 'ended'); sys.exit(3)"
RAISES = "raise LookupError('of the program')"
WAITS = """
import os, signal
reading, writing = os.pipe()
os.set_blocking(writing, False)
signal.set_wakeup_fd(writing)  # a signal that comes before the read ends that too
print("waits", flush=True)
os.read(reading, 1)
"""


def program(folder: Path, text: str, *arguments: str) -> tuple[ForkedProcess, Path]:
    """Start a program; return its process and the file of its standard error."""
    script, errors = folder / "program.py", folder / "errors"
    script.write_text(text)
    with errors.open("w") as file:
        return fork_server().start(["-P", str(script), *arguments], file.fileno()), errors


def output(process: ForkedProcess) -> str:
    with process.stdout:
        return process.stdout.read()


def test_it_has_the_arguments_environment_and_folder_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_TEST", "is set")
    monkeypatch.chdir(tmp_path)
    process, _ = program(tmp_path, SHOWN, "--port", "0")
    expected = [str(tmp_path / "program.py"), "--port", "0"]
    assert output(process) == f"{expected} is set {tmp_path} __main__\n"
    assert process.wait() == 0


def test_a_module_is_run_as_by_its_name(tmp_path: Path) -> None:
    with (tmp_path / "errors").open("w") as errors:
        process = fork_server().start(["-m", "floorwire", "--version"], errors.fileno())
    assert output(process).startswith("floorwire ")
    assert process.wait() == 0


def test_it_ends_with_its_exit_code_after_what_is_to_be_done_at_the_exit(tmp_path: Path) -> None:
    process, _ = program(tmp_path, FAILS)
    assert output(process) == "ended\n"
    assert process.wait() == process.poll() == 3


def test_an_error_ends_it_with_a_traceback(tmp_path: Path) -> None:
    process, errors = program(tmp_path, RAISES)
    assert output(process) == ""
    assert process.wait() == 1
    assert errors.read_text().endswith("LookupError: of the program\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_signals_end_it(tmp_path: Path, number: signal.Signals) -> None:
    process, _ = program(tmp_path, WAITS)
    assert process.stdout.readline() == "waits\n"
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    process.send_signal(number)
    assert process.wait() == -number
    process.send_signal(number)  # it has ended: nobody else gets the signal
    process.stdout.close()


def test_ctrl_c_raises_in_it(tmp_path: Path) -> None:
    process, errors = program(tmp_path, WAITS)
    assert process.stdout.readline() == "waits\n"
    process.send_signal(signal.SIGINT)
    assert process.wait() == -signal.SIGINT
    assert errors.read_text().endswith("KeyboardInterrupt\n")
    process.stdout.close()


def test_what_it_wrote_comes_with_its_exit_code(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("import os, sys; print(sorted(os.environ)); print('so', file=sys.stderr); sys.exit(4)")
    ended = run("-P", str(script), environment={"ONE": "1"})
    assert (ended.returncode, ended.stdout, ended.stderr) == (4, "['ONE']\n", "so\n")
