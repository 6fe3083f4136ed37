"""What a run of this version sees is what a run of the last release saw."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from stream_samples import differences, samples

GOLDEN = json.loads((Path(__file__).parents[1] / "golden/stream.json").read_text())
REMEDY = (
    "training sees other items than those of the golden file, so a run of before no longer resumes to the same end. If that "
    'is meant: python scripts/verify/stream.py renew --reason "...", and the reason into CHANGELOG.md'
)


def test_the_stream_of_training_data_is_that_of_the_golden_file(tmp_path: Path) -> None:
    changed = differences(GOLDEN["samples"], samples(tmp_path))
    assert not changed, "\n".join([REMEDY, *changed])


@pytest.mark.parametrize("kind", ["order", "mask", "image"])
def test_each_change_of_a_sample_is_named(kind: str) -> None:
    other = copy.deepcopy(GOLDEN["samples"])
    name = next(iter(other[kind]))
    if kind == "order":
        other[kind][name] = other[kind][name][::-1]
    elif kind == "mask":
        other[kind][name] = "0"
    else:
        other[kind][name]["blocks"][3] += 0.003
    (line,) = differences(GOLDEN["samples"], other)
    assert line.startswith(f"{kind} of {name} has changed: ")


def test_what_processors_differ_by_is_no_change() -> None:
    other = copy.deepcopy(GOLDEN["samples"])
    for described in other["image"].values():
        described["blocks"] = [value + 0.001 for value in described["blocks"]]
        described["deviation"] -= 0.001
    assert differences(GOLDEN["samples"], other) == []
