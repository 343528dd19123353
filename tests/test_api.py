"""The front door: its names, what they cost to import, and that each is shown in use."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import midikit
import midikit.convert

ROOT = Path(__file__).parent.parent
HEAVY = {"numpy", "httpx", "mido", "pretty_midi", "matplotlib", "rich", "msgspec", "sqlite3"}
PRODUCTS = {"dot", "vdot", "inner", "matmul", "tensordot", "lstsq", "solve", "correlate"}


def test_names_are_sorted_and_there() -> None:
    """__all__ is sorted as ruff sorts it, and every name in it can be had."""
    for module in (midikit, midikit.convert):
        names = module.__all__
        classes = [name for name in names if not name.islower()]
        assert len(set(names)) == len(names)
        assert names[len(classes) :] == sorted(names[len(classes) :])
        for name in names:
            assert getattr(module, name) is not None


@pytest.mark.parametrize(
    "name", ["batch.run", "convert.write_wav", "sandbox.serve", "view.to_html"]
)
def test_rooms_are_there_without_an_import_of_theirs(name: str) -> None:
    """Whatever was used before."""
    code = f"import midikit as mk; assert callable(mk.{name})"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_names_are_attribute_errors() -> None:
    """A typo is told as for any module."""
    with pytest.raises(AttributeError, match="module 'midikit' has no attribute 'read_jsn'"):
        midikit.read_jsn  # noqa: B018 - the access is the test


def examples() -> str:
    """Collect every line of code that a docstring or the README runs."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    lines = []
    for info in pkgutil.walk_packages(midikit.__path__, "midikit."):
        if info.name == "midikit.__main__":
            continue
        module = importlib.import_module(info.name)
        lines += [example.source for test in finder.find(module) for example in test.examples]
    lines += [example.source for test in finder.find(midikit) for example in test.examples]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines += re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    return "\n".join(lines)


def test_every_public_name_has_an_example_that_runs() -> None:
    """Each name at the front door and in convert stands in code that the suite executes."""
    shown = set(re.findall(r"\w+", examples()))
    missing = [name for name in {*midikit.__all__, *midikit.convert.__all__} if name not in shown]
    assert sorted(missing) == []


def loaded_by(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level modules it loaded."""
    script = f"import sys\n{code}\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(result.stdout.split())


def test_importing_midikit_loads_nothing_heavy() -> None:
    """The front door is lazy."""
    assert not loaded_by("import midikit") & HEAVY


def test_importing_midikit_loads_little_of_the_library() -> None:
    """Not even what is light: the front door alone costs a fraction of numpy."""
    loaded = loaded_by("import midikit")
    assert not loaded & {"dataclasses", "inspect", "pathlib", "json", "click", "logging"}


def test_reading_and_writing_load_no_network_and_no_other_midi_library() -> None:
    """httpx, mido and pretty_midi are only for those who ask for them."""
    code = "import midikit as mk; mk.read_midi(mk.to_midi(mk.read_json({'instruments': []})))"
    assert not loaded_by(code) & {"httpx", "mido", "pretty_midi", "matplotlib", "rich"}


def test_no_result_rests_on_blas() -> None:
    """Its last bits depend on the processor and on the number of threads, so bytes would differ."""
    found = []
    for path in sorted((ROOT / "midikit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.BinOp(op=ast.MatMult()) | ast.AugAssign(op=ast.MatMult()):
                    found.append(f"{path.name}:{node.lineno}")
                case ast.Attribute(attr=name) if name in PRODUCTS:
                    found.append(f"{path.name}:{node.lineno} {name}")
                case _:
                    pass
    assert found == []
