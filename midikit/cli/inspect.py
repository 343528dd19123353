"""``midikit inspect``: what is in a song, track by track, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.beat import find_beat
from midikit.cli.exits import Exit
from midikit.cli.key import find_keys
from midikit.cli.options import Number, WholeNumber
from midikit.cli.remarks import few, remarks
from midikit.cli.report import Report, common_options
from midikit.cli.rows import repair_row, tempo_row
from midikit.cli.sources import open_source, resolve
from midikit.cli.table import Column
from midikit.cli.track_rows import Row, describe
from midikit.cli.words import count, length, pitch_name, tempo_text
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.cli.sources import Opened, Source
    from midikit.model.song import Song

__all__ = ["inspect"]

_MOST_REMARKS = 12
_MOST_ROWS = 128
_HELP = """Show what is in a song and what is wrong with it.

\b
Examples:
  midikit inspect song.json
  midikit inspect hosted.mid
  midikit inspect saved/ --json | jq .grid.bpm

First what the beat is, as far as the notes tell: tempo, meter, how sure that
is, what else it may be, which parts are late or early, and what is wrong with
the tempo that a .mid claims; and the key, and where it changes.

Then a row a track: its notes, their range (C4 is MIDI pitch 60), the General MIDI
program it plays once converted and how that was found (by: claim of the file,
name, role in brackets, guess, none), the most notes at one time (poly), notes
shorter than 30 ms, how many velocities (flat: one only), notes written twice.
"""

_COLUMNS = (
    Column("#", right=True),
    Column("track", least=8),
    Column("notes", right=True),
    Column("range", least=6),
    Column("plays", least=8),
    Column("by"),
    Column("poly", right=True),
    Column("<30ms", right=True),
    Column("vel."),
    Column("dup", right=True),
)


def _signatures(song: Song) -> list[str]:
    """Say the time and key signatures."""
    from midikit.model.key import Key  # noqa: PLC0415 - the help needs none of it

    times = [f"{numerator}/{denominator}" for _, numerator, denominator in song.time_signatures]
    keys = [
        Key.from_signature(sharps, minor=minor).name
        for _, sharps, minor in song.key_signatures
        if -7 <= sharps <= 7
    ]
    return [few(times), few(keys)]


def _cells(row: Row) -> list[str]:
    """Write a row for the table."""
    from midikit.gm import PROGRAM_NAMES  # noqa: PLC0415 - compiles patterns

    if row.lowest is None or row.highest is None:
        span = "-"
    elif row.drum:
        span = f"{row.lowest}-{row.highest}"
    else:
        low, high = pitch_name(row.lowest), pitch_name(row.highest)
        span = low if low == high else f"{low}-{high}"
    if row.drum:
        plays = "drum kit"
    else:
        plays = "-" if row.program is None else f"{row.program} {PROGRAM_NAMES[row.program]}"
    velocity = f"flat {row.velocity}" if row.velocity is not None else str(row.velocities or "-")
    return [
        str(row.track + 1),
        row.name if row.name.strip() else "(unnamed)",
        f"{row.notes:,}",
        span,
        plays,
        row.by,
        str(row.polyphony or "-"),
        f"{row.short:,}" if row.short else "-",
        velocity,
        f"{row.duplicates:,}" if row.duplicates else "-",
    ]


@click.command("inspect", help=_HELP)
@click.argument("source", nargs=-1, required=True)
@click.option(
    "--tempo-hint",
    type=Number(10.0, 600.0),
    metavar="BPM",
    help="About how fast it is; counts felt beats.",
)
@click.option(
    "--beats-per-bar",
    type=WholeNumber(1, 16),
    metavar="N",
    help="Felt beats in a bar: 4 in 4/4, 2 in 6/8.",
)
@click.option(
    "--downbeat",
    type=Number(-3600.0, 36_000.0),
    metavar="SECONDS",
    help="Where a bar line is, about, if they came out wrong.",
)
@click.option("--strict", is_flag=True, help="Refuse damaged input instead of mending it.")
@common_options
@click.pass_context
def inspect(
    ctx: click.Context,
    source: tuple[str, ...],
    tempo_hint: float | None,
    beats_per_bar: int | None,
    downbeat: float | None,
    strict: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Show what is in a song and what is wrong with it."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    worst: int = Exit.DONE
    sources = resolve(source)
    for number, one in enumerate(sources):
        try:
            opened = open_source(one, strict=strict)
            rows = describe(opened.song, None if as_json else _MOST_ROWS)
            beat = find_beat(opened, tempo_hint, beats_per_bar, downbeat)
            keys = find_keys(opened.song, beat.grid)
            told = beat.row() | keys.row()
            row = _json_row(one, opened, rows, told) if as_json else {}
        except Exception as error:  # noqa: BLE001 - one bad input never hides the others
            failed = report.failure(error, one.shown)
            worst = max(worst, failed["exit"])
            row = {"source": one.exactly, "error": failed, "exit": failed["exit"]}
        else:
            if not as_json:
                if number:
                    report.data("")
                name = one.name if len(sources) == 1 else one.shown
                _print(report, name, opened, rows, beat.lines() + keys.lines())
        if as_json:
            report.row(row)
    ctx.exit(worst)


def _print(report: Report, name: str, opened: Opened, rows: list[Row], found: list[str]) -> None:
    """Print the table of one song and what else there is to say."""
    song = opened.song
    facts = [count(len(song.tracks), "track"), count(song.note_count, "note"), length(song.end)]
    report.heading(name, ", ".join(facts), data=True)
    tempo = "no tempo claimed" if opened.is_answer else f"{tempo_text(song.tempo)} claimed"
    claims = [tempo, *_signatures(song)]
    if song.title and song.title.strip():
        claims.insert(0, f"'{printable(song.title)}'")
    report.item(", ".join(text for text in claims if text), data=True)
    for line in found if song.note_count else ():
        report.data(line)
    if rows:
        report.data("")
        report.table(_COLUMNS, [_cells(row) for row in rows], indent=1)
    if len(rows) < len(song.tracks):
        report.data(f"  and {len(song.tracks) - len(rows):,} more tracks; --json lists them all")
    odd = remarks(song, rows)
    if not song.note_count:
        odd.insert(0, f"no notes in this {'answer' if opened.is_answer else 'file'}")
    if odd:
        report.data("")
    for line in odd[:_MOST_REMARKS]:
        report.item(line, data=True)
    if len(odd) > _MOST_REMARKS:
        report.data(f"  and {len(odd) - _MOST_REMARKS:,} more remarks")
    if song.repairs:
        report.data("")
        report.repairs(song.repairs, data=True)


def _json_row(
    source: Source, opened: Opened, rows: list[Row], found: dict[str, Any]
) -> dict[str, Any]:
    """Put everything into plain values for JSON."""
    song = opened.song
    return {
        "source": source.exactly,
        "title": song.title,
        "tracks": [asdict(row) for row in rows],
        "notes": song.note_count,
        "seconds": song.end,
        "tempo": None if opened.is_answer else tempo_row(song.tempo),
        **found,
        "time_signatures": [list(signature) for signature in song.time_signatures],
        "key_signatures": [list(signature) for signature in song.key_signatures],
        "remarks": remarks(song, rows),
        "repairs": [repair_row(repair) for repair in song.repairs],
        "error": None,
        "exit": int(Exit.DONE),
    }
