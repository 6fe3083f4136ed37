"""The transforms between MONAI's own, as a configuration chains them, on small synthetic scans."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import DataLoader, Dataset
from monai.transforms import (
    Compose,
    CropForegroundd,
    EnsureTyped,
    MaskIntensityd,
    Orientationd,
    RandAffined,
    RandFlipd,
    ResizeWithPadOrCropd,
    SelectItemsd,
    Spacingd,
)

from admoe_monai.transforms import (
    ClinicalPriord,
    EncodeLabelsd,
    ExpertGuidanced,
    Foregroundd,
    LoadScand,
    NormalizeForegroundd,
    RandPatchMaskd,
)

CLASSES = {"diagnosis": ["CN", "MCI", "AD"], "change": ["stable", "conversion", "reversion"]}
AGE = {"name": "age", "role": "clinical", "kind": "continuous", "mean": 70.0, "std": 10.0}
KEYS = ["image", "foreground"]


def items(folder, spatial_dims):
    rng = np.random.default_rng(0)
    made = []
    for number in range(3):
        voxels = np.full((30, 34, 28)[:spatial_dims], 27.0) + rng.normal(scale=2, size=(30, 34, 28)[:spatial_dims])
        voxels[(slice(6, 24),) * spatial_dims] += 100
        path = folder / f"{number}.nii.gz"
        nib.save(nib.Nifti1Image(voxels.astype(np.float32), np.diag([-2.0, 2.0, 2.0, 1.0])), path)
        made.append(
            {
                "image": str(path),
                "image_path": str(path),
                "subject_id": f"s{number}",
                "diagnosis": [None, "CN", "AD"][number],
                "change": None,
                "prior": {"age": 80.0},
            }
        )
    return made


def chain(spatial_dims):
    size = (24,) * spatial_dims
    geometry = [
        Orientationd("image", axcodes="RAS", labels=(("L", "R"), ("P", "A"), ("I", "S"))),
        Spacingd("image", pixdim=(2.5,) * 3),
    ]
    return Compose(
        [
            LoadScand("image", spatial_dims=spatial_dims),
            *(geometry if spatial_dims == 3 else []),
            Foregroundd("image"),
            CropForegroundd(KEYS, source_key="foreground", margin=1, allow_smaller=True),
            NormalizeForegroundd("image"),
            ResizeWithPadOrCropd(KEYS, spatial_size=size),
            EncodeLabelsd(CLASSES),
            ClinicalPriord("prior", [AGE]),
            RandFlipd(KEYS, prob=0.5, spatial_axis=0),
            RandAffined(KEYS, prob=1.0, rotate_range=0.1, mode=("bilinear", "nearest"), padding_mode="zeros"),
            MaskIntensityd("image", mask_key="foreground"),
            RandPatchMaskd("image", img_size=size, patch_size=2, mask_patch_size=4),
            ExpertGuidanced("diagnosis", routing="label_guided"),
            EnsureTyped(KEYS, dtype=[torch.float32, torch.uint8], track_meta=False),
            SelectItemsd([*KEYS, "mask", "prior", "diagnosis", "change", "guidance", "subject_id", "image_path"]),
        ]
    )


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_chain_yields_batches_of_the_item_dictionary(tmp_path, spatial_dims):
    transform = chain(spatial_dims).set_random_state(0)
    batch = next(iter(DataLoader(Dataset(items(tmp_path, spatial_dims), transform), batch_size=3)))

    assert batch["image"].shape == batch["foreground"].shape == (3, 1, *(24,) * spatial_dims)
    assert (batch["image"].dtype, batch["foreground"].dtype) == (torch.float32, torch.uint8)
    assert batch["mask"].shape == (3, 1, *(12,) * spatial_dims)
    assert batch["diagnosis"].tolist() == [-1, 0, 2]
    assert batch["change"].tolist() == [-1, -1, -1]
    assert batch["prior"].tolist() == [[1.0]] * 3
    assert batch["guidance"].isnan().all(dim=1).tolist() == [True, False, False]
    assert not batch["image"][batch["foreground"] == 0].any()


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_a_chain_is_governed_by_its_random_state(tmp_path, spatial_dims):
    item = items(tmp_path, spatial_dims)[1]
    transform = chain(spatial_dims)
    first, second, other = (transform.set_random_state(seed)(item) for seed in (1, 1, 2))

    assert all(torch.equal(first[key], second[key]) for key in (*KEYS, "mask"))
    assert not torch.equal(first["mask"], other["mask"])
