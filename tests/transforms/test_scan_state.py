from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from scipy.spatial.transform import Rotation

from admoe_monai.transforms.itk_image import affine_of, to_itk
from admoe_monai.transforms.scan_state import scan_state
from synthetic_heads import STATES, affine_about_the_brain, head_scan

MATRIX = affine_about_the_brain(Rotation.from_euler("xz", [12, 20], degrees=True).as_matrix(), 0.9, (5.0, 8.0, -6.0))


def state_of(scan: MetaTensor, matrix: np.ndarray = MATRIX) -> str:
    return scan_state(to_itk(scan[0], affine_of(scan)), matrix)


@pytest.mark.parametrize("state", STATES)
def test_each_state_is_told(state):
    assert state_of(head_scan(MATRIX, state)) == state


@pytest.mark.parametrize("state", STATES)
def test_a_constant_background_of_another_value_does_not_matter(state):
    assert state_of(head_scan(MATRIX, state) + 31.0) == state


def test_a_raw_head_in_a_noisy_background_is_raw():
    scan = head_scan(MATRIX)
    noise = 20 + 5 * torch.randn(scan.shape, generator=torch.Generator().manual_seed(0))
    assert state_of(MetaTensor(scan.as_tensor() + noise.clip(1), affine=scan.affine)) == "raw"


def test_a_head_whose_face_is_out_of_view_passes_for_raw():
    scan = head_scan(MATRIX, "defaced")
    above = 31  # voxels of 3 mm from the bottom: the face lies below
    affine = np.asarray(scan.affine).copy()
    affine[2, 3] += 3.0 * above
    assert state_of(MetaTensor(scan.as_tensor()[..., above:], affine=torch.from_numpy(affine))) == "raw"
