"""The file of a study: what it says, and every mistake in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from written_study import write_study

from admoe_monai.errors import UserError
from admoe_monai.workflows.studies.reading import known_studies, read_study


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k in range(2):
        (tmp_path / f"fold{k}.json").write_text("{}")
    return tmp_path


def test_a_study_is_read_as_it_is_written(folder: Path) -> None:
    arms = {"full": None, "no pretraining": {"overlays": ["from_scratch"]}, "chance": {"labels": "permuted"}}
    study = read_study(str(write_study(folder, seeds=[3, 5], arms=arms, threads=2)))
    assert study.seeds == (3, 5)
    assert study.threads == 2
    assert study.reference == "full"
    assert [path.name for path in study.folds] == ["fold0.json", "fold1.json"]
    assert [(arm.name, arm.overlays, arm.labels) for arm in study.arms] == [
        ("full", (), "true"),
        ("no pretraining", ("from_scratch",), "true"),
        ("chance", (), "permuted"),
    ]


def test_folds_may_be_a_pattern_or_come_from_the_command_line(folder: Path) -> None:
    pattern = str(folder / "fold*.json")
    assert len(read_study(str(write_study(folder, folds=pattern))).folds) == 2
    assert len(read_study(str(write_study(folder, folds=None)), [pattern]).folds) == 2


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"arm": {"full": None}}, "'arm' is nothing that a study has, did you mean 'arms'?"),
    ({"arms": None}, "arms is missing"),
    ({"arms": ["full"]}, "arms must be a mapping of names"),
    (
        {"arms": {"full": {"overlay": ["tiny"]}}},
        "arm 'full': 'overlay' is nothing that an arm has, did you mean 'overlays'?",
    ),
    ({"arms": {"full": {"labels": "shuffled"}}}, "arm 'full': labels must be true or permuted, got 'shuffled'"),
    ({"arms": {"full": {"overlays": ["from_scrach"]}}}, "arm 'full': there is no config file 'from_scrach'"),
    ({"arms": {"full": {"settings": {"seed": 3}}}}, "arm 'full': settings: seed is not set here but by seeds"),
    ({"settings": {"max_epoch": 3}}, "did you mean 'max_epochs'?"),
    ({"reference": "fall"}, "reference is 'fall', which is none of the arms full, image alone"),
    ({"seeds": [1, 1]}, "seeds must be different whole numbers"),
    ({"seeds": 3}, "seeds must be different whole numbers"),
    ({"threads": 0}, "threads must be a whole number from 1 on, got 0"),
    ({"primary": {"task": "diagnosis"}}, "primary must name a task and a figure"),
    ({"primary": {"task": "sex", "figure": "accuracy"}}, "primary: there is no task sex; there are diagnosis, change"),
    (
        {"primary": {"task": "diagnosis", "figure": "auc_CN_AD"}},
        "diagnosis has no figure 'auc_CN_AD', did you mean 'auc_CN_vs_AD'?",
    ),
    ({"folds": ["nowhere.json"]}, "folds: there is no datalist nowhere.json"),
    ({"folds": 5}, "folds are datalists or patterns of their names, got 5"),
    (
        {"arms": {"full": None, "two": {"settings": {"classes_diagnosis": ["CN", "AD"]}}}},
        "arm 'two': its classes of diagnosis are CN, AD, those of 'full' CN, MCI, AD",
    ),
    ({"folds": None}, "no folds; name their datalists under folds or with --folds"),
]


@pytest.mark.parametrize(("changes", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_a_mistake_is_one_line(folder: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        read_study(str(write_study(folder, **changes)))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    with pytest.raises(UserError) as error:
        read_study(str(write_study(folder, seeds=[], threads=-1)))
    assert "seeds must be" in str(error.value)
    assert any("threads must be" in line for line in error.value.details)


def test_one_fold_is_no_study(folder: Path) -> None:
    with pytest.raises(UserError, match="a study has two folds or more"):
        read_study(str(write_study(folder, folds=[str(folder / "fold0.json")])))


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="there is no study 'dmeo', did you mean 'demo'"):
        read_study("dmeo")


@pytest.mark.parametrize("name", ["demo", "oasis2_slices", "ablation"])
def test_the_studies_of_this_package_are_sound(folder: Path, name: str) -> None:
    assert set(known_studies()) == {"demo", "oasis2_slices", "ablation"}
    study = read_study(name, [str(folder / "fold*.json")])
    assert study.name == name
    assert study.reference == "full"
    assert {"full", "from scratch", "image alone", "labels permuted"} <= {arm.name for arm in study.arms}
