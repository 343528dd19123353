"""Measure `estimate_key` beside the key profiles of music21, on the same songs in one run.

    uv run --group bench python -m tests.bench.keys --salt WORD
    uv run --group bench python -m tests.bench.keys --pop909 POP909

Suites: ``dev``, 50 songs of POP909 that nothing was learnt from; ``made``, songs made from the
salt, `tests.bench.key_songs`, in all keys; ``demo``, the six songs of the sandbox in all twelve
places; ``plain``, progressions and melodies in all keys by another generator that nothing was
learnt from (`tests.bench.key_plain`); ``none``, what has no key. With a clone of POP909 (its folder
of songs) ``folds``: the 400 songs that were learnt from, each told by weights that were not learnt
from its part (an eighth), and how much of the time the key is right by section and by one key.

The annotated keys of POP909 were made from the audio; a song with several counts as in the one that
lasts longest. MIREX: 1 for the key, 0.5 for a fifth off, 0.3 for the relative, 0.2 for the parallel
key.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import numpy as np

from midikit.model.key import Key
from midikit.model.notes import transpose
from midikit.sandbox.songs import demo_songs
from midikit.tonality import estimate, sections
from tests.bench.beats_metrics import calibrate, calibration_error
from tests.bench.key_data import as_key, dev_songs, pop909_song
from tests.bench.key_neighbours import PROFILES, as_stream, key_by
from tests.bench.key_plain import plain_songs
from tests.bench.key_songs import ATONAL, KeyCase, atonal, made_songs
from tests.bench.synthetic import seed_of
from tests.bench.train_beats import IDS
from tests.bench.train_key import FOLDS, completed, examples, few_of, fold_weights, unseen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import numpy.typing as npt

    from midikit.model.song import Song
    from midikit.tonality.model import Weights
    from tests.bench.key_data import Annotated, Spans

__all__ = ["DEMO_KEYS", "SUITES", "Row", "demo_cases", "main", "mirex", "run"]

DEMO_KEYS = ("D major", "F major", "E minor", "Bb major", "A minor", "A minor")
"""Keys of the sandbox's songs; the waltz has a middle part in G major."""

SUITES = ("dev", "made", "demo", "plain")

_STEP = 0.5


class Row(NamedTuple):
    """A song, its true key, what each estimator says, and the seconds that midikit took."""

    name: str
    key: Key | None
    found: dict[str, Key | None]
    seconds: float


def mirex(found: Key | None, true: Key | None) -> float:
    """Score an answer as MIREX does (Ehmann et al. 2011)."""
    if found is None or true is None:
        return 0.0
    apart = (found.pitch_class - true.pitch_class) % 12
    if found.mode == true.mode:
        return {0: 1.0, 5: 0.5, 7: 0.5}.get(apart, 0.0)
    if apart == 0:
        return 0.2
    return 0.3 if apart == (3 if true.is_minor else 9) else 0.0


def demo_cases() -> Iterator[KeyCase]:
    """Move the sandbox's songs to all twelve places."""
    for demo, name in zip(demo_songs(), DEMO_KEYS, strict=True):
        key = Key.from_name(name)
        for by in range(-6, 6):
            tracks = tuple(
                track if track.is_drum else replace(track, notes=transpose(track.notes, by))
                for track in demo.song()
            )
            moved = Key.of((key.pitch_class + by) % 12, key.mode)
            yield KeyCase(f"{demo.title} {by:+d}", demo.song().with_tracks(tracks), moved)


def none_cases(salt: str, count: int) -> Iterator[KeyCase]:
    """Make what has no key."""
    for kind in ATONAL:
        for number in range(count):
            yield atonal(seed_of(salt, kind, number), kind)


def run(cases: Iterable[KeyCase], profiles: Sequence[str]) -> list[Row]:
    """Ask midikit, and music21 with each of its profiles."""
    rows = []
    for case in cases:
        start = time.perf_counter()
        found = {"midikit": estimate.estimate_key(case.song)}
        seconds = time.perf_counter() - start
        if profiles:
            whole = as_stream(case.song)
            found |= {profile: key_by(profile, whole) for profile in profiles}
        rows.append(Row(case.name, case.key, found, seconds))
    return rows


def _fold_cases(
    songs: Sequence[Annotated], learnt: Sequence[Weights], profiles: Sequence[str]
) -> tuple[list[Row], list[tuple[float, float]]]:
    """Ask with weights not learnt from a song; also the share of time in the right key."""
    rows, shares = [], []
    for fold in range(FOLDS):
        mine = [one for one in songs if int(one.name[-3:]) % FOLDS == fold]
        with (
            mock.patch.object(estimate, "weights", return_value=learnt[fold]),
            mock.patch.object(sections, "weights", return_value=learnt[fold]),
        ):
            rows += run((KeyCase(one.name, one.song, one.key) for one in mine), profiles)
            shares += [_shares(one.song, one.spans) for one in mine]
    return rows, shares


def _shares(song: Song, spans: Spans) -> tuple[float, float]:
    """Share of the annotated time in the right key: by section, and by one key throughout."""
    at = np.arange(spans[0][0], spans[-1][1], _STEP)
    true = _named(at, [(low, high, as_key(name)) for low, high, name in spans])
    found = sections.estimate_keys(song)
    told = _named(at, [(span.start, span.end, span.key) for span in found])
    one = str(estimate.estimate_key(song))
    known = true != ""
    return float((told == true)[known].mean()), float((true == one)[known].mean())


def _named(
    at: npt.NDArray[np.float64], rows: Sequence[tuple[float, float, Key]]
) -> npt.NDArray[np.str_]:
    """Name the key at each of some seconds; empty where there is none."""
    names = np.full(len(at), "", "U16")
    for low, high, key in rows:
        names[(at >= low) & (at < high)] = key.name
    return names


def _show(suite: str, rows: Sequence[Row]) -> None:
    """Print how often each estimator is right, and its MIREX score."""
    told = [(row.found, row.key) for row in rows]
    names = list(rows[0].found)
    right = {name: np.mean([found[name] == key for found, key in told]) for name in names}
    score = {name: np.mean([mirex(found[name], key) for found, key in told]) for name in names}
    cells = "".join(f"{f'{right[n]:.3f} / {score[n]:.3f}':>16}" for n in names)
    print(f"{suite:9}{len(told):6}{cells}", flush=True)


def _show_sections(
    songs: Sequence[Annotated], rows: Sequence[Row], shares: Sequence[tuple[float, float]]
) -> None:
    """Print how much of the annotated time the key is right."""
    by_name = {row.name: share for row, share in zip(rows, shares, strict=True)}
    both = np.array([by_name[one.name] for one in songs])
    changing = np.array([len({name for *_, name in one.spans}) for one in songs]) > 1
    for what, some in (("all", np.ones(len(songs), bool)), ("those that change", changing)):
        by_section, by_song = both[some].mean(axis=0).tolist()
        print(
            f"time in the right key, {what} ({some.sum()} songs): by section {by_section:.3f}, "
            f"by one key {by_song:.3f}"
        )


def _show_calibration(suite: str, rows: Sequence[Row]) -> None:
    told = [(key, row.key) for row in rows if (key := row.found["midikit"]) is not None]
    sure = np.array([key.confidence for key, _ in told])
    right = np.array([float(key == true) for key, true in told])
    bins = calibrate(sure, right)
    print(f"\nconfidence, {suite}: calibration error {calibration_error(bins):.3f}")
    for one in bins:
        print(
            f"  {one.low:.2f} to {one.high:.2f} {one.size:5} songs, "
            f"mean {one.confidence:.3f}, right {one.right:.3f}"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.keys")
    add = parser.add_argument
    add("--salt", default="dev", metavar="WORD", help="makes the songs (dev)")
    add("--songs", type=int, default=24, help="made songs a style, from twelve on in all keys (24)")
    add("--pop909", type=Path, metavar="DIR", help="folder of songs in a clone of POP909")
    add("--suites", nargs="+", choices=SUITES, default=SUITES, help="which to measure (all)")
    add("--alone", action="store_true", help="without music21")
    options = parser.parse_args(arguments)
    if not options.alone and importlib.util.find_spec("music21") is None:
        parser.error("music21 is not installed; uv run --group bench python -m …, or --alone")
    if options.pop909 is not None and not options.pop909.is_dir():
        parser.error(f"--pop909 {options.pop909}: no such folder")
    profiles = () if options.alone else PROFILES
    print("right / MIREX score of the key")
    print(f"{'suite':9}{'songs':>6}" + "".join(f"{n[:15]:>16}" for n in ("midikit", *profiles)))
    suites: dict[str, Iterable[KeyCase]] = {
        "dev": (KeyCase(one.name, one.song, one.key) for one in dev_songs()),
        "made": made_songs(options.salt, options.songs),
        "demo": demo_cases(),
        "plain": plain_songs(options.salt),
    }
    done = {}
    for suite in options.suites:
        done[suite] = run(suites[suite], profiles)
        _show(suite, done[suite])
    shares: list[tuple[float, float]] = []
    if options.pop909 is not None:
        everything = examples(options.pop909)
        folds = fold_weights(everything)
        few = few_of(unseen(everything, folds))
        learnt = [completed(one, everything, few) for one in folds]
        songs = [pop909_song(options.pop909, number) for number in json.loads(IDS.read_text())]
        done["folds"], shares = _fold_cases(songs, learnt, profiles)
        _show("folds", done["folds"])
        _show_sections(songs, done["folds"], shares)
    none = run(none_cases(options.salt, 30), ())
    refused = np.mean([row.found["midikit"] is None for row in none])
    keyed = [row for rows in done.values() for row in rows]
    missed = np.mean([row.found["midikit"] is None for row in keyed])
    print(f"refused: {refused:.3f} of {len(none)} without a key, {missed:.4f} of {len(keyed)} with")
    for suite, rows in done.items():
        _show_calibration(suite, rows)
    seconds = np.array([row.seconds for row in keyed])
    print(f"\nmidikit: {np.median(seconds) * 1e3:.1f} ms a song, at most {seconds.max() * 1e3:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
