"""Wrong configs: every mistake is named at once, with its file and line, the value and the remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from admoe_monai.errors import UserError
from admoe_monai.workflows.settings.config_files import known_configs
from admoe_monai.workflows.settings.findings import findings, refuse_mistakes

ENTRY = known_configs()["train"]
#: Overlay as it is written, and what is said of it.
WRONG = {
    "a name that nothing reads": ("bach_size: 2", "unknown setting 'bach_size'; did you mean 'batch_size'?"),
    "a name of another program": ("learning_rate: 0.1", "unknown setting 'learning_rate'"),
    "a hyphen": ("max-epochs: 3", "unknown setting 'max-epochs'; did you mean 'max_epochs'?"),
    "a number that YAML reads as text": ("base_lr: 1e-4", "base_lr must be a number, got '1e-4' (write 1.0e-4"),
    "a number in quotes": ("batch_size: '4'", "batch_size must be a number, got '4'"),
    "a fraction of a scan": ("batch_size: 2.5", "batch_size must be a whole number, got 2.5"),
    "a switch as a number": ("batch_size: true", "batch_size must be a number, got True"),
    "nothing": ("batch_size:", "batch_size must be a number, got None"),
    "below the range": ("batch_size: 0", "batch_size must be at least 1, got 0"),
    "a negative rate": ("base_lr: -1.0e-3", "base_lr must be at least 0, got -0.001"),
    "a ratio above one": ("mask_ratio: 60", "mask_ratio must be below 1, got 60"),
    "a share of one": ("label_smoothing: 1.0", "label_smoothing must be below 1, got 1.0"),
    "a precision that is not there": ("amp: fp16", "amp must be one of None, bf16, got 'fp16'"),
    "a switch in words": ("use_clinical_prior: 'no'", "use_clinical_prior must be one of True, False, got 'no'"),
    "axes that are not there": ("spatial_dims: 4", "spatial_dims must be one of 2, 3, got 4"),
    "a date where a text goes": ("name: 2026-01-01", "name must be a text, got datetime.date(2026, 1, 1); in a config file"),
    "a text where a list goes": ("prior_columns: age", "prior_columns must be a list of texts, got 'age'"),
    "one class": ("classes: {diagnosis: [AD]}", "classes_diagnosis must list two or more different names, got ['AD']"),
    "a list of classes": ("classes: [CN, AD]", "classes must name the classes of each task"),
    "a class twice": ("classes: {diagnosis: [AD, AD]}", "classes_diagnosis must list two or more different names"),
    "a task that is no word": ("classes: {my task: [a, b]}", "classes has the task 'my task', which must be a word"),
    "a weight of no task": ("task_weights: {sex: 1.0}", "task_weights names the task 'sex', which classes does not"),
    "a negative weight": ("task_weights: {change: -1}", "weight_change must be a number of 0 or more, got -1"),
    "a class that is left out": (
        "left_out_labels: {diagnosis: [AD]}", "left_out_labels names 'AD', which is one of the classes of diagnosis"
    ),
    "more pretraining than epochs": ("max_epochs: 10", "max_epochs (10) counts both phases and must be at least 1 and"),
    "weights and pretraining": ("pretrained: a.pth", "pretrained (a.pth) takes the place of pretraining"),
    "one checkpoint": ("keep_checkpoints: 1", "keep_checkpoints must be all or a number of two or more, got 1"),
    "a cell that is no multiple": ("mask_patch_size: 6", "mask_patch_size (6) must be a multiple of patch_size (4)"),
    "an even window": ("target_norm_window: 4", "target_norm_window must be a positive odd number, or null, got 4"),
    "too few axes": ("img_size: [96, 96]", "img_size must be a positive whole number, or a list of 3 of them, got [96, 96]"),
    "an image of no size": ("img_size: 0", "img_size must be a positive whole number, or a list of 3 of them, got 0"),
    "a patch that no CNN can step by": ("{stem: cnn, patch_size: 6, mask_patch_size: 12}", "patch_size must be a power of"),
    "a single token behind a CNN": ("{stem: cnn, patch_size: 16, img_size: 16}", "img_size must be larger than patch_size"),
    "an image smaller than a patch": ("img_size: [96, 2, 96]", "patch_size (4) must not be larger than an edge of img_size"),
    "a window of two axes": ("window_size: [6, 6]", "window_size must be a positive whole number, or a list of 3"),
    "heads that don't divide": ("num_heads: [3, 5, 12]", "the 5 heads of stage 1 don't divide its width 96"),
    "too few heads": ("num_heads: [3, 6]", "num_heads [3, 6] must be as many as depths [2, 2, 6]: one per stage"),
    "depths as a number": ("depths: 6", "depths must be a list of positive whole numbers, one per stage, got 6"),
    "an empty stage": ("depths: [2, 0, 6]", "depths must be a list of positive whole numbers, one per stage, got [2, 0, 6]"),
    "experts in no stage": ("moe_stages: [3]", "moe_stages must list stages from 0 to 2, for depths names 3; got [3]"),
    "experts in a number": ("moe_stages: 2", "moe_stages must list stages from 0 to 2, for depths names 3; got 2"),
    "streams in more stages than there are": ("task_stages: 4", "task_stages must lie in 0 to 3, got 4"),
    "a prior behind the last stage": ("fusion_stage: 3", "fusion_stage must lie in 0 to 2, got 3"),
    "a reference to nothing": ("base_lr: '@min_lrr'", "nothing is called min_lrr that @min_lrr could refer to"),
    "an address": ("name: '@lab'", "name is '@lab': nothing is called lab that @lab could refer to; quote the text"),
    "an expression that is none": ("base_lr: $1.0 *", "MONAI reads what begins with $ as Python, and this is none"),
    "an expression of nothing": ("base_lr: $@learning_rate * 2", "nothing is called learning_rate"),
    "a path with a sharp": ("datalist: 'run #7.json'", "datalist is 'run #7.json', but MONAI replaces every #"),
    "a path that MONAI has changed": ("run_dir: a::b", "run_dir is 'a::b', but MONAI replaces every # in a config by ::"),
    "a list": ("- batch_size: 2", "is no config: it holds a list where settings are expected"),
    "a text": ("batch_size 2", "is no config: it holds a str where settings are expected"),
    "a tab": ("batch_size:\t2\n\tseed: 3", "cannot read"),
    "an infinite rate": ("base_lr: .inf", "base_lr must be a finite number, got inf"),
    "no number": ("mlp_ratio: .nan", "mlp_ratio must be a finite number, got nan"),
    "a seed of many digits": ("seed: 1000000000000000000000000000000", "seed must be below 9223372036854775808"),
    "a number for names": ("classes_sex: 3\nnum_classes_sex: 3", "num_classes_sex is 3 but classes_sex lists none"),
    "a value that holds itself": ("classes: &a {diagnosis: *a}", "has a value that holds itself, by the & and * of YAML"),
    "names that are patterns": ("classes_(x: [a, b]", "classes has the task '(x', which must be a word"),
    "a setting twice": ("seed: 1\nseed: 2", "seed is set a second time, and only this value counts"),
}  # fmt: skip


def found(folder: Path, text: str, **given: Any) -> list[str]:
    (folder / "mine.yaml").write_text(text + "\n")
    return [str(finding) for finding in findings([ENTRY, folder / "mine.yaml"], given)]


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_config_is_answered_in_one_line_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    (line,) = found(tmp_path, text)
    assert said in line
    assert "\n" not in line
    if "num_classes" in line:
        return  # of two settings at once
    assert f"{tmp_path / 'mine.yaml'}" in line
    if not line.startswith("cannot read") and "is no config" not in line and "holds itself" not in line:
        number = 2 if "second time" in line else 1
        assert line.startswith(f"{tmp_path / 'mine.yaml'}, line {number}: ")


def test_all_mistakes_are_named_at_once_each_in_its_line(tmp_path: Path) -> None:
    lines = found(tmp_path, "# mine\nbach_size: 2\n\nbase_lr: 1e-4\namp: fp16")
    places = [line.partition(": ")[0].rpartition("/")[2] for line in lines]
    assert places == ["mine.yaml, line 2", "mine.yaml, line 4", "mine.yaml, line 5"]
    with pytest.raises(UserError) as raised:
        refuse_mistakes([ENTRY, tmp_path / "mine.yaml"], {})
    assert len(raised.value.details) == 2


def test_what_must_agree_is_looked_at_in_the_values_that_count_in_the_end(tmp_path: Path) -> None:
    assert found(tmp_path, "num_heads: [3, 5, 12]", num_heads=[3, 6, 12]) == []
    mine = f"{tmp_path / 'mine.yaml'}, line 1: num_heads [3, 6, 12]: the"
    assert found(tmp_path, "embed_dim: 50\nfusion_stage: 7", use_clinical_prior=False) == [
        f"{mine} 3 heads of stage 0 don't divide its width 50, which is embed_dim 50",
        f"{mine} 6 heads of stage 1 don't divide its width 100, which is embed_dim 50 times 2",
        f"{mine} 12 heads of stage 2 don't divide its width 200, which is embed_dim 50 times 4",
    ]
    assert found(tmp_path, "", num_heads=[5, 6, 12]) == [
        "num_heads [5, 6, 12]: the 5 heads of stage 0 don't divide its width 48, which is embed_dim 48"
    ]
    assert found(tmp_path, "classes_sex: [F, M]\nweight_sex: 2.0") == []


@pytest.mark.parametrize(
    "overlay",
    [
        {"network": {"encoder": {"_target_": "some.Encoder"}}, "num_heads": [3, 5]},
        {"network": {"_target_": "some.Network"}, "embed_dim": 50},
        {"network": {"encoder": {"depths": [2] * 4, "num_heads": [3, 6, 12, 24]}}, "moe_stages": [3]},
        {"network": {"encoder": {"embed_dim": "$2 * @embed_dim"}}, "num_heads": [1, 5, 7]},
        {"network": {"fusion_stage": None}, "depths": [2, 2], "num_heads": [3, 6], "moe_stages": [1]},
        {"img_size": ["$16*6", 96, 96]},
        {"num_heads": ["$@embed_dim//16", 6, 12]},
        {"task_weights": {"change": "$1/3"}},
        {"classes": {"diagnosis": "$['CN','AD']"}},
        {"name": "@lab/x"},
        {"pretrain_epochs": "@max_epochs"},
    ],
    ids=str,
)
def test_what_monai_or_another_part_understands_is_no_mistake(overlay: dict[str, Any], tmp_path: Path) -> None:
    assert found(tmp_path, yaml.safe_dump(overlay)) == []


def test_an_expression_keeps_back_the_checks_that_need_it_and_no_others(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    size = "img_size must be a positive whole number, or a list of 3 of them, got [96, 96]"
    assert found(tmp_path, "num_heads: $[1, 5, 7]\nimg_size: [96, 96]") == [f"{mine}, line 2: {size}"]
    weight = "weight_change must be a number of 0 or more, got -1"
    assert found(tmp_path, "classes: $dict(sex=['F', 'M'])\ntask_weights: {change: -1}") == [
        f"{mine}, line 2: {weight}"
    ]
    assert (
        found(tmp_path, "classes_sex: $['F', 'M']\nnum_classes_sex: 3\nmax_epochs: $50 + 1\npretrain_epochs: 60") == []
    )
    (line,) = found(tmp_path, "network::encoder::depths: [2]\nkeep_checkpoints: 1")
    assert line == f"{mine}, line 2: keep_checkpoints must be all or a number of two or more, got 1"


def test_what_is_put_into_the_encoder_is_of_the_kind_of_the_setting(tmp_path: Path) -> None:
    (line,) = found(tmp_path, "network:\n  encoder:\n    embed_dim: '8'")
    assert line == (
        f"{tmp_path / 'mine.yaml'}, line 3: network::encoder::embed_dim must be a number, got '8' (a number has no quotes)"
    )


def test_every_character_of_a_text_counts_on_the_command_line(tmp_path: Path) -> None:
    assert found(tmp_path, "", name="@lab", run_dir="@scratch/r", datalist="$a b#1") == []


def test_a_number_of_json_is_a_number(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"base_lr": 1e-4,\n "batch_size": 0}')
    (finding,) = findings([ENTRY, tmp_path / "mine.json"], {})
    assert str(finding) == f"{tmp_path / 'mine.json'}, line 2: batch_size must be at least 1, got 0"


def test_json_may_be_indented_with_tabs(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{\n\t"base_lr": 1e-4,\n\t"batch_size": 0\n}')
    (finding,) = findings([ENTRY, tmp_path / "mine.json"], {})
    assert str(finding) == f"{tmp_path / 'mine.json'}, line 3: batch_size must be at least 1, got 0"


def test_a_relative_reference_is_left_to_monai(tmp_path: Path) -> None:
    assert found(tmp_path, "batch_size: $@::accumulation_steps * 2\n") == []


def test_agreement_is_looked_at_behind_an_entry_point_with_a_reference(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("embed_dim: 50\n")
    assert len(findings([known_configs()["pretrain"], tmp_path / "mine.yaml"], {})) == 3


@pytest.mark.parametrize("name", known_configs())
def test_nothing_is_wrong_with_the_configs_of_this_package(name: str) -> None:
    path = known_configs()[name]
    files = [path] if path.parent.name == "configs" else [ENTRY, path]
    # seed_2d and multi_gpu are complete; a control stands behind the defaults.
    assert list(map(str, findings(files, {}))) == []
