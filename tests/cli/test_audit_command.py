from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from admoe_monai.cli.main import main
from admoe_monai.data.subject_digests import CHECKPOINT_KEY, subject_digests
from made_up_cohort import cohort_on_disk

Admoe = Callable[..., tuple[int, str, str]]


@pytest.fixture
def admoe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Admoe:
    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["admoe", "audit", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        output = capsys.readouterr()
        return int(left.value.code or 0), output.out, output.err

    return call


@pytest.fixture
def leaking(tiny_cohort: Path, tmp_path: Path) -> Path:
    """The tiny cohort with a training subject's next visit in the test split."""
    content = json.loads(tiny_cohort.read_text())
    content["test"].append({**content["training"][0], "session_id": "ses-M012", "image": content["test"][0]["image"]})
    path = tmp_path / "leaking.json"
    path.write_text(json.dumps({**content, "dataset_dir": str(tiny_cohort.parent)}))
    return path


def test_a_clean_cohort_passes_with_its_images(admoe: Admoe, tmp_path: Path) -> None:
    code, out, _ = admoe(cohort_on_disk(tmp_path, subjects=12))
    assert code == 0
    assert "made-up (SIMULATED): subjects (visits) training 7 (14), validation 2 (4), test 3 (6)" in out
    assert "near duplicates" in out
    assert "no leak found" in out


def test_a_leak_leaves_with_code_1_and_is_named(admoe: Admoe, leaking: Path) -> None:
    code, out, err = admoe(leaking, "--no-images")
    assert (code, err) == (1, "")
    assert "subject overlap" in out
    assert "LEAK: do not train on this datalist" in out


def test_json_is_all_that_is_printed_and_the_file_holds_the_same(admoe: Admoe, leaking: Path, tmp_path: Path) -> None:
    code, out, _ = admoe(leaking, "--no-images", "--json", "--output", tmp_path / "new" / "audit.json")
    assert code == 1
    assert json.loads(out) == json.loads((tmp_path / "new" / "audit.json").read_text())
    assert {"subject_overlap", "image_overlap"} <= {finding["check"] for finding in json.loads(out)["findings"]}


def test_nothing_is_written_unasked(
    admoe: Admoe, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tiny_cohort.parent.rglob("*"))
    admoe(tiny_cohort, "--no-images")
    assert list(tmp_path.iterdir()) == []
    assert sorted(tiny_cohort.parent.rglob("*")) == before


def test_pretraining_on_another_datalist_is_compared(admoe: Admoe, tiny_cohort: Path, tmp_path: Path) -> None:
    content = json.loads(tiny_cohort.read_text()) | {"dataset_dir": str(tiny_cohort.parent)}
    content["training"] = content["test"]
    (tmp_path / "other.json").write_text(json.dumps(content))
    code, out, _ = admoe(tiny_cohort, "--no-images", "--pretraining", tmp_path / "other.json")
    assert code == 1
    assert "pretraining" in out


@pytest.mark.parametrize(("split", "code"), [("training", 0), ("test", 1)])
def test_a_checkpoint_says_whom_it_was_pretrained_on(
    admoe: Admoe, tiny_cohort: Path, tmp_path: Path, split: str, code: int
) -> None:
    digests = subject_digests(json.loads(tiny_cohort.read_text())[split])
    torch.save({CHECKPOINT_KEY: digests, "model_state_dict": {}}, tmp_path / "some.pth")
    assert admoe(tiny_cohort, "--no-images", "--pretrained", tmp_path / "some.pth")[0] == code


def test_a_checkpoint_that_does_not_say_is_a_warning(admoe: Admoe, tiny_cohort: Path, tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1)}, tmp_path / "bare.pth")
    code, out, _ = admoe(tiny_cohort, "--no-images", "--pretrained", tmp_path / "bare.pth")
    assert code == 0
    assert "pretraining unknown" in out


def test_a_missing_datalist_is_one_line(admoe: Admoe, tmp_path: Path) -> None:
    code, out, err = admoe(tmp_path / "none.json")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1


def test_other_tasks_than_the_declared_ones_can_be_audited(admoe: Admoe, tmp_path: Path) -> None:
    datalist = cohort_on_disk(tmp_path, subjects=30)
    _, out, _ = admoe(datalist, "--no-images", "--json", "--tasks", "sex,diagnosis")
    assert {probe["task"] for probe in json.loads(out)["probes"]} == {"sex", "diagnosis"}
    _, out, _ = admoe(datalist, "--no-images", "--json")
    assert {probe["task"] for probe in json.loads(out)["probes"]} == {"diagnosis", "change"}


def test_a_task_that_is_no_field_is_refused(admoe: Admoe, tmp_path: Path) -> None:
    code, _, err = admoe(cohort_on_disk(tmp_path, subjects=12), "--no-images", "--tasks", "sexx")
    assert code == 1
    assert "--tasks names 'sexx', a field that no visit of" in err


def test_an_output_that_can_not_be_written_is_one_line_before_the_work(
    admoe: Admoe, tiny_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("admoe_monai.audit.full_audit", lambda *_, **__: pytest.fail("the images were read"))
    code, out, err = admoe(tiny_cohort, "--output", tmp_path / "file/audit.json")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "file is no folder; name another with --output" in err
