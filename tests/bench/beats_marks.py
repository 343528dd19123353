"""What the beat grid is meant to reach, and how far a run is from it.

A mark of several suites is for the mean of their means. Marks of POP909's bars are for the songs
whose bars are certain; its annotated bars change their phase inside some songs, so that true beats
and bars handed in score a QPA-bar of 0.87 there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MARKS", "Mark", "Outcome", "judge"]

Summary = dict[str, float]


class Mark(NamedTuple):
    """A figure to reach.

    Parameters
    ----------
    label : str
        What is measured.
    metric : str
        A key of the suites' means, or of the totals.
    suites : tuple of str
        Suites to average over; none for the totals.
    value : float
        The mark.
    at_most : bool
        Whether less is better.
    """

    label: str
    metric: str
    suites: tuple[str, ...]
    value: float
    at_most: bool = False


class Outcome(NamedTuple):
    """A mark and the figure that a run reached."""

    mark: Mark
    figure: float

    @property
    def missed_by(self) -> float:
        """How much is missing, 0 if the mark is reached."""
        off = self.figure - self.mark.value
        return max(0.0, off if self.mark.at_most else -off)


_FOUR = ("const", "jitter", "drift", "step")
_THREE = ("const", "jitter", "drift")

MARKS = (
    Mark("tempo 0.1 %, up to octave, const jitter", "accuracy2_strict", ("const", "jitter"), 0.99),
    Mark("tempo 4 %, level right, const jitter drift step", "accuracy1", _FOUR, 0.97),
    *(
        Mark(f"beat F, {suite}", "beat_f", (suite,), value)
        for suite, value in zip((*_FOUR, "sparse"), (0.99, 0.98, 0.98, 0.97, 0.94), strict=True)
    ),
    Mark("QPA, const jitter drift", "qpa", _THREE, 0.98),
    Mark("QPA, step", "qpa", ("step",), 0.98),
    Mark("QPA, sparse", "qpa", ("sparse",), 0.93),
    Mark("downbeat F, const jitter drift step", "downbeat_f", _FOUR, 0.97),
    Mark("QPA-bar, const jitter drift step", "qpa_bar", _FOUR, 0.94),
    Mark("QPA-bar, sparse", "qpa_bar", ("sparse",), 0.82),
    Mark("pop909: tempo 0.1 %, up to octave", "accuracy2_strict", ("pop909",), 1.0),
    Mark("pop909: tempo 4 %, level right", "accuracy1", ("pop909",), 0.82),
    Mark("pop909: beat F", "beat_f", ("pop909",), 0.91),
    Mark("pop909: AMLt", "amlt", ("pop909",), 0.96),
    Mark("pop909: QPA", "qpa", ("pop909",), 0.97),
    Mark("pop909: downbeat F", "downbeat_f", ("pop909",), 0.90),
    Mark("pop909: QPA-bar", "qpa_bar", ("pop909",), 0.80),
    Mark("no grid told from steady, AUC", "auc", (), 0.99),
    Mark("steady songs refused", "refused", (), 0.01, at_most=True),
    Mark("songs without a grid accepted", "accepted", (), 0.05, at_most=True),
    Mark("seconds a song, median", "seconds_median", (), 0.3, at_most=True),
    Mark("seconds a song, 95 %", "seconds_p95", (), 1.0, at_most=True),
    Mark("seconds a song, longest", "seconds_max", (), 5.0, at_most=True),
)


def judge(suites: Mapping[str, Summary], totals: Summary) -> list[Outcome]:
    """Compare a run with the marks.

    Parameters
    ----------
    suites : mapping of str to dict
        Mean of each metric for each suite that ran.
    totals : dict of str to float
        Figures over all suites.

    Returns
    -------
    list of Outcome
        Those marks whose suites all ran.
    """
    outcomes = []
    for mark in MARKS:
        places = [suites.get(suite, {}) for suite in mark.suites] or [totals]
        figures = [place.get(mark.metric, np.nan) for place in places]
        if not np.isnan(figures).any():
            outcomes.append(Outcome(mark, float(np.mean(figures))))
    return outcomes
