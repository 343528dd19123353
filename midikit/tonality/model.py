"""Probabilities of the 24 keys: learnt key profiles of notes and bass.

Each key is scored by how the shares of pitch classes, seen from its tonic, lie along a profile: the
idea of Krumhansl and Schmuckler (Krumhansl 1990) with profiles that are learnt, one a mode, by
multinomial logistic regression, and with the bass beside the notes. A softmax makes probabilities
of the scores; few notes flatten it. A logistic model of how much keeps to one scale tells what has
a key at all. `tests/bench/train_key.py` makes the weights.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from midikit.tonality.evidence import rotations, shares

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "CLIP",
    "KEYS",
    "Weights",
    "flattened",
    "key_scores",
    "probabilities",
    "scale_share",
    "tonality",
    "weights",
]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

KEYS = 24
"""Major on C to B, then minor on C to B."""

CLIP = 3.0
"""Standard deviations beyond which a share says no more: what was rarely seen is not trusted."""

_DIATONIC = np.isin(np.arange(12), (0, 2, 4, 5, 7, 9, 11))


class Weights(NamedTuple):
    """What was learnt.

    Parameters
    ----------
    mean, spread : ndarray of float64, shape (48,)
        Of the shares as they are seen from a tonic.
    profiles : ndarray of float64, shape (2, 48)
        Weights for major and minor.
    minor : float
        Offset of the minor keys.
    few : float
        Notes at which scores count half.
    tonal : ndarray of float64, shape (3,)
        Logistic model of there being a key: offset, the best scale's share, log number of notes.
    """

    mean: FloatArray
    spread: FloatArray
    profiles: FloatArray
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


def key_scores(shared: FloatArray, learnt: Weights) -> FloatArray:
    """Score the keys of stretches.

    Parameters
    ----------
    shared : ndarray of float64, shape (n, 4, 12)
        As `shares` gives them.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        Scores in the order of `KEYS`.
    """
    seen = ((rotations(shared) - learnt.mean) / learnt.spread).clip(-CLIP, CLIP)
    # Not `@`: the last bits of BLAS depend on the machine and on the number of threads.
    major, minor = ((seen * profile).sum(axis=-1) for profile in learnt.profiles)
    return np.concatenate([major, minor + learnt.minor], axis=-1)


def flattened(scores: FloatArray, notes: npt.NDArray[np.int64], learnt: Weights) -> FloatArray:
    """Turn scores into probabilities, the flatter the fewer notes.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, 24)
        As `key_scores` gives them.
    notes : ndarray of int64, shape (n,)
        Notes of each stretch.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        They sum to 1 in each row.
    """
    scores = scores * (notes / (notes + learnt.few))[:, None]
    share = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: FloatArray = share / share.sum(axis=1, keepdims=True)
    return result


def probabilities(counts: FloatArray, notes: npt.NDArray[np.int64], learnt: Weights) -> FloatArray:
    """Tell how likely each key is, provided that there is one.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, 4, 12)
        Evidence of stretches.
    notes : ndarray of int64, shape (n,)
        Notes of each.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n, 24)
        They sum to 1 in each row.
    """
    return flattened(key_scores(shares(counts), learnt), notes, learnt)


def tonality(counts: FloatArray, notes: npt.NDArray[np.int64], learnt: Weights) -> FloatArray:
    """Tell how likely it is that there is a key.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, 4, 12)
        Evidence of stretches.
    notes : ndarray of int64, shape (n,)
        Notes of each.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (n,)
        From 0 to 1.
    """
    offset, scale, many = learnt.tonal
    score = offset + scale * scale_share(counts) + many * np.log1p(notes)
    result: FloatArray = 1.0 / (1.0 + np.exp(-score.clip(-30.0, 30.0)))
    return result


def scale_share(counts: FloatArray) -> FloatArray:
    """Tell how much of the notes keeps to one diatonic scale.

    Parameters
    ----------
    counts : ndarray of float64, shape (n, 4, 12)
        Evidence of stretches.

    Returns
    -------
    ndarray of float64, shape (n,)
        Share in the scale that holds most; 7/12 or little more where all pitch classes are alike.
    """
    turned = rotations(shares(counts))[:, :, :12]
    best: FloatArray = turned[:, :, _DIATONIC].sum(axis=-1).max(axis=-1)
    return best
