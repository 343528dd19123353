"""Measure `estimate_beats`: songs with a known grid in, the table of marks out.

    uv run python -m tests.bench.beats --salt WORD --songs 30
    uv run --group bench python -m tests.bench.beats --neighbours pretty_midi,partitura,librosa

Every word given as ``--salt`` makes other songs. Figures are means over a suite's songs (see
`tests.bench.beats_metrics`); a song that is refused counts as wrong throughout. About three minutes
on one core with 30 songs a suite.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.bench import beats_adapter
from tests.bench.beats_marks import judge
from tests.bench.beats_metrics import (
    METRICS,
    area_under_curve,
    calibrate,
    calibration_error,
    score,
)
from tests.bench.beats_neighbours import NEIGHBOURS
from tests.bench.beats_songs import POP909, SUITES, pop909_songs, suite_songs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tests.bench.beats_marks import Outcome
    from tests.bench.beats_metrics import Bin
    from tests.bench.beats_songs import Case

__all__ = ["Row", "calibration", "main", "run", "summary", "totals"]

SURE = {"pulse": "confidence", "level": "level", "bar": "bar"}
"""The confidences and the adapter's names for them."""

_SUMMARY = "Measure `estimate_beats` on songs with a known grid."
_TIMES = {"seconds_median": "s mid", "seconds_p95": "s 95 %", "seconds_max": "s max"}
_HEADS = (*METRICS.values(), *_TIMES.values())


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A song, the answer it got, its scores and the seconds it took."""

    case: Case
    answer: Mapping[str, Any]
    scores: dict[str, float]
    seconds: float

    @property
    def answered(self) -> bool:
        """Whether a grid was found."""
        return len(self.answer.get("beats", ())) > 1

    def __str__(self) -> str:
        """Say in one line what was found."""
        answer, true = self.answer, self.case.made
        found = f"{answer['bpm']:7.2f}" if self.answered else "no grid"
        shown = ("beat_f", "amlt", "downbeat_f", "qpa", "qpa_bar")
        scores = " ".join(f"{self.scores.get(name, np.nan):5.2f}" for name in shown)
        bars = f"{answer.get('beats_per_bar') or '-'}/{true.beats_per_bar}"
        sure = " ".join(f"{answer.get(name, np.nan):.2f}" for name in SURE.values())
        return f"{self.case.name:22} {found} of {self.case.bpm:6.2f} {bars} {scores}  {sure}"


def run(
    estimate: Callable[[dict[str, Any]], Mapping[str, Any]], cases: Iterable[Case]
) -> Iterator[Row]:
    """Estimate and score song after song."""
    for case in cases:
        notes = {name: values.copy() for name, values in case.made.notes.items()}
        start = time.perf_counter()
        answer = estimate(notes)
        seconds = time.perf_counter() - start
        yield Row(case, answer, score(answer, case), seconds)


def summary(rows: Sequence[Row]) -> dict[str, float]:
    """Average the metrics over songs, leave out what none can tell, and add their times."""
    values = defaultdict(list)
    for row in rows:
        for name in METRICS:
            if name in row.scores:
                values[name].append(row.scores[name])
    seconds = np.array([row.seconds for row in rows])
    return {name: float(np.mean(values[name])) for name in METRICS if name in values} | {
        "seconds_median": float(np.median(seconds)),
        "seconds_p95": float(np.percentile(seconds, 95)),
        "seconds_max": float(seconds.max()),
    }


def totals(rows: Sequence[Row]) -> dict[str, float]:
    """Tell songs with a grid from those without, and take the times over all."""
    steady = [row for row in rows if row.case.made.steady]
    stray = [row for row in rows if not row.case.made.steady]
    times = {k: v for k, v in summary(rows).items() if k.startswith("seconds")}
    if not all("confidence" in row.answer for row in rows):
        return times
    sure, unsure = (
        np.array([row.answer["confidence"] for row in some]) for some in (steady, stray)
    )
    found = {"auc": area_under_curve(sure, unsure)} if steady and stray else {}
    if steady:
        found["refused"] = float(np.mean([not row.answered for row in steady]))
    if stray:
        found["accepted"] = float(np.mean([row.answered for row in stray]))
    return found | times


def calibration(rows: Sequence[Row]) -> dict[str, list[Bin]]:
    """Compare each confidence of the songs answered with the share that was right."""
    table = {}
    for name, key in SURE.items():
        told = [row for row in rows if row.answered and f"{name}_right" in row.scores]
        told = [row for row in told if key in row.answer]
        if told:
            sure = np.array([row.answer[key] for row in told])
            right = np.array([row.scores[f"{name}_right"] for row in told])
            table[name] = calibrate(sure, right)
    return table


def _cases(suite: str, options: argparse.Namespace) -> Iterator[Case]:
    """List the songs of a suite."""
    if suite == "pop909":
        return pop909_songs(options.pop909, options.pop909_songs)
    return suite_songs(suite, options.salt, options.songs)


def _measure(name: str, options: argparse.Namespace) -> list[Outcome]:
    """Run an estimator over the suites and show what it reaches."""
    estimate = beats_adapter.estimate if name == "midikit" else NEIGHBOURS[name]
    if not options.json:
        print(f"\n{name}\n{'suite':9}{'songs':>6} " + " ".join(f"{head:>7}" for head in _HEADS))
    by_suite: dict[str, list[Row]] = {}
    for suite in options.groups:
        rows = by_suite[suite] = []
        for row in run(estimate, _cases(suite, options)):
            rows.append(row)
            if options.list:
                print(row, file=sys.stderr)
        if not options.json:
            _show_suite(suite, rows)
    everything = [row for rows in by_suite.values() for row in rows]
    means = {suite: summary(rows) for suite, rows in by_suite.items()}
    overall = totals(everything)
    outcomes = judge(means, overall)
    tables = {"all suites": calibration(everything)}
    if "pop909" in by_suite:
        tables["pop909"] = calibration(by_suite["pop909"])
    if options.json:
        words = {"estimator": name, "salt": options.salt, "songs": options.songs}
        figures = {"suites": means, "totals": overall}
        print(json.dumps(words | figures | _told(outcomes, tables)), flush=True)
    else:
        _show_calibration(tables)
    return outcomes


def _told(
    outcomes: Sequence[Outcome], tables: Mapping[str, Mapping[str, Sequence[Bin]]]
) -> dict[str, Any]:
    """Put marks and calibration in a form fit for JSON."""
    marks = [
        row.mark._asdict() | {"figure": row.figure, "missed_by": row.missed_by} for row in outcomes
    ]
    calibrated = {
        which: {
            what: {"error": calibration_error(bins), "bins": [row._asdict() for row in bins]}
            for what, bins in table.items()
        }
        for which, table in tables.items()
    }
    return {"marks": marks, "calibration": calibrated}


def _show_suite(suite: str, rows: Sequence[Row]) -> None:
    """Print the means of a suite, blank where none can be told."""
    found = summary(rows)
    cells = (f"{found[key]:7.3f}" if key in found else " " * 7 for key in (*METRICS, *_TIMES))
    print(f"{suite:9}{len(rows):6} " + " ".join(cells), flush=True)


def _show_marks(outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Print the table of marks: each estimator's figures, and what midikit reaches."""
    names = list(outcomes)
    print(f"\n{'mark':50}{'':3}{'mark':>6}" + "".join(f"{name:>12}" for name in names))
    theirs = [{row.mark: row.figure for row in outcomes[name]} for name in names]
    for outcome in outcomes[names[0]]:
        mark, missed = outcome.mark, outcome.missed_by
        sign = "<=" if mark.at_most else ">="
        cells = "".join(f"{row[mark]:12.4f}" if mark in row else " " * 12 for row in theirs)
        end = f"missed by {missed:.4f}" if missed else "reached"
        print(f"{mark.label:50}{sign:3}{mark.value:6.3f}{cells}  {end}")


def _show_calibration(tables: Mapping[str, Mapping[str, Sequence[Bin]]]) -> None:
    """Print how often the answers of each confidence were right."""
    for which, table in tables.items():
        for what, bins in table.items():
            print(f"\nconfidence.{what}, {which}: calibration error {calibration_error(bins):.3f}")
            for row in bins:
                sure = f"mean {row.confidence:.3f}, right {row.right:.3f}"
                print(f"  {row.low:.2f} to {row.high:.2f}  {row.size:4} songs, {sure}")


def _words(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Make a reader of words with commas between them."""

    def read(text: str) -> list[str]:
        words = text.split(",")
        for word in words:
            if word not in known:
                raise argparse.ArgumentTypeError(f"{word!r}; expected {', '.join(known)}")
        return words

    return read


def _count(text: str) -> int:
    """Read a number of songs."""
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}; expected one song or more")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, measure and print."""
    parser = argparse.ArgumentParser(prog="tests.bench.beats", description=_SUMMARY)
    add = parser.add_argument
    add("--salt", default="dev", metavar="WORD", help="makes the songs (dev)")
    add("--songs", type=_count, default=30, help="songs of each generated suite (30)")
    add("--groups", type=_words(SUITES), default=list(SUITES[:-1]), help=", ".join(SUITES))
    add("--pop909", type=Path, default=POP909, help="songs of POP909 packed as JSON")
    add("--pop909-songs", type=_count, help="take only the first so many of them")
    add("--neighbours", type=_words(NEIGHBOURS), default=[], help=", ".join(NEIGHBOURS))
    add("--list", action="store_true", help="one line a song, on stderr")
    add("--json", action="store_true", help="one JSON object an estimator")
    options = parser.parse_args(arguments)
    if not options.pop909.is_file():
        parser.error(f"--pop909 {options.pop909}: no such file")
    for name in options.neighbours:
        if name != "claimed" and importlib.util.find_spec(name) is None:
            parser.error(f"{name} is not installed; uv run --group bench python -m …")
    names = ("midikit", *options.neighbours)
    outcomes = {name: _measure(name, options) for name in names}
    if not options.json:
        _show_marks(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
