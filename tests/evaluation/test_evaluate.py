from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.pages.text import format_evaluation

NAMES = ["CN", "MCI", "AD"]
CLASSES = {"diagnosis": NAMES}


def predictions(labels: list[str], subjects: list[str] | None = None, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(labels)
    probabilities = rng.dirichlet([1, 1, 1], n)
    return pd.DataFrame(
        {
            "image": [f"{k}.nii.gz" for k in range(n)],
            "subject_id": subjects or [f"s{k:03d}" for k in range(n)],
            "session_id": [f"M{k:03d}" for k in range(n)],
            "days_from_baseline": np.arange(n, dtype=float),
            "diagnosis": labels,
            **{f"p_diagnosis_{name}": probabilities[:, k] for k, name in enumerate(NAMES)},
        }
    )


def many(n: int = 60) -> pd.DataFrame:
    return predictions([NAMES[k % 3] for k in range(n)], [f"s{k // 3:02d}" for k in range(n)])


def metric(frame: pd.DataFrame, name: str, **kwargs: object) -> dict[str, object]:
    return evaluate_predictions(frame, CLASSES, n_boot=60, **kwargs)["diagnosis"]["metrics"][name]  # type: ignore[arg-type]


def test_first_visits_agree_with_scikit_learn() -> None:
    frame = many()
    result = evaluate_predictions(frame, CLASSES, n_boot=50, one_visit_per_subject=False)["diagnosis"]
    truth = frame["diagnosis"].map({name: k for k, name in enumerate(NAMES)}).to_numpy()
    probabilities = frame[[f"p_diagnosis_{name}" for name in NAMES]].to_numpy()
    metrics = result["metrics"]
    expected = balanced_accuracy_score(truth, probabilities.argmax(1))
    assert metrics["balanced_accuracy"]["value"] == pytest.approx(expected)
    macro = roc_auc_score(truth, probabilities, multi_class="ovr")
    assert metrics["macro_auc"]["value"] == pytest.approx(macro)
    assert metrics["macro_auc"]["low"] < macro < metrics["macro_auc"]["high"]


def test_counts_tell_subjects_from_visits() -> None:
    result = evaluate_predictions(many(), CLASSES, n_boot=0, one_visit_per_subject=False)["diagnosis"]
    assert (result["n_subjects"], result["n_visits"]) == (20, 60)
    assert result["class_counts"]["AD"] == {"subjects": 20, "visits": 20}
    assert np.sum(result["confusion"], axis=1).tolist() == [20, 20, 20]


def test_the_first_labelled_visit_stands_for_its_subject() -> None:
    frame = predictions(["", "AD", "CN", "MCI"], ["a", "a", "a", "b"]).iloc[[2, 3, 1, 0]]
    result = evaluate_predictions(frame, CLASSES, n_boot=0)["diagnosis"]
    assert result["n_visits"] == 2
    assert {name: count["visits"] for name, count in result["class_counts"].items()} == {"CN": 0, "MCI": 1, "AD": 1}


def test_a_visit_without_prediction_is_left_out_and_counted() -> None:
    frame = many()
    frame.loc[0, [f"p_diagnosis_{name}" for name in NAMES]] = np.nan
    result = evaluate_predictions(frame, CLASSES, n_boot=0, one_visit_per_subject=False)["diagnosis"]
    assert (result["n_without_prediction"], result["n_visits"]) == (1, 59)
    assert "left out for want of a prediction: 1 visits" in format_evaluation({"diagnosis": result})


def test_the_order_of_rows_and_a_repetition_change_nothing() -> None:
    frame = many()
    assert evaluate_predictions(frame, CLASSES, n_boot=50) == evaluate_predictions(
        frame.sample(frac=1, random_state=1), CLASSES, n_boot=50
    )


def test_more_visits_per_subject_do_not_pretend_to_more_precision() -> None:
    labels = [NAMES[k % 3] for k in range(45)]
    once = predictions(labels)
    copies = pd.concat([once.assign(image=once["image"] + str(k)) for k in range(4)])
    single = metric(once, "macro_f1", one_visit_per_subject=False)
    fourfold = metric(copies, "macro_f1", one_visit_per_subject=False)
    assert (fourfold["low"], fourfold["high"]) == pytest.approx((single["low"], single["high"]))


@pytest.mark.parametrize(
    ("labels", "name", "value_defined", "note"),
    [
        (["CN", "MCI"] * 9, "auc_CN_vs_AD", False, "no subject labelled AD"),
        (["CN", "MCI"] * 9, "recall_AD", False, "no subject labelled AD"),
        (["CN", "MCI"] * 9, "balanced_accuracy", True, "over CN, MCI; no subject labelled AD"),
        (["CN"] * 9, "macro_auc", False, "only CN occurs"),
        (["CN"] * 19 + ["AD"], "auc_CN_vs_AD", True, "no interval: 1 subject labelled AD"),
        (["CN"] * 19 + ["AD"] * 9, "average_precision_AD", True, "no interval: 9 subjects labelled AD"),
        (["CN"] * 19 + ["AD"] * 9, "specificity_AD", True, "None"),
        (["CN"] * 5 + ["AD"] * 4, "accuracy", True, "no interval: 9 subjects"),
        (["CN"], "accuracy", True, "no interval: 1 subject"),
        ([""] * 4, "accuracy", False, "no labelled visit"),
    ],
)
def test_an_undefined_figure_is_none_with_its_reason(
    labels: list[str], name: str, value_defined: bool, note: str
) -> None:
    figure = metric(predictions(labels), name)
    assert (figure["value"] is not None) == value_defined
    assert note in str(figure["note"])


@pytest.mark.parametrize("labels", [[], [""], ["CN"], ["AD", "AD"], ["CN", "AD"], ["CN", "MCI", "AD"] * 5])
@pytest.mark.parametrize("one_visit_per_subject", [True, False])
def test_every_result_is_strict_json_and_can_be_printed(labels: list[str], one_visit_per_subject: bool) -> None:
    frame = predictions(labels)
    result = evaluate_predictions(frame, CLASSES, n_boot=20, one_visit_per_subject=one_visit_per_subject)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert "nan" not in format_evaluation(result)


def test_classes_that_disagree_with_the_table_are_checked_anew() -> None:
    table = PredictionTable(many(), CLASSES)
    with pytest.raises(ValueError, match="'MCI' is not one of CN, AD"):
        evaluate_predictions(table, {"diagnosis": ["CN", "AD"]})


def test_an_unknown_class_in_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="'EMCI'"):
        evaluate_predictions(many(), CLASSES, pairs={"diagnosis": [("CN", "EMCI")]})


def test_only_the_requested_pairs_are_computed() -> None:
    result = evaluate_predictions(many(), CLASSES, n_boot=0, pairs={"diagnosis": [("AD", "CN")]})
    assert [name for name in result["diagnosis"]["metrics"] if "_vs_" in name] == ["auc_AD_vs_CN"]


def test_text_shows_figure_interval_and_numbers_of_subjects() -> None:
    result = evaluate_predictions(many(), CLASSES, n_boot=50)
    text = format_evaluation(result)
    figure = result["diagnosis"]["metrics"]["accuracy"]
    assert "diagnosis: 20 subjects (CN 20, MCI 0, AD 0), 20 visits" in text
    line = next(line for line in text.splitlines() if line.strip().startswith("accuracy"))
    assert f"{figure['value']:.3f}" in line
    assert f"[{figure['low']:.3f}, {figure['high']:.3f}]" in line


def test_of_thin_classes_the_text_counts_and_shows_no_figure() -> None:
    labels = ["CN"] * 12 + ["MCI"] * 11 + ["AD"] * 4
    text = format_evaluation(evaluate_predictions(predictions(labels), CLASSES, n_boot=50))
    lines = [line.strip() for line in text.splitlines()]
    assert not [line for line in lines if line.startswith(("AUC", "average")) and "AD" in line]
    assert [line for line in lines if line.startswith("AUC CN vs MCI")]
    assert " of 4 " in next(line for line in lines if line.startswith("recall of AD"))
    assert "no AUC and no average precision of classes with fewer than 10 subjects: AD (4)" in lines


def test_names_in_brackets_are_shown_as_they_are() -> None:
    names = ["cn [control]", "ad [/x]"]
    table = predictions(["CN", "AD"] * 10).replace({"diagnosis": {"CN": names[0], "AD": names[1]}})
    table = table.drop(columns=["p_diagnosis_MCI", "p_diagnosis_CN", "p_diagnosis_AD"])
    scores = np.linspace(0.1, 0.9, len(table))
    table = table.assign(**{f"p_diagnosis_{names[0]}": scores, f"p_diagnosis_{names[1]}": 1 - scores})
    text = format_evaluation(evaluate_predictions(table, {"diagnosis": names}, n_boot=0))
    assert all(f"recall of {name}" in text for name in names)
