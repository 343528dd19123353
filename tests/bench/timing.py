"""Time candidates side by side, so that a noisy machine is as noisy for each of them."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["interleaved"]


def interleaved(
    candidates: Mapping[str, Callable[[], object]], *, rounds: int, patience: float = 20.0
) -> dict[str, float]:
    """Run every candidate once a round, in another order each round.

    Parameters
    ----------
    candidates : mapping of str to callable
        What to time, by name.
    rounds : int
        Least number of rounds; while they take less than a second in all there are more, at most
        eight times as many.
    patience : float, optional
        Seconds after which three rounds are enough.

    Returns
    -------
    dict of str to float
        Seconds of the fastest run of each. The first run, which fills caches, does not count.
    """
    names = list(candidates)
    best = dict.fromkeys(names, float("inf"))
    for name in names:
        candidates[name]()
    begin = time.perf_counter()
    for done in range(rounds * 8):
        spent = time.perf_counter() - begin
        if (done >= rounds and spent > 1.0) or (done >= min(rounds, 3) and spent > patience):
            break
        turn = done % len(names)
        for name in names[turn:] + names[:turn]:
            run = candidates[name]
            gc.collect()
            start = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best
