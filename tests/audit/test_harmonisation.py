"""What calls itself harmonised is named, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from admoe_monai.audit import cheap_audit
from admoe_monai.audit.finding import Finding
from admoe_monai.data import Datalist
from made_up_cohort import TASKS, clean_cohort


def warnings(cohort: Datalist) -> list[Finding]:
    return [finding for finding in cheap_audit(cohort, tasks=TASKS) if finding.check == "harmonisation"]


def with_column(name: str) -> Datalist:
    cohort = clean_cohort(12)
    cohort.prior.append({"name": name, "role": "clinical", "kind": "continuous", "n": 1})
    return cohort


@pytest.mark.parametrize(
    "name", ["hippocampus_combat", "ComBat-etiv", "harmonised_thickness", "volume_longCombat", "ravel_mean"]
)
def test_a_harmonised_column_is_a_warning(name: str) -> None:
    (finding,) = warnings(with_column(name))
    assert finding.severity == "warning"
    assert finding.message.startswith(
        f"harmonised, as its name says: prior column {name}; if it learned from all people"
    )


@pytest.mark.parametrize("name", ["travel_time", "combative_scale", "hippocampus", "unravelled", "harmony"])
def test_other_columns_are_not(name: str) -> None:
    assert warnings(with_column(name)) == []


def test_scans_and_steps_are_named_but_not_the_folder_of_the_cohort() -> None:
    cohort = clean_cohort(12)
    cohort = replace(cohort, dataset_dir=cohort.dataset_dir / "combat_study")
    for visits in cohort.splits.values():
        for visit in visits:
            visit["image"] = str(cohort.dataset_dir / "scans" / "a.nii.gz")
    assert warnings(cohort) == []
    cohort.splits["test"][0]["image"] = str(cohort.dataset_dir / "derivatives/neurocombat/b.nii.gz")
    cohort.preprocessing["pipeline"] = ["N4", "RAVEL"]
    (finding,) = warnings(cohort)
    assert "preprocessing, pipeline; 1 scan(s) such as derivatives/neurocombat/b.nii.gz" in finding.message
    assert finding.rows == ("test[0]",)
