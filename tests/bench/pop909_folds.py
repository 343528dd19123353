"""Measure `estimate_beats` on its training songs of POP909, each by a network not trained on it.

    uv run python -m tests.bench.pop909_folds POP909

POP909 is the folder of songs in a clone of that data set; the songs read are those listed in
``pop909_train_ids.json``. Each of the networks in ``weights.json`` learnt without a part of them
(`tests.bench.train_beats`); here each judges that part alone, where otherwise all vote. So this is
what to expect of songs nobody has seen, on eight times as many as the 50 of `tests.bench.beats`.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from unittest import mock

import numpy as np

from midikit.rhythm import estimate
from midikit.rhythm.estimation.network import weights
from tests.bench import beats_adapter
from tests.bench.beats import Row, calibration, run, summary
from tests.bench.beats_data import pop909_case
from tests.bench.beats_metrics import METRICS, calibration_error
from tests.bench.beats_songs import Case
from tests.bench.synthetic import Made
from tests.bench.train_beats import IDS, alone

_NO_PLACES = ("qpa", "qpa_bar", "pulse_right")
"""What the data set does not tell for all of its notes."""


def _case(folder: Path, number: int) -> Case:
    """Read a song with the beats up to its last onset."""
    read = pop909_case(folder, number)
    tracks = read.song.tracks
    columns = {
        "onset": np.concatenate([track.notes["start"] for track in tracks]),
        "offset": np.concatenate([track.notes["end"] for track in tracks]),
        "pitch": np.concatenate([track.notes["pitch"] for track in tracks]),
        "velocity": np.concatenate([track.notes["velocity"] for track in tracks]),
        "instrument": np.repeat(np.arange(len(tracks)), [len(track.notes) for track in tracks]),
    }
    columns["is_drum"] = np.zeros(len(columns["onset"]), bool)
    last = float(columns["onset"].max()) + 0.05
    beats, downbeats = read.beats[read.beats <= last], read.downbeats[read.downbeats <= last]
    nowhere = np.zeros(len(columns["onset"]))
    made = Made(columns, beats, downbeats, read.beats_per_bar, nowhere, nowhere, steady=True)
    period = np.diff(beats)
    constant = bool(np.ptp(period) < 1e-3 * np.median(period))
    return Case("pop909", read.name, made, constant, bars_known=len(downbeats) > 0)


def judged(folder: Path, number: int) -> Row:
    """Measure a song by the network that did not learn from it."""
    whole = weights()
    one = alone(whole, number % len(whole.first))
    with mock.patch.object(estimate, "weights", return_value=one):
        (row,) = run(beats_adapter.estimate, [_case(folder, number)])
    for name in _NO_PLACES:
        row.scores.pop(name, None)
    return row


def main(folder: Path) -> None:
    """Print the means of all metrics, and how sure the estimates were against what was right."""
    with Pool() as pool:
        rows = pool.map(partial(judged, folder), json.loads(IDS.read_text()), chunksize=4)
    means = summary(rows)
    print(f"{len(rows)} songs, {sum(row.case.bars_known for row in rows)} with known bars")
    print(", ".join(f"{head} {means[name]:.4f}" for name, head in METRICS.items() if name in means))
    for what, bins in calibration(rows).items():
        print(f"\nconfidence.{what}: calibration error {calibration_error(bins):.3f}")
        for row in bins:
            print(
                f"  {row.low:.2f} to {row.high:.2f} {row.size:5} songs, "
                f"mean {row.confidence:.3f}, right {row.right:.3f}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
