"""Mistakes that people have made in configs of MONAI, Lightning, Hydra, timm and others, as they would be made in ours.

Each comes with the thread that tells of it. The answer names key and value, and what to do.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from admoe_monai.workflows.checking.parts_check import findings_in_parts
from admoe_monai.workflows.settings.config_files import known_configs
from admoe_monai.workflows.settings.findings import findings

ENTRY = known_configs()["train"]
HUB = "https://github.com/"
#: Mistake in a few words, thread, overlay, answer.
IN_SETTINGS = [
    ("a rate without a point", "salesforce/ALBEF/issues/128", "base_lr: 1e-5",
     "base_lr must be a number, got '1e-5' (write 1.0e-5: YAML reads 1e-5 as text)"),
    ("two letters that have changed places", "hydra-ecosystem/hydra/issues/1912", "pretrian_epochs: 3",
     "unknown setting 'pretrian_epochs'; did you mean 'pretrain_epochs'?"),
    ("a letter that is missing, taken without a word", "hydra-ecosystem/hydra/issues/1457", "run_dr: out",
     "unknown setting 'run_dr'; did you mean 'run_dir'?"),
    ("a width that the usual heads don't divide", "IcarusWizard/MAE/issues/24", "embed_dim: 512",
     "the 3 heads of stage 0 don't divide its width 512, which is embed_dim 512"),
    ("a wider model with the heads of before", "open-mmlab/mmaction2/issues/1271", "num_heads: [12, 12, 24]\nembed_dim: 1024",
     "num_heads [12, 12, 24]: the 12 heads of stage 0 don't divide its width 1024"),
    ("a prime width", "Exploration-Lab/COGMEN/issues/5", "embed_dim: 883\nnum_heads: [1, 14, 1]",
     "the 14 heads of stage 1 don't divide its width 1766"),
    ("more stages than heads", "yingkaisha/keras-unet-collection/issues/25", "depths: [2, 2, 2, 2, 2, 2, 2, 2]",
     "num_heads [3, 6, 12] must be as many as depths [2, 2, 2, 2, 2, 2, 2, 2]: one per stage"),
    ("a patch per axis where one number is meant", "MIC-DKFZ/nnDetection/issues/337", "patch_size: [50, 50, 50]",
     "patch_size must be a number, got [50, 50, 50]"),
    ("a volume for slices", "Project-MONAI/MONAI/issues/5641", "spatial_dims: 2\nimg_size: [96, 96, 96]",
     "img_size must be a positive whole number, or a list of 2 of them, got [96, 96, 96]"),
    ("a window for other axes", "microsoft/Swin-Transformer/issues/163", "window_size: [7, 9]",
     "window_size must be a positive whole number, or a list of 3 of them, got [7, 9]"),
    ("values to try in the place of one", "deepset-ai/FARM/issues/38", "batch_size: [16, 32]",
     "batch_size must be a number, got [16, 32]"),
    ("a batch of nothing", "MetaSLAM/SphereVLAD/issues/1", "batch_size: 0", "batch_size must be at least 1, got 0"),
    ("a batch that chooses itself elsewhere", "ultralytics/ultralytics/issues/15872", "batch_size: -1",
     "batch_size must be at least 1, got -1"),
    ("a batch that is a text", "open-mmlab/mmskeleton/issues/233", "batch_size: '14'",
     "batch_size must be a number, got '14' (a number has no quotes)"),
    ("a batch with a point", "xu-ji/IIC/issues/109", "batch_size: 70.0", "batch_size must be a whole number, got 70.0"),
    ("epochs in quotes, taken without a word", "Lightning-AI/pytorch-lightning/issues/20337", "max_epochs: '2'",
     "max_epochs must be a number, got '2' (a number has no quotes)"),
    ("a precision as another version names it", "bytedance/MVDream-threestudio/issues/5", "amp: 16-mixed",
     "amp must be one of None, bf16, got '16-mixed'"),
    ("a key twice", "snowflakedb/ArcticTraining/issues/85", "seed: 1024\nseed: 262144",
     "seed is set a second time, and only this value counts"),
    ("a key twice, deep inside", "rbgirshick/yacs/issues/17", "network:\n  encoder:\n    window_size: 4\n    window_size: 8",
     "network::encoder::window_size is set a second time, and only this value counts"),
    ("a number of classes of another cohort", "AlexeyAB/darknet/issues/1348", "num_classes_diagnosis: 80",
     "num_classes_diagnosis is 80 but classes_diagnosis has 3 names"),
    ("a tab", "moraes/config/issues/1", "network:\n\tfusion_stage: 1", "YAML is indented with spaces"),
    ("a reference to what only another config has", "atnikos/sinc/issues/6", "min_lr: '@optimization::lr'",
     "nothing is called optimization that @optimization could refer to"),
    ("a switch in quotes", "samrocketman/jervis/issues/90", "use_clinical_prior: 'false'",
     "use_clinical_prior must be one of True, False, got 'false'"),
    ("a word that YAML takes for false", "tomasz-c/nft-blackhole/pull/4", "classes_country: [se, no]",
     "must be a text, got False; in a config file, numbers, dates and words like no and on need quotes"),
]  # fmt: skip
IN_PHASES = [
    ("an argument of another optimizer", "alibaba/FederatedScope/issues/91",
     "optimizer::_target_: torch.optim.Adam\noptimizer::momentum: 0.9", "optimizer::momentum: Adam takes no 'momentum'"),
    ("a part of something that is not there", "Project-MONAI/MONAI/issues/4996", "train::hooks::0::name: mine",
     "train::hooks::0::name: there is no train::hooks that something could be set in"),
    ("a transform of an earlier version", "Project-MONAI/MONAI/issues/7036",
     "preprocessing::transforms::0::_target_: monai.transforms.AsChannelFirstd", "monai.transforms has no 'AsChannelFirstd'"),
    ("a target without underscores", "hydra-ecosystem/hydra/issues/747", "optimizer: {target: torch.optim.SGD}",
     "optimizer takes the place of a whole component, and has no _target_: to change arguments of it, write"),
    ("a target with two underscores", "RenzKa/simlingo/issues/62", "loss: {__target__: torch.nn.L1Loss}",
     "loss takes the place of a whole component, and has no _target_"),
    ("a reference by half of its way", "Deci-AI/super-gradients/pull/616", "optimizer::lr: $@dataloader::batch_size * 0.1",
     "optimizer::lr refers to @dataloader::batch_size, but nothing is called so"),
]  # fmt: skip
IN_NETWORK = [
    ("a class in a folder that Python does not search", "Project-MONAI/model-zoo/issues/466",
     "network: {encoder: {_target_: scripts.networks.unest_base_patch_4.UNesT}}",
     "nothing can be imported by the name 'scripts.networks.unest_base_patch_4.UNesT'"),
    ("an argument of a changed copy", "hustvl/WeakTr/issues/10", "network:\n  encoder:\n    reduction: 4",
     "network::encoder::reduction: SwinTransformerV2 takes no 'reduction'"),
    ("a key that a part does not have", "hydra-ecosystem/hydra/issues/1515", "network: {clinical_encoder: {hiden: 2}}",
     "network::clinical_encoder::hiden: ClinicalEncoder takes no 'hiden'; did you mean 'hidden'?"),
]  # fmt: skip
CASE = ("thread", "text", "said")


def cases(listed: list[tuple[str, str, str, str]]) -> list[object]:
    return [pytest.param(HUB + thread, text, said, id=name) for name, thread, text, said in listed]


@pytest.mark.parametrize(CASE, cases(IN_SETTINGS))
def test_a_mistake_in_settings_is_answered_before_torch_is_imported(
    thread: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "mine.yaml").write_text(text + "\n")
    found = [str(finding) for finding in findings([ENTRY, tmp_path / "mine.yaml"], {})]
    assert any(said in line for line in found), thread
    assert all("\n" not in line for line in found)


@pytest.mark.parametrize(CASE, cases(IN_PHASES))
def test_a_mistake_in_a_phase_overlay_is_answered_with_its_line(
    thread: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "inside.yaml").write_text(text + "\n")
    found = findings_in_parts([ENTRY], {"phase_overlays": {"pretrain": [str(tmp_path / "inside.yaml")]}})
    (finding,) = [finding for finding in found if said in finding.problem]
    assert finding.place == f"{tmp_path / 'inside.yaml'}, line {len(text.splitlines())}", thread


@pytest.mark.parametrize(CASE, cases(IN_NETWORK))
def test_a_mistake_in_the_network_is_answered_with_its_line(thread: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text + "\n")
    (finding,) = findings_in_parts([ENTRY, tmp_path / "mine.yaml"], {})
    assert said in finding.problem, thread
    assert finding.place == f"{tmp_path / 'mine.yaml'}, line {len(text.splitlines())}"
