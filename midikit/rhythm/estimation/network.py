"""Probabilities of readings: a small feed-forward network, learnt from songs with a known grid.

One hidden layer of rectified units scores each reading; a softmax over a song's readings makes
probabilities of the scores, at a temperature set on songs not learnt from (Guo et al. 2017).
`tests/bench/train_beats.py` makes the weights.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["CLIP", "FEWEST_TO_REFUSE", "Weights", "probabilities", "steadiness", "weights"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

FEWEST_TO_REFUSE = 48
"""Strokes below which a song is never said to have no grid."""

CLIP = 3.0
"""Standard deviations beyond which a feature says no more: what was rarely seen is not trusted."""


class Weights(NamedTuple):
    """What was learnt.

    Parameters
    ----------
    mean, spread : ndarray of float64, shape (features,)
        Of the features of readings.
    first : ndarray of float64, shape (networks, features, units)
        Weights of the hidden layers.
    bias, second : ndarray of float64, shape (networks, units)
        Their offsets, and weights of the outputs.
    temperature : float
        Divides the scores.
    pulse, few : ndarray of float64, shape (k,)
        Weights of the logistic models of a steady pulse, their offset first: of songs, and of a
        handful of strokes.
    """

    mean: FloatArray
    spread: FloatArray
    first: FloatArray
    bias: FloatArray
    second: FloatArray
    temperature: float
    pulse: FloatArray
    few: FloatArray


@cache
def weights() -> Weights:
    """Read the weights that come with the package."""
    table = json.loads(
        files("midikit.rhythm.estimation").joinpath("weights.json").read_text("ascii")
    )
    columns = {name: np.array(table[name], np.float64) for name in Weights._fields}
    temperature = float(columns.pop("temperature"))
    return Weights(temperature=temperature, **columns)


def probabilities(features: FloatArray, learnt: Weights) -> FloatArray:
    """Turn the features of a song's readings into probabilities.

    Parameters
    ----------
    features : ndarray of float64, shape (readings, features)
        As `midikit.rhythm.estimation.readings.readings_of` gives them.
    learnt : Weights
        The weights to use.

    Returns
    -------
    ndarray of float64, shape (readings,)
        They sum to 1.
    """
    scaled = np.clip((features - learnt.mean) / learnt.spread, -CLIP, CLIP)
    score = np.zeros(len(features))
    for first, bias, second in zip(learnt.first, learnt.bias, learnt.second, strict=True):
        # Not `@`: the last bits of BLAS depend on the machine and on the number of threads.
        hidden = np.maximum(np.einsum("rf,fh->rh", scaled, first) + bias, 0.0)
        score += np.einsum("rh,h->r", hidden, second)
    score /= len(learnt.first) * learnt.temperature
    share = np.exp(score - score.max())
    result: FloatArray = share / share.sum()
    return result


def steadiness(evidence: FloatArray, learnt: Weights, *, strokes: int) -> float:
    """Turn the evidence for a pulse into the probability that it is there.

    Parameters
    ----------
    evidence : ndarray of float64, shape (k - 1,)
        As `midikit.rhythm.estimation.confidence.evidence_for` gives it.
    learnt : Weights
        The weights to use.
    strokes : int
        How many strokes it rests on.

    Returns
    -------
    float
        From 0 to 1.
    """
    model = learnt.few if strokes < FEWEST_TO_REFUSE else learnt.pulse
    score = float(model[0] + (evidence * model[1:]).sum())
    return float(1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0))))
