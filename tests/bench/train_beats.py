"""Learn the weights of `estimate_beats` anew: ``midikit/rhythm/estimation/weights.json``.

    uv run python -m tests.bench.train_beats GENERATOR POP909 IDS

GENERATOR is the folder of the module ``gridsynth``, POP909 a clone's folder of songs, IDS a JSON
list of the songs that may be used. The songs generated are those of the salts in `SALTS`; a share
of them loses parts or velocities or gets lags (`beats_data`). All draws come from `SEED`: the same
data give the same weights. Takes about ten minutes on one core.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from midikit.rhythm.estimation.accents import accents_of
from midikit.rhythm.estimation.confidence import evidence_for
from midikit.rhythm.estimation.network import CLIP, Weights, probabilities
from midikit.rhythm.estimation.onsets import gather
from midikit.rhythm.estimation.pulses import find_pulse
from midikit.rhythm.estimation.readings import readings_of
from tests.bench.beats_data import pop909_case, synthetic_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.rhythm.estimation.onsets import Onsets
    from midikit.rhythm.estimation.pulses import Pulse
    from midikit.rhythm.estimation.readings import Reading
    from tests.bench.beats_data import Case

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

SEED = 0
STEADY = ("const", "jitter", "drift", "step", "sparse")
SALTS = {"train": 1100, "calibrate": 80}
NEGATIVES = 300
KEPT_BACK = 60
WEIGHTS = Path(__file__).parents[2] / "midikit" / "rhythm" / "estimation" / "weights.json"

NETWORKS, UNITS, EPOCHS, BATCH = 2, 48, 20, 32
RATE, DECAY, DROPPED = 3e-3, 3e-3, 0.05
POP_WEIGHT = 4.0
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


def example_of(case: Case) -> Example | None:
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


def cases(pop909: Path, ids: list[int]) -> Iterator[Case]:
    """Give every song of the training, those to calibrate with last."""
    yield from (pop909_case(pop909, number) for number in ids[:-KEPT_BACK])
    for salt, count in SALTS.items():
        for group in STEADY:
            for number in range(count):
                yield synthetic_case(salt, group, number, vary=number % 2 == 0)
    for number in range(NEGATIVES):
        yield synthetic_case("train", "negative", number, vary=number % 2 == 0)
    yield from (pop909_case(pop909, number) for number in ids[-KEPT_BACK:])


def network(examples: list[Example], seed: int) -> tuple[FloatArray, ...]:
    """Learn one network: Adam on the softmax of each song's readings, columns dropped by chance."""
    rng = np.random.default_rng([SEED, seed])
    table = np.concatenate([example.features for example in examples])
    mean, spread = table.mean(axis=0), table.std(axis=0) + np.float32(1e-3)
    table = np.clip((table - mean) / spread, -CLIP, CLIP)
    right = np.concatenate([example.right for example in examples]).astype(np.float32)
    edges = np.cumsum([0, *(len(example.features) for example in examples)])
    say = np.array([POP_WEIGHT if "pop909" in example.name else 1.0 for example in examples])
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
            slopes = _slopes(layers, x, right[rows], sizes, say[batch])
            step += 1
            rate = 0.5 * RATE * (1.0 + np.cos(np.pi * step / steps))
            for i, slope in enumerate(slopes):
                first[i] = 0.9 * first[i] + 0.1 * slope
                second[i] = 0.999 * second[i] + 0.001 * slope**2
                size = np.sqrt(second[i] / (1 - 0.999**step)) + 1e-8
                layers[i] = layers[i] - np.float32(rate / (1 - 0.9**step)) * first[i] / size
    return (mean, spread, *layers)


def _slopes(
    layers: list[Any], x: Any, right: Any, sizes: npt.NDArray[np.int64], say: FloatArray
) -> list[Any]:
    """Slopes of the mean -log probability of the right readings, and of the decay."""
    opens = np.cumsum([0, *sizes[:-1]])
    hidden = x @ layers[0] + layers[1]
    active = np.maximum(hidden, 0)
    score = active @ layers[2]
    share = np.exp(score - np.repeat(np.maximum.reduceat(score, opens), sizes))
    share /= np.repeat(np.add.reduceat(share, opens), sizes)
    wanted = share * right
    wanted /= np.repeat(np.add.reduceat(wanted, opens) + 1e-9, sizes)
    pull = ((share - wanted) * np.repeat(say, sizes) / len(sizes)).astype(np.float32)
    back = np.outer(pull, layers[2]) * (hidden > 0)
    return [
        x.T @ back + DECAY * layers[0],
        back.sum(axis=0),
        active.T @ pull + DECAY * layers[2],
    ]


def logistic(evidence: FloatArray, steady: npt.NDArray[np.bool_]) -> FloatArray:
    """Learn the logistic model of a steady pulse (Newton, slightly ridged)."""
    x = np.column_stack([np.ones(len(evidence)), evidence])
    say = np.where(steady, 1.0, STRAY_WEIGHT)
    model = np.zeros(x.shape[1])
    ridge = 1e-3 * len(x)
    for _ in range(50):
        chance = 1.0 / (1.0 + np.exp(-np.clip(x @ model, -30, 30)))
        slope = x.T @ (say * (steady - chance)) - ridge * model
        bend = (x * (say * chance * (1 - chance))[:, None]).T @ x + ridge * np.eye(len(model))
        model = model + np.linalg.solve(bend, slope)
    return model


def calibrated(learnt: Weights, examples: list[Example]) -> Weights:
    """Set the temperature to where songs that were kept back are likeliest."""

    def surprise(temperature: float) -> float:
        warm = learnt._replace(temperature=temperature)
        shares = [probabilities(e.features.astype(np.float64), warm)[e.right] for e in examples]
        return -float(np.mean([np.log(share.sum() + 1e-9) for share in shares]))

    options = np.arange(0.6, 2.5, 0.05)
    best = min(options.tolist(), key=surprise)
    print(f"temperature {best:.2f}, -log p {surprise(best):.3f} on {len(examples)} songs kept back")
    for example_group in (*STEADY, "pop909"):
        mine = [e for e in examples if example_group in e.name]
        tops = [e.right[probabilities(e.features.astype(float), learnt).argmax()] for e in mine]
        print(f"  {example_group}: right {np.mean(tops):.3f} of {len(mine)}")
    return learnt._replace(temperature=round(best, 2))


def main(generator: Path, pop909: Path, ids: Path) -> None:
    """Read the songs and learn from them."""
    sys.path.insert(0, str(generator))
    read = [example_of(case) for case in cases(pop909, json.loads(ids.read_text()))]
    learn([example for example in read if example is not None])


def learn(examples: list[Example]) -> None:
    """Learn from examples, calibrate, and write the weights."""
    known = [example for example in examples if example.right.any()]
    tail = {e.name for e in [e for e in examples if "pop909" in e.name][-KEPT_BACK:]}
    apart = [e for e in known if e.name in tail or e.name.startswith("calibrate")]
    names = {e.name for e in apart}
    used = [e for e in known if e.name not in names]
    print(f"{len(examples)} songs, {len(used)} to learn from, {len(apart)} to calibrate with")
    nets = [network(used, seed) for seed in range(NETWORKS)]
    steady = np.array([example.steady for example in examples])
    learnt = Weights(
        mean=nets[0][0].astype(np.float64),
        spread=nets[0][1].astype(np.float64),
        first=np.stack([net[2] for net in nets]).astype(np.float64),
        bias=np.stack([net[3] for net in nets]).astype(np.float64),
        second=np.stack([net[4] for net in nets]).astype(np.float64),
        temperature=1.0,
        pulse=logistic(np.stack([example.evidence for example in examples]), steady),
    )
    learnt = calibrated(learnt, apart)
    table = {name: _rounded(value) for name, value in learnt._asdict().items()}
    WEIGHTS.write_text(json.dumps(table, separators=(",", ":")) + "\n", "ascii")


def _rounded(value: Any) -> Any:
    """Keep four digits of every number."""
    if np.ndim(value) == 0:
        return float(f"{float(value):.4g}")
    return [_rounded(inner) for inner in value]


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
