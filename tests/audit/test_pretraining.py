from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from admoe_monai.audit import pretraining_visits
from admoe_monai.audit.entries import Entry
from admoe_monai.audit.pretraining import pretrained_on
from admoe_monai.data.subject_digests import subject_digest, subject_digests
from admoe_monai.errors import UserError


def entry(split: str, subject: str, datalist: str = "", **fields: str) -> Entry:
    return Entry(split, 0, {"subject_id": subject, "session_id": "M0", "image": "x", **fields}, datalist)


def found(entries: list[Entry], *pretrained: dict[str, str]) -> list[tuple[str, str]]:
    return [(finding.check, finding.severity) for finding in pretrained_on(entries, subject_digests(pretrained))]


def test_digests_are_the_first_16_characters_of_sha256_sorted_and_once() -> None:
    visits = [{"subject_id": name} for name in ("sub-é", "b", "b")]
    assert subject_digests(visits) == sorted(hashlib.sha256(n.encode()).hexdigest()[:16] for n in ("sub-é", "b"))


@pytest.mark.parametrize(("split", "severity"), [("test", "leak"), ("validation", "warning"), ("training", None)])
def test_a_pretrained_subject_counts_by_its_split(split: str, severity: str | None) -> None:
    findings = pretrained_on([entry(split, "a"), entry("test", "b")], subject_digests([{"subject_id": "a"}]))
    assert [finding.severity for finding in findings] == ([severity] if severity else [])


def test_the_prefix_of_bids_makes_no_difference() -> None:
    assert pretrained_on([entry("test", "sub-01")], subject_digests([{"subject_id": "01"}]))
    assert pretrained_on([entry("test", "01")], subject_digests([{"subject_id": "sub-01"}]))


LEAK, PERHAPS = [("pretrained_on", "leak")], [("perhaps_pretrained_on", "warning")]


def test_somebody_of_merged_cohorts_is_known_in_the_cohort_by_itself() -> None:
    merged = {"subject_id": "adni:sub-01"}
    assert found([entry("test", "sub-01", "adni")], merged) == LEAK
    assert found([entry("test", "01", "data", cohort="adni")], merged) == LEAK
    assert found([entry("test", "sub-02", "adni")], merged) == []
    # Digests of before told the merged name alone.
    assert pretrained_on([entry("test", "sub-01", "adni")], [subject_digest("adni:sub-01")])[0].severity == "leak"


def test_a_name_that_several_cohorts_had_raises_a_question_in_a_cohort_of_another_name() -> None:
    (finding,) = pretrained_on([entry("test", "01", "adni2024")], subject_digests([{"subject_id": "adni:sub-01"}]))
    assert (finding.check, finding.severity) == PERHAPS[0]
    assert "people of the same name as 1 test subject(s), in a cohort whose name differs" in finding.message
    assert found([entry("test", "adni:sub-01", "all")], {"subject_id": "sub-01"}) == PERHAPS
    assert found([entry("validation", "sub-01", "adni2024")], {"subject_id": "adni:sub-01"}) == PERHAPS
    assert found([entry("training", "sub-01", "adni2024")], {"subject_id": "adni:sub-01"}) == []


def test_people_of_the_same_name_in_one_merge_are_two() -> None:
    assert found([entry("test", "oasis:sub-01", "all", cohort="oasis")], {"subject_id": "adni:sub-01"}) == []
    assert found([entry("test", "adni:sub-01", "all", cohort="adni")], {"subject_id": "adni:sub-01"}) == LEAK


def test_a_person_is_known_under_another_subject_name() -> None:
    assert found([entry("test", "b", person_id="p")], {"subject_id": "a", "person_id": "p"}) == LEAK


def test_a_checkpoint_that_does_not_say_is_a_warning() -> None:
    assert [finding.check for finding in pretrained_on([entry("test", "a")], [])] == ["pretraining_unknown"]


def test_training_and_the_list_of_pretraining_are_read(clean: Path, tmp_path: Path) -> None:
    content = json.loads(clean.read_text()) | {"dataset_dir": str(clean.parent)}
    content["pretraining"] = [{"image": "extra.nii", "subject_id": "extra", "session_id": "M0"}]
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content))
    visits = pretraining_visits(path)
    assert len(visits) == len(content["training"]) + 1
    assert visits[-1]["image"] == str(clean.parent / "extra.nii")
    content["pretraining"] = [{"image": "extra.nii"}]
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"pretraining\[0\]: field 'subject_id' is missing"):
        pretraining_visits(path)


def test_a_datalist_with_a_byte_order_mark_is_read(clean: Path, tmp_path: Path) -> None:
    content = json.loads(clean.read_text()) | {"dataset_dir": str(clean.parent)}
    path = tmp_path / "datalist.json"
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    assert len(pretraining_visits(path)) == len(content["training"])
    path.write_text(json.dumps(content | {"pretraining": {"image": "x"}}))
    with pytest.raises(UserError, match="'pretraining' must be a list of visits, got dict"):
        pretraining_visits(path)
