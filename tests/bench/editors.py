"""Open our .mid files in editors that are installed here, and look at what became of them.

    uv run python -m tests.bench.editors OUT

Answers and .mid files of several kinds are converted by ``midikit convert`` into OUT, and each
result is opened by every one of MuseScore, Rosegarden and LMMS that is there: MuseScore converts it
without a screen, the others run under Xvfb with a home of their own. What each keeps in a project
file of its own (tempi, meters, bars, instruments, programs, drums, notes) is held against what mido
reads in ours, and a picture of each lies beside it: OUT/CASE-EDITOR.png. Exit code 1 if an editor
heard something else than mido.

On Debian: ``apt-get install musescore3 rosegarden lmms timgm6mb-soundfont xvfb openbox xdotool
imagemagick``. What is not installed is said and left out.
"""

from __future__ import annotations

import argparse
import html
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import numpy as np

from midikit.convert.midi import to_midi
from midikit.model.beats import BeatGrid
from midikit.model.song import Song, Track
from midikit.rhythm.export import with_grid
from midikit.sandbox.hosted import hosted_midi
from midikit.sandbox.songs import demo_songs
from tests.bench.editor_programs import EDITORS, Part, Screen, Seen
from tests.bench.exports import BALLAD, JIG, POP, played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.model.notes import Notes

__all__ = ["cases", "differences", "expected", "main"]

NAMES = ("Drums (Büro)", "Zürcher Flöte", "ピアノ", 'Synth "Lead" <1> & co', "🎹 Keys / 2")
PARTS = (
    "Acoustic Grand Piano,Electric Piano 1,Music Box,Drawbar Organ,Accordion,Violin,Cello,"
    "Acoustic Guitar (nylon),Electric Guitar (jazz),Distortion Guitar,Electric Bass (finger),"
    "String Ensembles 1,Synth Voice,Trumpet,French Horn,Alto Sax,Flute,Koto"
).split(",")

CROWD = "crowd.json"
"""More instruments than a file has channels: what editors make of that is said, and no fault."""

_WITHIN = 0.01
"""Quarters a minute by which a tempo may be off."""


def cases() -> Iterator[tuple[str, bytes, list[str]]]:
    """List the inputs: name of the file, its bytes, options of ``convert``."""
    demos, rng = demo_songs(), np.random.default_rng(1)
    pop = demos[POP].song()
    yield "demo.json", answer(pop), []
    yield "constant.json", answer(pop), ["--tempo", "constant"]
    yield "bar1.json", answer(pop), ["--sync", "bar"]
    yield "hosted.mid", hosted_midi(demos[BALLAD]), []
    yield "jig.json", answer(demos[JIG].song()), []
    drift, _ = played(demos[POP], lambda share: 86.0 + 13.0 * share, rng=rng, scatter=0.004)
    yield "drift.json", answer(drift), []
    slow, beats = played(
        demos[BALLAD],
        lambda share: 88.0 * (1.0 - 0.4 * np.clip((share - 0.9) / 0.1, 0.0, 1.0)),
        rng=rng,
        start=1.2,
    )
    slow = with_grid(slow, BeatGrid(beats, demos[BALLAD].meter))
    yield "ritardando.mid", to_midi(slow), ["--tempo", "source"]
    drums = next(track for track in pop if track.is_drum)
    tune = next(track for track in pop if not track.is_drum)
    for name, count in (("parts.json", 15), (CROWD, len(PARTS))):
        parts = [Track(part, notes=tune.notes) for part in PARTS[:count]]
        parts += [Track("Drums", notes=drums.notes), Track("Oboe")]
        yield name, answer(Song(tuple(parts))), []
    tracks = [Track(name, notes=t.notes) for name, t in zip(NAMES, pop, strict=True)]
    yield "names.json", answer(Song(tuple(tracks))), []


def answer(song: Song) -> bytes:
    """Write a song as the endpoint answers it."""
    instruments = [{"name": track.name, "notes": _rows(track.notes)} for track in song.tracks]
    return json.dumps({"code": 200, "data": {"instruments": instruments}}).encode()


def _rows(notes: Notes) -> list[dict[str, float]]:
    columns = {name: notes[name].tolist() for name in ("start", "end", "pitch")}
    columns["velocity"] = (notes["velocity"] / 127).tolist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def expected(path: Path) -> Seen:
    """Read one of our files with mido."""
    file = mido.MidiFile(path, charset="utf-8")
    tempi, meters, lines = [], [], [0]
    for message in file.tracks[0]:
        if message.type == "set_tempo":
            tempi.append(60e6 / message.tempo)
        elif message.type == "time_signature":
            meters.append((message.numerator, message.denominator))
    end = max(sum(message.time for message in track) for track in file.tracks)
    meters = meters or [(4, 4)]
    bar = file.ticks_per_beat * 4 * meters[-1][0] // meters[-1][1]
    while lines[-1] < end:
        lines.append(lines[-1] + bar)
    parts = []
    for track in file.tracks[1:]:
        played = [m for m in track if m.type == "note_on" and m.velocity]
        program = next((m.program for m in track if m.type == "program_change"), None)
        parts.append(Part(track.name, program, is_drum=played[0].channel == 9, notes=len(played)))
    return Seen(tempi, meters, len(lines) - 1, parts)


def differences(ours: Seen, theirs: Seen) -> Iterator[str]:
    """Say what an editor made of a file that is not what mido reads in it."""
    tempi = _rounded(ours.tempi) if theirs.is_rounded else ours.tempi
    if len(tempi) != len(theirs.tempi):
        yield f"{len(theirs.tempi)} tempi, {len(tempi)} in the file"
    off = max((abs(a - b) for a, b in zip(tempi, theirs.tempi, strict=False)), default=0.0)
    if off > _WITHIN:
        yield f"tempi off by up to {off:.2f} BPM"
    if ours.meters[-1] != theirs.meters[-1]:
        yield f"meters {theirs.meters}, {ours.meters} in the file"
    if theirs.bars is not None and theirs.bars != ours.bars:
        yield f"{theirs.bars} bars, {ours.bars} in the file"
    if len(ours.parts) != len(theirs.parts):
        yield f"{len(theirs.parts)} instruments, {len(ours.parts)} in the file"
    for one, other in zip(ours.parts, theirs.parts, strict=False):
        yield from _misheard(one, other)


def _rounded(tempi: list[float]) -> list[float]:
    """Round tempi to whole numbers, and leave out those that say the same again."""
    whole = [float(math.floor(qpm + 0.5)) for qpm in tempi]
    return [qpm for before, qpm in zip([0.0, *whole], whole, strict=False) if qpm != before]


def _misheard(one: Part, other: Part) -> Iterator[str]:
    """Say what an editor made of an instrument."""
    if one.name not in html.unescape(other.name):
        yield f"{other.name!r} for {one.name!r}"
    if one.is_drum != other.is_drum:
        yield f"{one.name!r}: {'drums' if other.is_drum else 'no drums'}"
    if None not in (one.program, other.program) and one.program != other.program:
        yield f"{one.name!r}: program {other.program}, {one.program} in the file"
    if other.notes is not None and other.notes != one.notes:
        yield f"{one.name!r}: {other.notes} notes, {one.notes} in the file"


def _converted(folder: Path, name: str, data: bytes, options: list[str]) -> Path:
    """Convert an input by the command, as its user does."""
    source = folder / "inputs" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(data)
    out = folder / f"{Path(name).stem}.mid"
    words = ["convert", str(source), "-o", str(out), "--force", "-q", *options]
    subprocess.run([sys.executable, "-m", "midikit", *words], check=True)
    return out


def main(words: list[str] | None = None) -> int:
    """Convert, open, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, prog="tests.bench.editors")
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", help="cases, comma-separated")
    chosen = parser.parse_args(words)
    folder = chosen.out.absolute()
    for editor in EDITORS:
        for missing in editor.missing():
            print(f"{editor.name} is left out: {missing} is not installed")
    ready = [editor for editor in EDITORS if not editor.missing()]
    wanted = None if chosen.only is None else set(chosen.only.split(","))
    wrong = 0
    with Screen(folder / "home") as screen:
        for name, data, options in cases():
            if wanted is not None and Path(name).stem not in wanted:
                continue
            path = _converted(folder, name, data, options)
            ours = expected(path)
            print(f"{path.stem}: {ours}")
            for editor in ready:
                picture = folder / f"{path.stem}-{editor.name.lower()}.png"
                try:
                    found = list(differences(ours, editor.look(path, picture, screen)))
                except (OSError, subprocess.SubprocessError, LookupError, ValueError) as error:
                    found = [f"could not be looked at: {error!r}"]
                print(f"  {editor.name}: {'; '.join(found) or 'the same'}", flush=True)
                wrong += bool(found) and name != CROWD
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
