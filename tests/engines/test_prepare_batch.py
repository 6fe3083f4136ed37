import pytest
import torch
from torch import nn

from admoe_monai.engines import (
    AutocastInferer,
    PrepareClassificationBatch,
    PrepareReconstructionBatch,
    PrepareViewsBatch,
)


def test_reconstruction_batch_binds_mask_and_guidance() -> None:
    batch = {"image": torch.zeros(2, 1, 4, 4), "mask": torch.ones(2, 1, 2, 2), "foreground": torch.ones(2, 1, 4, 4)}
    image, target, args, kwargs = PrepareReconstructionBatch()(batch, "cpu")
    assert args == ()
    assert kwargs["tasks"] == ("reconstruction",)
    assert kwargs["guidance"] is None
    assert torch.equal(kwargs["mask"], batch["mask"])
    assert set(target) == {"image", "mask", "foreground"}
    assert type(image) is torch.Tensor


def test_classification_batch_goes_without_a_prior_where_there_is_none() -> None:
    batch = {"image": torch.zeros(1, 1, 4, 4), "diagnosis": torch.tensor([1]), "change": torch.tensor([-1])}
    _, labels, _, kwargs = PrepareClassificationBatch(["diagnosis", "change"])(batch, "cpu")
    assert set(labels) == {"diagnosis", "change"}
    assert "prior" not in kwargs
    _, _, _, kwargs = PrepareClassificationBatch(["diagnosis", "change"])({**batch, "prior": torch.zeros(1, 2)}, "cpu")
    assert kwargs["prior"].shape == (1, 2)


def test_autocast_hands_float32_to_the_loss() -> None:
    layer = nn.Linear(4, 4)
    output = AutocastInferer("bf16")(torch.randn(2, 4), lambda x: {"diagnosis": layer(x), "n": 3})
    assert output["diagnosis"].dtype is torch.float32
    assert output["n"] == 3
    assert not torch.equal(output["diagnosis"], layer(torch.randn(2, 4)))


def test_float16_is_refused() -> None:
    with pytest.raises(ValueError, match="fp16"):
        AutocastInferer("fp16")


def test_views_of_a_batch_become_images_that_know_their_view() -> None:
    image = torch.arange(3 * 2 * 16, dtype=torch.float32).reshape(3, 2, 1, 4, 4)
    guidance = torch.rand(3, 4)
    batch = {"image": image, "mask": image[..., :2, :2] > 5, "foreground": image > 0, "guidance": guidance}
    images, target, args, kwargs = PrepareViewsBatch()(batch, "cpu")
    assert args == ()
    assert torch.equal(images, torch.cat([image[:, 0], image[:, 1]]))
    assert torch.equal(target["view"], torch.tensor([0, 0, 0, 1, 1, 1]))
    assert torch.equal(target["foreground"], images > 0)
    assert torch.equal(kwargs["mask"], images[..., :2, :2] > 5)
    assert torch.equal(kwargs["guidance"], torch.cat([guidance, guidance]))
    assert batch["image"] is image
