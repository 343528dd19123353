"""Learn the weights of `estimate_key` anew: ``midikit/tonality/weights.json``.

    uv run python -m tests.bench.train_key POP909

POP909 is the folder of songs in a clone of that data set; of it only the songs listed in
``pop909_train_ids.json`` are read, whole and in stretches of one key. The others, and what has no
key, are made by `tests.bench.key_songs` from the salt ``train``. The profiles are a multinomial
logistic regression (Newton's method, ridge penalty); how much few notes count, and the model of
what has a key, are set on stretches whose songs were not learnt from. All draws come from `SEED`.
About a minute; run twice, it gave the same bytes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.tonality.evidence import gather, rotations, shares
from midikit.tonality.model import CLIP, Weights, flattened, key_scores, scale_share
from tests.bench.key_data import excerpt, pop909_song, stretches
from tests.bench.key_songs import ATONAL, STYLES, atonal, made_song
from tests.bench.synthetic import seed_of
from tests.bench.train_beats import IDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.key import Key
    from midikit.model.song import Song

__all__ = ["FOLDS", "Example", "examples", "learn", "main"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

SEED = 0
FOLDS = 8
RIDGE = 1.5
LENGTHS = (6.0, 15.0, 30.0, 60.0)
MADE = 12
NONE = 60
WHOLE, STRETCH, BY_CHANCE = 1.0, 0.25, 0.5
WEIGHTS = Path(__file__).parents[2] / "midikit" / "tonality" / "weights.json"


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Evidence of a song or stretch, its key (-1 for none), and how much it counts."""

    group: int
    counts: FloatArray
    notes: int
    key: int
    weight: float
    whole: bool


def _example(song: Song, key: Key | None, group: int, weight: float, *, whole: bool) -> Example:
    found = gather(song)
    assert found is not None
    number = -1 if key is None else key.pitch_class + 12 * key.is_minor
    return Example(group, found.counts.sum(axis=0), int(found.notes.sum()), number, weight, whole)


def examples(folder: Path) -> list[Example]:
    """Read and make all examples; the group of a song of POP909 is its fold, of others -1."""
    rng = np.random.default_rng(SEED)
    found = []
    for number in json.loads(IDS.read_text()):
        one = pop909_song(folder, number)
        fold = number % FOLDS
        found.append(_example(one.song, one.key, fold, WHOLE, whole=True))
        for song, key in stretches(one, rng, LENGTHS):
            if song.note_count >= 8:
                found.append(_example(song, key, fold, STRETCH, whole=False))
    for style in STYLES:
        for number in range(MADE):
            made = made_song(seed_of("train", style, number), style)
            found.append(_example(made.song, made.key, -1, BY_CHANCE, whole=True))
            length = float(rng.choice(LENGTHS))
            start = float(rng.uniform(0.0, max(0.0, made.song.end - length)))
            part = excerpt(made.song, start, start + length).select(drums=False)
            if part.note_count >= 8:
                found.append(_example(part, made.key, -1, STRETCH, whole=False))
    for kind in ATONAL:
        for number in range(NONE):
            none = atonal(seed_of("train", kind, number), kind)
            found.append(_example(none.song, None, -1, 1.0, whole=True))
    return found


def _design(seen: FloatArray) -> FloatArray:
    """Lay features (n, 12, k) out for 24 keys of one linear model, (n, 24, 2 k + 1)."""
    count, _, size = seen.shape
    laid = np.zeros((count, 24, 2 * size + 1))
    laid[:, :12, :size] = seen
    laid[:, 12:, size:-1] = seen
    laid[:, 12:, -1] = 1.0
    return laid


def _regression(laid: FloatArray, key: npt.NDArray[np.int64], weight: FloatArray) -> FloatArray:
    """Maximize the penalized likelihood by Newton's method, each step halved until it helps."""
    size = laid.shape[2]
    ridge = np.append(np.full(size - 1, RIDGE), 1e-6)
    right = laid[np.arange(len(key)), key]

    def judged(solution: FloatArray) -> tuple[float, FloatArray]:
        scores = laid @ solution
        scores -= scores.max(axis=1, keepdims=True)
        share = np.exp(scores)
        total = share.sum(axis=1, keepdims=True)
        loss = -(weight * (scores[np.arange(len(key)), key] - np.log(total[:, 0]))).sum()
        return float(loss + 0.5 * (ridge * solution**2).sum()), share / total

    solution = np.zeros(size)
    least, share = judged(solution)
    for _ in range(30):
        mean = np.einsum("nk,nkf->nf", share, laid)
        slope = (weight[:, None] * (mean - right)).sum(axis=0) + ridge * solution
        flat = (laid * np.sqrt(weight[:, None, None] * share[:, :, None])).reshape(-1, size)
        bend = flat.T @ flat - (mean * weight[:, None]).T @ mean + np.diag(ridge)
        step, size_of_it = np.linalg.solve(bend, slope), 1.0
        before = least
        while size_of_it > 1e-4:
            loss, trial = judged(solution - size_of_it * step)
            if loss < least:
                solution, least, share = solution - size_of_it * step, loss, trial
                break
            size_of_it /= 2.0
        if before - least < 1e-6:
            break
    return solution


def profiles(some: Sequence[Example]) -> Weights:
    """Learn the profiles of songs that have a key; the rest of the weights stays open."""
    some = [one for one in some if one.key >= 0]
    seen = rotations(shares(np.array([one.counts for one in some])))
    mean, spread = seen.mean(axis=(0, 1)), seen.std(axis=(0, 1)) + 1e-3
    mean, spread = mean.round(5), spread.round(5)
    laid = _design(((seen - mean) / spread).clip(-CLIP, CLIP))
    key = np.array([one.key for one in some])
    solution = _regression(laid, key, np.array([one.weight for one in some]))
    size = len(mean)
    both = solution[:-1].reshape(2, size).round(4)
    return Weights(mean, spread, both, round(float(solution[-1]), 4), 0.0, np.zeros(3))


def unseen(all_of_them: Sequence[Example]) -> list[tuple[Example, FloatArray]]:
    """Score each example of POP909 by profiles that did not learn from its fold."""
    found = []
    for fold in range(FOLDS):
        learnt = profiles([one for one in all_of_them if one.group != fold])
        held = [one for one in all_of_them if one.group == fold]
        scores = key_scores(shares(np.array([one.counts for one in held])), learnt)
        found += list(zip(held, scores, strict=True))
    return found


def _few(scored: Sequence[tuple[Example, FloatArray]]) -> float:
    """Set at how many notes scores count half, by the likelihood of songs not learnt from."""
    scores = np.array([score for _, score in scored])
    notes = np.array([one.notes for one, _ in scored])
    key = np.array([one.key for one, _ in scored])
    best, least = 0.0, np.inf
    for few in np.arange(0.0, 80.0, 1.0):
        blank = Weights(*(np.zeros(0),) * 3, 0.0, float(few), np.zeros(3))
        share = flattened(scores, notes, blank)[np.arange(len(key)), key]
        loss = -float(np.log(share).sum())
        if loss < least:
            best, least = float(few), loss
    return best


def _tonal(some: Sequence[Example]) -> FloatArray:
    """Learn what has a key: a logistic regression, both sides counted alike."""
    counts = np.array([one.counts for one in some])
    columns = [
        np.ones(len(some)),
        scale_share(counts),
        np.log1p([one.notes for one in some]),
    ]
    laid = np.stack(columns, axis=1)
    right = np.array([one.key >= 0 for one in some])
    weight = np.where(right, 0.5 / right.mean(), 0.5 / (1.0 - right.mean()))
    solution = np.zeros(3)
    for _ in range(30):
        share = 1.0 / (1.0 + np.exp(-(laid @ solution).clip(-30, 30)))
        slope = laid.T @ (weight * (share - right)) + 0.02 * solution
        bend = (laid * (weight * share * (1 - share))[:, None]).T @ laid + 0.02 * np.eye(3)
        solution = solution - np.linalg.solve(bend, slope)
    return solution.round(3)


def learn(all_of_them: Sequence[Example]) -> Weights:
    """Learn all weights."""
    few = _few(unseen(all_of_them))
    return profiles(all_of_them)._replace(few=few, tonal=_tonal(all_of_them))


def main(folder: Path) -> None:
    """Learn, tell how well songs not learnt from are told, and write the weights."""
    everything = examples(folder)
    learnt = learn(everything)
    for what, whole in (("songs", True), ("stretches", False)):
        told = [(one, score) for one, score in unseen(everything) if one.whole == whole]
        notes = np.array([one.notes for one, _ in told])
        share = flattened(np.array([score for _, score in told]), notes, learnt)
        key = np.array([one.key for one, _ in told])
        right = share.argmax(axis=1) == key
        loss = -np.log(share[np.arange(len(key)), key]).mean()
        print(f"{len(told)} {what} not learnt from: right {right.mean():.4f}, loss {loss:.4f}")
    table = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in learnt._asdict().items()
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in table.items())
    WEIGHTS.write_text(f"{{\n{lines}\n}}\n", "ascii")
    print(f"few {learnt.few}, tonal {learnt.tonal.tolist()}; wrote {WEIGHTS.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
