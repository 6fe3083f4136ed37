from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from admoe_monai.errors import UserError
from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.predictions import probability_columns

CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion"]}


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": ["a.nii.gz", "b.nii.gz", "c.nii.gz"],
            "subject_id": ["0012", "0012", "NA"],
            "session_id": ["M000", "M012", "M000"],
            "days_from_baseline": [0, 365, np.nan],
            "diagnosis": ["CN", "AD", None],
            "change": ["conversion", "", "stable"],
            "site": ["NA", "x", "y"],
            "p_diagnosis_CN": [0.2, 1 / 3, np.nan],
            "p_diagnosis_MCI": [0.3, 1 / 3, np.nan],
            "p_diagnosis_AD": [0.5, 1 / 3, np.nan],
            "p_change_stable": [0.1, 0.9, 0.4],
            "p_change_conversion": [0.9, 0.1, 0.6],
        }
    )


def test_labels_are_class_indices_and_unknown_is_minus_one() -> None:
    table = PredictionTable(frame(), CLASSES)
    np.testing.assert_array_equal(table.labels("diagnosis"), [0, 2, -1])
    np.testing.assert_array_equal(table.labels("change"), [1, -1, 0])


def test_probabilities_follow_the_order_of_the_classes() -> None:
    table = PredictionTable(frame(), {"diagnosis": ["AD", "CN", "MCI"]})
    np.testing.assert_allclose(table.probabilities("diagnosis")[0], [0.5, 0.2, 0.3])


def test_a_file_gives_back_every_bit(tmp_path: Path) -> None:
    table = PredictionTable(frame(), CLASSES)
    table.write(tmp_path / "predictions.csv")
    again = PredictionTable.read(tmp_path / "predictions.csv")
    assert {task: list(names) for task, names in again.classes.items()} == CLASSES
    assert list(again.frame["subject_id"]) == ["0012", "0012", "NA"]
    assert list(again.frame["site"]) == ["NA", "x", "y"]
    for task in CLASSES:
        np.testing.assert_array_equal(again.probabilities(task), table.probabilities(task))
        np.testing.assert_array_equal(again.labels(task), table.labels(task))
    assert [path.name for path in tmp_path.iterdir()] == ["predictions.csv"]


def written(folder: Path, labels: dict[str, list[str]], probabilities: list[str]) -> Path:
    """A table of two visits; every probability of a class is a half."""
    table = pd.DataFrame({"image": ["a", "b"], "subject_id": ["1", "2"], **labels, **dict.fromkeys(probabilities, 0.5)})
    table.to_csv(folder / "table.csv", index=False)
    return folder / "table.csv"


def test_tasks_are_told_apart_by_their_columns_of_labels(tmp_path: Path) -> None:
    labels = {"change": ["stable", ""], "change_late": ["", "worse"], "sex": ["F", "M"]}
    columns = [f"p_{task}_{name}" for task in ("change_late", "change") for name in ("stable", "worse")]
    path = written(tmp_path, labels, [*columns, "p_sex_F", "p_sex_M"])
    classes = PredictionTable.read(path).classes
    pairs = ["stable", "worse"]
    assert classes == {"change_late": pairs, "change": pairs, "sex": ["F", "M"]}
    assert list(classes) == ["change_late", "change", "sex"]  # as the columns stand


def test_a_class_may_look_like_another_column(tmp_path: Path) -> None:
    labels = {"diagnosis": ["late_AD", ""], "diagnosis_late": ["told by phone", ""]}
    path = written(tmp_path, labels, ["p_diagnosis_late_AD", "p_diagnosis_late_CN"])
    assert PredictionTable.read(path).classes == {"diagnosis": ["late_AD", "late_CN"]}


def test_a_column_that_only_begins_like_a_probability_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, {"sex": ["F", "M"], "p_tau": ["high", "low"]}, ["p_sex_F", "p_sex_M"])
    table = PredictionTable.read(path)
    assert list(table.classes) == ["sex"]
    assert list(table.frame["p_tau"]) == ["high", "low"]


def test_a_wrong_label_does_not_hide_its_task(tmp_path: Path) -> None:
    path = written(tmp_path, {"sex": ["F", "X"], "diagnosis": ["CN", "AD"]}, ["p_sex_F", "p_sex_M"])
    with pytest.raises(UserError, match=r"row 2 \(b\): sex 'X' is not one of F, M"):
        PredictionTable.read(path)


def test_a_table_without_labels_needs_the_classes(tmp_path: Path) -> None:
    path = written(tmp_path, {}, ["p_sex_F", "p_sex_M"])
    with pytest.raises(UserError, match=r"table\.csv: no column of labels stands beside columns p_<task>_<class>"):
        PredictionTable.read(path)
    assert list(PredictionTable.read(path, {"sex": ["F", "M"]}).labels("sex")) == [-1, -1]


def test_two_tasks_that_share_a_column_are_refused() -> None:
    with pytest.raises(UserError, match="the tasks change and change_late both have the column p_change_late_stable"):
        probability_columns({"change": ["late_stable", "worse"], "change_late": ["stable", "worse"]})


def test_the_callers_frame_stays_as_it_was() -> None:
    given = frame()
    PredictionTable(given, CLASSES)
    pd.testing.assert_frame_equal(given, frame())


def test_visits_of_a_datalist_are_joined_with_their_probabilities() -> None:
    visits = [
        {"image": "a", "subject_id": "1", "session_id": "x", "diagnosis": "MCI", "prior": {"age": 70}, "age": 70.0},
        {"image": "b", "subject_id": "2", "session_id": "x", "diagnosis": None, "prior": {}, "age": None},
    ]
    table = PredictionTable.from_visits(visits, {"change": np.array([[0.1, 0.9], [0.8, 0.2]])}, {"change": ["s", "c"]})
    np.testing.assert_allclose(table.probabilities("change"), [[0.1, 0.9], [0.8, 0.2]])
    assert list(table.frame["change"]) == ["", ""]
    assert "prior" not in table.frame
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        PredictionTable.from_visits(visits, {"diagnosis": np.full((2, 2), 0.5)}, {"diagnosis": ["CN", "MCI", "AD"]})


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("diagnosis", ["CN", "Dementia", "Dementia"], r"row 2 \(b.nii.gz\): diagnosis 'Dementia' .* \(and 1 more\)"),
        ("image", ["a", "b", "a"], r"row 3 \(a\): the image is listed twice"),
        ("subject_id", ["1", "", "2"], "row 2 .*subject_id is empty"),
        ("p_diagnosis_CN", [0.2, 0.5, np.nan], "row 2 .*probabilities of diagnosis"),
        ("p_diagnosis_CN", [-0.2, 1 / 3, np.nan], "row 1 .*probabilities of diagnosis"),
        ("p_diagnosis_CN", [0.2, 1 / 3, 0.5], "row 3 .*probabilities of diagnosis"),
    ],
)
def test_a_bad_row_is_named_in_one_line(column: str, values: list[object], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        PredictionTable(frame().assign(**{column: values}), CLASSES)
    assert "\n" not in str(error.value)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(UserError, match="p_diagnosis_AD"):
        PredictionTable(frame().drop(columns="p_diagnosis_AD"), CLASSES)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.csv"):
        PredictionTable.read(tmp_path / "absent.csv")
    (tmp_path / "text.csv").write_text("subject_id,diagnosis,p_diagnosis_CN,p_diagnosis_AD\n1,CN,half,0.5\n")
    with pytest.raises(UserError, match=r"text\.csv"):
        PredictionTable.read(tmp_path / "text.csv")
