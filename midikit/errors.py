"""Every exception midikit raises, in one tree.

::

    MidikitError
    ├── InputError (ValueError)     what read_midi and read_json raise
    │   ├── MidiError               bytes that are no Standard MIDI File: .offset, .track
    │   └── AnswerError             bytes that are no usable answer: .path
    │       ├── PendingError        the answer is not ready yet: .state
    │       └── ProviderError       the provider refused inside HTTP 200: .code
    ├── NotesError (ValueError)     a table of notes breaks a rule of the model
    ├── LimitError (ValueError)     a result would be larger than its settable limit
    ├── ConversionError (ValueError)  what was asked for cannot be written
    ├── OutputError                 a file cannot be written where it was asked for
    │   └── UnsavedError            what was paid for could not be stored: .clip_id, .path
    ├── DifferenceError             two songs compared are not the same
    ├── WorkerError                 a process of a batch died, or what it made cannot leave it
    └── RemoteError                 the service or the network: .clip_id
        ├── TokenError              no token, or one that cannot be sent
        ├── AuthenticationError     401, 403: the token was refused
        ├── CreditsError            402, or no credits or subscription left
        ├── BudgetError             the budget that was set is used up
        ├── MaintenanceError        455: nobody is served for now
        ├── ClipRefusedError        any other 4xx: this clip is refused
        ├── RateLimitedError        429: .retry_after
        ├── NotSentError            no byte of the request left: nothing was charged
        ├── UnknownOutcomeError     sent, but nobody knows whether it was charged
        ├── TaskFailedError         the provider says this task failed
        ├── DeadlineError           not finished at the deadline
        └── DownloadError           the hosted .mid could not be downloaded

Every class takes plain positional arguments and pickles, so that worker processes can raise it.
Messages read *where: what, got value; expected or next step* without raw control characters.
"""

from __future__ import annotations

__all__ = [
    "AnswerError",
    "AuthenticationError",
    "BudgetError",
    "ClipRefusedError",
    "ConversionError",
    "CreditsError",
    "DeadlineError",
    "DifferenceError",
    "DownloadError",
    "InputError",
    "LimitError",
    "MaintenanceError",
    "MidiError",
    "MidikitError",
    "NotSentError",
    "NotesError",
    "OutputError",
    "PendingError",
    "ProviderError",
    "RateLimitedError",
    "RemoteError",
    "TaskFailedError",
    "TokenError",
    "UnknownOutcomeError",
    "UnsavedError",
    "WorkerError",
]


class MidikitError(Exception):
    """Root of everything midikit raises on purpose.

    Examples
    --------
    >>> issubclass(LimitError, MidikitError), issubclass(RemoteError, MidikitError)
    (True, True)
    """


class InputError(MidikitError, ValueError):
    """Input that cannot be read.

    Parameters
    ----------
    source : str
        The file or clip it came from; empty for bytes without a name.
    place : str
        Where in the source: a JSON path, or a byte offset in words.
    problem : str
        What was found and what was expected.

    Examples
    --------
    >>> print(InputError("song.mid", "", "cannot be read: No such file or directory"))
    song.mid: cannot be read: No such file or directory
    """

    def __init__(self, source: str, place: str, problem: str) -> None:
        super().__init__(source, place, problem)
        self.source = source
        self.place = place
        self.problem = problem

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.place, self.problem) if part)


class MidiError(InputError):
    """Bytes that are no readable Standard MIDI File, or a damaged one read with ``strict=True``.

    Parameters
    ----------
    source : str
        The file it came from; empty for bytes without a name.
    problem : str
        What was found and what was expected.
    offset : int
        Byte offset of the fault from the beginning of the file.
    track : int or None
        Index of the MTrk chunk, None when the fault is outside any track.

    Examples
    --------
    >>> print(MidiError("song.mid", "a delta time of 5 bytes; expected at most 4", 31, 0))
    song.mid: byte 31, track 0: a delta time of 5 bytes; expected at most 4
    """

    def __init__(
        self, source: str, problem: str, offset: int = 0, track: int | None = None
    ) -> None:
        place = f"byte {offset}" if track is None else f"byte {offset}, track {track}"
        super().__init__(source, place, problem)
        self.args = (source, problem, offset, track)
        self.offset = offset
        self.track = track


class AnswerError(InputError):
    """Bytes that are no usable answer of the endpoint, or a faulty one read with ``strict=True``.

    Parameters
    ----------
    source : str
        The file or clip it came from; empty for bytes without a name.
    path : str
        JSON path of the fault such as ``data.instruments[0].notes[1].pitch``; empty for the whole.
    problem : str
        What was found and what was expected.

    Examples
    --------
    >>> AnswerError("a.json", "data.instruments", "null; expected a list").path
    'data.instruments'
    """

    @property
    def path(self) -> str:
        """JSON path of the fault."""
        return self.place


class PendingError(AnswerError):
    """The answer is not ready yet; ask again later.

    Parameters
    ----------
    source : str
        The file or clip it came from.
    path : str
        JSON path of the state.
    state : str
        The state the provider gave, such as ``running``.

    Examples
    --------
    >>> print(PendingError("a.json", "data.state", "running"))
    a.json: data.state: not ready yet, the state is 'running'; fetch it again
    """

    def __init__(self, source: str, path: str, state: str) -> None:
        super().__init__(source, path, f"not ready yet, the state is {state!r}; fetch it again")
        self.args = (source, path, state)
        self.state = state


class ProviderError(AnswerError):
    """The provider refused with a code of its own inside an answer.

    Parameters
    ----------
    source : str
        The file or clip it came from.
    path : str
        JSON path of the code.
    code : str
        The provider's code as text, or its word for a state such as ``failed``.
    message : str
        The provider's message.

    Examples
    --------
    >>> print(ProviderError("a.json", "code", "403", "no credits left"))
    a.json: code: the provider answered code 403: no credits left
    """

    def __init__(self, source: str, path: str, code: str, message: str) -> None:
        number = code.removeprefix("-").isdecimal()
        text = f"the provider answered code {code}" if number else f"the provider answered '{code}'"
        super().__init__(source, path, f"{text}: {message}" if message else text)
        self.args = (source, path, code, message)
        self.code = code
        self.message = message


class NotesError(MidikitError, ValueError):
    """A table of notes that breaks a rule of the model; the message names the first bad row.

    Examples
    --------
    >>> print(NotesError("note 3: pitch is 131; expected a whole number from 0 to 127"))
    note 3: pitch is 131; expected a whole number from 0 to 127
    """


class LimitError(MidikitError, ValueError):
    """A result would be larger than its limit; the message says how to raise it.

    Examples
    --------
    >>> print(LimitError("song.mid: larger than 10 bytes; pass max_bytes="))
    song.mid: larger than 10 bytes; pass max_bytes=
    """


class ConversionError(MidikitError, ValueError):
    """What was asked for cannot be written; the message says why.

    Examples
    --------
    >>> print(ConversionError("merge is 'names'; expected one of 'off', 'name'"))
    merge is 'names'; expected one of 'off', 'name'
    """


class OutputError(MidikitError):
    """A file cannot be written where it was asked for.

    Examples
    --------
    >>> print(OutputError("out/song.mid: cannot be written: Read-only file system"))
    out/song.mid: cannot be written: Read-only file system
    """


class UnsavedError(OutputError):
    """Something that was paid for could not be stored in the archive.

    Parameters
    ----------
    clip_id : str
        The clip.
    problem : str
        Why.
    path : str
        The file that holds it instead; empty if only ``Client.unsaved`` does.

    Examples
    --------
    >>> print(UnsavedError("29fc9d9e", "disk full", "spill/a.json"))
    disk full; what came for clip 29fc9d9e may have been paid for, it is in spill/a.json
    """

    def __init__(self, clip_id: str, problem: str, path: str = "") -> None:
        super().__init__(clip_id, problem, path)
        self.clip_id = clip_id
        self.problem = problem
        self.path = path

    def told(self, where: str) -> str:
        """Say what happened and where the bytes are.

        Parameters
        ----------
        where : str
            Where.

        Returns
        -------
        str
            The message.
        """
        came = f"what came for clip {self.clip_id} may have been paid for"
        return f"{self.problem}; {came}, it is {where}"

    def __str__(self) -> str:
        return self.told(f"in {self.path or 'Client.unsaved alone'}")


class DifferenceError(MidikitError):
    """Two songs that were compared are not the same.

    Examples
    --------
    >>> print(DifferenceError("2 notes missing"))
    2 notes missing
    """


class WorkerError(MidikitError):
    """A process of a batch died over an item, twice, or what it made of it cannot leave it."""


class RemoteError(MidikitError):
    """The service or the network did not give what was asked for.

    Parameters
    ----------
    clip_id : str
        The clip that was asked for; empty when it concerns none.
    problem : str
        What happened, with the provider's own message where there was one.

    Examples
    --------
    >>> print(RemoteError("29fc9d9e", "task not found."))
    clip 29fc9d9e: task not found.
    """

    def __init__(self, clip_id: str, problem: str) -> None:
        super().__init__(clip_id, problem)
        self.clip_id = clip_id
        self.problem = problem

    def __str__(self) -> str:
        return f"clip {self.clip_id}: {self.problem}" if self.clip_id else self.problem


class TokenError(RemoteError):
    """There is no token, or one that cannot be sent."""


class AuthenticationError(RemoteError):
    """The provider refused the token (401, 403)."""


class CreditsError(RemoteError):
    """The account has no credits or no subscription left."""


class BudgetError(RemoteError):
    """The budget that was set for calls that may be charged is used up; nothing was sent."""


class MaintenanceError(RemoteError):
    """The provider is under maintenance (455) and serves nobody."""


class ClipRefusedError(RemoteError):
    """The provider refused this clip (400, 404, 422 and the like)."""


class RateLimitedError(RemoteError):
    """The provider asks to wait longer than the deadline allows (429).

    Parameters
    ----------
    clip_id : str
        The clip that was asked for.
    problem : str
        What happened.
    retry_after : float or None
        Seconds the provider asked to wait, None if it did not say.
    """

    def __init__(self, clip_id: str, problem: str, retry_after: float | None = None) -> None:
        super().__init__(clip_id, problem)
        self.args = (clip_id, problem, retry_after)
        self.retry_after = retry_after


class NotSentError(RemoteError):
    """The request never left: refused connection, no such host, failed TLS; nothing was charged."""


class UnknownOutcomeError(RemoteError):
    """The request was sent and nobody knows whether it was charged; it is never repeated alone."""


class TaskFailedError(RemoteError):
    """The provider says that this task failed."""


class DeadlineError(RemoteError):
    """Not finished at the deadline."""


class DownloadError(RemoteError):
    """The hosted .mid could not be downloaded."""
