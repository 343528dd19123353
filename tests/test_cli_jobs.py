"""``midikit convert --jobs``: the same files, words, rows and exit code with any number."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from midikit.batch import engine, workers
from midikit.cli import conversion, convert_one
from midikit.fetch.client import Client
from midikit.sandbox.server import serve
from midikit.sandbox.songs import demo_songs

ANSWERS = Path(__file__).parent.parent / "fixtures" / "answers"
EXAMPLE = (ANSWERS / "example.json").read_bytes()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start processes after the second song, however fast the first two were; one song a chunk."""
    monkeypatch.setattr(engine, "START_SECONDS", dict.fromkeys(workers.START_SECONDS, 0.0))
    monkeypatch.setattr(engine, "_CHUNK_SECONDS", 0.0)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Save good, damaged, unfinished and unreadable answers in a folder, and a link to nowhere."""
    folder = tmp_path / "saved"
    folder.mkdir()
    for path in ANSWERS.glob("*.json"):
        (folder / path.name).write_bytes(path.read_bytes())
    for number in range(4):
        (folder / f"song {number}.json").write_bytes(EXAMPLE)
    (folder / "notes.json").write_text("{")
    (folder / "wait.json").write_text('{"state": "running"}')
    (folder / "gone.json").symlink_to("nowhere")
    (folder / f"{'long name ' * 12}.json").write_bytes(EXAMPLE)
    return folder


def outcome(cli: Any, jobs: object, *words: object) -> tuple[Any, ...]:
    """Run a conversion into a new folder; return all that there is to see of it."""
    run = cli("convert", *words, "-o", "out/", "--jobs", jobs)
    files = {path.name: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    for name in files:
        (Path("out") / name).unlink()
    return run.code, run.out, run.err, files


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 4),
        (("--json",), 4),
        (("--strict", "--json"), 4),
        (("-q", "--debug", "--to", "mid,npz,notes.npz,csv"), 4),
        (("--tempo", "source"), 4),
        (("--tempo", "100", "--quantize", "1/8", "--merge-tracks", "name"), 4),
        (("--program", "Synth Voice=5", "--program", "No such part=7"), 4),
        (("missing.json", "--bar-markers"), 4),
        (("--merge",), 1),
    ],
)
def test_any_number_of_jobs_gives_the_same(
    cli: Any, saved: Path, words: tuple[str, ...], code: int
) -> None:
    """Bytes, names, both streams in their order, and the exit code."""
    alone = outcome(cli, 1, saved, *words)
    assert alone[0] == code
    assert alone[1] or alone[2]
    for jobs in (2, 3, "auto"):
        assert outcome(cli, jobs, saved, *words) == alone


def test_files_that_are_there_are_kept_with_any_number_of_jobs(cli: Any, saved: Path) -> None:
    """One of somebody else's costs itself; --force replaces it."""
    for path in saved.glob("[!s]*.json"):
        path.unlink()
    for jobs in (1, 3):
        Path("out").mkdir(exist_ok=True)
        Path("out/song 3.mid").write_bytes(b"mine")
        run = cli("convert", saved, "-o", "out", "--jobs", jobs)
        assert run.code == 1
        assert "out/song 3.mid: exists with other content; --force replaces it" in run.err
        assert run.err.splitlines()[-1] == "3 converted, 1 failed"
        assert Path("out/song 3.mid").read_bytes() == b"mine"
        assert cli("convert", saved, "-o", "out", "--jobs", jobs, "--force").code == 0
        assert Path("out/song 3.mid").read_bytes()[:4] == b"MThd"


def test_standard_input_is_one_of_several(
    cli: Any, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other process could read it."""
    seen = []
    for jobs in (1, 2):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(EXAMPLE)))
        seen.append(outcome(cli, jobs, "-", *sorted(saved.glob("song*.json")), "--json"))
    assert seen[0] == seen[1]
    assert seen[0][0] == 0
    assert "stdin.mid" in seen[0][3]


def test_clips_come_out_of_the_archive_in_any_process(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their hosted .mid to check against, and without a call."""
    clips = [song.id for song in demo_songs()[2:6]]
    with serve(polls=0) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        with Client() as client:
            for clip in clips:
                client.fetch(clip)
    missing = "00000000-0000-4000-8000-000000000000"
    words = (*clips, missing, "--check", "hosted", "--json")
    alone = outcome(cli, 1, *words)
    assert outcome(cli, 2, *words) == alone
    rows = [json.loads(line) for line in alone[1].splitlines()]
    assert all(row["check"] is not None for row in rows[:-1])
    assert "not in the archive; pass --fetch" in rows[-1]["error"]["message"]


def _deadly(opened: Any, settings: Any, stem: str) -> Any:
    """Convert a song unless it has no notes: that one ends its process."""
    if not opened.song.note_count:
        os.kill(os.getpid(), signal.SIGKILL)
    return _run(opened, settings, stem)


_run = conversion.run


@pytest.mark.skipif(sys.platform != "linux", reason="a spawned process does not see the patch")
def test_a_dead_process_is_told_in_a_line(
    cli: Any, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The song that killed it fails, all others are there; nothing hangs and no traceback shows."""
    for path in saved.glob("[!s]*.json"):
        path.unlink()
    (saved / "song 2b.json").write_text('{"instruments": []}')
    monkeypatch.setattr(workers, "start_method", lambda: "fork")
    monkeypatch.setattr(convert_one, "run", _deadly)
    run = cli("convert", "saved", "-o", "out", "--jobs", 2, "--json")
    assert run.code == 1
    (line,) = run.err.splitlines()
    assert line == (
        "Error: saved/song 2b.json: its process was ended by SIGKILL, as when memory runs out, "
        "also when it was tried again alone"
    )
    rows = [json.loads(line) for line in run.out.splitlines()]
    assert [row["exit"] for row in rows] == [0, 0, 0, 1, 0]
    assert rows[3]["error"]["type"] == "WorkerError"
    assert len(list(Path("out").iterdir())) == 4


@pytest.mark.parametrize("jobs", ["0", "-1", "many", "1.5", ""])
def test_a_wrong_number_of_jobs_is_refused(cli: Any, saved: Path, jobs: str) -> None:
    """A number from 1 on, or auto."""
    run = cli("convert", saved, "-o", "out", "--jobs", jobs)
    assert run.code == 2
    assert "--jobs" in run.err


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups")
@pytest.mark.parametrize("whole_group", [True, False])
def test_an_interrupt_ends_every_process_and_leaves_whole_files(
    tmp_path: Path, whole_group: bool
) -> None:
    """Ctrl-C reaches the group, a kill the first process alone; both are told in one word."""
    (tmp_path / "in").mkdir()
    for number in range(1000):
        (tmp_path / "in" / f"{number}.json").write_bytes(EXAMPLE)
    command = [sys.executable, "-m", "midikit", "convert", "in", "-o", "out", "--jobs", "2", "-q"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        until = time.monotonic() + 60
        while len(list(tmp_path.glob("out/*.mid"))) < 60 and time.monotonic() < until:
            time.sleep(0.01)
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        with pytest.raises(ProcessLookupError):
            os.killpg(process.pid, 0)
    assert (process.returncode, out, err) == (130, "", "interrupted\n")
    made = list((tmp_path / "out").iterdir())
    assert {path.suffix for path in made} == {".mid"}
    assert 60 <= len(made) < 1000
    assert len({path.read_bytes() for path in made}) == 1
