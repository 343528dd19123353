"""Measure how many known ghosts `midikit.clean` takes out, and how many true notes.

    uv run python -m tests.bench.clean --seed 0 --songs 12

Ghosts of each kind are added to the demo songs and to songs made by chance from the seed (bands in
everyday styles, free rhythms), by three generators that share no choices (`tests.ghosts`). Marks:
light takes out 90 % of the ghosts and loses 0.5 % of the true notes at most, strong 97 % and 2 %;
every cleaning changes nothing when it is repeated, and adds up note for note. Then what is taken
out of songs without any ghosts: the demo songs, and 50 piano arrangements of POP909, whose double
notes and clicks are their own. The thresholds were chosen with these 50 and with seeds below 50.
Then the time for 2,000 to 50,000 notes, whose mark is 0.3 s. Exit code 1 says that a mark is
missed.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

import midikit as mk
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs
from tests.bench.band import make_band
from tests.bench.beats_songs import POP909
from tests.bench.speed_songs import as_json, make_parts
from tests.bench.synthetic import make_song, seed_of
from tests.bench.timing import interleaved
from tests.ghosts import KINDS, Score, haunt, haunt_alike, haunt_otherwise, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from midikit.cleaning.cleaning import Profile
    from tests.bench.synthetic import Made

__all__ = ["MARKS", "base_songs", "main", "measure", "named"]

MARKS: dict[Profile, tuple[float, float]] = {
    "light": (0.90, 0.005),
    "strong": (0.97, 0.02),
    "auto": (0.90, 0.02),
}
"""Least share of the ghosts that is taken out, and largest share of the true notes."""

_GENERATORS = {"drawn": haunt, "otherwise": haunt_otherwise, "alike": haunt_alike}
_BAND = ("Drums", "Electric Bass (finger)", "Electric Piano 1", "Lead 2 (sawtooth)", "Pad 2 (warm)")
_FREE = {9: "Drums", 1: "Acoustic Bass", 2: "Guitar", 3: "Flute"}
_SECONDS = 0.3
_SIZES = (2_000, 10_000, 50_000)


def named(made: Made, names: dict[int, str]) -> Song:
    """Make a song of a made one, its parts named."""
    tracks = []
    for part in np.unique(made.notes["instrument"]).tolist():
        mine = made.notes["instrument"] == part
        columns = {"start": "onset", "end": "offset", "pitch": "pitch", "velocity": "velocity"}
        notes = as_notes({name: made.notes[column][mine] for name, column in columns.items()})
        drums = bool(made.notes["is_drum"][mine][0])
        tracks.append(Track(names[part], is_drum=drums, notes=_struck_once(notes)))
    return Song(tuple(tracks))


def _struck_once(notes: mk.model.notes.Notes) -> mk.model.notes.Notes:
    """Leave out what a made song writes twice: it would be a ghost of its own."""
    order = np.lexsort((notes["start"], notes["pitch"]))
    again = notes["pitch"][order][1:] == notes["pitch"][order][:-1]
    again &= notes["start"][order][1:] - notes["start"][order][:-1] < 0.05
    return as_notes(np.delete(notes, order[1:][again]))


def base_songs(seed: int, count: int) -> Iterator[tuple[str, Song]]:
    """Give the demo songs without their own doubles, and so many made ones."""
    for demo in demo_songs():
        song, _ = mk.clean(demo.song(), rules=["doubled"])
        yield demo.title, song
    for number in range(count):
        if number % 2:
            made = make_song(seed_of(f"ghosts {seed}", "const", number), "const")
            yield f"free {number}", named(made, _FREE)
        else:
            made = make_band(seed_of(f"ghosts {seed}", "band", number))
            yield f"band {number}", named(made, dict(enumerate(_BAND)))


def measure(
    songs: list[tuple[str, Song]], seed: int, profile: Profile, generator: str, share: float
) -> tuple[Score, list[str]]:
    """Clean haunted songs; return the score, and what was not as promised."""
    total = Score((0,) * len(KINDS), (0,) * len(KINDS), 0, 0)
    broken = []
    for number, (name, song) in enumerate(songs):
        haunted = _GENERATORS[generator](song, seed * 1000 + number, share=share)
        cleaned, report = mk.clean(haunted.song, profile=profile)
        total += score(haunted, report)
        if mk.clean(cleaned, profile=profile)[0] is not cleaned:
            broken.append(f"{name}: cleaning again changes it")
        back = report.restore(cleaned)
        if any(
            a.notes.tobytes() != b.notes.tobytes() for a, b in zip(back, haunted.song, strict=True)
        ):
            broken.append(f"{name}: does not add up")
    return total, broken


def _print_scores(songs: list[tuple[str, Song]], seed: int, share: float) -> bool:
    """Print recall and loss of each profile and generator; return whether a mark is missed."""
    missed = False
    print(f"{'profile':8} {'ghosts':10} {'found':>7} {'mark':>6} {'lost':>7} {'mark':>6}   by kind")
    for profile, (least, most) in MARKS.items():
        for generator in _GENERATORS:
            found, broken = measure(songs, seed, profile, generator, share)
            kinds = ", ".join(
                f"{kind} {100 * one / max(total, 1):.1f} of {total:,}"
                for kind, one, total in zip(KINDS, found.found, found.ghosts, strict=True)
            )
            print(
                f"{profile:8} {generator:10} {found.recall:7.2%} {least:6.0%} {found.loss:7.3%} "
                f"{most:6.1%}   {kinds}"
            )
            missed |= found.recall < least or found.loss > most or bool(broken)
            for line in broken:
                print(f"  {line}")
    return missed


def _print_real() -> None:
    """Print what is taken out of songs without ghosts."""
    with zipfile.ZipFile(POP909.parent / "dev_midi.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".mid")]
        pop = [mk.read_midi(archive.read(name)) for name in names]
    print("\nwithout ghosts")
    for name, songs in (("demo songs", [demo.song() for demo in demo_songs()]), ("POP909", pop)):
        for profile in MARKS:
            counts: Counter[str] = Counter()
            notes = gone = 0
            for song in songs:
                _, report = mk.clean(song, profile=profile)
                notes, gone = notes + report.notes, gone + len(report.removed)
                counts += Counter(report.counts)
            rules = ", ".join(f"{number:,} {rule}" for rule, number in counts.most_common())
            print(f"{name:10} {profile:8} {gone:6,} of {notes:,} ({gone / notes:.3%})   {rules}")


def _print_times() -> bool:
    """Print the seconds that cleaning takes; return whether the mark is missed."""
    missed = False
    print(f"\nmilliseconds (mark for {_SIZES[-1]:,} notes: {1e3 * _SECONDS:.0f})")
    for size in _SIZES:
        song = mk.read_json(as_json(make_parts(size)))
        runs: dict[str, Callable[[], object]] = {
            profile: partial(mk.clean, song, profile=profile) for profile in MARKS
        }
        times = interleaved(runs, rounds=3)
        print(f"{size:>7,} notes: " + ", ".join(f"{n} {1e3 * s:.0f}" for n, s in times.items()))
        missed |= size == _SIZES[-1] and max(times.values()) > _SECONDS
    return missed


def main() -> int:
    """Print everything; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--songs", type=int, default=12)
    parser.add_argument("--share", type=float, default=0.03)
    options = parser.parse_args()
    songs = list(base_songs(options.seed, options.songs))
    missed = _print_scores(songs, options.seed, options.share)
    _print_real()
    return int(_print_times() or missed)


if __name__ == "__main__":
    sys.exit(main())
