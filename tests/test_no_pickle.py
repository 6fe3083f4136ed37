"""Nothing pickled is read or written by this package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import admoe_monai

ROOT = Path(admoe_monai.__file__).parents[1]
FILES = [path for folder in ("admoe_monai", "scripts", "bundle") for path in sorted((ROOT / folder).rglob("*.py"))]
#: Modules that call what a file names.
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
#: What is used of them: an error to catch, an unpickler that looks nothing up (tested below), the number of cores.
EXCEPTIONS = {
    "admoe_monai/checkpoints/reader.py": {"pickle.UnpicklingError"},
    "admoe_monai/workflows/runs/run_records.py": {"pickle.Unpickler"},
    "admoe_monai/workflows/machine/granted.py": {"joblib.cpu_count"},
}
#: Calls that are safe with a word alone, and that word; torch (2.6 and later) has it as the default.
GUARDED = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
}
REFUSED = ("read_pickle", "to_pickle", "unsafe_load", "full_load")


def dangers(path: Path) -> Iterator[str]:
    """What a file does with pickles, or with the loaders of YAML that make objects."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = EXCEPTIONS.get(path.relative_to(ROOT).as_posix(), set())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in MODULES:
            yield from (
                f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" not in allowed
            )
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in MODULES and ast.unparse(node) not in allowed:
            yield ast.unparse(node)
        if isinstance(node, ast.Attribute) and node.attr in REFUSED:
            yield node.attr
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in GUARDED:
            word, value = GUARDED[name]
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            if not (word in given and ast.literal_eval(given[word]) is value):
                yield f"{name} without {word}={value}"
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            yield "allow_pickle"
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "yaml.load":
            loader = ast.unparse(node.args[1]) if len(node.args) > 1 else ""
            if "Loader" not in loader:
                yield "yaml.load without a safe loader"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_file_reads_or_writes_pickles(path: Path) -> None:
    assert list(dangers(path)) == []


def test_the_reader_of_headers_calls_nothing_that_a_file_names(tmp_path: Path) -> None:
    import os
    import zipfile

    from admoe_monai.errors import UserError
    from admoe_monai.workflows.runs.run_records import read_header

    # GLOBAL posix mkdir, a tuple of the path, REDUCE: what pickle.loads would call.
    code = b"cposix\nmkdir\n(V" + os.fsencode(tmp_path / "trace") + b"\ntR."
    with zipfile.ZipFile(tmp_path / "made.pth", "w") as archive:
        archive.writestr("made/data.pkl", code)
    with pytest.raises(UserError):
        read_header(tmp_path / "made.pth")
    assert not (tmp_path / "trace").exists()
