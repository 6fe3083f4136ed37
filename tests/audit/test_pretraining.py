from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from admoe_monai.audit import pretraining_visits
from admoe_monai.audit.entries import Entry
from admoe_monai.audit.pretraining import pretrained_on
from admoe_monai.data.subject_digests import subject_digests
from admoe_monai.errors import UserError


def entry(split: str, subject: str) -> Entry:
    return Entry(split, 0, {"subject_id": subject, "session_id": "M0", "image": "x"})


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
