from __future__ import annotations

import io

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor

from admoe_monai.transforms import RoundToSteps, RoundToStepsd, sixteen_bit_steps


def test_rounding_gives_what_is_read_again_after_it_was_stored() -> None:
    volume = MetaTensor(torch.randn(1, 5, 6, 7) * 300, affine=torch.eye(4))
    steps, step = sixteen_bit_steps(volume[0])
    nifti = nib.Nifti1Image(steps, np.eye(4))
    nifti.header.set_slope_inter(step, 0.0)
    read = nib.Nifti1Image.from_stream(io.BytesIO(nifti.to_bytes()))
    rounded = RoundToSteps()(volume)
    np.testing.assert_array_equal(rounded[0].numpy(), np.asarray(read.dataobj, np.float32))
    assert float((rounded - volume).abs().max()) <= 0.51 * step
    assert isinstance(rounded, MetaTensor)


def test_the_largest_value_and_zero_stay() -> None:
    steps, step = sixteen_bit_steps(np.array([0.0, -0.7, 1e-9, 1234.5], np.float32))
    assert steps.tolist() == [0, round(-0.7 / step), 0, 32767]


def test_the_twin_rounds_the_keys_it_is_told() -> None:
    item = {"image": torch.rand(1, 3, 3), "other": torch.rand(1, 3, 3)}
    rounded = RoundToStepsd("image")(item)
    assert torch.equal(rounded["image"], RoundToSteps()(item["image"]))
    assert rounded["other"] is item["other"]
