"""The paid calls of one fetch: one after another, each outcome stored before anything else.

The part of `conversation` from taking a clip to letting go of it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from midikit.errors import DeadlineError, InputError, UnknownOutcomeError, UnsavedError
from midikit.escape import printable
from midikit.fetch.answers import Reply, Verdict
from midikit.fetch.archive import Record
from midikit.fetch.attempts import Tally, advance, advance_once
from midikit.fetch.clip import Pending
from midikit.fetch.hosting import download_hosted
from midikit.fetch.judging import fragment_of, judge
from midikit.fetch.keeping import UNCHARGED, in_one_line, not_resent, record_after
from midikit.fetch.steps import (
    GiveBack,
    Load,
    Moment,
    Now,
    Post,
    Reserve,
    Sleep,
    Spend,
    Spill,
    Store,
    Tell,
)
from midikit.fetch.telling import FetchEvent

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.errors import RemoteError
    from midikit.fetch.answers import Failure, Outcome
    from midikit.fetch.archive import Reserved, State, Stored
    from midikit.fetch.attempts import Step
    from midikit.fetch.net.addresses import HostPort
    from midikit.fetch.polling import Deadline
    from midikit.fetch.secret import Secret
    from midikit.fetch.steps import Steps
    from midikit.fetch.telling import What

    Answer: TypeAlias = tuple[Reply | Failure, Outcome, Step]
    """What came of a call, what it means, and what follows."""

__all__ = ["Asking", "Delivered"]

_FIRST_HELD_PAUSE = 0.1
_LONGEST_HELD_PAUSE = 1.0
_CUT_OFF = "it was interrupted before the answer came"
_OR_HERE = ", or this process could not store how its own call ended"
_BUT_BEFORE = " for that, but an earlier call may have been"
"""Goes on after the words of a refusal, "nothing was charged"."""


class Delivered(NamedTuple):
    """A whole answer that is in the archive.

    Parameters
    ----------
    record : Record
        The row of its clip.
    raw : bytes
        The answer.
    midi_url : str or None
        Where its .mid is hosted.
    """

    record: Record
    raw: bytes
    midi_url: str | None


class Asking:
    """Asks for one clip.

    Parameters
    ----------
    clip_id : str
        The clip.
    secret : Secret
        The token.
    limit : Deadline
        When everything about the clip ends.
    allowed : frozenset of (str, int)
        Hosts that a download may reach though they are private.
    resend_unknown : bool
        Ask although nobody knows whether it was charged before.
    once : bool
        Make one call at most and never wait.
    """

    def __init__(
        self,
        clip_id: str,
        secret: Secret,
        limit: Deadline,
        allowed: frozenset[HostPort],
        *,
        resend_unknown: bool,
        once: bool,
    ) -> None:
        self._clip_id = clip_id
        self._secret = secret
        self._limit = limit
        self._allowed = allowed
        self._resend_unknown = resend_unknown
        self._once = once
        self._tally = Tally()
        self._owner = ""
        self._calls = self._at_risk = 0
        # Where this fetch stands; `_leave` reads it, whatever has happened.
        self._resting = Record(clip_id, "refundable")
        """What the row says once no call is out."""
        self._is_held = self._is_intended = self._is_spent = self._is_out = False
        self._begun = Moment(0.0, 0.0, 0.0)
        self._reply: Reply | Failure | None = None

    def ask(self) -> Steps[Delivered | Stored | Pending]:
        """Take the clip, and call until the answer is there, as often as the rules allow.

        Returns
        -------
        Delivered, Stored or Pending
            The answer; what somebody else has stored meanwhile; the time to wait for it.

        Raises
        ------
        MidikitError
            As `Client.fetch`.
        """
        content = json.dumps({"clip_id": self._clip_id}).encode()
        try:
            if (other := (yield from self._take())) is not None:
                return other
            while True:
                yield from self._intend()
                self._is_out = True
                self._reply = yield Post(content, self._limit)
                reply, outcome, step = yield from self._settle(self._reply)
                if step.delivered:
                    assert isinstance(reply, Reply)
                    return Delivered(self._resting, reply.body, outcome.midi_url)
                if step.error is not None:
                    yield from self._give_up(reply, outcome, step.error)
                self._tally = step.tally
                if self._once:
                    return Pending(self._clip_id, step.pause, outcome.problem)
                yield Tell(self._event("waiting", seconds=step.pause, problem=outcome.problem))
                yield Sleep(step.pause)
                if (other := (yield from self._resume())) is not None:
                    return other
        except GeneratorExit:
            raise
        except BaseException:
            yield from self._leave()
            raise

    def _take(self) -> Steps[Stored | Pending | None]:
        """Wait until nobody else fetches the clip, and keep it from others.

        Gives what somebody else has stored meanwhile, None if the clip is ours.
        """
        pause = _FIRST_HELD_PAUSE
        while True:
            yield Spend(self._clip_id)
            self._is_spent = True
            reserved: Reserved = yield Reserve(self._clip_id, self._resend_unknown)
            before = reserved.record
            if reserved.granted:
                self._resting = replace(before or self._resting, owner="")
                self._is_held = self._is_intended = True
                self._calls = self._resting.calls + 1
                self._at_risk = int(self._resting.state in {"running", "unknown"})
                return None
            yield GiveBack()
            self._is_spent = False
            assert before is not None
            if before.state == "delivered":
                stored: Stored | None = yield Load(self._clip_id)
                if stored is not None and stored.answer is not None:
                    return stored
                problem = "delivered, but its answer is not there"
                raise InputError(f"clip {self._clip_id}", "", problem)
            if not before.owner:
                raise UnknownOutcomeError(self._clip_id, not_resent(before))
            problem = f"another process or thread is still fetching it{_OR_HERE}"
            event = FetchEvent(self._clip_id, "held", before.state, before.calls, problem=problem)
            yield Tell(event)
            if self._once:
                return Pending(self._clip_id, _LONGEST_HELD_PAUSE, problem)
            moment: Moment = yield Now()
            if self._limit.left(moment.seconds) <= pause:
                problem = "another process or thread was still fetching it at the deadline"
                raise DeadlineError(self._clip_id, f"{problem}{_OR_HERE}; fetch it again")
            yield Sleep(pause)
            pause = min(2 * pause, _LONGEST_HELD_PAUSE)

    def _intend(self) -> Steps[None]:
        """Write that a call goes out; `Reserve` has done so for the first."""
        self._begun = yield Now()
        if self._limit.left(self._begun.seconds) <= 0:
            problem = "the deadline passed while waiting; fetch it again"
            raise DeadlineError(self._clip_id, problem)
        if not self._is_intended:
            yield Spend(self._clip_id)
            self._is_spent = self._is_held = True
            self._calls += 1
            unix_seconds = self._begun.unix_seconds
            yield Store(
                replace(
                    self._resting,
                    state="in flight",
                    calls=self._calls,
                    sent=unix_seconds,
                    changed=unix_seconds,
                    owner=self._owner,
                )
            )
        self._is_intended = False
        yield Tell(self._event("sending", state="in flight", at_risk=self._at_risk + 1))

    def _settle(self, reply: Reply | Failure) -> Steps[Answer]:
        """Store what became of a call, before anything else."""
        answer = reply, outcome, step = self._judged(reply, (yield Now()))
        resting = record_after(
            outcome, self._resting, calls=self._calls, unix_seconds=self._begun.unix_seconds
        )
        resting = replace(resting, changed=self._begun.unix_seconds)
        fragment = fragment_of(reply, outcome)
        if step.delivered:
            assert isinstance(reply, Reply)
            resting = replace(resting, source="call")
            yield from self._keep(resting, "", answer=reply.body)
        elif fragment:
            yield from self._keep(resting, outcome.problem, fragment=fragment)
        else:
            goes_on = step.error is None and not self._once
            with contextlib.suppress(Exception):  # it stays in flight: no further call
                if goes_on and not self._owner:  # without its name it would be anybody's
                    yield from self._look()
                yield Store(replace(resting, owner=self._owner if goes_on else ""))
                self._is_held = goes_on
        self._resting, self._calls = resting, resting.calls
        self._is_out, self._reply = False, None
        if outcome.verdict in UNCHARGED:
            yield GiveBack()
        self._is_spent = False
        self._count_risk(outcome.verdict)
        yield Tell(self._event("answered", problem=outcome.problem))
        return answer

    def _judged(self, reply: Reply | Failure, now: Moment) -> Answer:
        """Decide what an answer means and what follows."""
        seen, outcome = judge(reply, self._secret, unix_seconds=now.unix_seconds)
        if outcome.verdict is Verdict.REFUSED and self._resting.state in {"running", "unknown"}:
            outcome = replace(outcome, problem=outcome.problem + _BUT_BEFORE)
        if self._once:
            step = advance_once(
                outcome, clip_id=self._clip_id, calls=self._calls, jitter=now.jitter
            )
        else:
            step = advance(
                self._tally,
                outcome,
                clip_id=self._clip_id,
                took_seconds=now.seconds - self._begun.seconds,
                left_seconds=self._limit.left(now.seconds),
                deadline_seconds=self._limit.seconds,
                jitter=now.jitter,
            )
        return seen, outcome, step

    def _count_risk(self, verdict: Verdict) -> None:
        """Count what may have been charged without a stored answer."""
        if verdict is Verdict.DELIVERED:
            self._at_risk = 0
        elif verdict not in UNCHARGED:
            self._at_risk += 1
        elif self._resting.state == "refundable":
            self._at_risk = 0

    def _keep(
        self,
        row: Record,
        problem: str,
        *,
        answer: bytes | None = None,
        fragment: bytes | None = None,
    ) -> Steps[None]:
        """Keep the bytes that came; if the archive does not take them, somewhere else."""
        try:
            yield Store(row, answer=answer, fragment=fragment)
        except Exception as error:  # noqa: BLE001 - a store of somebody else may raise anything
            said = in_one_line(error)
        else:
            self._is_held = False
            return
        if problem:
            said = f"{problem}; what came could not be kept: {said}"
        path: Path | None = yield Spill(self._clip_id, answer or fragment or b"")
        where = "" if path is None else printable(path, 300)
        note = f"the answer came, but could not be stored; it is in {where or 'Client.unsaved'}"
        self._resting = replace(row, state="unknown", problem=note, source="")
        self._is_out = self._is_spent = False
        self._reply = None
        self._at_risk += 1
        unsaved = UnsavedError(self._clip_id, said, where)
        yield Tell(self._event("unsaved", problem=str(unsaved)))
        raise unsaved  # `_leave` stores the row

    def _give_up(self, reply: Reply | Failure, outcome: Outcome, error: RemoteError) -> Steps[None]:
        """Raise the error that ends it, after a look for the .mid that a fragment names."""
        if not fragment_of(reply, outcome):
            raise error
        kept = "what came is kept in the archive"
        if outcome.midi_url is not None:
            data, problem = yield from download_hosted(
                outcome.midi_url, self._limit, self._allowed, patient=not self._once
            )
            if data is not None:
                row = replace(self._resting, midi_origin="hosted", midi_problem="")
                try:
                    yield Store(row, midi=data)
                except Exception as failure:  # noqa: BLE001 - as above
                    problem = f"downloaded, but not stored: {in_one_line(failure)}"
            kept += f"; no hosted .mid: {problem}" if problem else ", the hosted .mid too"
        raise UnknownOutcomeError(self._clip_id, f"{outcome.problem}; {kept}")

    def _leave(self) -> Steps[None]:
        """Let go of the clip after an error or an interrupt, and leave the truth behind."""
        if self._is_out and self._reply is not None:  # an interrupt before the answer was stored
            with contextlib.suppress(Exception):
                yield from self._settle(self._reply)
        if self._is_out:
            sent = self._begun.unix_seconds
            self._resting = replace(
                self._resting, state="unknown", calls=self._calls, sent=sent, problem=_CUT_OFF
            )
            self._at_risk += 1
            yield Tell(self._event("answered", problem=_CUT_OFF))
        elif self._is_spent:
            yield GiveBack()
        if self._is_held:
            with contextlib.suppress(Exception):
                yield Store(self._resting)

    def _look(self) -> Steps[Stored | None]:
        """See what the archive has of the clip, and under whose name it holds it."""
        stored: Stored | None = yield Load(self._clip_id)
        if stored is not None and not self._owner:
            self._owner = stored.record.owner
        return stored

    def _resume(self) -> Steps[Stored | Pending | None]:
        """Go on after a pause, unless the answer has come or somebody else has taken the clip."""
        stored = yield from self._look()
        if stored is None:
            return None
        if stored.answer is not None:
            return (yield from self._hand_over(stored))
        if stored.record.owner == self._owner:
            return None
        self._is_held, self._owner = False, ""
        return (yield from self._take())

    def _hand_over(self, stored: Stored) -> Steps[Stored]:
        """Let go of a clip whose answer has come in another way, such as a callback."""
        self._resting = replace(stored.record, owner="")
        self._is_held = False
        with contextlib.suppress(Exception):  # what is delivered is never asked for again
            yield Store(self._resting)
        return replace(stored, record=self._resting)

    def _event(
        self,
        what: What,
        *,
        state: State | None = None,
        at_risk: int | None = None,
        seconds: float = 0.0,
        problem: str = "",
    ) -> FetchEvent:
        """Say what happened."""
        return FetchEvent(
            self._clip_id,
            what,
            state or self._resting.state,
            self._calls,
            self._at_risk if at_risk is None else at_risk,
            seconds,
            problem,
        )
