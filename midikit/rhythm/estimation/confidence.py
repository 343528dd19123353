"""How sure a pulse is: what tells a song with a steady grid from one without."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.rhythm.estimation.onsets import Onsets
    from midikit.rhythm.estimation.pulses import Pulse

__all__ = ["EVIDENCE", "evidence_for"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

EVIDENCE = ("gain", "constant", "wander", "scatter", "strokes", "strays")
"""Names of the columns of `evidence_for`."""


def evidence_for(onsets: Onsets, pulse: Pulse) -> FloatArray:
    """Collect what speaks for a pulse.

    Parameters
    ----------
    onsets : Onsets
        The song's onsets.
    pulse : Pulse
        The pulse that was found.

    Returns
    -------
    ndarray of float64, shape (6,)
        As `EVIDENCE` names them: likelihood gain, whether one tempo holds, log tempo variation a
        minute, residual over the distance of the lines, log number of strokes, share of strokes a
        fifth of the distance off.
    """
    off = np.abs(pulse.nearest(onsets.moved(pulse.lag).time)[1])
    minutes = max(float(onsets.time.max()) / 60.0, 0.1)
    return np.array(
        [
            pulse.gain,
            float(pulse.is_constant),
            np.log1p(10.0 * pulse.wander / minutes),
            min(pulse.residual / pulse.period, 0.5) * 4.0,
            np.log(len(onsets.time)) / 5.0,
            float((off > 0.2 * pulse.period).mean()),
        ]
    )
