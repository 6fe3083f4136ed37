from __future__ import annotations

import pytest
import torch

from admoe_monai.networks.layers.windows import WindowPlan

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("size", "window", "expected"),
    [((24,), (7,), (6,)), ((8, 7), (7, 7), (4, 7)), ((5, 5, 5), (7, 2, 3), (5, 2, 3)), ((1, 13), (7, 7), (1, 7))],
)
def test_windows_are_balanced_per_axis(
    size: tuple[int, ...], window: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert WindowPlan.balanced(size, window, shifted=False).window == expected


def test_an_axis_that_one_window_covers_is_not_shifted() -> None:
    assert WindowPlan.balanced((16, 7, 8), (8, 8, 8), shifted=True).shift == (4, 0, 0)


@pytest.mark.parametrize("size", [(8, 8), (5, 9), (7, 4, 5)])
@pytest.mark.parametrize("shifted", [False, True])
def test_reverse_undoes_partition(size: tuple[int, ...], shifted: bool) -> None:
    plan = WindowPlan.balanced(size, (4,) * len(size), shifted)
    x = torch.randn(2, *size, 3)
    assert torch.equal(plan.reverse(plan.partition(x)), x)


@pytest.mark.parametrize("size", [(8, 12), (5, 9), (7, 4, 5)])
def test_only_neighbours_inside_a_window_may_attend(size: tuple[int, ...]) -> None:
    """Two real tokens may attend to each other exactly if no axis separates them, wrapped around or not."""
    plan = WindowPlan.balanced(size, (4,) * len(size), shifted=True)
    coordinates = torch.stack(torch.meshgrid(*(torch.arange(1, s + 1) for s in size), indexing="ij"), dim=-1)
    windows = plan.partition(coordinates[None])[0]
    real = (windows > 0).all(-1)
    reach = torch.tensor(plan.window)
    near = ((windows[:, :, None] - windows[:, None, :]).abs() < reach).all(-1)
    expected = near & real[:, :, None] & real[:, None, :]

    mask = plan.mask(CPU)
    assert mask is not None
    both_real = real[:, :, None] & real[:, None, :]
    assert torch.equal(~mask & both_real, expected)
    assert not bool((~mask & (real[:, :, None] != real[:, None, :])).any())


def test_every_token_may_attend_to_itself_even_padding() -> None:
    mask = WindowPlan.balanced((5, 9, 3), (4, 4, 2), shifted=True).mask(CPU)
    assert mask is not None
    assert not bool(mask.diagonal(dim1=1, dim2=2).any())


def test_nothing_is_masked_without_shift_and_padding() -> None:
    assert WindowPlan.balanced((8, 8), (4, 4), shifted=False).mask(CPU) is None


def test_masks_made_in_inference_mode_serve_a_backward_pass() -> None:
    plan = WindowPlan.balanced((6, 10), (5, 5), shifted=True)
    with torch.inference_mode():
        mask = plan.mask(CPU)
    assert mask is not None
    assert not mask.is_inference()


def test_another_number_of_axes_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(8, 8, 8\) tokens"):
        WindowPlan.balanced((8, 8, 8), (4, 4), shifted=False)
