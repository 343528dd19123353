"""A budget: how many calls that may be charged are made in all."""

from __future__ import annotations

import threading

from midikit.errors import BudgetError

__all__ = ["Budget"]


class Budget:
    """Credits that several clients may spend together, from several threads.

    A call takes one before it goes out and gives it back if it was certainly not charged. Calls
    for a clip that is not ready count too: whether they cost anything is not documented.

    Parameters
    ----------
    max_credits : int
        Most calls that may be charged.

    Examples
    --------
    >>> budget = Budget(1)
    >>> budget.take("29fc9d9e")
    >>> budget.take("5b0e7a52")
    Traceback (most recent call last):
    midikit.errors.BudgetError: clip 5b0e7a52: the budget of 1 credit is used up; ...
    """

    def __init__(self, max_credits: int) -> None:
        self.max_credits = max_credits
        self._left = max_credits
        self._lock = threading.Lock()

    @property
    def spent(self) -> int:
        """Calls so far that may have been charged."""
        return self.max_credits - self._left

    def take(self, clip_id: str) -> None:
        """Take a credit before a call.

        Parameters
        ----------
        clip_id : str
            The clip to be asked for, for the error.

        Raises
        ------
        BudgetError
            If none is left.
        """
        with self._lock:
            if self._left <= 0:
                credits_ = f"{self.max_credits:,} credit{'' if self.max_credits == 1 else 's'}"
                problem = f"the budget of {credits_} is used up; fetch it again with a larger one"
                raise BudgetError(clip_id, problem)
            self._left -= 1

    def give_back(self) -> None:
        """Give a credit back after a call that cost nothing."""
        with self._lock:
            self._left += 1
