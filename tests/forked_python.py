"""Python programs in forked processes, which have Floorwire's modules already.

A new interpreter needs a second of CPU time to import the server's modules: more than most tests need. So one
process (for each worker of pytest) imports them, once, and forks for each program. A program has its own
environment, folder, arguments and files, and ends as an interpreter ends. What a fork would hide (how the
command is found, what is imported, a limit that a shell sets) is tested with ``subprocess``.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryFile
from typing import IO, NamedTuple

NUMBER = struct.Struct("<i")
DESCRIPTORS = 3
READ_BYTES = 65_536
ENDS_WITHIN_S = 60


class ForkedProcess:
    """A program that runs. It has what tests use of ``subprocess.Popen``."""

    def __init__(self, pid: int, stdout: IO[str], status: socket.socket) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs. The code is negative where a signal ended it."""
        return self._receive(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended, and return the exit code.

        Raises subprocess.TimeoutExpired after ``timeout`` seconds.
        """
        code = self._receive(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it was reaped, and that is told a moment later
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _receive(self, timeout_s: float | None) -> int | None:
        if self.returncode is None:
            self._status.settimeout(timeout_s)
            try:
                self.returncode = _receive(self._status)
            except (BlockingIOError, TimeoutError):
                return None
            self._status.close()
        return self.returncode


class ForkServer:
    """The process that has imported the modules, and forks."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            command = [sys.executable, "-P", __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()])

    def start(
        self, arguments: Sequence[str], stderr: int, environment: Mapping[str, str] | None = None
    ) -> ForkedProcess:
        """Start ``python ARGUMENTS``: ``-m MODULE ...``, ``SCRIPT ...`` or ``-P SCRIPT ...``.

        ``stderr``: the descriptor of the file for its standard error. Its standard output is a pipe.
        ``environment``: the variables that it has; None: ours.
        """
        status, their_status = socket.socketpair()
        output, their_output = os.pipe()
        variables = dict(os.environ if environment is None else environment)
        request = json.dumps([arguments, variables, str(Path.cwd())]).encode() + b"\n"
        try:
            with their_status, self._lock:
                descriptors = [their_output, stderr, their_status.fileno()]
                sent = socket.send_fds(self._control, [request], descriptors)
                self._control.sendall(request[sent:])
        finally:
            os.close(their_output)
        return ForkedProcess(_receive(status), os.fdopen(output), status)

    def close(self) -> None:
        """End the process. Programs that it forked go on."""
        self._control.close()
        self._process.wait()


@cache
def fork_server() -> ForkServer:
    """Return the fork server of this process; start it at the first call."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def run(*arguments: str, environment: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """Run ``python ARGUMENTS`` until it ends; return what it wrote, as ``subprocess.run`` does.

    Raises subprocess.TimeoutExpired, and ends it, if it runs on after its standard output has ended.
    """
    with TemporaryFile("w+") as errors:
        process = fork_server().start(arguments, errors.fileno(), environment)
        try:
            with process.stdout:
                said = process.stdout.read()
            code = process.wait(ENDS_WITHIN_S)
        finally:
            process.kill()
        errors.seek(0)
        return CompletedProcess(arguments, code, said, errors.read())


def _receive(status: socket.socket) -> int:
    read = status.recv(NUMBER.size)
    if not read:
        raise ChildProcessError("the fork server has ended")
    number: int = NUMBER.unpack(read)[0]
    return number


class Program(NamedTuple):
    """What to run in a fork: the arguments behind ``python``, and where."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str

    def run(self) -> None:
        """Run it as the interpreter would."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(self.environment)
        os.chdir(self.folder)
        first, *others = self.arguments
        if first == "-m":
            sys.argv, sys.path = others, [self.folder, *sys.path]
            runpy.run_module(others[0], run_name="__main__", alter_sys=True)
        elif first == "-P":
            sys.argv = others
            runpy.run_path(others[0], run_name="__main__")
        else:
            sys.argv, sys.path = self.arguments, [str(Path(first).parent), *sys.path]
            runpy.run_path(first, run_name="__main__")


def _next_program(control: socket.socket) -> Program | None:
    """Fork for each request. Return its program in the fork; return None when there are no more requests."""
    while True:
        read, descriptors, _, _ = socket.recv_fds(control, READ_BYTES, DESCRIPTORS)
        if not read:
            return None
        while not read.endswith(b"\n"):
            read += control.recv(READ_BYTES)
        _reap()
        if os.fork() == 0:
            control.close()
            if _is_program(*descriptors):
                return Program(*json.loads(read))
            os._exit(0)
        for descriptor in descriptors:
            os.close(descriptor)


def _is_program(stdout: int, stderr: int, status: int) -> bool:
    """Fork once more, and tell the test how the program ends. Return True in the program's process."""
    pid = os.fork()
    if pid == 0:
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    if pid != 0:
        os.write(status, NUMBER.pack(pid))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # the test may have gone
        os.write(status, NUMBER.pack(code))
    os.close(status)
    return pid == 0


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _import_the_server() -> None:
    import floorwire.channels
    import floorwire.cli
    import floorwire.config
    import floorwire.connectors.recording
    import floorwire.web.server

    floorwire.cli.application()  # imports the file of each command
    floorwire.config.load()  # finds out what kinds the settings are
    floorwire.channels.discover()
    floorwire.connectors.recording.exchanges()
    gc.collect()
    gc.freeze()


def _main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: who started us ends us
    _import_the_server()
    program = _next_program(socket.socket(fileno=int(sys.argv[1])))
    if program is not None:
        program.run()


if __name__ == "__main__":
    _main()
