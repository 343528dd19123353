"""The exception tree: one root, messages in one form, and all of it pickles."""

from __future__ import annotations

import inspect
import pickle

import pytest

from midikit import errors

SAMPLES: list[errors.MidikitError] = [
    errors.InputError("song.mid", "", "cannot be read"),
    errors.MidiError("song.mid", "cut short", 12, 3),
    errors.AnswerError("a.json", "data.instruments", "null"),
    errors.PendingError("a.json", "data.state", "running"),
    errors.ProviderError("a.json", "code", "403", "no credits"),
    errors.NotesError("note 1"),
    errors.LimitError("too large"),
    errors.ConversionError("unknown"),
    errors.OutputError("read-only"),
    errors.DifferenceError("2 notes missing"),
    errors.WorkerError("its process was ended by SIGKILL"),
    errors.RemoteError("clip", "problem"),
    errors.RateLimitedError("clip", "slow down", 3.5),
]


def test_samples_and_tree_cover_every_class() -> None:
    """Every public class descends from the root and stands in the drawn tree."""
    classes = [getattr(errors, name) for name in errors.__all__]
    assert all(issubclass(cls, errors.MidikitError) for cls in classes)
    assert errors.__doc__ is not None
    missing = [cls.__name__ for cls in classes if cls.__name__ not in errors.__doc__]
    assert missing == []
    named = [
        n for n, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    ]
    assert sorted(named) == sorted(errors.__all__)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_pickle(error: errors.MidikitError) -> None:
    """Attributes and message come back from another process."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_messages_say_where_and_what() -> None:
    """Where, what, and the next step, in one line."""
    assert [str(error) for error in SAMPLES[1:5]] == [
        "song.mid: byte 12, track 3: cut short",
        "a.json: data.instruments: null",
        "a.json: data.state: not ready yet, the state is 'running'; fetch it again",
        "a.json: code: the provider answered code 403: no credits",
    ]


def test_unreadable_input_is_a_value_error() -> None:
    """Code that knows nothing of midikit can catch it."""
    assert issubclass(errors.MidiError, ValueError)
    assert issubclass(errors.AnswerError, ValueError)
