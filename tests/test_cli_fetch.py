"""``midikit fetch``, ``demo`` and ``sandbox``, against the embedded endpoint."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from midikit.__main__ import main
from midikit.cli import sandbox as sandbox_command
from midikit.errors import OutputError
from midikit.fetch.answers import Failure, Reply
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.net import wire
from midikit.parse.midi import read_midi
from midikit.parse.response import read_json
from midikit.sandbox.server import serve
from midikit.sandbox.songs import demo_songs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from midikit.fetch.archive import Record
    from midikit.sandbox.endpoint import Sandbox

SONGS = demo_songs()
WALTZ, JIG = SONGS[2].id, SONGS[5].id
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Run a sandbox that answers at once, and point midikit at it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    with serve(polls=0) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def count_posts(monkeypatch: pytest.MonkeyPatch, reply: Reply | Failure) -> list[int]:
    """Answer every paid call with the same; the list grows with each."""
    calls: list[int] = []

    def post(*_: object, **__: object) -> Reply | Failure:
        calls.append(1)
        return reply

    monkeypatch.setattr("midikit.fetch.net.wire.post", post)
    return calls


def refuse_answers(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the archive take everything but what was paid for."""
    whole = SqliteArchive.store

    def store(self: SqliteArchive, record: Record, **data: bytes | None) -> None:
        if data.get("answer") is not None:
            raise error
        whole(self, record, **data)

    monkeypatch.setattr(SqliteArchive, "store", store)


def interrupt_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C while a call is out."""
    post: Callable[..., Any] = wire.post

    def slow(*words: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.3)
        return post(*words, **options)

    monkeypatch.setattr(wire, "post", slow)


def rows_of(text: str) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def test_a_clip_is_paid_for_once_and_written_where_asked(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer and the hosted file land in the archive and in the folder, byte for byte."""
    assert main(["fetch", WALTZ, "-o", "out"]) == 0
    err = capsys.readouterr().err
    assert re.search(
        rf"clip {WALTZ}: 3 tracks, 1,0\d\d notes, 1:5\d\.\d, hosted .mid 6.4 kB; fetched", err
    )
    assert f"wrote out/{WALTZ}.json, out/{WALTZ}.hosted.mid" in err
    assert Path(f"out/{WALTZ}.hosted.mid").read_bytes() == endpoint.hosted(WALTZ)
    assert read_json(Path(f"out/{WALTZ}.json")).note_count == SONGS[2].note_count
    assert main(["fetch", WALTZ.upper(), f"clip:{WALTZ}", "--json"]) == 0
    (row,) = rows_of(capsys.readouterr().out)
    assert row["from_archive"] is True
    assert row["exit"] == 0
    assert endpoint.charged == 1


def test_ids_come_from_a_file_or_stdin(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One id a line, comments and empty lines aside, each clip once."""
    Path("ids.txt").write_text(f"# my songs\n{WALTZ}\n\n  {JIG}  # a jig\n{WALTZ}\n")
    assert main(["fetch", "--from", "ids.txt", "--jobs", "2", "--json"]) == 0
    assert {row["clip_id"] for row in rows_of(capsys.readouterr().out)} == {WALTZ, JIG}
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{JIG}\n".encode())))
    assert main(["fetch", "--from", "-", WALTZ]) == 0
    assert "2 clips: 0 fetched, 2 from the archive" in capsys.readouterr().err
    assert main(["fetch", "--from", "gone.txt"]) == 1
    assert "gone.txt: cannot be read" in capsys.readouterr().err
    assert main(["fetch"]) == 2
    assert "no clip id given; pass some, or --from FILE" in capsys.readouterr().err
    assert main(["fetch", WALTZ, "-o", "-"]) == 2


def test_dry_run_counts_and_sends_nothing(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it would cost is known before it costs."""
    assert main(["fetch", WALTZ, "-q"]) == 0
    assert main(["fetch", WALTZ, JIG, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert f"{JIG}: to fetch" in out
    assert "2 clips: 1 in the archive, 1 to fetch for 1 credit" in out
    assert main(["fetch", WALTZ, JIG, "--dry-run", "--json"]) == 0
    assert [row["in_archive"] for row in rows_of(capsys.readouterr().out)] == [True, False]
    assert endpoint.charged == 1


def test_a_refused_clip_costs_itself_and_a_refused_token_ends_the_batch(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unknown clip is exit 3 and the next one is fetched; after a 401 nobody is asked again."""
    assert main(["fetch", NOBODY, WALTZ]) == 3
    err = capsys.readouterr().err
    assert f"Error: clip {NOBODY}: the provider answered 400: task not found." in err
    assert "2 clips: 1 fetched, 0 from the archive, 1 not found or expired" in err
    monkeypatch.setenv("MIDIKIT_TOKEN", "wrong")
    assert main(["fetch", JIG, NOBODY, "bad-id"]) == 3
    err = capsys.readouterr().err
    assert "401" in err
    assert "stopped: 2 clips not asked for" in err
    monkeypatch.delenv("MIDIKIT_TOKEN")
    assert main(["fetch", JIG, "--json"]) == 3
    captured = capsys.readouterr()
    assert "no token; set MIDIKIT_TOKEN" in captured.err
    assert rows_of(captured.out)[0]["error"]["type"] == "TokenError"
    assert endpoint.charged == 1


def test_a_clip_that_is_not_ready_in_time_is_exit_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The deadline is total, and what to do is said."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path))
    with serve(polls=100) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        assert main(["fetch", WALTZ, "--deadline", "1.5"]) == 4
    assert "not ready yet, the state is 'running'" in capsys.readouterr().err


def test_an_answer_that_could_not_be_kept_is_printed(
    endpoint: Sandbox, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was paid for is never lost, and no more is bought while the disk is full."""

    refuse_answers(monkeypatch, OutputError("disk full"))
    monkeypatch.setattr("midikit.fetch.account.spill", lambda *_: None)
    assert main(["fetch", WALTZ, JIG]) == 1
    captured = capfd.readouterr()
    assert read_json(captured.out.encode()).note_count == SONGS[2].note_count
    assert "may have been paid for, it is printed on stdout" in captured.err
    assert "stopped: 1 clip not asked for" in captured.err
    assert endpoint.charged == 1


@pytest.mark.parametrize("words", [["fetch"], ["convert", "--fetch", "-o", "out"]])
@pytest.mark.parametrize("spilled", [True, False])
def test_no_command_pays_on_after_an_answer_that_could_not_be_kept(
    endpoint: Sandbox,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    spilled: bool,
) -> None:
    """The paid bytes are in a file or on stdout, and no other clip is bought."""

    refuse_answers(monkeypatch, RuntimeError("database is locked"))
    monkeypatch.setattr("tempfile.tempdir", str(Path.cwd()))
    if not spilled:
        monkeypatch.setattr("midikit.fetch.account.spill", lambda *_: None)
    assert main([*words, WALTZ, JIG, WALTZ]) == (1 if words == ["fetch"] else 3)
    out, err = capfd.readouterr()
    assert "database is locked" in err
    if spilled:
        out = next(Path.cwd().glob("midikit-*/*.json")).read_text()
    assert read_json(out.encode()).note_count == SONGS[2].note_count
    assert endpoint.charged == 1
    assert endpoint.posts == {WALTZ: 1}


@pytest.mark.parametrize("words", [["fetch"], ["convert", "--fetch", "-o", "out"]])
def test_a_clip_named_twice_is_asked_for_once(
    endpoint: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
) -> None:
    """Whatever came of it comes again, without another call, in this command and in the next."""
    calls = count_posts(monkeypatch, Failure(sent=True, problem="reset"))
    assert main([*words, f"clip:{WALTZ}", WALTZ.upper(), f"clip:{WALTZ}"]) == 3
    err = capsys.readouterr().err
    assert err.count("reset; it may have been charged") == (1 if words == ["fetch"] else 3)
    assert main([*words, WALTZ]) == 3
    assert "reset; not sent again; resend_unknown=True, or midikit fetch" in capsys.readouterr().err
    assert calls == [1]


@pytest.mark.parametrize("words", [["fetch"], ["convert", "--fetch", "-o", "out"]])
@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [(455, {}, "under maintenance"), (429, {"retry-after": "86400"}, "it asks to wait 24 h")],
)
def test_what_would_meet_every_clip_ends_the_command(
    endpoint: Sandbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    status: int,
    headers: dict[str, str],
    said: str,
) -> None:
    """Maintenance, or a wait of a day: one call, and no other clip is asked for."""
    calls = count_posts(monkeypatch, Reply(status, headers, b"{}"))
    assert main([*words, WALTZ, JIG]) == 3
    err = capsys.readouterr().err
    assert said in err
    assert "not asked for" in err
    assert calls == [1]


def test_unknown_clips_are_listed_and_sent_again_when_told(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why, when and for how much is said first."""
    with monkeypatch.context() as broken:
        broken.setattr(
            "midikit.fetch.net.wire.post", lambda *_, **__: Failure(sent=True, problem="reset")
        )
        assert main(["fetch", WALTZ]) == 3
    assert main(["fetch", WALTZ, JIG]) == 3
    capsys.readouterr()
    assert main(["fetch", WALTZ, JIG, NOBODY, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert f"{WALTZ}: asked for without an answer" in out
    assert "3 clips: 1 in the archive, 1 to fetch for 1 credit" in out
    assert "1 clip asked for without an answer: only with --resend-unknown" in out
    assert main(["fetch", WALTZ, JIG, "--resend-unknown"]) == 0
    err = capsys.readouterr().err
    assert re.search(rf"^clip {WALTZ}: asked for on 2\d\d\d-.* UTC: reset$", err, re.MULTILINE)
    assert "asking again for 1 clip, which may have been charged already: up to 1 credit" in err
    assert err.index("asking again") < err.index("; fetched")


def test_a_budget_ends_the_batch(endpoint: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    """So many calls that may be charged and no more; refusals and the archive cost nothing."""
    assert main(["fetch", WALTZ, "-q", "--max-credits", "1"]) == 0
    assert main(["fetch", WALTZ, NOBODY, JIG, SONGS[0].id, SONGS[1].id, "--max-credits", "1"]) == 3
    err = capsys.readouterr().err
    assert f"clip {SONGS[0].id}: the budget of 1 credit is used up" in err
    assert "stopped: 2 clips not asked for; the same command goes on with them" in err
    assert "1 credit spent\n" in err
    assert endpoint.charged == 2


@pytest.mark.parametrize("words", [["fetch"], ["convert", "--fetch", "-o", "out"]])
def test_a_large_batch_needs_a_budget(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    """Nobody looks on here: more than a hundred new clips are refused before the first is paid."""
    clips = [f"clip:{number}" for number in range(101)]
    assert main([*words, *clips]) == 2
    assert "101 clips to pay for, more than 100, and nobody looks on" in capsys.readouterr().err
    assert endpoint.posts == {}
    if words == ["fetch"]:
        assert main([*words, *clips, "--max-credits", "0"]) == 3
        assert "the budget of 0 credits is used up" in capsys.readouterr().err
        assert endpoint.posts == {}


def test_a_file_in_the_way_does_not_stop_the_batch(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """The folder of -o is not the archive: other clips go on, and the file is kept."""
    Path("out").mkdir()
    Path(f"out/{WALTZ}.hosted.mid").write_bytes(b"mine")
    assert main(["fetch", WALTZ, JIG, "-o", "out"]) == 1
    err = capsys.readouterr().err
    assert f"{WALTZ}.hosted.mid: exists with other content; --force replaces it" in err
    assert "2 clips: 2 fetched, 0 from the archive, 1 not written out" in err
    assert Path(f"out/{WALTZ}.hosted.mid").read_bytes() == b"mine"
    assert main(["fetch", WALTZ, "-o", "out", "--force", "-q"]) == 0
    assert Path(f"out/{WALTZ}.hosted.mid").read_bytes() == endpoint.hosted(WALTZ)


@pytest.mark.parametrize("words", [["fetch", WALTZ, JIG], ["convert", WALTZ, JIG, "--fetch"]])
def test_ctrl_c_lets_the_call_that_is_out_come_back(
    endpoint: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
) -> None:
    """What is being paid for is kept and told, no further clip is asked for; the code is 130."""
    interrupt_calls(monkeypatch)
    assert main(words) == 130
    err = capfd.readouterr().err
    assert "stopping; waiting for the calls that are out" in err
    assert err.endswith("interrupted\n")
    with SqliteArchive() as archive:
        assert [record.clip_id for record in archive.list()] == [WALTZ]
    if words[0] == "fetch":
        assert f"clip {WALTZ}: 3 tracks" in err
        assert "stopped: 1 clip not asked for; the same command goes on with them" in err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_convert_takes_clips_from_the_archive_and_pays_only_when_told(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--fetch pays, the archive serves, --check hosted compares without the network."""
    assert main(["convert", WALTZ]) == 1
    assert endpoint.charged == 0
    assert main(["convert", WALTZ, "--fetch", "--check", "hosted"]) == 0
    err = capsys.readouterr().err
    assert f"clip {WALTZ}: 3 tracks" in err
    assert "same notes as the hosted file: 1,0" in err
    assert "the hosted file has 1 fault; midikit inspect lists them" in err
    assert read_midi(Path(f"{WALTZ}.mid")).note_count == SONGS[2].note_count
    downloads = endpoint.downloads
    assert main(["convert", f"clip:{WALTZ}", "--check", "hosted", "--strict", "-q"]) == 0
    assert endpoint.downloads == downloads
    monkeypatch.setenv("MIDIKIT_TOKEN", "wrong")
    assert main(["convert", JIG, SONGS[0].id, WALTZ, "--fetch", "-o", "out"]) == 3
    err = capsys.readouterr().err
    assert f"clip {SONGS[0].id}: not asked for, since the provider answered 401" in err
    assert "1 converted, 2 failed" in err


def test_check_hosted_downloads_for_a_saved_answer(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address in the answer is only contacted when --check hosted asks."""
    Path("song.json").write_bytes(endpoint.answer(JIG) or b"")
    assert main(["convert", "song.json", "-q"]) == 0
    assert endpoint.downloads == {}
    assert main(["convert", "song.json", "--check", "hosted"]) == 0
    assert endpoint.downloads == {JIG: 1}
    assert "same notes as the hosted file" in capsys.readouterr().err


def test_a_hosted_file_that_is_gone_is_rebuilt_and_said_to_be(
    endpoint: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, in JSON, in the file's name; and never taken for a reference to check against."""
    gone = Reply(404, {}, b"gone")
    monkeypatch.setattr("midikit.fetch.net.wire.get", lambda *_, **__: gone)
    assert main(["fetch", WALTZ, "-o", "out"]) == 0
    err = capsys.readouterr().err
    assert ", rebuilt .mid " in err
    assert "the host answered 404; hosted files may be gone after 24 hours; rebuilt from" in err
    assert {path.name for path in Path("out").iterdir()} == {
        f"{WALTZ}.json",
        f"{WALTZ}.mid",
    }
    rebuilt = read_midi(Path(f"out/{WALTZ}.mid"), strict=True)
    assert rebuilt.note_count == SONGS[2].note_count
    assert main(["fetch", WALTZ, "--json"]) == 0
    (row,) = rows_of(capsys.readouterr().out)
    assert (row["rebuilt"], row["from_archive"]) == (True, True)
    assert "the host answered 404" in row["hosted_problem"]
    assert main(["convert", WALTZ, "--check", "hosted"]) == 3
    assert "the host answered 404" in capsys.readouterr().err
    assert endpoint.charged == 1


def test_the_demo_shows_the_whole_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Six files that open, a story that fits 80 columns, nothing touched that is the user's."""
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    monkeypatch.setenv("MIDIKIT_HOME", str(home))
    monkeypatch.setenv("MIDIKIT_TOKEN", "my-own")
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in (
        "Late Train Home, clip 5b0e7a52",
        "Fetched in 2 calls from the endpoint inside midikit: no token, no network",
        "5 tracks, 2,387 notes, 2:20.6",
        "What was wrong with the hosted .mid (1 repair, 11 changes)",
        "x mido cannot open it: KeySignatureError",
        "Found   109.73 BPM throughout, in 4/4, from the notes; the hosted file claims",
        "x claims 120.00, the music plays 109.73: 1 beat off after 5.8 s",
        "x Drums on channel 1 instead of 10",
        "same notes as the hosted file: 2,387 of 2,387",
        "the .mid was read back: it holds every note as meant",
        "open this one in your DAW",
    ):
        assert words in out
    assert max(map(len, out.splitlines()[:-3])) <= 80
    assert not home.exists()
    assert os.environ["MIDIKIT_TOKEN"] == "my-own"
    folder = tmp_path / "midikit-demo"
    stem = "late-train-home"
    kinds = (".mid", ".html", ".png", "-roll.npz", "-notes.csv", "-answer.json", "-hosted.mid")
    assert {path.name for path in folder.iterdir()} == {f"{stem}{kind}" for kind in kinds}
    song = read_midi(folder / f"{stem}.mid", strict=True)
    assert song["Drums"].channel == 9
    with np.load(folder / f"{stem}-roll.npz", allow_pickle=False) as roll:
        assert roll["values"].shape[:2] == (5, 128)
    assert read_json(folder / f"{stem}-answer.json").note_count == song.note_count
    before = {path.name: path.read_bytes() for path in folder.glob("*.mid")}
    (folder / f"{stem}.mid").write_bytes(b"")
    assert main(["demo", "-q"]) == 0
    assert capsys.readouterr().out == ""
    assert {path.name: path.read_bytes() for path in folder.glob("*.mid")} == before


def test_the_demo_shows_every_song(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All six songs have the notes of their hosted files, and what is wrong with each is named."""
    assert main(["demo", "--all", "--json", "-o", str(tmp_path / "all")]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert [row["title"] for row in rows] == [song.title for song in SONGS]
    assert all(row["check"]["same"] and row["exit"] == 0 for row in rows)
    assert len(list((tmp_path / "all").iterdir())) == 42
    by_title = {row["title"]: row["hosted_faults"] for row in rows}
    assert "Drums on program 118 (Synth Drum), which is no drum kit" in by_title["Harbour Lights"]
    told = "claims 133.00, the music plays 132.60: up to 0.89 beats (404 ms) off"
    assert by_title["Corner Table Blues"][0] == told
    bpm = {row["title"]: row["grid"]["bpm"] for row in rows}
    assert bpm["Late Train Home"] == pytest.approx(109.73, rel=2e-4)
    assert bpm["Harbour Lights"] == pytest.approx(87.36, rel=2e-4)
    assert by_title["Greensleeves"][0].startswith("mido cannot open it")


def test_the_sandbox_prints_what_to_paste_and_ends_on_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four export lines on stdout, the clips beside them on stderr."""
    monkeypatch.setattr(sandbox_command, "wait_for_interrupt", lambda: None)
    assert main(["sandbox", "--polls", "0"]) == 0
    out, err = capsys.readouterr()
    assert [line.split("=")[0] for line in out.splitlines()] == [
        "export MIDIKIT_TOKEN",
        "export MIDIKIT_BASE_URL",
        "export MIDIKIT_ALLOW_HOSTS",
        "export MIDIKIT_HOME",
    ]
    assert all(song.id in err and song.title in err for song in SONGS)
    assert main(["sandbox", "--json"]) == 0
    (row,) = rows_of(capsys.readouterr().out)
    assert set(row) == {"url", "environment", "clips", "made", "ledger"}


def test_the_sandbox_says_when_its_port_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    """A port in use is an error in words."""
    with serve() as running:
        port = running.environment["MIDIKIT_ALLOW_HOSTS"].rpartition(":")[2]
        assert main(["sandbox", "--port", port]) == 3
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


def test_the_sandbox_serves_until_it_is_interrupted() -> None:
    """Ctrl-C is its normal end."""
    command = [sys.executable, "-m", "midikit", "sandbox"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"export MIDIKIT_TOKEN=")
        process.stdout.readline()
        process.stdout.readline()
        timer = threading.Timer(0.3, process.send_signal, [signal.SIGINT])
        timer.start()
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.rstrip().endswith(b"stopped")


@pytest.mark.parametrize("word", ["bad id", "../../x", ".x", "clip:", "a/b"])
def test_ids_that_cannot_be_one_are_refused_before_any_call(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slip in one id ends the command before another is paid for."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MIDIKIT_TOKEN", raising=False)
    (tmp_path / "ids").write_text(f"429-secs.3\n{word}\n")
    for words in (["429-secs.3", word], ["--from", str(tmp_path / "ids")]):
        code = main(["fetch", *words])
        err = capsys.readouterr().err
        assert code == 2
        assert "is no clip id; expected letters, digits, '-', '_' and '.'" in err
    assert main(["fetch", "429-secs.3", "-o", ""]) == 2
    assert "-o is empty" in capsys.readouterr().err
