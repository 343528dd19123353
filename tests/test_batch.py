"""Batches: order, laziness, what fails in its place, and processes that die, stop and end."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from midikit.batch import engine, run, workers
from midikit.errors import AnswerError, WorkerError

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("fork", "spawn") if sys.platform == "linux" else ("spawn",)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start processes after the second item, however fast the first two were."""
    monkeypatch.setattr(engine, "START_SECONDS", dict.fromkeys(METHODS, 0.0))
    start_by(monkeypatch, METHODS[0])


def start_by(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Start processes in one way."""
    for module in (engine, workers):
        monkeypatch.setattr(module, "start_method", lambda: method)


def square(number: int) -> int:
    """Refuse every seventh number."""
    if number % 7 == 3:
        raise AnswerError("song.json", f"notes[{number}]", "null")
    return number * number


def told(outcomes: Iterator[Any]) -> list[tuple[Any, Any, str]]:
    """Put outcomes into rows that can be compared."""
    return [(one.item, one.value, str(one.error or "")) for one in outcomes]


def named(item: object) -> str:
    """Tell the type of an item."""
    return type(item).__name__


def pid(_: object) -> int:
    """Tell which process it was."""
    return os.getpid()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("chunk", [1, 3, None])
def test_any_number_of_processes_gives_the_same_outcomes(
    monkeypatch: pytest.MonkeyPatch, method: str, chunk: int | None
) -> None:
    """In the order of the items, errors in their place."""
    start_by(monkeypatch, method)
    alone = told(run(square, range(50)))
    assert alone[:4] == [(0, 0, ""), (1, 1, ""), (2, 4, ""), (3, None, alone[3][2])]
    assert alone[3][2] == "song.json: notes[3]: null"
    for jobs in (2, 3):
        assert told(run(square, (n for n in range(50)), jobs=jobs, chunk=chunk)) == alone
    assert multiprocessing.active_children() == []


def test_work_is_shared_among_as_many_processes_as_asked() -> None:
    """Two items are done here, the others elsewhere; no process without work is started."""
    seen = [one.value for one in run(pid, range(40), jobs=3, chunk=4)]
    assert seen[:2] == [os.getpid()] * 2
    assert os.getpid() not in seen[2:]
    assert 2 <= len(set(seen)) <= 4
    assert len({one.value for one in run(pid, range(9), jobs=8, chunk=3)}) <= 4


@pytest.mark.parametrize(("number", "jobs"), [(0, 4), (1, 4), (2, 4), (4, 4), (30, 1)])
def test_little_work_starts_no_process(
    monkeypatch: pytest.MonkeyPatch, number: int, jobs: int
) -> None:
    """Nor does a single job, nor what is left when one chunk is."""
    monkeypatch.setattr(engine, "Workers", None)
    outcomes = run(pid, iter(range(number)), jobs=jobs, chunk=2)
    assert [one.value for one in outcomes] == [os.getpid()] * number


def test_quick_work_is_done_before_processes_would_have_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Work that takes less than starting a process is never shared."""
    monkeypatch.undo()
    monkeypatch.setattr(engine, "Workers", None)
    assert len(list(run(square, range(1000), jobs=2))) == 1000


@pytest.mark.parametrize("jobs", [1, 2])
def test_items_are_taken_as_they_are_needed(jobs: int) -> None:
    """An endless stream is no trouble, and what was taken ahead is bounded."""
    taken = 0

    def stream() -> Iterator[int]:
        nonlocal taken
        while True:
            taken += 1
            yield taken

    outcomes = run(pid, stream(), jobs=jobs, chunk=5)
    assert taken == 0
    for number in range(1, 500):
        assert next(outcomes).item == number
        assert taken <= number + (4 * jobs + 1) * 5 * (jobs > 1)
    outcomes.close()
    assert multiprocessing.active_children() == []


def test_what_the_source_raises_comes_after_what_it_gave() -> None:
    """As it would without any processes."""

    def stream() -> Iterator[int]:
        yield from range(11)
        raise OSError("the disk is gone")

    for jobs in (1, 2):
        seen = []
        with pytest.raises(OSError, match="the disk is gone"):  # noqa: PT012 - a stream
            for outcome in run(pid, stream(), jobs=jobs, chunk=3):
                seen.append(outcome.item)  # noqa: PERF401 - what came before it raised
        assert seen == list(range(11))


def die(item: str) -> str:
    """End the process that is handed a deadly item, or one for the first time."""
    kind, _, path = item.partition(" ")
    if kind == "deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "exit":
        os._exit(3)
    if kind == "once" and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("chunk", [1, 4])
def test_a_dead_process_costs_only_what_killed_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str, chunk: int
) -> None:
    """What it had is tried again one by one; what kills twice is told in a line."""
    start_by(monkeypatch, method)
    items = [*"abcde", "deadly", "f", f"once {tmp_path / 'seen'}", "g", "exit", *"hijklmn"]
    outcomes = list(run(die, items, jobs=2, chunk=chunk))
    assert [one.item for one in outcomes] == items
    failed = {one.item: str(one.error) for one in outcomes if one.error is not None}
    assert failed == {
        "deadly": "its process was ended by SIGKILL, as when memory runs out, also when it was "
        "tried again alone",
        "exit": "its process ended with exit code 3, also when it was tried again alone",
    }
    assert all(one.value == one.item for one in outcomes if one.error is None)
    assert all(isinstance(one.error, WorkerError | None) for one in outcomes)
    assert multiprocessing.active_children() == []


def _stillborn(*_: object) -> NoReturn:
    os._exit(1)


@pytest.mark.skipif(METHODS[0] != "fork", reason="a spawned process does not see the patch")
def test_processes_that_cannot_start_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one try an item: the batch ends, with what to do about it."""
    monkeypatch.setattr(workers, "_serve", _stillborn)
    outcomes = run(pid, range(9), jobs=2, chunk=2)
    assert [next(outcomes).item, next(outcomes).item] == [0, 1]
    with pytest.raises(
        WorkerError, match=r"ended with exit code 1 before it did anything; .*jobs=1"
    ):
        next(outcomes)


def test_a_process_that_the_system_refuses_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose second process cannot be started ends in words; the first one is ended."""
    started = []

    class Refused(workers._Worker):
        """The second of its kind is refused."""

        def __init__(self, *args: Any) -> None:
            started.append(args)
            if len(started) > 1:
                raise BlockingIOError(11, "Resource temporarily unavailable")
            super().__init__(*args)

    monkeypatch.setattr(workers, "_Worker", Refused)
    with pytest.raises(WorkerError, match=r"cannot be started: .*unavailable; pass fewer jobs"):
        list(run(pid, range(40), jobs=2, chunk=2))
    assert multiprocessing.active_children() == []


def test_a_script_without_a_guard_is_told_of_it(tmp_path: Path) -> None:
    """Where processes are spawned, they come to its calls again, and must not do the work."""
    script = tmp_path / "script.py"
    script.write_text(
        "import os, threading, time\n"
        "import midikit.batch.engine as engine\n"
        "from midikit.errors import WorkerError\n"
        "engine.START_SECONDS = dict.fromkeys(engine.START_SECONDS, 0.0)\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()\n"
        "done = list(engine.run(os.path.basename, map(str, range(40)), jobs=2, chunk=2))\n"
        "print(len(done))\n"
    )
    found = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.splitlines()[-1].endswith(
        "calls under if __name__ == '__main__': and its function in a file, or jobs=1"
    )


class OddError(Exception):
    """An error that cannot be made again from its arguments."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(f"{one} and {other}")


class OddValue:
    """A value that can be pickled but not made again."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Make it of a text that is no number."""
        return int, ("no number",)


def odd(number: int) -> object:
    """Return and raise what does not pickle, beside what does."""
    if number == 2:
        return OddValue()
    if number == 3:
        raise OddError("this", "that")
    if number == 4:
        return lambda: None
    if number == 5:
        raise KeyError("a bug")
    return number


def test_what_cannot_leave_a_process_is_told_in_words() -> None:
    """A strange error keeps its name and text, a strange value is an error, the others come."""
    outcomes = {one.item: one for one in run(odd, range(9), jobs=2, chunk=5)}
    assert [outcomes[n].value for n in (6, 7, 8)] == [6, 7, 8]
    assert "returned what cannot be unpickled: invalid literal" in str(outcomes[2].error)
    assert str(outcomes[3].error) == "OddError: this and that"
    assert "what came of it cannot leave its process: " in str(outcomes[4].error)
    error = outcomes[5].error
    assert isinstance(error, KeyError)
    assert 'raise KeyError("a bug")' in error.__notes__[0]


def test_items_that_do_not_pickle_are_worked_on_here() -> None:
    """They cost no other item anything, and every outcome is in its place."""
    items: list[Any] = [*range(40), lambda: None, *range(40)]
    found = list(run(named, items, jobs=2, chunk=4))
    assert [outcome.item for outcome in found] == items
    assert [outcome.value for outcome in found] == [type(item).__name__ for item in items]


def test_every_outcome_pickles() -> None:
    """So that a batch can be a part of a larger one."""
    for outcome in run(square, range(8), jobs=2, chunk=2):
        copy = pickle.loads(pickle.dumps(outcome))
        assert told(iter([copy])) == told(iter([outcome]))


def test_wrong_arguments_are_told_before_any_work() -> None:
    """A count of none, and a function that no other process can be given."""
    for wrong in ({"jobs": 0}, {"jobs": 2, "chunk": 0}):
        with pytest.raises(ValueError, match="expected at least 1 of each"):
            run(pid, [1], **wrong)
    with pytest.raises((AttributeError, pickle.PicklingError), match="lambda"):
        run(lambda item: item, [1], jobs=2)
    assert [one.value for one in run(lambda item: item, [1])] == [1]


def inner(number: int) -> list[int]:
    """Run a batch inside a batch."""
    return [one.value for one in run(pid, range(number), jobs=2, chunk=1) if one.value]


def test_a_batch_inside_a_batch_stays_in_its_process() -> None:
    """Processes do not multiply."""
    *_, last = run(inner, [1, 1, 6, 6, 6], jobs=2, chunk=1)
    assert last.value is not None
    assert len(last.value) == 6
    assert len(set(last.value)) == 1


def test_one_process_a_processor_by_none() -> None:
    """None asks for as many processes as this one may use processors."""
    assert workers.available_cpus() >= 1
    assert told(run(square, range(9), jobs=None, chunk=2)) == told(run(square, range(9)))


def test_a_process_with_threads_is_not_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread may hold a lock for ever in a copy; so may one that Python does not know."""
    monkeypatch.undo()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    assert workers.start_method() == "spawn"
    stop.set()
    thread.join()
    monkeypatch.setattr(workers, "available_cpus", lambda: 0)
    assert workers.start_method() == "spawn"


def living() -> dict[int, int]:
    """Map each process that is not dead to the one that started it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, owner = path.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(path.parent.name)] = int(owner)
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_no_process_outlives_the_one_that_started_it() -> None:
    """Not even where that is killed and can end none."""
    code = (
        "import time\nfrom midikit.batch import run\n"
        "for _ in run(time.sleep, [0.03] * 10_000, jobs=2, chunk=1): pass"
    )
    until = time.monotonic() + 30
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        found: set[int] = set()
        while len(found) < 2 and time.monotonic() < until:
            found = {one for one, owner in living().items() if owner == process.pid}
        process.kill()
    assert len(found) == 2
    while found & living().keys() and time.monotonic() < until:
        time.sleep(0.01)
    assert not found & living().keys()
