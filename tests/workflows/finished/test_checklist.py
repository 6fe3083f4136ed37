"""Who is in a cohort, and what a manuscript has to state."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from admoe_monai.data import Datalist
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of
from admoe_monai.workflows.finished.report import tripod as tripod_items
from admoe_monai.workflows.finished.report.checklist import FOR_THE_AUTHOR, ITEMS, checklist
from admoe_monai.workflows.finished.report.cohort_flow import flow, left_out
from admoe_monai.workflows.finished.report.numbers import collect_numbers


def visit(subject: str, days: float, age: float | None, sex: str | None) -> dict[str, Any]:
    return {"subject_id": subject, "session_id": f"M{days:.0f}", "days_from_baseline": days, "age": age, "sex": sex}


def cohort(**changes: Any) -> Datalist:
    visits = [
        visit("a", 0.0, 70.0, "F"),
        visit("a", 730.5, 72.0, "F"),
        visit("b", 0.0, 80.0, "M"),
        visit("c", 0.0, None, None),
    ]
    return Datalist("made up", Path(), {"training": visits, "validation": [], "test": []}, **changes)


def tables(section: Section) -> list[list[list[str]]]:
    return [block["rows"] for block in section.blocks if block["kind"] == "table"]


def test_people_are_told_by_their_first_visits() -> None:
    section = Section("Data")
    flow(section, cohort())
    (rows,) = tables(section)
    assert rows == [["training", "3", "75.0 (7.1), 1 unknown", "F 1, M 1, unknown 1", "1 to 2", "0.0 years (median)"]]


def test_who_was_left_out_is_said_with_the_reason() -> None:
    report = {"exclusions": {"no image": {"visits": 3, "subjects": 1}}, "unknown_change": {"last visit": 1}}
    section = Section("Data")
    flow(section, cohort(report=report))
    assert section.blocks[1]["texts"] == [
        "Left out: 3 visits, no image (1 person with them).",
        "Without a label of change: 1 visit (last visit).",
    ]
    assert left_out(cohort(report={"exclusions": {}})) == [
        "Nobody and no visit was left out when the datalist was made."
    ]
    assert left_out(cohort()) == ["The datalist does not say who was left out of it."]


@pytest.fixture(scope="module")
def run(tiny_run: Path) -> TrainedRun:
    return TrainedRun.load(tiny_run)


@pytest.fixture(scope="module")
def numbers(run: TrainedRun) -> dict[str, Any]:
    return collect_numbers(run, cohort_of(run), "cpu")


def answers(run: TrainedRun, known: Datalist, numbers: dict[str, Any]) -> list[dict[str, str]]:
    """What stands at each item of CLAIM and of TRIPOD+AI."""
    return [{number: said for number, _, said in rows} for rows in tables(checklist(run, known, numbers))]


@pytest.fixture(scope="module")
def checklists(run: TrainedRun, numbers: dict[str, Any]) -> list[dict[str, str]]:
    return answers(run, cohort_of(run), numbers)


@pytest.fixture(scope="module")
def items(checklists: list[dict[str, str]]) -> dict[int, str]:
    return {int(number): said for number, said in checklists[0].items()}


def test_tripod_is_answered_by_what_claim_knows(checklists: list[dict[str, str]]) -> None:
    claim, tripod = checklists
    assert [*tripod] == [*tripod_items.ITEMS]
    assert len({number.rstrip("abcdefg") for number in tripod}) == 27
    assert tripod["11"] == claim["13"]
    assert tripod["8a"] == f"{claim['14']}; {claim['16']}"
    assert tripod["13"].startswith("all classes weigh the same in training")
    # What only people can know stays open, and so do groups, of which this cohort has none.
    open_items = {number for number, said in tripod.items() if said == FOR_THE_AUTHOR}
    assert {"2", "3a", "5b", "10", "14", "17", "18a", "23b", "25"} <= open_items
    assert len(open_items) == 24


def test_the_items_are_all_there_and_most_are_filled(items: dict[int, str]) -> None:
    assert [*items] == [*range(1, 43)] == [*ITEMS]
    open_items = {number for number, said in items.items() if said == FOR_THE_AUTHOR}
    # 30 needs groups of five people, which this cohort has not.
    assert open_items == {2, 3, 4, 5, 12, 15, 17, 18, 19, 30, 39, 40, 42}


def test_what_is_filled_is_of_this_run(items: dict[int, str], tiny_run: Path) -> None:
    datalist = json.loads((tiny_run / "datalist.json").read_text())
    assert datalist["description"] in items[7]
    assert "SIMULATED" in items[7]
    assert items[20].startswith(
        "training: 6 people, 6 visits; validation: 3 people, 3 visits; test: 3 people, 3 visits"
    )
    assert items[13].endswith("age is missing in 1 of 12 visits, where what was learned stands in")
    assert items[16] == "made up (12 visits)"
    assert "seed 42" in items[24]
    assert items[24].endswith("1 epochs of SimMIM before")
    assert items[35].startswith("test, diagnosis: balanced accuracy 0.")


def test_only_the_clinical_values_that_the_network_sees_are_called_its_predictors(
    checklists: list[dict[str, str]], run: TrainedRun, numbers: dict[str, Any]
) -> None:
    known = cohort_of(run)
    assert [column["name"] for column in known.prior] == ["age", "sex", "mmse"]
    claim, tripod = checklists
    assert "clinical columns age, sex; units" in claim["11"]
    assert tripod["9b"] == claim["11"]
    alone = replace(run, checkpoint={**run.checkpoint, "prior": []})
    claim, _ = answers(alone, known, numbers)
    assert "clinical columns none; units" in claim["11"]
    assert claim["13"].endswith("; the network sees no clinical values")


def test_test_people_of_a_held_out_site_are_not_called_of_the_same_cohort(
    checklists: list[dict[str, str]], run: TrainedRun, numbers: dict[str, Any]
) -> None:
    known = cohort_of(run)
    apart = replace(known, label_definition={**known.label_definition, "split": {"seed": 7, "holdout": "site=B"}})
    claim, tripod = answers(run, apart, numbers)
    assert claim["6"] == "a model of diagnosis and change, made on one cohort and tested on site B, held out of it"
    assert claim["20"].endswith(" (seed 7, holdout site=B)")
    assert claim["32"].startswith("the test people are those of site B, held out of the same datalist: nobody of")
    assert tripod["16"] == claim["32"]
    assert checklists[0]["32"] == "none: the test people are of the same cohort"


def test_saliency_maps_of_the_model_are_named_where_the_run_has_some(
    items: dict[int, str], run: TrainedRun, numbers: dict[str, Any], tmp_path: Path
) -> None:
    assert items[31].endswith("what removing one costs; the run has no saliency maps of this model")
    about = {
        "checkpoint": "best_model.pth",
        "epoch": numbers["epoch"],
        "split": "test",
        "towards": "AD",
        "against": "CN",
    }
    about |= {"space": "MNI152", "people": {"CN": 6, "AD": 5}, "units": {"occlusion": "logits"}}
    (tmp_path / "explanation").mkdir()
    (tmp_path / "explanation" / "explanation.json").write_text(json.dumps(about))
    explained, known = replace(run, folder=tmp_path), cohort_of(run)
    maps = "maps by occlusion, AD against CN, of 11 people of the test split (section Pictures)"
    assert answers(explained, known, numbers)[0]["31"].endswith(f"what removing one costs; {maps}")
    assert answers(explained, known, {**numbers, "gate_weights": {}})[0]["31"] == maps
    assert answers(run, known, {**numbers, "gate_weights": {}})[0]["31"] == FOR_THE_AUTHOR


def test_disturbed_scans_are_no_answer_to_fairness(run: TrainedRun, numbers: dict[str, Any]) -> None:
    known = cohort_of(run)
    claim, tripod = answers(run, known, {**numbers, "stress": {"conditions": [{"kind": None}, {"kind": "noise"}]}})
    assert claim["30"].startswith("1 disturbance of the test scans")
    assert tripod["14"] == tripod["23b"] == FOR_THE_AUTHOR
    claim, tripod = answers(run, known, {**numbers, "groups": {"sex": {}, "age_band": {}, "site": {}, "visit": {}}})
    assert claim["30"] == "figures by sex, age_band, site, visit (section Controls); no corrupted scans were tried"
    assert tripod["14"] == "figures by sex, age band (section Controls)"
    assert tripod["23b"] == "figures by site (section Controls)"


def test_prediction_sets_are_named_where_uncertainty_is_asked_for(run: TrainedRun, numbers: dict[str, Any]) -> None:
    claim, tripod = answers(run, cohort_of(run), numbers)
    assert "Prediction sets" not in claim["29"] + tripod["15"]
    claim, tripod = answers(run, cohort_of(run), {**numbers, "prediction_sets": {"diagnosis": {}}})
    assert claim["29"].endswith("of single predictions: section Prediction sets")
    assert claim["29"] in tripod["12e"]
    assert tripod["15"].endswith("sets of classes that can't be ruled out (section Prediction sets)")
