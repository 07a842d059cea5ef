"""Runs the same work for many numbers in several processes, which share what is in memory already.

Processes are forked, so that a decoded recording is not copied. Each takes the next number when it is done.
Where processes cannot be forked, all is done in this one.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from typing import Protocol

FORK = "fork"


class Pipe(Protocol):
    """One end of a pipe of ``multiprocessing``, whose own type says Any."""

    def send_bytes(self, buf: bytes) -> None: ...
    def recv_bytes(self) -> bytes: ...
    def close(self) -> None: ...
    def fileno(self) -> int: ...


class WorkerFailedError(RuntimeError):
    """A process ended without its results, for example because memory was short."""


def run(work: Callable[[int], bytes], count: int, jobs: int) -> Iterator[tuple[int, bytes]]:
    """Do ``work`` for each number below ``count``; yield each with its result, as they come.

    Raises WorkerFailedError. Processes end when the iterator does.
    """
    if jobs < 2 or count < 2 or FORK not in multiprocessing.get_all_start_methods():
        for number in range(count):
            yield number, work(number)
        return
    gc.collect()
    gc.freeze()  # collections would touch, and so copy, what the processes share
    workers = [_Worker(work) for _ in range(min(jobs, count))]
    try:
        yield from _shared(workers, count)
    finally:
        gc.unfreeze()
        for worker in workers:
            worker.end()


def _shared(workers: list[_Worker], count: int) -> Iterator[tuple[int, bytes]]:
    following = iter(range(count))
    busy: dict[Pipe, _Worker] = {}
    for worker, number in zip(workers, following, strict=False):
        worker.ask(number)
        busy[worker.connection] = worker
    while busy:
        by_handle = {connection.fileno(): worker for connection, worker in busy.items()}
        for handle in wait(list(by_handle)):
            assert isinstance(handle, int)
            worker = by_handle[handle]
            yield worker.result()
            number = next(following, -1)
            if number < 0:
                del busy[worker.connection]
            else:
                worker.ask(number)


class _Worker:
    """One process. It gets a number, and answers with the result."""

    def __init__(self, work: Callable[[int], bytes]) -> None:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        self.connection: Pipe = ours
        self._number = -1
        self._process = context.Process(target=_serve, args=(work, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, number: int) -> None:
        """Let it do the next one."""
        self._number = number
        self.connection.send_bytes(b"%d" % number)

    def result(self) -> tuple[int, bytes]:
        """Return its number and the result, which has come. Raises WorkerFailedError."""
        try:
            return self._number, self.connection.recv_bytes()
        except (EOFError, OSError):
            self._process.join()
            raise WorkerFailedError(
                f"the process of run {self._number + 1} ended with {self._process.exitcode}"
            ) from None

    def end(self) -> None:
        """End the process."""
        self.connection.close()
        self._process.terminate()
        self._process.join()


def _serve(work: Callable[[int], bytes], connection: Pipe) -> None:
    while True:
        try:
            number = int(connection.recv_bytes())
        except EOFError:
            return
        connection.send_bytes(work(number))
