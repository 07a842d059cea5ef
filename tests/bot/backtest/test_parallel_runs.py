"""The same work in several processes."""

from __future__ import annotations

import os

import pytest

from floorwire.bot.backtest.parallel_runs import WorkerFailedError, run


@pytest.mark.parametrize("jobs", [1, 3, 20])
def test_each_number_once(jobs: int) -> None:
    shared = [b"x" * number for number in range(11)]
    found = dict(run(lambda number: shared[number], 11, jobs))
    assert found == dict(enumerate(shared))


def test_other_processes_do_it() -> None:
    here = str(os.getpid()).encode()
    pids = {pid for _, pid in run(lambda _: str(os.getpid()).encode(), 4, 2)}
    assert here not in pids
    assert dict(run(lambda _: str(os.getpid()).encode(), 1, 2)) == {0: here}


def test_a_process_that_ends_is_told() -> None:
    def work(number: int) -> bytes:
        if number == 2:
            os._exit(7)
        return b""

    with pytest.raises(WorkerFailedError, match="the process of run 3 ended with 7"):
        dict(run(work, 5, 2))


def test_processes_end_with_the_iterator() -> None:
    results = run(lambda _: str(os.getpid()).encode(), 10, 2)
    _, pid = next(results)
    results.close()  # type: ignore[attr-defined] # a generator
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
