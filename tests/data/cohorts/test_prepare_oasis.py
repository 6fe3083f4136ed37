"""OASIS-1 and OASIS-2 as they were published."""

from pathlib import Path

import pytest
from prepared import all_visits

from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import (
    ChangeRule,
    Selection,
    VisitTable,
    load_mapping,
    prepare_cohort,
)
from admoe_monai.errors import UserError

DATA = Path(__file__).parents[4] / "shared/data"
CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}
realdata = pytest.mark.skipif(not DATA.exists(), reason="no real data on this machine")


def oasis2(output, images="coronal/{MRI ID}.nii.gz", **options):
    source = VisitTable(DATA / "oasis2_slices/oasis_longitudinal.csv", images, load_mapping("oasis2"))
    (datalist,) = prepare_cohort(output, source, **{"change": ChangeRule(), **options})
    return datalist


@pytest.mark.realdata
@realdata
def test_oasis2_is_prepared_from_the_published_table(tmp_path):
    datalist = oasis2(tmp_path / "datalist.json")
    visits = all_visits(load_datalist(tmp_path / "datalist.json", classes=CLASSES))

    assert len(visits) == 247
    assert len({visit["subject_id"] for visit in visits}) == 99
    assert [sum(v["diagnosis"] == name for v in visits) for name in CLASSES["diagnosis"]] == [140, 79, 28]
    assert [sum(v["change"] == name for v in visits) for name in CLASSES["change"]] == [114, 18, 2]
    assert next(column for column in datalist.prior if column["name"] == "mmse")["role"] == "banned"


@pytest.mark.realdata
@realdata
def test_every_trap_of_oasis2_is_reported(tmp_path):
    report = oasis2(tmp_path / "datalist.json").report

    assert "OAS2_0131: group says 'Converted', but the diagnoses are MCI, CN" in report["contradictions"]
    text = " | ".join(report["notes"])
    for trap in (
        "visit numbers of 4 subjects skip",
        "'ses' is empty in 14 of 247 visits",
        "'mmse' is empty in 2 of 247 visits",
        "slices of two axes",
        "247 of 247 images have neither qform nor sform",
        "heads are larger than heads are",
        "the background is not 0 in 247 of 247 images",
        "the next visit lies 229 to 1707 days away",
    ):
        assert trap in text


@pytest.mark.realdata
@realdata
def test_oasis2_axial_slices_that_are_missing_are_listed_or_dropped(tmp_path):
    with pytest.raises(UserError, match="4 problems, nothing was written") as error:
        oasis2(tmp_path / "datalist.json", "axial/{MRI ID}.nii.gz")
    assert len(error.value.details) == 4

    datalist = oasis2(tmp_path / "datalist.json", "axial/{MRI ID}.nii.gz", selection=Selection(missing_images="drop"))
    assert len(all_visits(datalist)) == 243


@pytest.mark.realdata
@realdata
def test_at_a_horizon_of_36_months_82_visits_of_oasis2_are_followed_too_briefly(tmp_path):
    visits = all_visits(oasis2(tmp_path / "datalist.json", change=ChangeRule.parse("36m", "36m", "stable")))
    unknown = [visit["change_reason"] for visit in visits if visit["change"] is None]

    assert sum(reason.startswith("followed for") for reason in unknown) == 82
    assert sum(reason == "changed after the horizon or before, nobody knows" for reason in unknown) == 6
    assert sum(reason == "last visit with a diagnosis" for reason in unknown) == 99


@pytest.mark.realdata
@realdata
def test_young_brains_of_oasis1_have_no_diagnosis(tmp_path):
    folder = DATA / "oasis1_t1w_2mm"
    source = VisitTable(folder / "oasis_cross-sectional.csv", "{ID}.nii.gz", load_mapping("oasis1"))
    (datalist,) = prepare_cohort(tmp_path / "datalist.json", source)
    visits = all_visits(datalist)

    assert len(visits) == 15
    assert {visit["diagnosis"] for visit in visits} == {None}
    assert {visit["days_from_baseline"] for visit in visits} == {0}
    assert "nobody has a label: this cohort is for pretraining alone" in datalist.report["notes"]
