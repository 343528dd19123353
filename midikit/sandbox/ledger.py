"""What the sandbox would have charged, and what its hosts saw: the other side's own books.

A client keeps a ledger of what it thinks it paid. This one is kept by whoever is paid, so that the
two can be held against each other after a rehearsal.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Account", "Charge", "Ledger", "Visit"]

Charge = Literal["nothing", "credit", "running", "refunded"]
"""What a call costs: nothing; a credit; a credit if it begins a task that is not done; a credit
that is given back."""

_MOST_VISITS = 10_000


@dataclass(slots=True)
class Account:
    """What is known of one clip.

    Parameters
    ----------
    posts : int
        Calls with the right token.
    charged : int
        Credits charged.
    refunded : int
        Credits given back.
    delivered : int
        Complete answers that were written to the last byte.
    downloads : int
        Times its hosted file was asked for.
    running : bool
        Whether its task is begun and not done.
    """

    posts: int = 0
    charged: int = 0
    refunded: int = 0
    delivered: int = 0
    downloads: int = 0
    running: bool = False

    @property
    def net(self) -> int:
        """Credits charged and not given back."""
        return self.charged - self.refunded


@dataclass(frozen=True, slots=True)
class Visit:
    """One request as the host of the .mid or the canary saw it.

    Parameters
    ----------
    method : str
        Such as ``GET``.
    path : str
        With its query; ``*`` stands for the name of a hosted file that is there.
    headers : tuple of (str, str)
        Every header but ``Host``, names in lower case.
    body : str, optional
        The first characters of its body.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: str = ""


class Ledger:
    """Who was charged for what. Every method may be called from any thread.

    Parameters
    ----------
    repeat_charges : bool, optional
        Whether a call for a clip that was charged before, and is not running, is charged again.
    poll_charges : bool, optional
        Whether each call for a running clip is charged.

    Examples
    --------
    >>> ledger = Ledger()
    >>> ledger.begin("made-1")
    1
    >>> ledger.settle("made-1", "credit")
    >>> ledger.totals()["charged"], ledger.account("made-1").delivered
    (1, 0)
    """

    def __init__(self, *, repeat_charges: bool = False, poll_charges: bool = False) -> None:
        self._repeat_charges = repeat_charges
        self._poll_charges = poll_charges
        self._accounts: dict[str, Account] = {}
        self._hosted: Counter[Visit] = Counter()
        self._canary: list[Visit] = []
        self._active = self._most_active = 0
        self._lock = threading.Lock()

    def begin(self, clip_id: str) -> int:
        """Count a call.

        Parameters
        ----------
        clip_id : str
            The clip that is asked for.

        Returns
        -------
        int
            Which call of this clip it is, from 1.
        """
        with self._lock:
            account = self._opened(clip_id)
            account.posts += 1
            self._active += 1
            self._most_active = max(self._most_active, self._active)
            return account.posts

    def settle(self, clip_id: str, charge: Charge) -> None:
        """Charge for a call.

        Parameters
        ----------
        clip_id : str
            The clip.
        charge : Charge
            What it costs.
        """
        if charge == "nothing":
            return
        with self._lock:
            account = self._opened(clip_id)
            if account.running:
                account.charged += self._poll_charges
            elif self._repeat_charges or account.net == 0:
                account.charged += 1
            account.running = charge == "running"
            if charge == "refunded" and account.net > 0:
                account.refunded += 1

    def end(self, clip_id: str, *, delivered: bool) -> None:
        """Note that a call is over.

        Parameters
        ----------
        clip_id : str
            The clip.
        delivered : bool
            Whether a complete answer was written to its last byte.
        """
        with self._lock:
            self._active -= 1
            self._opened(clip_id).delivered += delivered

    def download(self, clip_id: str) -> int:
        """Count a download.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        int
            Which download of this clip it is, from 1.
        """
        with self._lock:
            account = self._opened(clip_id)
            account.downloads += 1
            return account.downloads

    def see_hosted(self, visit: Visit) -> None:
        """Note what the host of the .mid saw; equal visits are counted, not kept.

        Parameters
        ----------
        visit : Visit
            The request.
        """
        with self._lock:
            if visit in self._hosted or len(self._hosted) < _MOST_VISITS:
                self._hosted[visit] += 1

    def see_canary(self, visit: Visit) -> None:
        """Note what the canary saw, which nobody should contact.

        Parameters
        ----------
        visit : Visit
            The request.
        """
        with self._lock:
            if len(self._canary) < _MOST_VISITS:
                self._canary.append(visit)

    def account(self, clip_id: str) -> Account:
        """Give what is known of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Account
            A copy, all zero for a clip nobody asked for.
        """
        with self._lock:
            return replace(self._accounts.get(clip_id, Account()))

    @property
    def accounts(self) -> Mapping[str, Account]:
        """Copies of all accounts by clip id, in the order of the first call."""
        with self._lock:
            return {clip_id: replace(account) for clip_id, account in self._accounts.items()}

    @property
    def hosted(self) -> Mapping[Visit, int]:
        """What the host of the .mid saw, and how often."""
        with self._lock:
            return dict(self._hosted)

    @property
    def canary(self) -> tuple[Visit, ...]:
        """What the canary saw."""
        with self._lock:
            return tuple(self._canary)

    def totals(self) -> dict[str, int]:
        """Add up all clips.

        Returns
        -------
        dict of str to int
            ``clips``, ``posts``, ``charged``, ``refunded``, ``net``, ``delivered``, ``downloads``,
            ``canary`` (contacts) and ``most_at_once`` (calls).
        """
        with self._lock:
            accounts = self._accounts.values()
            names = ("posts", "charged", "refunded", "net", "delivered", "downloads")
            sums = {name: sum(getattr(account, name) for account in accounts) for name in names}
            return {
                "clips": len(accounts),
                **sums,
                "canary": len(self._canary),
                "most_at_once": self._most_active,
            }

    def as_json(self) -> dict[str, Any]:
        """Give what ``GET /ledger`` answers.

        Returns
        -------
        dict
            ``totals``, the visits of ``hosted`` with ``times``, and those of ``canary``.
        """
        hosted = [asdict(visit) | {"times": times} for visit, times in self.hosted.items()]
        canary = [asdict(visit) for visit in self.canary]
        return {"totals": self.totals(), "hosted": hosted, "canary": canary}

    def _opened(self, clip_id: str) -> Account:
        """Return the account of a clip, with the lock held."""
        account = self._accounts.get(clip_id)
        if account is None:
            account = self._accounts[clip_id] = Account()
        return account
