"""Learn the weights of `estimate_beats` anew: ``midikit/rhythm/estimation/weights.json``.

    uv run python -m tests.bench.train_beats POP909

POP909 is the folder of songs in a clone of that data set; of it only the songs listed in
``pop909_train_ids.json`` are read, whole and in excerpts. The others are made by `synthetic` and
`band` from the salts in `SALTS`; a share of them loses parts or velocities or gets lags
(`beats_data`). All draws come from `SEED`: the same data give the same weights. Each network learns
without a part of POP909, which tells how sure it may be. Takes about a quarter of an hour on two
cores; run twice, it gave the same bytes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from midikit.model.song import Song
from midikit.rhythm.estimation.accents import accents_of
from midikit.rhythm.estimation.bare import bare_rate, pulse_at
from midikit.rhythm.estimation.confidence import evidence_for
from midikit.rhythm.estimation.network import CLIP, FEWEST_TO_REFUSE, Weights, probabilities
from midikit.rhythm.estimation.onsets import gather
from midikit.rhythm.estimation.pulses import find_pulse
from midikit.rhythm.estimation.readings import readings_of
from tests.bench.beats_data import excerpt, made_case, pop909_case
from tests.bench.synthetic import STEADY

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.onsets import Onsets
    from midikit.rhythm.estimation.pulses import Pulse
    from midikit.rhythm.estimation.readings import Reading
    from tests.bench.beats_data import Case

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

SEED = 0
GROUPS = (*STEADY, "band")
SALTS = {"train": 1400, "calibrate": 80}
NEGATIVES = 300
FEW = 4000
EXCERPTS = 5
IDS = Path(__file__).with_name("pop909_train_ids.json")
WEIGHTS = Path(__file__).parents[2] / "midikit" / "rhythm" / "estimation" / "weights.json"

NETWORKS, UNITS, EPOCHS, BATCH = 4, 48, 16, 32
RATE, DECAY, DROPPED = 3e-3, 1e-3, 0.05
STRAY_WEIGHT = 2.0
BEAT_RANGE = (60.0 / 220.0, 60.0 / 40.0)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A song's readings, which of them are right, and the evidence for its pulse."""

    name: str
    features: npt.NDArray[np.float32]
    right: npt.NDArray[np.bool_]
    evidence: FloatArray
    steady: bool
    whole: bool


def example_of(case: Case, *, whole: bool = True) -> Example | None:
    """Read a song as the estimator does and mark the right readings; None with too few notes."""
    onsets = gather(case.song)
    pulse = find_pulse(onsets)
    if pulse is None:
        return None
    readings, features = readings_of(
        accents_of(onsets.moved(pulse.lag), pulse),
        period=pulse.period,
        swung=len(pulse.slots) > 1,
        beat_range=BEAT_RANGE,
    )
    if not readings:
        return None
    return Example(
        name=case.name,
        features=features.astype(np.float32),
        right=_right(case, onsets, pulse, readings),
        evidence=evidence_for(onsets, pulse),
        steady=len(case.beats) > 0,
        whole=whole,
    )


def _right(
    case: Case, onsets: Onsets, pulse: Pulse, readings: list[Reading]
) -> npt.NDArray[np.bool_]:
    """Mark the readings with the true beats, and bars where they are known."""
    right = np.zeros(len(readings), bool)
    late = case.beats - onsets.origin
    late = late[(late > -0.1) & (late < onsets.start.max() + 0.1)]
    if len(late) < 8:
        return right
    line, off = pulse.nearest(late)
    lines = round(float(np.median(np.diff(line))))
    if lines < 1 or (np.abs(off) < 0.04).mean() < 0.7:
        return right
    phases = np.bincount(line % lines, minlength=lines)
    if phases.max() < 0.7 * len(line):
        return right
    bar = None
    if len(case.downbeats):
        size = lines * case.beats_per_bar
        opens = np.bincount(pulse.nearest(case.downbeats - onsets.origin)[0] % size, minlength=size)
        if opens.max() < 0.6 * len(case.downbeats):
            return right
        bar = int(opens.argmax())
    for i, reading in enumerate(readings):
        level = reading.lines == lines and reading.phase % lines == phases.argmax()
        known = bar is None or reading.phase == bar
        right[i] = level and known and reading.beats == case.beats_per_bar
    return right


def _made(salt: str, pair: tuple[str, int]) -> list[Example]:
    """Read a song that is made."""
    group, number = pair
    found = example_of(made_case(salt, group, number, vary=number % 2 == 0))
    return [] if found is None else [found]


def _pop909(folder: Path, number: int) -> list[Example]:
    """Read a song of POP909 and excerpts of it."""
    case = pop909_case(folder, number)
    rng = np.random.default_rng([SEED, number])
    cut = [excerpt(case, rng) for _ in range(EXCERPTS)]
    found = [example_of(case), *(example_of(part, whole=False) for part in cut if part is not None)]
    return [example for example in found if example is not None]


def examples_of(pop909: Path) -> list[Example]:
    """Read every song of the training, on all cores."""
    made = [(group, number) for group in GROUPS for number in range(SALTS["train"])]
    made += [("negative", number) for number in range(NEGATIVES)]
    apart = [(group, number) for group in GROUPS for number in range(SALTS["calibrate"])]
    with Pool() as pool:
        read = [
            *pool.map(partial(_pop909, pop909), json.loads(IDS.read_text())),
            *pool.map(partial(_made, "train"), made, chunksize=16),
            *pool.map(partial(_made, "calibrate"), apart, chunksize=16),
        ]
    return [example for found in read for example in found]


def network(
    examples: list[Example], mean: Any, spread: Any, seed: int
) -> tuple[npt.NDArray[np.float32], ...]:
    """Learn one network: Adam on the softmax of each song's readings, columns dropped by chance."""
    rng = np.random.default_rng([SEED, seed])
    table = np.concatenate([example.features for example in examples])
    table = np.clip((table - mean) / spread, -CLIP, CLIP)
    right = np.concatenate([example.right for example in examples]).astype(np.float32)
    edges = np.cumsum([0, *(len(example.features) for example in examples)])
    columns = table.shape[1]
    layers: list[Any] = [
        rng.normal(0, columns**-0.5, (columns, UNITS)).astype(np.float32),
        np.zeros(UNITS, np.float32),
        rng.normal(0, 0.3 * UNITS**-0.5, UNITS).astype(np.float32),
    ]
    first = [np.zeros_like(layer) for layer in layers]
    second = [np.zeros_like(layer) for layer in layers]
    steps = EPOCHS * -(-len(examples) // BATCH)
    step = 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(examples))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            rows = np.concatenate([np.arange(edges[i], edges[i + 1]) for i in batch])
            sizes = edges[batch + 1] - edges[batch]
            kept = (rng.random((len(batch), columns)) > DROPPED).astype(np.float32)
            x = table[rows] * np.repeat(kept, sizes, axis=0)
            slopes = _slopes(layers, x, right[rows], sizes)
            step += 1
            rate = 0.5 * RATE * (1.0 + np.cos(np.pi * step / steps))
            for i, slope in enumerate(slopes):
                first[i] = 0.9 * first[i] + 0.1 * slope
                second[i] = 0.999 * second[i] + 0.001 * slope**2
                size = np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8
                layers[i] = layers[i] - np.float32(rate / (1 - 0.9**step)) * first[i] / size
    return tuple(layers)


def _slopes(layers: list[Any], x: Any, right: Any, sizes: npt.NDArray[np.int64]) -> list[Any]:
    """Slopes of the mean -log probability of the right readings, and of the decay."""
    opens = np.cumsum([0, *sizes[:-1]])
    hidden = x @ layers[0] + layers[1]
    active = np.maximum(hidden, 0)
    score = active @ layers[2]
    share = np.exp(score - np.repeat(np.maximum.reduceat(score, opens), sizes))
    share /= np.repeat(np.add.reduceat(share, opens), sizes)
    wanted = share * right
    wanted /= np.repeat(np.add.reduceat(wanted, opens) + 1e-9, sizes)
    pull = ((share - wanted) / len(sizes)).astype(np.float32)
    back = np.outer(pull, layers[2]) * (hidden > 0)
    return [
        x.T @ back + DECAY * layers[0],
        back.sum(axis=0),
        active.T @ pull + DECAY * layers[2],
    ]


def logistic(
    evidence: FloatArray, steady: npt.NDArray[np.bool_], *, stray: float, ridge: float
) -> FloatArray:
    """Learn the logistic model of a steady pulse (Newton, slightly ridged)."""
    x = np.column_stack([np.ones(len(evidence)), evidence])
    say = np.where(steady, 1.0, stray)
    model = np.zeros(x.shape[1])
    ridge = ridge * len(x)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(x @ model, -30, 30)))
        slope = x.T @ (say * (steady - chance)) - ridge * model
        bend = (x * (say * chance * (1 - chance))[:, None]).T @ x + ridge * np.eye(len(model))
        model = model + np.linalg.solve(bend, slope)
    return model


def few_of(number: int) -> tuple[FloatArray, bool] | None:
    """Read a handful of strokes out of a song: the evidence, and whether the pulse is right."""
    group = "negative" if number % 2 else STEADY[number // 2 % len(STEADY)]
    case = made_case("few", group, number, vary=True)
    rng = np.random.default_rng([SEED, number])
    tracks = case.song.tracks
    if rng.random() < 0.5:
        tracks = (tracks[int(rng.integers(len(tracks)))],)
    starts = np.unique(np.concatenate([track.notes["start"] for track in tracks]))
    count = int(np.exp(rng.uniform(0.0, np.log(FEWEST_TO_REFUSE))))
    first = int(rng.integers(max(1, len(starts) - count)))
    low, high = starts[first], starts[min(first + count, len(starts)) - 1]
    kept = [
        replace(
            track, notes=track.notes[(track.notes["start"] >= low) & (track.notes["start"] <= high)]
        )
        for track in tracks
    ]
    onsets = gather(Song(tuple(kept)))
    if not 0 < len(onsets.time) < FEWEST_TO_REFUSE:
        return None
    pulse = find_pulse(onsets) or pulse_at(onsets, bare_rate(onsets, (40.0, 220.0)))
    beats = case.beats[(case.beats > low - 0.05) & (case.beats < high + 0.05)] - onsets.origin
    return evidence_for(onsets, pulse), len(beats) > 1 and _on_lines(beats, pulse)


def _on_lines(beats: FloatArray, pulse: Pulse) -> bool:
    """Tell whether true beats lie on lines, equally many apart."""
    line, off = pulse.nearest(beats)
    return bool((np.abs(off) < 0.03).all() and np.ptp(np.diff(line)) == 0 and line[1] > line[0])


def fold_of(example: Example) -> int:
    """Tell which network does not learn from a song of POP909; -1 for songs that are made."""
    return int(example.name.split("/")[1]) % NETWORKS if "pop909" in example.name else -1


def calibrated(learnt: Weights, examples: list[Example]) -> Weights:
    """Set the temperature to where songs that were not learnt from are likeliest, kind by kind."""
    judged: dict[str, list[tuple[FloatArray, npt.NDArray[np.bool_]]]] = {}
    for example in examples:
        fold = fold_of(example)
        nets = learnt if fold < 0 else alone(learnt, fold)
        kind = "pop909" if fold >= 0 else example.name.split("/")[1]
        score = np.log(probabilities(example.features.astype(np.float64), nets) + 1e-30)
        judged.setdefault(kind, []).append((score, example.right))

    def surprise(temperature: float) -> float:
        kinds = []
        for songs in judged.values():
            shares = [np.exp((score - score.max()) / temperature) for score, _ in songs]
            right = [
                share[mine].sum() / share.sum()
                for share, (_, mine) in zip(shares, songs, strict=True)
            ]
            kinds.append(-float(np.mean(np.log(np.array(right) + 1e-9))))
        return float(np.mean(kinds))

    options = np.arange(0.6, 2.5, 0.05)
    best = min(options.tolist(), key=surprise)
    print(f"temperature {best:.2f}, -log p {surprise(best):.3f}")
    for kind, songs in judged.items():
        tops = np.mean([mine[score.argmax()] for score, mine in songs])
        print(f"  {kind}: {tops:.3f} of {len(songs)} songs not learnt from are right")
    return learnt._replace(temperature=round(best, 2))


def alone(learnt: Weights, number: int) -> Weights:
    """Take one network alone."""
    one = slice(number, number + 1)
    return learnt._replace(
        first=learnt.first[one], bias=learnt.bias[one], second=learnt.second[one]
    )


def main(pop909: Path) -> None:
    """Read the songs and learn from them."""
    learn(examples_of(pop909))


def learn(examples: list[Example]) -> None:
    """Learn from examples, calibrate, and write the weights."""
    known = [example for example in examples if example.right.any()]
    used = [example for example in known if not example.name.startswith("calibrate")]
    table = np.concatenate([example.features for example in used])
    mean, spread = table.mean(axis=0), table.std(axis=0) + np.float32(1e-3)
    print(f"{len(examples)} songs and excerpts, {len(used)} to learn from")
    nets = [
        network([example for example in used if fold_of(example) != number], mean, spread, number)
        for number in range(NETWORKS)
    ]
    steady = np.array([example.steady for example in examples])
    with Pool() as pool:
        few = [one for one in pool.map(few_of, range(FEW), chunksize=16) if one is not None]
    right = np.array([is_right for _, is_right in few])
    print(f"{len(few)} handfuls of strokes, the pulse of {right.mean():.2f} right")
    learnt = Weights(
        mean=mean.astype(np.float64),
        spread=spread.astype(np.float64),
        first=np.stack([net[0] for net in nets]).astype(np.float64),
        bias=np.stack([net[1] for net in nets]).astype(np.float64),
        second=np.stack([net[2] for net in nets]).astype(np.float64),
        temperature=1.0,
        pulse=logistic(
            np.stack([example.evidence for example in examples]),
            steady,
            stray=STRAY_WEIGHT,
            ridge=1e-3,
        ),
        few=logistic(np.stack([evidence for evidence, _ in few]), right, stray=1.0, ridge=1e-5),
    )
    apart = [
        example
        for example in known
        if example.name.startswith("calibrate") or (fold_of(example) >= 0 and example.whole)
    ]
    learnt = calibrated(learnt, apart)
    rounded = {name: _rounded(value) for name, value in learnt._asdict().items()}
    WEIGHTS.write_text(json.dumps(rounded, separators=(",", ":")) + "\n", "ascii")


def _rounded(value: Any) -> Any:
    """Keep four digits of every number."""
    if np.ndim(value) == 0:
        return float(f"{float(value):.4g}")
    return [_rounded(inner) for inner in value]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
