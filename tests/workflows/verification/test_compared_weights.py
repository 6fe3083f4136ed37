"""The file of weights that a run began with is compared too, where it is at hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from verified import alter_file, problems

from admoe_monai.errors import UserError
from admoe_monai.workflows.verification.text import lines_of
from admoe_monai.workflows.verification.verify import verify
from tiny_runs import TINY_SETTINGS, make_run

PLAN: dict[str, Any] = {**TINY_SETTINGS, "max_epochs": 1, "pretrain_epochs": 0}


@pytest.fixture(scope="module")
def file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copy(run / "pretrain_checkpoint.pth", tmp_path_factory.mktemp("weights") / "first.pth"))


@pytest.fixture(scope="module")
def begun(file: Path, tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that began with the weights of the file."""
    return make_run(tmp_path_factory.mktemp("begun") / "run", tiny_cohort, **PLAN, pretrained=str(file))


def test_a_file_that_is_no_longer_there_is_named_and_found_where_the_caller_says(
    begun: Path, file: Path, tmp_path: Path
) -> None:
    moved = Path(shutil.move(file, tmp_path / "moved.pth"))
    try:
        gone = verify(begun, epochs=[0])
        assert problems(gone) == []
        assert f"Left out: epoch 0: the weights that the run began with are needed for it: {file}" in lines_of(gone)
        (line,) = (line for line in lines_of(gone) if line.startswith("Weights:"))
        assert line.endswith("is not at hand, so it was not compared")
        assert lines_of(gone)[-1].endswith("no epoch was computed again")
        found = verify(begun, epochs=[0], given={"pretrained": str(moved)})
        assert problems(found) == []
        assert [(done.first, done.begin) for done in found.replays] == [(0, None)]
    finally:
        shutil.move(moved, file)


def test_a_file_that_was_altered_is_named_and_nothing_is_begun_with_it(begun: Path, file: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(file, tmp_path / "altered.pth"))
    alter_file(copy, lambda contents: contents["model_state_dict"]["mask_token"].add_(1.0))
    found = verify(begun, epochs=[0], given={"pretrained": str(copy)})
    (line,) = problems(found)
    assert line.startswith(f"{copy}: is not the file of weights that the run began with: SHA-256 ")
    assert found.replays == []


def test_a_checkpoint_that_names_other_weights_is_named(begun: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(begun, tmp_path / "copy"))
    alter_file(copy / "best_model.pth", lambda contents: contents["origin"].update(sha256="0" * 64))
    said = [line for line in problems(verify(copy, epochs=[])) if line.startswith("best_model.pth: ")]
    assert said == ["best_model.pth: names other weights that the run began with than other checkpoints do"]


def test_a_file_for_a_run_that_began_with_none_is_refused(tiny_run: Path) -> None:
    with pytest.raises(UserError, match="began with no weights of others; leave out --pretrained"):
        verify(tiny_run, given={"pretrained": "weights.pth"})
