"""Transforms that MONAI lacks: array and dictionary twins, random ones governed by ``set_random_state``."""

from __future__ import annotations

from .bias_field import CorrectBiasField, CorrectBiasFieldd
from .clinical_prior import ClinicalPrior, ClinicalPriord, encode_prior, prior_features
from .encode_labels import EncodeLabels, EncodeLabelsd
from .expert_guidance import ExpertGuidance, ExpertGuidanced
from .foreground import Foreground, Foregroundd
from .known_grids import on_template_grid
from .load_scan import LoadScan, LoadScand
from .normalize_foreground import NormalizeForeground, NormalizeForegroundd
from .patch_mask import RandPatchMask, RandPatchMaskd
from .register_to_template import RegisterToTemplate, RegisterToTemplated
from .registration_quality import FLAG_MEANINGS, LOWEST_CORRELATION
from .round_to_steps import RoundToSteps, RoundToStepsd, sixteen_bit_steps
from .screen_scan import ScoreScand, ScreenScand, scan_measures
from .softmax_by_task import SoftmaxByTask, SoftmaxByTaskd
from .template import BOX_END_MM, BOX_START_MM, TEMPLATE_NAME, Template, load_template, template_grid
from .views import RandViews, RandViewsd

__all__ = [
    "BOX_END_MM",
    "BOX_START_MM",
    "FLAG_MEANINGS",
    "LOWEST_CORRELATION",
    "TEMPLATE_NAME",
    "ClinicalPrior",
    "ClinicalPriord",
    "CorrectBiasField",
    "CorrectBiasFieldd",
    "EncodeLabels",
    "EncodeLabelsd",
    "ExpertGuidance",
    "ExpertGuidanced",
    "Foreground",
    "Foregroundd",
    "LoadScan",
    "LoadScand",
    "NormalizeForeground",
    "NormalizeForegroundd",
    "RandPatchMask",
    "RandPatchMaskd",
    "RandViews",
    "RandViewsd",
    "RegisterToTemplate",
    "RegisterToTemplated",
    "RoundToSteps",
    "RoundToStepsd",
    "ScoreScand",
    "ScreenScand",
    "SoftmaxByTask",
    "SoftmaxByTaskd",
    "Template",
    "encode_prior",
    "load_template",
    "on_template_grid",
    "prior_features",
    "scan_measures",
    "sixteen_bit_steps",
    "template_grid",
]
