"""Proposals for the made-up cohorts: what they rest on, and that a run with them trains."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from admoe_monai.checkpoints import read_checkpoint
from admoe_monai.data import load_datalist
from admoe_monai.errors import UserError
from admoe_monai.workflows.machine.hardware import Machine
from admoe_monai.workflows.proposal.advice import advice_on
from admoe_monai.workflows.proposal.facts import look_at
from admoe_monai.workflows.proposal.overlay import overlay_text, refuse_older, write_overlay
from admoe_monai.workflows.proposal.proposal import propose
from admoe_monai.workflows.run.plan import Plan
from admoe_monai.workflows.settings.declared import declared_settings, parser_of
from admoe_monai.workflows.settings.resources import resource

GIB = 2**30
CPU = Machine("cpu", 16 * GIB, 1, "CPU")
ENTRY = resource("configs/train.yaml")
CLASSES = declared_settings()["classes"]


def changed(datalist: Path, folder: Path, **values: object) -> Path:
    """The datalist with other values in every visit, and the same scans."""
    content = json.loads(datalist.read_text())
    content["dataset_dir"] = str(datalist.parent)
    for split in ("training", "validation", "test"):
        content[split] = [{**visit, **values} for visit in content[split]]
    path = folder / "datalist.json"
    path.write_text(json.dumps(content))
    return path


def test_facts_of_a_cohort(tiny_cohort: Path) -> None:
    facts = look_at(load_datalist(tiny_cohort, classes=CLASSES))
    training = facts.splits["training"]
    assert (training.people, training.visits, training.labelled) == (6, 6, 6)
    assert training.classes["diagnosis"] == {"CN": 2, "MCI": 2, "AD": 2}
    assert (facts.axes, facts.shape, facts.spacing) == (3, (24, 22, 23), (2.0, 2.0, 2.0))
    assert facts.finetunes
    assert facts.has_prior
    assert all(0.5 * length < extent / 2 <= length for length, extent in zip(facts.shape, facts.extent, strict=True))


@pytest.mark.parametrize(("cohort", "axes"), [("tiny_cohort", 3), ("tiny_cohort_2d", 2)])
def test_a_run_with_the_overlay_trains(cohort: str, axes: int, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    datalist = request.getfixturevalue(cohort)
    proposal = propose(datalist, None, CPU)
    write_overlay(tmp_path / "proposed.yaml", overlay_text(proposal, datalist))
    overrides = {"datalist": str(datalist), "cache_dir": str(tmp_path / "cache"), "run_dir": str(tmp_path / "run")}
    short = {"max_epochs": 2, "pretrain_epochs": 1, "warmup_epochs": 1, "device": "cpu"}
    Plan(parser_of([ENTRY, tmp_path / "proposed.yaml"], {**overrides, **short}), ENTRY.parent).run()
    checkpoint = read_checkpoint(tmp_path / "run" / "final_model.pth")
    assert checkpoint["epoch"] == 1
    trained = {name: checkpoint["settings"][name] for name in proposal.values if name not in short}
    assert trained == {name: value for name, value in proposal.values.items() if name not in short}
    assert trained["spatial_dims"] == axes


def test_every_line_has_its_reason(tiny_cohort: Path) -> None:
    text = overlay_text(propose(tiny_cohort, None, CPU), tiny_cohort)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) > 20
    assert all(line.partition("  # ")[2] for line in lines)


def test_a_cohort_without_labels_is_for_pretraining_alone(tiny_cohort: Path, tmp_path: Path) -> None:
    proposal = propose(changed(tiny_cohort, tmp_path, diagnosis=None, change=None), None, CPU)
    assert proposal.values["max_epochs"] == proposal.values["pretrain_epochs"] > 0
    assert "pretraining alone" in proposal.reasons["max_epochs"]
    assert "no one has the diagnosis CN or MCI or AD: nothing is learned or said of it" in proposal.advice


def test_a_cohort_without_clinical_columns_goes_without_a_prior(tiny_cohort: Path, tmp_path: Path) -> None:
    path = changed(tiny_cohort, tmp_path, prior={})
    content = json.loads(path.read_text())
    content["prior"] = {"columns": []}
    path.write_text(json.dumps(content))
    assert propose(path, None, CPU).values["use_clinical_prior"] is False


def test_few_labels_of_change_lead_to_the_horizon(tiny_cohort: Path) -> None:
    cohort = load_datalist(tiny_cohort, classes=CLASSES)
    lines = advice_on(replace(cohort, label_definition={"change": {"horizon": "24m"}}), "patch")
    assert any("add encoder_cnn behind this file and compare" in line for line in lines)
    assert any(line.startswith("few people with a change: training 2 stable, 2 conversion, 2 rev") for line in lines)
    assert any("here 24m; `admoe prepare --horizon` chooses another" in line for line in lines)
    assert not any("from_scratch" in line for line in lines)
    hybrid = advice_on(cohort, "cnn")
    assert not any("encoder_cnn" in line for line in hybrid)
    assert any("add from_scratch behind this file and compare" in line for line in hybrid)


def test_short_memory_takes_smaller_batches_that_make_the_same_step(tiny_cohort_2d: Path) -> None:
    roomy = propose(tiny_cohort_2d, None, CPU)
    assert roomy.memory is not None
    needed = roomy.memory.of_batch(1)
    tight = propose(tiny_cohort_2d, None, Machine("cpu", int(needed / 0.7) + 1, 1, "CPU"))
    assert (roomy.values["batch_size"], roomy.values["accumulation_steps"]) == (2, 1)
    assert (tight.values["batch_size"], tight.values["accumulation_steps"]) == (1, 2)
    with pytest.raises(UserError, match=r"not even tiny_2d with one scan a step fits into \d\.\d GB.*--memory"):
        propose(tiny_cohort_2d, None, Machine("cpu", int(needed / 0.7) - 1, 1, "CPU"))


def test_an_older_overlay_is_replaced_by_force_alone(tmp_path: Path) -> None:
    (tmp_path / "proposed.yaml").write_text("mine")
    with pytest.raises(UserError, match=r"proposed.yaml is there already: .*--output.*--force"):
        refuse_older(tmp_path / "proposed.yaml", force=False)
    refuse_older(tmp_path / "proposed.yaml", force=True)
    refuse_older(tmp_path / "other.yaml", force=False)


def test_a_missing_scan_is_named(tiny_cohort: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"image .*absent.nii.gz "):
        propose(changed(tiny_cohort, tmp_path, image="absent.nii.gz"), None, CPU)
