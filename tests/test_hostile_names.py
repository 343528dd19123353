"""Names as an enemy writes them, through every output: nothing acts, nothing is lost."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import midikit as mk
from midikit import convert
from midikit.cli.report import Report
from midikit.errors import MidikitError, OutputError, UnsavedError
from midikit.fetch.answers import Reply
from midikit.fetch.net import wire
from midikit.model.song import Song, Track
from midikit.sandbox.server import serve
from tests.hostile_names import NAMES, acting, answer, longest

if TYPE_CHECKING:
    from collections.abc import Callable

CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
EVERY = [*NAMES.values()]
FORMULA = re.compile(r"""\s*[=+\-@|%\u2212\ufe62\uff0b\uff0d\uff1d\uff20]""")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?|inf|nan")


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """Save an answer with an instrument of each name."""
    path = tmp_path / "song.json"
    path.write_bytes(answer(EVERY, title=NAMES["title"] + NAMES["bidi"]))
    return path


@pytest.mark.parametrize(
    "words",
    [
        "convert song.json -o out --to mid,npz,notes.npz,csv",
        "convert song.json -o out --to mid,npz,notes.npz,csv --json",
        "convert song.json song.json -o out --jobs 2 --merge-tracks name",
        "convert song.json -o m.mid --programs source --overlap spill --tempo 90 --quantize 1/16",
        "convert song.json other.json -o m.mid --merge",
        "convert song.json -o - --to csv",
        "convert song.json -o s.mid --program nobody=3 --debug",
        "convert song.json -o s.mid --strict --debug",
        "convert other.json -o s.mid --check song.mid",
        "inspect song.json",
        "inspect song.json --json",
        "inspect song.mid other.json",
        "compare song.json other.json",
        "compare song.json other.json --json",
    ],
)
def test_no_command_lets_a_name_act(cli: Any, hostile: Path, words: str) -> None:
    """Neither on a pipe nor in JSON, where whatever does not show is an escape."""
    mk.write_midi(mk.read_json(hostile), "song.mid")
    Path("other.json").write_bytes(answer(EVERY[::-1]))
    run = cli(*words.split())
    assert run.code in {0, 1, 5}
    assert not acting(run.text.replace("\r\n", "\n"), piles="csv" not in words)
    assert "a bug in midikit" not in run.err
    if "--json" in words:
        assert run.out.isascii()


@pytest.mark.parametrize("words", ["inspect song.json", "convert song.json -o out"])
def test_a_terminal_is_not_obeyed(hostile: Path, words: str) -> None:
    """Without colours no escape is left at all, in whatever encoding it reads."""
    for variables in ({"NO_COLOR": "1"}, {"NO_COLOR": "1", "PYTHONIOENCODING": "latin-1"}):
        shown = on_a_terminal([*words.split()], hostile.parent, variables)
        text = shown.decode(variables.get("PYTHONIOENCODING", "utf-8"))
        assert "\\x1b[31mred" in text
        assert not acting(text.replace("\r\n", "\n"))


def on_a_terminal(words: list[str], folder: Path, variables: dict[str, str]) -> bytes:
    """Run a command whose stdout and stderr are a terminal; return what that was sent."""
    pty = pytest.importorskip("pty", reason="there are terminals elsewhere")
    leader, follower = pty.openpty()
    done = subprocess.Popen(
        [sys.executable, "-m", "midikit", *words],
        cwd=folder,
        env=os.environ | {"TERM": "xterm"} | variables,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 1 << 16):
            shown += piece
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(leader)
    assert done.wait() == 0
    return shown


def test_names_are_exact_in_the_mid_and_in_json(cli: Any, hostile: Path) -> None:
    """But for halves of surrogate pairs, which are no text and are told as a repair."""
    kept = [re.sub("[\ud800-\udfff]", "\ufffd", name) for name in EVERY]
    assert cli("convert", hostile, "-o", "s.mid", "--tempo", "source").code == 0
    assert [track.name for track in mk.read_midi("s.mid")] == kept
    assert [row["name"] for row in cli("inspect", "s.mid", "--json").row()["tracks"]] == kept
    assert [track.name for track in mk.read_json(hostile)] == kept


def test_no_cell_of_a_csv_is_a_formula(hostile: Path) -> None:
    """Whichever separator a spreadsheet is set to, quotes honoured or not; no control character."""
    song = mk.read_json(hostile)
    for grid in (None, mk.BeatGrid.constant(60.0, offset=1.0)):
        text = convert.to_csv(song, grid=grid)
        assert not acting(text.replace("\r\n", "\n"), piles=False)
        for separator in ",;\t|":
            for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
                rows = csv.reader(io.StringIO(text), delimiter=separator, quoting=quoting)
                for cell in (cell for row in rows for cell in row):
                    bare = cell.lstrip('" ')
                    assert not FORMULA.match(bare) or NUMBER.fullmatch(bare)


@given(st.text(max_size=30).map(lambda text: f"{text}=1"), st.sampled_from(",;"))
def test_no_text_makes_a_formula(name: str, separator: str) -> None:
    """Any text at all before a formula."""
    text = convert.to_csv(Song((Track(name, notes=mk.as_notes([(0.0, 1.0, 60, 64)])),)))
    for row in csv.reader(io.StringIO(text), delimiter=separator):
        assert not any(FORMULA.match(cell) for cell in row)


def test_arrays_hold_names_without_objects(hostile: Path, tmp_path: Path) -> None:
    """Every .npz opens where pickle is not allowed, with each name as it is."""
    song = mk.read_json(hostile)
    mk.pianoroll(song, fs=10.0).save(tmp_path / "roll.npz")
    convert.write_notes_npz(song, tmp_path / "notes.npz")
    for name in ("roll.npz", "notes.npz"):
        with np.load(tmp_path / name, allow_pickle=False) as stored:
            assert all(stored[key].dtype.kind != "O" for key in stored.files)
            # numpy takes NULs at the end of a text for padding; there are none in these names.
            assert stored["names"].tolist() == [track.name for track in song]


def test_a_name_of_ten_megabytes_is_shown_in_short(cli: Any) -> None:
    """Every line stays short; the .mid and JSON hold it whole."""
    name = longest()
    Path("song.json").write_bytes(answer([name, "Koto"], title=name))
    for words in ("convert song.json -o s.mid", "inspect s.mid", "compare song.json s.mid"):
        run = cli(*words.split())
        assert run.code == 0
        assert not acting(run.text)
        assert max(map(len, run.text.splitlines())) < 400
    song = mk.read_midi("s.mid")
    assert [track.name for track in song] == [name, "Koto"]
    with pytest.raises(KeyError) as caught:
        song["nobody" + name]
    assert len(repr(song) + repr(song[0]) + str(caught.value)) < 1000


def test_no_repr_and_no_message_acts(hostile: Path) -> None:
    """What a notebook shows of songs, tracks, comparisons, changes, repairs and errors."""
    song = mk.read_json(hostile)
    laid = mk.lay_out(song)
    report = mk.compare(song, mk.Song(song.tracks[:10]))
    shown: list[object] = [song, *song.tracks, report, *report.tracks, *song.repairs]
    shown += [*laid.song.changes, *mk.plan_midi(song).changes, mk.pianoroll(song, fs=5.0)]
    tries: list[Callable[[], object]] = [
        lambda: song["no " + NAMES["colour"]],
        lambda: song[NAMES["bidi"] * 2],
        report.raise_if_different,
        lambda: mk.plan_midi(song, programs={NAMES["link"] + "?": 3}),
        lambda: mk.plan_midi(song, programs=NAMES["link"]),  # type: ignore[arg-type]
        lambda: mk.quantize(song, mk.BeatGrid.constant(90), division=NAMES["clear"]),
        lambda: mk.read_midi(NAMES["colour"]),
        lambda: mk.read_midi(NAMES["NUL"]),
        lambda: mk.read_json(NAMES["bidi"]),
        lambda: mk.write_midi(song, f"no folder/{NAMES['title']}"),
        lambda: mk.PianoRoll.load(NAMES["C1"]),
        lambda: mk.merge_songs([song, song], [NAMES["C1"]]),
    ]
    for call in tries:
        with pytest.raises((MidikitError, KeyError, ValueError)) as caught:
            call()
        shown += [caught.value, pickle.loads(pickle.dumps(caught.value))]
    for each in shown:
        assert not acting(f"{each}\n{each!r}")


REFUSED = [
    {"code": 403, "message": "".join(EVERY)},
    {"code": NAMES["clear"], "message": NAMES["bidi"]},
    {"code": 200, "data": {"state": NAMES["C1"]}},
    {"code": 200, "data": {"state": "failed", "message": NAMES["link"]}},
    {"code": 200, "data": NAMES["clear"]},
    {"code": 200, "data": {"instruments": {NAMES["clear"]: 1}}},
    {"code": 200, "data": {"instruments": {NAMES["clear"]: {"notes": [{"pitch": NAMES["C1"]}]}}}},
    {"error": {"code": NAMES["tags"], "message": NAMES["title"]}},
    {"detail": "".join(EVERY)},
]


@pytest.mark.parametrize("body", REFUSED)
def test_what_a_provider_says_does_not_act(cli: Any, body: dict[str, Any]) -> None:
    """Refusals and answers of another shape, read from a file, with and without ``--json``."""
    Path("a.json").write_text(json.dumps(body))
    for words in (["--json"], ["--debug"], ["--strict"]):
        run = cli("convert", "a.json", *words)
        assert not acting(run.text)
        assert "a bug in midikit" not in run.text


@pytest.mark.parametrize("status", [200, 400, 401, 402, 403, 404, 429, 455, 500, 503, 504])
def test_what_a_service_says_does_not_act(
    cli: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Messages, headers and pages of any status, in errors, events, log lines and the archive."""
    monkeypatch.setenv("MIDIKIT_TOKEN", "secret-token")
    caplog.set_level(logging.DEBUG, "midikit")
    said = "".join(name for name in EVERY if "\ud800" not in name)
    pages = (
        json.dumps({"code": status, "message": said, "data": None}).encode(),
        f"<html><title>{said}</title></html>".encode(),
        said.encode("latin-1", "replace"),
    )
    for number, page in enumerate(pages):
        headers = {"retry-after": NAMES["clear"], "content-type": NAMES["title"]}
        reply = Reply(status, headers, page)
        monkeypatch.setattr(wire, "post", lambda *_, reply=reply, **__: reply)
        events: list[mk.FetchEvent] = []
        with (
            mk.Client(on_event=events.append, sleep=lambda _: None) as client,
            pytest.raises(MidikitError) as caught,
        ):
            client.fetch(f"{number}-{CLIP}", deadline=1.0)
        assert not acting("".join(f"{each}{each!r}" for each in [caught.value, *events]))
        for words in (["archive", "list"], ["archive", "list", "--json"], ["archive", "verify"]):
            assert not acting(cli(*words).text)
    assert not acting(caplog.text)


def test_clips_with_hostile_names_are_told_and_kept_exactly(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Fetched, shown, written and exported: names of instruments are nobody's file names."""
    with serve(polls=0) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        body = answer(EVERY)
        monkeypatch.setattr(wire, "post", lambda *_, **__: Reply(200, {}, body))
        for words in (["fetch", CLIP, "-o", "out"], ["fetch", CLIP, "--json"], ["convert", CLIP]):
            run = cli(*words)
            assert not acting(run.text)
        for words in (["list"], ["show", CLIP], ["export", "saved"], ["verify"]):
            assert not acting(cli("archive", *words).text)
    assert (tmp_path / "out" / f"{CLIP}.json").read_bytes() == body
    assert {path.name for path in (tmp_path / "saved").iterdir()} >= {f"{CLIP}.json"}


def test_an_answer_that_nothing_keeps_is_harmless_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Printed as the last resort: byte for byte to a pipe, with JSON's escapes to a terminal."""
    from midikit.cli import calls

    raw = json.dumps({"name": "".join(EVERY[:-1])}, ensure_ascii=False).encode("utf-8", "replace")
    error = UnsavedError(CLIP, "the disk is full")
    for terminal in (False, True):
        monkeypatch.setattr(calls, "is_terminal", lambda _, terminal=terminal: terminal)
        told = calls.print_unsaved(error, {CLIP: raw})
        assert isinstance(told, OutputError)
        out = capfdbinary.readouterr().out
        assert json.loads(out) == json.loads(raw)
        assert bool(acting(out, piles=False)) is not terminal
        assert (out == raw + b"\n") is not terminal


@pytest.mark.parametrize("fresh", ["\x1b[2J", "a\nb", "\u202e", "\ud83d", "[red]", "\x9b2J", "=1"])
def test_words_of_the_command_line_do_not_act(cli: Any, fresh: str) -> None:
    """Files, options and commands that are not there, under whatever name."""
    for words in (
        ["convert", f"{fresh}.mid"],
        ["convert", f"clip:{fresh}"],
        ["convert", "a.json", "-o", f"{fresh}.exe"],
        ["convert", "a.json", "--to", fresh],
        ["convert", "a.json", "--tempo", fresh],
        ["convert", "a.json", "--quantize", fresh],
        ["convert", "a.json", "--program", fresh],
        ["convert", "a.json", f"--{fresh}"],
        ["convert", "a.json", "--jobs", fresh, "--debug"],
        ["convert", "a.json", "--audio", f"{fresh}.wav"],
        ["convert", "a.json", "--check", f"{fresh}.mid"],
        ["inspect", fresh, "--json"],
        ["compare", fresh, f"{fresh}2"],
        ["fetch", fresh],
        ["fetch", "--from", fresh],
        ["archive", "show", fresh],
        ["archive", "import", fresh],
        ["archive", "list", "--state", fresh],
        ["sandbox", "--fault", fresh],
        ["demo", "-o", "a.json", fresh],
        [fresh],
    ):
        Path("a.json").write_bytes(answer(["Koto"]))
        run = cli(*words)
        assert run.code in {1, 2}
        assert not acting(run.text)
        assert "a bug in midikit" not in run.err


def test_a_traceback_that_is_asked_for_does_not_act(capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever raised what, ``--debug`` shows its text as escapes."""
    Report(debug=True).failure(RuntimeError(NAMES["clear"] + NAMES["bidi"]), "a")
    err = capfd.readouterr().err
    assert "RuntimeError" in err
    assert not acting(err)


def test_where_the_archive_is_is_exact_for_scripts_alone(
    cli: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A path that acts is shown to a terminal as escapes; a pipe gets it as it is."""
    from midikit.cli import archive

    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "\u202eemoh"))
    assert cli("archive", "path").out == f"{tmp_path}/\u202eemoh\n"
    monkeypatch.setattr(archive, "is_terminal", lambda _: True)
    assert cli("archive", "path").out == f"{tmp_path}/\\u202eemoh\n"


def test_markup_is_text(cli: Any, hostile: Path) -> None:
    """No name is taken for a colour or a link of the program that prints."""
    assert "[red]x[" in cli("inspect", hostile).out
