"""Probabilities of the 24 keys: key profiles of notes and bass, known ones and learnt ones.

Each key is scored by how the shares of pitch classes, seen from its tonic, lie along a profile, and
by their correlation with profiles from the literature. The weights of all that are learnt by
multinomial logistic regression. A softmax makes probabilities of the scores; few notes flatten it.
A logistic model of how much keeps to one scale and how far the best key is above the others tells
what has a key at all.
`tests/bench/train_key.py` makes the weights.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from midikit.tonality.evidence import rotations
from midikit.tonality.profiles import (
    ALBRECHT_SHANAHAN,
    KNOWN,
    KRUMHANSL_KESSLER,
    correlations,
)

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "KEYS",
    "Weights",
    "flattened",
    "key_scores",
    "known_scores",
    "probabilities",
    "signs_of_key",
    "tonality",
    "weights",
]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int64]"

KEYS = 24
"""Major on C to B, then minor on C to B."""

_DIATONIC = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))


class Weights(NamedTuple):
    """What was learnt.

    Parameters
    ----------
    profiles : ndarray of float64, shape (2, 72)
        Weights of the shares that `rotations` gives, for major and minor.
    known : ndarray of float64, shape (6,)
        Weights of `known_scores`.
    minor : float
        Offset of the minor keys.
    few : float
        Notes at which scores count half.
    tonal : ndarray of float64, shape (3,)
        Logistic model of there being a key: offset, then weights of `signs_of_key`.
    """

    profiles: FloatArray
    known: FloatArray
    minor: float
    few: float
    tonal: FloatArray


@cache
def weights() -> Weights:
    """Read the weights that come with the package."""
    table = json.loads(files("midikit.tonality").joinpath("weights.json").read_text("ascii"))
    columns = {name: np.array(table[name], np.float64) for name in Weights._fields}
    minor, few = float(columns.pop("minor")), float(columns.pop("few"))
    return Weights(minor=minor, few=few, **columns)


def known_scores(shared: FloatArray) -> FloatArray:
    """Correlate notes and bass with the profiles of the literature.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, 6, 12)
        As `features` gives them.

    Returns
    -------
    ndarray of float64, shape (n, 24, 6)
        Of the notes with `KNOWN`, of the bass with those of Krumhansl and Kessler and of Albrecht
        and Shanahan.
    """
    notes, bass = shared[:, 0], shared[:, 1:4].sum(axis=1)
    columns = [correlations(notes, profile) for profile in KNOWN]
    columns += [correlations(bass, one) for one in (KRUMHANSL_KESSLER, ALBRECHT_SHANAHAN)]
    return np.stack(columns, axis=2)


def key_scores(shared: FloatArray, learnt: Weights) -> FloatArray:
    """Score the keys of stretches.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, 6, 12)
        As `features` gives them.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        Scores in the order of `KEYS`.
    """
    seen = rotations(shared)
    # Not `@`: the last bits of BLAS depend on the machine and on the number of threads.
    major, minor = ((seen * profile).sum(axis=2) for profile in learnt.profiles)
    scores = np.concatenate([major, minor + learnt.minor], axis=1)
    result: FloatArray = scores + (known_scores(shared) * learnt.known).sum(axis=2)
    return result


def flattened(scores: FloatArray, notes: IntArray, few: float) -> FloatArray:
    """Turn scores into probabilities, the flatter the fewer notes.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, 24)
        As `key_scores` gives them.
    notes : ndarray of int64, shape (n,)
        Notes of each stretch.
    few : float
        Notes at which scores count half.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        They sum to 1 in each row.
    """
    scores = scores * (notes / np.maximum(notes + few, 1.0))[:, None]
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: FloatArray = share / share.sum(axis=1, keepdims=True)
    return result


def probabilities(shared: FloatArray, notes: IntArray, learnt: Weights) -> FloatArray:
    """Tell how likely each key is, provided that there is one.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, 6, 12)
        As `features` gives them.
    notes : ndarray of int64, shape (n,)
        Notes of each stretch.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        They sum to 1 in each row.
    """
    return flattened(key_scores(shared, learnt), notes, learnt.few)


def tonality(shared: FloatArray, learnt: Weights) -> FloatArray:
    """Tell how likely it is that stretches have a key.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, 6, 12)
        As `features` gives them.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n,)
        From 0 to 1.
    """
    signs = signs_of_key(shared, learnt)
    score = learnt.tonal[0] + (signs * learnt.tonal[1:]).sum(axis=1)
    result: FloatArray = 1.0 / (1.0 + np.exp(-score.clip(-30.0, 30.0)))
    return result


def signs_of_key(shared: FloatArray, learnt: Weights) -> FloatArray:
    """Collect what tells that stretches have a key.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, 6, 12)
        As `features` gives them.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Share of the notes in the diatonic scale that holds most, 7/12 or little more where all
        pitch classes are alike; how far the best key's score is above the middle one.
    """
    scale = rotations(shared[:, :1])[:, :, _DIATONIC].sum(axis=2).max(axis=1)
    scores = key_scores(shared, learnt)
    return np.stack([scale, scores.max(axis=1) - np.median(scores, axis=1)], axis=1)
