"""What a step of training keeps in memory, counted without computing it."""

from __future__ import annotations

import pytest
import torch

from admoe_monai.workflows.machine.step_memory import batch_that_fits, kept_by_scan, step_memory
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from tiny_runs import TINY_SETTINGS


def test_what_is_counted_without_values_is_what_a_step_keeps() -> None:
    settings = resolved_settings(parser_of([], {**TINY_SETTINGS, "prior_dim": 0, "use_clinical_prior": False}))
    parser = parser_of([], {**TINY_SETTINGS, "prior_dim": 0})
    counted = step_memory(parser, settings)
    network = parser_of([], {**TINY_SETTINGS, "prior_dim": 0}).get_parsed_content("network_def")
    assert counted.parameters == sum(parameter.numel() for parameter in network.parameters())
    own, kept = {parameter.data_ptr() for parameter in network.parameters()}, {}
    for tasks in (tuple(settings["classes"]), ("reconstruction",)):
        seen: dict[int, torch.UntypedStorage] = {}

        def keep(tensor: torch.Tensor, seen: dict[int, torch.UntypedStorage] = seen) -> torch.Tensor:
            if tensor.untyped_storage().data_ptr() not in own:
                seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            outputs = network(torch.zeros(1, 1, 16, 16, 16), tasks=tasks)
            loss = torch.stack([outputs[task].square().mean() for task in tasks]).sum()
        kept[tasks] = sum(storage.nbytes() for storage in seen.values())
        del loss
    assert counted.kept == pytest.approx(max(kept.values()), rel=0.02)
    grown = [counted.of_batch(scans) for scans in (1, 2, 3)]
    assert grown[1] - grown[0] == pytest.approx(grown[2] - grown[1]) == pytest.approx(1.3 * counted.kept)


def test_a_network_with_weights_is_counted_alike_and_stays_as_it_is() -> None:
    settings = resolved_settings(parser_of([], {**TINY_SETTINGS, "prior_dim": 0, "use_clinical_prior": False}))
    network = parser_of([], {**TINY_SETTINGS, "prior_dim": 0}).get_parsed_content("network_def")
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    kept = [kept_by_scan(network, settings, is_pretrain) for is_pretrain in (False, True)]
    assert max(kept) == step_memory(parser_of([], {**TINY_SETTINGS, "prior_dim": 0}), settings).kept
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize(("memory", "scans"), [(100.0, 7), (1000.0, 491), (20.0, 0)])
def test_the_batch_that_fits_leaves_room(memory: float, scans: int) -> None:
    """Of 100 bytes 70 may be taken: a batch of two took 63, and each further scan takes 1.3."""
    assert batch_that_fits(63.0, 2, 1, memory) == scans
