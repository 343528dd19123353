"""General MIDI: which sound an instrument's name means, and what the drum notes are called.

`find_program` looks a name up in four steps and says which one answered:

1. ``exact``: one of the 128 General MIDI names, whatever its case, punctuation, plural or a
   trailing number ("String Ensembles 1", "SynthStrings 1", "koto 2").
2. ``alias``: one of the everyday names below ("Vocals", "Strings", "Keys").
3. ``role``: the same two for what stands in the last brackets or after the last dash, as exports
   name their stems ("My Song (Bass).mid").
4. ``fuzzy``: every word of an everyday name is among the words of this one ("Dark Synth Bass");
   the longest such name wins. A guess, and called so.

The names are those of the General MIDI System Level 1 specification, the drum names those of its
percussion key map with the additions of Level 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

__all__ = ["DRUM_CHANNEL", "DRUM_NAMES", "PROGRAM_NAMES", "ProgramGuess", "find_program", "is_drum"]

DRUM_CHANNEL = 9
"""Index of the channel where drums play, the tenth."""

PROGRAM_NAMES: tuple[str, ...] = (
    *("Acoustic Grand Piano", "Bright Acoustic Piano", "Electric Grand Piano", "Honky-tonk Piano"),
    *("Electric Piano 1", "Electric Piano 2", "Harpsichord", "Clavi"),
    *("Celesta", "Glockenspiel", "Music Box", "Vibraphone"),
    *("Marimba", "Xylophone", "Tubular Bells", "Dulcimer"),
    *("Drawbar Organ", "Percussive Organ", "Rock Organ", "Church Organ"),
    *("Reed Organ", "Accordion", "Harmonica", "Tango Accordion"),
    *("Acoustic Guitar (nylon)", "Acoustic Guitar (steel)", "Electric Guitar (jazz)"),
    *("Electric Guitar (clean)", "Electric Guitar (muted)", "Overdriven Guitar"),
    *("Distortion Guitar", "Guitar Harmonics"),
    *("Acoustic Bass", "Electric Bass (finger)", "Electric Bass (pick)", "Fretless Bass"),
    *("Slap Bass 1", "Slap Bass 2", "Synth Bass 1", "Synth Bass 2"),
    *("Violin", "Viola", "Cello", "Contrabass"),
    *("Tremolo Strings", "Pizzicato Strings", "Orchestral Harp", "Timpani"),
    *("String Ensemble 1", "String Ensemble 2", "Synth Strings 1", "Synth Strings 2"),
    *("Choir Aahs", "Voice Oohs", "Synth Voice", "Orchestra Hit"),
    *("Trumpet", "Trombone", "Tuba", "Muted Trumpet"),
    *("French Horn", "Brass Section", "Synth Brass 1", "Synth Brass 2"),
    *("Soprano Sax", "Alto Sax", "Tenor Sax", "Baritone Sax"),
    *("Oboe", "English Horn", "Bassoon", "Clarinet"),
    *("Piccolo", "Flute", "Recorder", "Pan Flute"),
    *("Blown Bottle", "Shakuhachi", "Whistle", "Ocarina"),
    *("Lead 1 (square)", "Lead 2 (sawtooth)", "Lead 3 (calliope)", "Lead 4 (chiff)"),
    *("Lead 5 (charang)", "Lead 6 (voice)", "Lead 7 (fifths)", "Lead 8 (bass + lead)"),
    *("Pad 1 (new age)", "Pad 2 (warm)", "Pad 3 (polysynth)", "Pad 4 (choir)"),
    *("Pad 5 (bowed)", "Pad 6 (metallic)", "Pad 7 (halo)", "Pad 8 (sweep)"),
    *("FX 1 (rain)", "FX 2 (soundtrack)", "FX 3 (crystal)", "FX 4 (atmosphere)"),
    *("FX 5 (brightness)", "FX 6 (goblins)", "FX 7 (echoes)", "FX 8 (sci-fi)"),
    *("Sitar", "Banjo", "Shamisen", "Koto"),
    *("Kalimba", "Bagpipe", "Fiddle", "Shanai"),
    *("Tinkle Bell", "Agogo", "Steel Drums", "Woodblock"),
    *("Taiko Drum", "Melodic Tom", "Synth Drum", "Reverse Cymbal"),
    *("Guitar Fret Noise", "Breath Noise", "Seashore", "Bird Tweet"),
    *("Telephone Ring", "Helicopter", "Applause", "Gunshot"),
)
"""The sound of each program 0..127."""

DRUM_NAMES: dict[int, str] = dict(
    enumerate(
        (
            *("High Q", "Slap", "Scratch Push", "Scratch Pull", "Sticks", "Square Click"),
            *("Metronome Click", "Metronome Bell", "Acoustic Bass Drum", "Bass Drum 1"),
            *("Side Stick", "Acoustic Snare", "Hand Clap", "Electric Snare", "Low Floor Tom"),
            *("Closed Hi-Hat", "High Floor Tom", "Pedal Hi-Hat", "Low Tom", "Open Hi-Hat"),
            *("Low-Mid Tom", "Hi-Mid Tom", "Crash Cymbal 1", "High Tom", "Ride Cymbal 1"),
            *("Chinese Cymbal", "Ride Bell", "Tambourine", "Splash Cymbal", "Cowbell"),
            *("Crash Cymbal 2", "Vibraslap", "Ride Cymbal 2", "Hi Bongo", "Low Bongo"),
            *("Mute Hi Conga", "Open Hi Conga", "Low Conga", "High Timbale", "Low Timbale"),
            *("High Agogo", "Low Agogo", "Cabasa", "Maracas", "Short Whistle", "Long Whistle"),
            *("Short Guiro", "Long Guiro", "Claves", "Hi Wood Block", "Low Wood Block"),
            *("Mute Cuica", "Open Cuica", "Mute Triangle", "Open Triangle", "Shaker"),
            *("Jingle Bell", "Bell Tree", "Castanets", "Mute Surdo", "Open Surdo"),
        ),
        start=27,
    )
)
"""The instrument of each drum pitch; 35..81 are General MIDI, 27..87 Level 2."""

# Everyday names, each with the program it means and the programs that do not contradict it.
# More words first where one name holds another.
_ALIASES: tuple[tuple[str, int, range], ...] = (
    ("backing vocals", 52, range(52, 55)),
    ("background vocals", 52, range(52, 55)),
    ("lead vocals", 53, range(52, 55)),
    ("vocals", 53, range(52, 55)),
    ("vocal", 53, range(52, 55)),
    ("vox", 53, range(52, 55)),
    ("voice", 53, range(52, 55)),
    ("singer", 53, range(52, 55)),
    ("choir", 52, range(52, 55)),
    ("synth choir", 54, range(52, 55)),
    ("grand piano", 0, range(4)),
    ("acoustic piano", 0, range(4)),
    ("electric piano", 4, range(4, 6)),
    ("e piano", 4, range(4, 6)),
    ("epiano", 4, range(4, 6)),
    ("rhodes", 4, range(4, 6)),
    ("wurlitzer", 4, range(4, 6)),
    ("dx piano", 5, range(4, 6)),
    ("piano", 0, range(6)),
    ("keyboard", 4, range(24)),
    ("keys", 4, range(24)),
    ("clavinet", 7, range(6, 8)),
    ("mallet", 12, range(8, 16)),
    ("bell", 14, range(8, 16)),
    ("vibes", 11, range(11, 12)),
    ("hammond", 16, range(16, 19)),
    ("organ", 16, range(16, 21)),
    ("acoustic guitar", 25, range(24, 26)),
    ("nylon guitar", 24, range(24, 26)),
    ("classical guitar", 24, range(24, 26)),
    ("spanish guitar", 24, range(24, 26)),
    ("steel guitar", 25, range(24, 26)),
    ("electric guitar", 27, range(26, 32)),
    ("clean guitar", 27, range(26, 32)),
    ("jazz guitar", 26, range(26, 32)),
    ("muted guitar", 28, range(26, 32)),
    ("lead guitar", 29, range(26, 32)),
    ("rhythm guitar", 27, range(24, 32)),
    ("distorted guitar", 30, range(29, 32)),
    ("overdrive guitar", 29, range(29, 32)),
    ("power guitar", 30, range(29, 32)),
    ("guitar", 27, range(24, 32)),
    ("ukulele", 24, range(24, 26)),
    ("mandolin", 25, range(24, 26)),
    ("double bass", 32, range(32, 44)),
    ("upright bass", 32, range(32, 44)),
    ("electric bass", 33, range(33, 38)),
    ("finger bass", 33, range(33, 38)),
    ("pick bass", 34, range(33, 38)),
    ("bass guitar", 33, range(33, 38)),
    ("slap bass", 36, range(36, 38)),
    ("synth bass", 38, range(38, 40)),
    ("sub bass", 38, range(38, 40)),
    ("808", 38, range(38, 40)),
    ("bass", 33, range(32, 40)),
    ("solo violin", 40, range(40, 41)),
    ("string section", 48, range(44, 52)),
    ("strings", 48, range(40, 52)),
    ("synth strings", 50, range(48, 52)),
    ("orchestra", 48, range(40, 56)),
    ("pizzicato", 45, range(45, 46)),
    ("tremolo", 44, range(44, 45)),
    ("harp", 46, range(46, 47)),
    ("brass", 61, range(56, 64)),
    ("horn section", 61, range(56, 64)),
    ("horns", 60, range(56, 64)),
    ("horn", 60, range(56, 64)),
    ("synth brass", 62, range(61, 64)),
    ("saxophone", 65, range(64, 68)),
    ("sax", 65, range(64, 68)),
    ("soprano saxophone", 64, range(64, 65)),
    ("alto saxophone", 65, range(65, 66)),
    ("tenor saxophone", 66, range(66, 67)),
    ("baritone saxophone", 67, range(67, 68)),
    ("cor anglais", 69, range(69, 70)),
    ("woodwind", 73, range(64, 80)),
    ("wind", 73, range(64, 80)),
    ("panflute", 75, range(75, 76)),
    ("synth lead", 81, range(80, 88)),
    ("lead synth", 81, range(80, 88)),
    ("square lead", 80, range(80, 88)),
    ("saw lead", 81, range(80, 88)),
    ("lead", 81, range(80, 88)),
    ("synth pad", 89, range(88, 96)),
    ("pad", 89, range(88, 96)),
    ("arp", 81, range(80, 104)),
    ("arpeggio", 81, range(80, 104)),
    ("pluck", 45, range(128)),
    ("synthesizer", 81, range(38, 104)),
    ("synth", 81, range(38, 104)),
    ("sound effects", 99, range(96, 128)),
    ("sfx", 99, range(96, 128)),
    ("effects", 99, range(96, 128)),
    ("fx", 99, range(96, 128)),
    ("atmosphere", 99, range(88, 104)),
    ("ambience", 99, range(88, 104)),
    ("bagpipes", 109, range(109, 110)),
    ("thumb piano", 108, range(108, 109)),
    ("steelpan", 114, range(114, 115)),
)

_KITS = frozenset(
    "drum|drum kit|drumkit|drum set|drumset|drum machine|drum track|kit|standard kit|room kit"
    "|power kit|electronic kit|808 kit|tr 808 kit|909 kit|jazz kit|brush kit|orchestra kit"
    "|standard drum|standard drum kit|acoustic drum|acoustic drum kit|electronic drum"
    "|electric drum|rock drum|live drum|battery|batterie|schlagzeug|bateria".split("|")
)
_KIT_PIECES = frozenset(
    "percussion|perc|percussive|kick|kick drum|bass drum|snare|snare drum|hi hat|hihat|hat"
    "|closed hat|open hat|cymbal|crash|ride|clap|handclap|shaker|tambourine|conga|bongo|cowbell"
    "|tom|beat|drum loop".split("|")
)
_DEFAULT_CLAIMS = (None, 0, 1)
_WORD = re.compile(r"[^\W_]+")
_DASHES = "\\-\u2013\u2014"
_ROLE = re.compile(rf"[(\[]([^()\[\]]+)[)\]]\s*$|\s[{_DASHES}]\s*([^{_DASHES}]+)$")
_PITCHED_DRUMS = frozenset(["steel", "taiko", "hang", "tongue", "slit", "log"])
_SUFFIX = re.compile(r"\.(mid|midi|wav|mp3|json)$", re.IGNORECASE)
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class ProgramGuess:
    """What a name says about the sound.

    Parameters
    ----------
    program : int
        General MIDI program 0..127.
    how : {"exact", "alias", "role", "fuzzy"}
        Which step of the module's docstring found it.
    compatible : range
        Programs that do not contradict the name: a "Guitar" may be any of 24..31.
    """

    program: int
    how: Literal["exact", "alias", "role", "fuzzy"]
    compatible: range

    @property
    def is_confident(self) -> bool:
        """Whether the whole name was known, not just some words of it."""
        return self.how != "fuzzy"


def find_program(name: str) -> ProgramGuess | None:
    """Tell which General MIDI program a name means.

    Parameters
    ----------
    name : str
        An instrument's name.

    Returns
    -------
    ProgramGuess or None
        The guess and how it was found; None for a name that says nothing.

    Examples
    --------
    >>> guess = find_program("String Ensembles 1")
    >>> PROGRAM_NAMES[guess.program], guess.how
    ('String Ensemble 1', 'exact')
    >>> find_program("My Song (Bass).mid").how
    'role'
    >>> find_program("Track 7") is None
    True
    """
    return _find_program(name[:_LONGEST_NAME])


@lru_cache(maxsize=1024)
def _find_program(name: str) -> ProgramGuess | None:
    whole = _SUFFIX.sub("", name.strip())
    found = _known(whole)
    if found is not None:
        return found
    role = _ROLE.search(whole)
    if role is not None:
        part = _known(role.group(1) or role.group(2))
        if part is not None:
            return ProgramGuess(part.program, "role", part.compatible)
    words = set(_words(whole))
    best: ProgramGuess | None = None
    most = 0
    for key, (program, compatible) in _fuzzy_table().items():
        if len(key) > most and words.issuperset(key):
            best, most = ProgramGuess(program, "fuzzy", compatible), len(key)
    return best


def is_drum(name: str, program: int | None) -> bool:
    """Tell whether a name means a drum kit.

    Parameters
    ----------
    name : str
        An instrument's name; the role in "My Song (Drums).mid" counts.
    program : int or None
        Program 0..127 as claimed. A name of some percussion ("Percussion", "Snare") is a kit only
        where the claim says nothing (None, or the 0 or 1 that broken exports put on every track).

    Returns
    -------
    bool
        True for a kit; False for pitched percussion such as "Steel Drums" or "Taiko Drum".

    Examples
    --------
    >>> is_drum("Song (Drums)", 0), is_drum("Steel Drums", None), is_drum("Percussion", 47)
    (True, False, False)
    """
    return _is_drum(name[:_LONGEST_NAME], program)


@lru_cache(maxsize=1024)
def _is_drum(name: str, program: int | None) -> bool:
    whole = _SUFFIX.sub("", name.strip())
    parts = [whole]
    role = _ROLE.search(whole)
    if role is not None:
        parts = [role.group(1) or role.group(2), whole[: role.start()]]
        if _known(whole) is not None or _known(parts[0]) is not None:
            return False  # "Battery (Guitar)": the role decides, whatever the song is called
    weak = program in _DEFAULT_CLAIMS
    for part in parts:
        words = _words(part)
        if "".join(words) in _exact_table():
            continue
        text = " ".join(words if not words or not words[-1].isdigit() else words[:-1])
        head = words[-1] if words and not _PITCHED_DRUMS.intersection(words) else ""
        if text in _KITS or head in {"drum", "drumkit", "drumset"}:
            return True
        if weak and (text in _KIT_PIECES or head == "percussion"):
            return True
    return False


def _words(name: str) -> list[str]:
    """Split a name into lower-case words without plural endings."""
    return [_singular(word) for word in _WORD.findall(name.casefold())]


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 2 and word.endswith("s") and not word.endswith("ss") else word


def _known(name: str) -> ProgramGuess | None:
    """Look a name up as a whole: exact, then alias, each also without a trailing number."""
    words = _words(name)
    bare = words[:-1] if len(words) > 1 and words[-1].isdigit() else words
    for how, table in (("exact", _exact_table()), ("alias", _alias_table())):
        for key in ("".join(words), "".join(bare)):
            if key in table:
                program, compatible = table[key]
                return ProgramGuess(program, "exact" if how == "exact" else "alias", compatible)
    return None


@lru_cache(maxsize=1)
def _exact_table() -> dict[str, tuple[int, range]]:
    table: dict[str, tuple[int, range]] = {}
    for program, name in enumerate(PROGRAM_NAMES):
        table["".join(_words(name))] = (program, range(program, program + 1))
    return table


@lru_cache(maxsize=1)
def _alias_table() -> dict[str, tuple[int, range]]:
    return {"".join(_words(name)): (program, ok) for name, program, ok in _ALIASES}


@lru_cache(maxsize=1)
def _fuzzy_table() -> dict[frozenset[str], tuple[int, range]]:
    """Words of everyday and General MIDI names; the everyday ones come first and win ties."""
    table: dict[frozenset[str], tuple[int, range]] = {}
    for name, program, compatible in _ALIASES:
        table.setdefault(frozenset(_words(name)), (program, compatible))
    for program, name in enumerate(PROGRAM_NAMES):
        words = frozenset(word for word in _words(name) if not word.isdigit())
        table.setdefault(words, (program, range(program, program + 1)))
    return table
