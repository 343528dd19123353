"""``midikit demo``: the whole way once, from the embedded endpoint to files that open."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
import unicodedata
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.beat_rows import grid_row
from midikit.cli.beat_words import short_tempo, tempo_words
from midikit.cli.conversion import run
from midikit.cli.demo_faults import changes_of, faults_of
from midikit.cli.exits import BrokenPromiseError, Exit
from midikit.cli.outputs import typed, write_outputs
from midikit.cli.report import WIDTH, Report, common_options
from midikit.cli.rows import change_row, repair_row
from midikit.cli.settings import Settings
from midikit.cli.sources import Opened
from midikit.cli.table import Column
from midikit.cli.track_rows import describe
from midikit.cli.words import apart, count, length, pitch_name, size, tempo_text
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.cli.conversion import Conversion
    from midikit.fetch.client import Clip
    from midikit.model.song import Song
    from midikit.sandbox.endpoint import Sandbox
    from midikit.sandbox.songs import DemoSong

__all__ = ["demo"]

_FOLDER = "midikit-demo"
_POLLS = 1
_LONGEST_NAP = 0.2
_DEADLINE = 60.0
_SAME_BPM = 0.001
_HELP = """See the whole way once: no token, no network.

\b
Examples:
  midikit demo                 one song into ./midikit-demo/
  midikit demo --all -o songs  all six songs into ./songs/

It starts the embedded endpoint on this machine, fetches a clip from it as from
the service, reads the notes, finds their beat, writes a .mid that plays right,
a page to look at and listen to, a picture (with midikit[plot]), a piano roll
and a table, and checks the notes against the hosted .mid. Running it again
replaces its own files.
"""

_COLUMNS = (
    Column("track", least=8),
    Column("notes", right=True),
    Column("range"),
    Column("plays", least=8),
    Column("channel", right=True),
)


@dataclass(frozen=True, slots=True)
class _Show:
    """One song on its way through the demo.

    Parameters
    ----------
    truth : DemoSong
        What is true about it.
    clip : Clip
        As it was fetched.
    calls : int
        Calls it took.
    hosted : Song
        The hosted file as it was read.
    result : Conversion
        What was made of the answer.
    written : Song
        The .mid that was made, read back.
    files : dict of Path to (bytes, str)
        What is written, and what each is for.
    """

    truth: DemoSong
    clip: Clip
    calls: int
    hosted: Song
    result: Conversion
    written: Song
    files: dict[Path, tuple[bytes, str]]


@click.command("demo", help=_HELP)
@click.option("-o", "--output", metavar="DIR", default=_FOLDER, help="Folder for the files.")
@click.option("--all", "all_songs", is_flag=True, help="All six songs instead of one.")
@common_options
@click.pass_context
def demo(
    ctx: click.Context, output: str, all_songs: bool, as_json: bool, quiet: bool, debug: bool
) -> None:
    """See the whole way once: no token, no network."""
    from midikit.sandbox.server import serve  # noqa: PLC0415 - builds its songs

    if not output:
        raise click.UsageError("-o is empty; expected a folder")
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    folder = Path(output)
    worst: int = Exit.DONE
    with _own_home() as home, serve(polls=_POLLS) as sandbox, _environment(sandbox.environment):
        songs = sandbox.songs if all_songs else sandbox.songs[:1]
        for song in songs:
            show = _walk(sandbox, song, home, folder)
            write_outputs({path: data for path, (data, _) in show.files.items()}, force=True)
            if not (show.result.checked and show.result.checked.same):
                worst = Exit.DIFFERENT
            if as_json:
                report.row(_json_row(show))
            elif not quiet:
                _print(report, show)
    if not (as_json or quiet):
        _print_next(report, folder, next(iter(show.files)), all_songs=all_songs)
    ctx.exit(worst)


@contextlib.contextmanager
def _own_home() -> Iterator[Path]:
    """Make an archive of the demo's own, so that the user's is not touched."""
    with tempfile.TemporaryDirectory(prefix="midikit-demo-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _walk(sandbox: Sandbox, truth: DemoSong, home: Path, folder: Path) -> _Show:
    """Go the whole way with one song, writing nothing."""
    from midikit.fetch.client import Client  # noqa: PLC0415 - the help needs none of it
    from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - as above
    from midikit.parse.midi import read_midi  # noqa: PLC0415 - as above
    from midikit.view.html import to_html  # noqa: PLC0415 - as above

    # The endpoint is ours: there is no need to wait as politely as for the service.
    with (
        SqliteArchive(home) as archive,
        Client(archive=archive, sleep=lambda s: time.sleep(min(s, _LONGEST_NAP))) as client,
    ):
        clip = client.fetch(truth.id, deadline=_DEADLINE)
    if clip.hosted is None or clip.rebuilt:
        raise BrokenPromiseError(f"the demo got no hosted .mid: {clip.hosted_problem}")
    drawn = () if find_spec("matplotlib") is None else ("png",)
    settings = Settings(targets=("mid", "npz", "csv", *drawn), check="hosted")
    hosted = read_midi(clip.hosted)
    result = run(Opened(replace(clip.song, title=truth.title), clip.hosted), settings)
    page = to_html(clip.song, hosted=hosted, grid=result.layout.grid, title=truth.title)
    stem = _slug(truth.title)
    files = {
        folder / f"{stem}.mid": (result.files["mid"], "open this one in your DAW or player"),
        folder / f"{stem}.html": (page.encode(), "look and listen: open it in a browser"),
        **{folder / f"{stem}.png": (result.files[png], "notes, bars and beats") for png in drawn},
        folder / f"{stem}-roll.npz": (result.files["npz"], "piano roll, 100 frames a second"),
        folder / f"{stem}-notes.csv": (result.files["csv"], "a row a note, for a spreadsheet"),
        folder / f"{stem}-answer.json": (clip.raw, "what the service answered"),
        folder / f"{stem}-hosted.mid": (clip.hosted, "the hosted file, as broken as it came"),
    }
    calls = sandbox.posts[truth.id]
    written = read_midi(result.files["mid"])
    return _Show(truth, clip, calls, hosted, result, written, files)


def _slug(title: str) -> str:
    """Turn a title into a file name that is easy to type."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "song"


def _print(report: Report, show: _Show) -> None:
    """Print the story of one song."""
    song, truth = show.clip.song, show.truth
    report.data("")
    report.data((truth.title, "title"), f", clip {truth.id}")
    report.data("")
    report.data(
        ("Fetched ", "title"),
        f"in {count(show.calls, 'call')} from the endpoint inside midikit: no token, no network",
    )
    report.data(
        ("Read    ", "title"),
        f"{count(len(song.tracks), 'track')}, {count(song.note_count, 'note')}, "
        f"{length(song.end)}; the answer names no tempo",
    )
    _print_found(report, show)
    report.data("")
    counts = [count(len(changes_of(show.hosted)), "change")]
    if repairs := sum(repair.count for repair in show.hosted.repairs):
        counts.insert(0, count(repairs, "repair"))
    report.data(("What was wrong with the hosted .mid", "title"), f" ({', '.join(counts)})")
    for fault in faults_of(show.hosted, show.clip.hosted or b"", show.truth.grid()):
        report.bullet(fault, style="bad", mark="x")
    report.data("")
    report.data(("What midikit wrote instead", "title"))
    report.table(_COLUMNS, _rows(show), indent=2)
    others = [change for change in show.result.changes if change.kind not in {"program", "drums"}]
    for change in others[:4]:
        report.bullet(str(change))
    report.data("")
    checked = show.result.checked
    assert checked is not None
    style, verdict = ("good", "same notes") if checked.same else ("bad", "not the same notes")
    report.data(
        ("Checked ", "title"),
        (f"{verdict} as the hosted file", style),
        f": {checked.matched:,} of {checked.matched + checked.missing:,},",
    )
    report.data(f"        {apart(checked.onset.max)}")
    report.data(("        ", "title"), "the .mid was read back: it holds every note as meant")
    report.data("")
    report.data(("Files", "title"), f" in {printable(next(iter(show.files)).parent)}{os.sep}")
    rows = [[path.name, size(len(data)), purpose] for path, (data, purpose) in show.files.items()]
    report.table((Column("name"), Column("size", right=True), Column("what it is")), rows, indent=2)


def _print_found(report: Report, show: _Show) -> None:
    """Say what the beat was found to be, and how it was played where that is something else."""
    grid, truth = show.result.layout.grid, show.truth
    if grid is None:
        found = "no steady beat in the notes"
    else:
        claim = tempo_text(show.hosted.tempo)
        found = f"{tempo_words(grid)}, from the notes; the hosted file claims {claim}"
        is_right = abs(grid.bpm / truth.bpm - 1.0) < _SAME_BPM and grid.meter == truth.meter
        found += "" if is_right else f". It was played at {short_tempo(truth.grid())}"
    report.bullet(found, style="title", indent=0, mark="Found  ")


def _rows(show: _Show) -> list[list[str]]:
    """Write a row a track, as the .mid that was made has it."""
    from midikit.gm import PROGRAM_NAMES  # noqa: PLC0415 - compiles patterns

    rows = []
    for row in describe(show.written):
        if row.lowest is None or row.highest is None:
            continue
        span = f"{pitch_name(row.lowest)}-{pitch_name(row.highest)}"
        plays = "drum kit" if row.drum else PROGRAM_NAMES[row.claimed or 0]
        rows.append(
            [row.name, f"{row.notes:,}", "-" if row.drum else span, plays, str(row.channel or "-")]
        )
    return rows


def _print_next(report: Report, folder: Path, example: Path, *, all_songs: bool) -> None:
    """Say what to try next, in lines that can be pasted."""
    mended = shlex.quote(str(example))
    hosted = shlex.quote(str(example.with_name(f"{example.stem}-hosted.mid")))
    lines = [["inspect", hosted], ["compare", hosted, mended]]
    if not all_songs:
        lines.append(["demo", "--all", "-o", shlex.quote(str(folder))])
    report.data("")
    report.data(("Try next", "title"))
    for command, *words in lines:
        line = f"  {_program()} {command}"
        if len(" ".join([line, *words])) > WIDTH:
            report.data(f"{printable(line)} \\")
            for word in words[:-1]:
                report.data(f"    {printable(word, 200)} \\")
            report.data(f"    {printable(words[-1], 200)}")
        else:
            report.data(printable(" ".join([line, *words])))


def _program() -> str:
    """Say how this program was run, so that it can be run again."""
    uv = os.environ.get("UV", "")
    if uv and "UV_RUN_RECURSION_DEPTH" in os.environ:
        uv = "uv" if shutil.which("uv") == uv else shlex.quote(typed(Path(uv)))
        return f"{uv} run midikit"
    run = Path(sys.argv[0])
    found = shutil.which("midikit")
    if found is not None and (run.name != "midikit" or Path(found).absolute() == run.absolute()):
        return "midikit"
    if run.stem == "midikit" and run.is_file():
        return shlex.quote(typed(run))
    return "python3 -m midikit"


def _json_row(show: _Show) -> dict[str, Any]:
    """Put the story of one song into plain values for JSON."""
    song, checked = show.clip.song, show.result.checked
    return {
        "clip_id": show.truth.id,
        "title": show.truth.title,
        "calls": show.calls,
        "tracks": len(song.tracks),
        "notes": song.note_count,
        "seconds": song.end,
        "grid": grid_row(show.result.layout.grid),
        "hosted_faults": faults_of(show.hosted, show.clip.hosted or b"", show.truth.grid()),
        "hosted_repairs": [repair_row(repair) for repair in show.hosted.repairs],
        "changes": [change_row(change) for change in show.result.changes],
        "check": None if checked is None else checked.to_dict(),
        "outputs": [
            {"path": str(path), "bytes": len(data), "what": what}
            for path, (data, what) in show.files.items()
        ],
        "error": None,
        "exit": int(Exit.DONE if checked is not None and checked.same else Exit.DIFFERENT),
    }
