"""Table with one row per setting of configs/train.yaml: what its value has to be, and what a resume may make of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from . import kinds
from .kinds import Kind, anything, choice, count, number, optional_path, optional_text, path, text, texts


class OnResume(Enum):
    """Rule for a setting whose value differs from the one that the run had.

    Attributes:
        IGNORED: Setting for a place whose contents have digests, or for how one process was started: no part of the plan.
        FREE: Allowed, and the result stays exact for whatever the setting does not touch.
        FORCED: Changes what is computed: allowed with force_resume.
        EXTENDED: Allowed with extend_max_epochs.
        NEVER: Not allowed: it would be another network or another plan.
    """

    IGNORED = "ignored"
    FREE = "free"
    FORCED = "forced"
    EXTENDED = "extended"
    NEVER = "never"


@dataclass(frozen=True)
class Setting:
    """Row of the table.

    Attributes:
        kind: Check of a value.
        on_resume: Rule for another value on resume.
        place: Whether it says where something is on this machine; such a setting is left out of a bundle and a report.
        once: Whether it says how this one process was started; such a setting is left out of a run's config.yaml.
        adjustable: Whether it stays a setting for finetuning an exported bundle.
    """

    kind: Kind
    on_resume: OnResume
    place: bool = False
    once: bool = False
    adjustable: bool = False


IGNORED, FREE, FORCED, NEVER = OnResume.IGNORED, OnResume.FREE, OnResume.FORCED, OnResume.NEVER
SWITCH = choice(True, False)

SETTINGS: dict[str, Setting] = {
    # data
    "datalist": Setting(path, IGNORED, place=True),
    "dataset_dir": Setting(optional_path, IGNORED, place=True),
    "cache_dir": Setting(optional_path, IGNORED, place=True),
    "classes": Setting(kinds.class_names, NEVER),
    "left_out_labels": Setting(kinds.mapping, IGNORED),
    "spacing_mm": Setting(number(above=0), FORCED),
    "batch_size": Setting(count(), FORCED, adjustable=True),
    "num_workers": Setting(count(0), FREE, adjustable=True),
    "allow_leakage": Setting(SWITCH, IGNORED),
    "augmentation": Setting(text, FORCED, adjustable=True),
    # plan
    "seed": Setting(number(0, below=2**63, whole=True), NEVER, adjustable=True),
    "max_epochs": Setting(count(0), OnResume.EXTENDED, adjustable=True),
    "pretrain_epochs": Setting(count(0), NEVER),
    "eval_interval": Setting(count(), FREE, adjustable=True),
    "save_interval": Setting(count(), FREE, adjustable=True),
    "keep_checkpoints": Setting(anything, FREE),
    "patience": Setting(count(0), FREE, adjustable=True),
    "finetune_from": Setting(choice("best", "last"), FORCED),
    "selection_metric": Setting(text, FORCED, adjustable=True),
    # optimisation
    "base_lr": Setting(number(0), FORCED, adjustable=True),
    "min_lr": Setting(number(0), FORCED, adjustable=True),
    "weight_decay": Setting(number(0), FORCED, adjustable=True),
    "warmup_epochs": Setting(number(0), FORCED, adjustable=True),
    "clip_grad": Setting(number(above=0, optional=True), FORCED, adjustable=True),
    "accumulation_steps": Setting(count(), FORCED, adjustable=True),
    "amp": Setting(choice(None, "bf16"), FORCED, adjustable=True),
    "device": Setting(optional_text, IGNORED),
    "phase_overlays": Setting(kinds.files_of_phases, IGNORED, place=True),
    # pretraining
    "mask_ratio": Setting(number(above=0, below=1), FORCED),
    "mask_patch_size": Setting(count(), FORCED),
    "target_norm_window": Setting(count(optional=True), FORCED),
    "routing": Setting(text, FORCED),
    "guidance_weight": Setting(number(0), FORCED),
    "balance_weight": Setting(number(0), FORCED, adjustable=True),
    # finetuning
    "task_weights": Setting(kinds.mapping, FORCED, adjustable=True),
    "label_smoothing": Setting(number(0, below=1), FORCED, adjustable=True),
    "standardise_features": Setting(SWITCH, FORCED),
    "class_weights": Setting(choice(None, False, "off", "balanced"), FORCED),
    "pretrained": Setting(optional_path, IGNORED, place=True),
    "expert_noise": Setting(number(0), IGNORED),
    # network
    "spatial_dims": Setting(choice(2, 3), NEVER),
    "in_channels": Setting(count(), NEVER),
    "img_size": Setting(anything, NEVER),
    "patch_size": Setting(count(), NEVER),
    "stem": Setting(text, NEVER),
    "window_size": Setting(anything, NEVER),
    "embed_dim": Setting(count(), NEVER),
    "depths": Setting(anything, NEVER),
    "num_heads": Setting(anything, NEVER),
    "mlp_ratio": Setting(number(above=0), NEVER),
    "drop_path_rate": Setting(number(0, below=1), FORCED),
    "moe_stages": Setting(anything, NEVER),
    "task_stages": Setting(count(0), NEVER),
    "experts": Setting(texts, NEVER),
    "temperature": Setting(number(above=0), FORCED),
    "top_k": Setting(count(optional=True), NEVER),
    "checkpoint_stages": Setting(anything, FREE, adjustable=True),
    "network": Setting(kinds.mapping, NEVER),
    # clinical prior
    "use_clinical_prior": Setting(SWITCH, NEVER),
    "prior_columns": Setting(texts, FORCED),
    "prior_dim": Setting(count(0, optional=True), NEVER),
    "prior_hidden": Setting(count(), NEVER),
    "fusion_stage": Setting(count(0), NEVER),
    "fusion_type": Setting(text, NEVER),
    "prior_at_head": Setting(SWITCH, NEVER),
    # the run
    "threads": Setting(count(optional=True), IGNORED),
    "name": Setting(text, IGNORED, place=True),
    "run_dir": Setting(optional_path, IGNORED, place=True, once=True),
    "resume": Setting(optional_path, IGNORED, place=True, once=True),
    "extend_max_epochs": Setting(SWITCH, IGNORED, once=True),
    "force_resume": Setting(SWITCH, IGNORED, once=True),
    "dry_run": Setting(SWITCH, IGNORED, once=True),
}


def names_of(**traits: bool) -> list[str]:
    """List the settings whose rows have all of these traits, in order.

    Args:
        traits: Attributes of `Setting` and their values.
    """
    return [name for name, row in SETTINGS.items() if all(getattr(row, key) == value for key, value in traits.items())]


#: Settings whose characters all count, and none of them is MONAI's to read: paths, names, and lists or mappings of such texts.
PATHS = [name for name, row in SETTINGS.items() if row.kind in (path, optional_path)]
TEXTS = [*PATHS, "name"]
LISTS = ["phase_overlays", "classes", "left_out_labels", "prior_columns", "experts"]
