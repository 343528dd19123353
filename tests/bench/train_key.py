"""Learn the weights of `estimate_key` anew: ``midikit/tonality/weights.json``.

    uv run python -m tests.bench.train_key POP909

POP909 is the folder of songs in a clone of that data set; of it only the songs listed in
``pop909_train_ids.json`` are read: the stretches of the key that lasts longest together, and
shorter stretches of one key. The others, and what has no key, are made by `tests.bench.key_songs`
from the salt ``train``. The weights are a multinomial logistic regression (Newton's method, ridge
penalty) in which each song stands twice, with its first and last bass and without, since stretches
inside a song have none. How much few notes count is set on songs not learnt from. All draws come
from `SEED`. About a minute; run twice, it gave the same bytes.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.tonality.evidence import features_of, gather, rotations
from midikit.tonality.model import Weights, flattened, key_scores, known_scores, signs_of_key
from tests.bench.key_data import as_key, pop909_song, stretches
from tests.bench.key_songs import ATONAL, STYLES, atonal, made_song
from tests.bench.synthetic import seed_of
from tests.bench.train_beats import IDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.key import Key
    from midikit.model.song import Song
    from tests.bench.key_data import Spans

__all__ = ["FOLDS", "Example", "completed", "examples", "few_of", "fold_weights", "main", "unseen"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

SEED = 0
FOLDS = 8
RIDGE, RIDGE_OF_KNOWN = 4.0, 0.4
LENGTHS = (6.0, 15.0, 30.0, 60.0)
MADE, NONE = 16, 60
WHOLE, STRETCH, BY_CHANCE = 1.0, 0.1, 0.5
FEWEST = 8
WEIGHTS = Path(__file__).parents[2] / "midikit" / "tonality" / "weights.json"


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """Shares of a song or stretch, its key (-1 for none), and how much it counts."""

    group: int
    shared: FloatArray
    notes: int
    key: int
    weight: float
    whole: bool


def _number(key: Key | None) -> int:
    return -1 if key is None else key.pitch_class + 12 * key.is_minor


def _example(
    song: Song, key: Key | None, group: int, weight: float, spans: Spans | None = None
) -> Example:
    """Take the evidence of a song; with `spans`, of those in its key."""
    found = gather(song)
    assert found is not None
    counts, notes = found.counts, found.notes
    if spans is not None and len(spans) > 1:
        middle = found.origin + (np.arange(len(notes)) + 0.5) * found.step
        named = [(low, high) for low, high, name in spans if as_key(name) == key]
        inside = np.any([(middle >= low) & (middle < high) for low, high in named], axis=0)
        counts, notes = counts[inside], notes[inside]
    return Example(
        group,
        features_of(counts)[0],
        int(notes.sum()),
        _number(key),
        weight,
        whole=spans is not None,
    )


def examples(folder: Path) -> list[Example]:
    """Read and make all examples; the group of a song of POP909 is its fold, of others -1."""
    rng = np.random.default_rng(SEED)
    found = []
    for number in json.loads(IDS.read_text()):
        one = pop909_song(folder, number)
        fold = number % FOLDS
        found.append(_example(one.song, one.key, fold, WHOLE, one.spans))
        found += [
            _example(song, key, fold, STRETCH)
            for song, key in stretches(one, rng, LENGTHS)
            if song.note_count >= FEWEST
        ]
    for style in STYLES:
        for number in range(MADE):
            made = made_song(seed_of("train", style, number), style)
            found.append(_example(made.song, made.key, -1, BY_CHANCE))
    for kind in ATONAL:
        for number in range(NONE):
            none = atonal(seed_of("train", kind, number), kind)
            found.append(_example(none.song, None, -1, 1.0))
    return found


def _design(shared: FloatArray) -> FloatArray:
    """Lay features out for 24 keys of one linear model, (n, 24, 127).

    Shares of notes and bass for major, for minor, first and last bass for both, known, minor.
    """
    seen, known = rotations(shared), known_scores(shared)
    own = 4 * 12
    laid = np.zeros((len(seen), 24, 2 * own + 24 + known.shape[2] + 1))
    laid[:, :12, :own] = seen[:, :, :own]
    laid[:, 12:, own : 2 * own] = seen[:, :, :own]
    laid[:, :, 2 * own : 2 * own + 24] = np.concatenate([seen[:, :, own:]] * 2, axis=1)
    laid[:, :, 2 * own + 24 : -1] = known
    laid[:, 12:, -1] = 1.0
    return laid


def _regression(
    laid: FloatArray, key: npt.NDArray[np.int64], weight: FloatArray, ridge: FloatArray
) -> FloatArray:
    """Maximize the penalized likelihood by Newton's method, each step halved until it helps."""
    size = laid.shape[2]
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
    """Learn the weights of keys; what few notes count and what has a key stays open."""
    some = [one for one in some if one.key >= 0]
    shared = np.array([one.shared for one in some])
    within = shared.copy()
    within[:, 4:] = 0.0
    laid = _design(np.concatenate([shared, within]))
    whole = laid[: len(some)]
    there = np.maximum((whole != 0.0).sum(axis=(0, 1)), 1)
    size = np.sqrt((whole**2).sum(axis=(0, 1)) / there) + 1e-3
    key = np.array([one.key for one in some])
    weight = np.array([0.5 * one.weight for one in some])
    ridge = np.full(len(size), RIDGE)
    ridge[-7:], ridge[-1] = RIDGE_OF_KNOWN, 1e-4
    solution = _regression(laid / size, np.tile(key, 2), np.tile(weight, 2), ridge)
    solution = (solution / size).round(3)
    major, minor, edges, known = np.split(solution[:-1], [48, 96, 120])
    both = np.array([np.concatenate([row, edges]) for row in (major, minor)])
    return Weights(both, known, float(solution[-1]), 0.0, np.zeros(3))


def fold_weights(everything: Sequence[Example]) -> list[Weights]:
    """Learn weights without each fold of POP909, one after the other."""
    return [profiles([one for one in everything if one.group != fold]) for fold in range(FOLDS)]


def unseen(
    everything: Sequence[Example], folds: Sequence[Weights]
) -> list[tuple[Example, FloatArray]]:
    """Score each example of POP909 by the weights that were not learnt from its fold."""
    found = []
    for fold, learnt in enumerate(folds):
        held = [one for one in everything if one.group == fold]
        scores = key_scores(np.array([one.shared for one in held]), learnt)
        found += list(zip(held, scores, strict=True))
    return found


def _shares(
    scored: Sequence[tuple[Example, FloatArray]], few: float
) -> tuple[FloatArray, FloatArray]:
    """Probabilities of all keys, and of the right one."""
    notes = np.array([one.notes for one, _ in scored])
    share = flattened(np.array([score for _, score in scored]), notes, few)
    return share, share[np.arange(len(scored)), [one.key for one, _ in scored]]


def few_of(scored: Sequence[tuple[Example, FloatArray]]) -> float:
    """Set at how many notes scores count half, by the likelihood of songs not learnt from."""
    tried = np.arange(0.0, 80.0, 1.0)
    return float(tried[np.argmax([np.log(_shares(scored, few)[1]).sum() for few in tried])])


def _tonal(some: Sequence[Example], learnt: Weights) -> FloatArray:
    """Learn what has a key: a logistic regression, both sides counted alike."""
    signs = signs_of_key(np.array([one.shared for one in some]), learnt)
    laid = np.concatenate([np.ones((len(some), 1)), signs], axis=1)
    right = np.array([one.key >= 0 for one in some])
    weight = np.where(right, 0.5 / right.mean(), 0.5 / (1.0 - right.mean()))
    solution = np.zeros(3)
    for _ in range(30):
        share = 1.0 / (1.0 + np.exp(-(laid @ solution).clip(-30, 30)))
        slope = laid.T @ (weight * (share - right)) + 0.02 * solution
        bend = (laid * (weight * share * (1 - share))[:, None]).T @ laid + 0.02 * np.eye(3)
        solution = solution - np.linalg.solve(bend, slope)
    return solution.round(3)


def completed(learnt: Weights, everything: Sequence[Example], few: float) -> Weights:
    """Add what few notes count, and the model of what has a key."""
    return learnt._replace(few=few, tonal=_tonal(everything, learnt))


def main(folder: Path) -> None:
    """Learn, tell how well songs not learnt from are told, and write the weights."""
    everything = examples(folder)
    scored = unseen(everything, fold_weights(everything))
    few = few_of(scored)
    for what, whole in (("songs", True), ("stretches", False)):
        told = [row for row in scored if row[0].whole == whole]
        share, right = _shares(told, few)
        hits = np.mean(share.argmax(axis=1) == [one.key for one, _ in told])
        print(f"{len(told)} {what} not learnt from: {hits:.4f}, loss {-np.log(right).mean():.4f}")
    learnt = completed(profiles(everything), everything, few)
    table = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in learnt._asdict().items()
    }
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(value)}" for name, value in table.items())
    WEIGHTS.write_text(f"{{\n{lines}\n}}\n", "ascii")
    print(f"few {few:g}, tonal {learnt.tonal.tolist()}; wrote {WEIGHTS.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
