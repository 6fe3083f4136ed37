"""Table of the network's components in the log."""

from __future__ import annotations

from torch import nn

RULE = "=" * 50


def component_counts(network: nn.Module) -> dict[str, int]:
    """Count the parameters per top-level component, in the order of the network; own parameters count by name."""
    counts = {name: sum(p.numel() for p in child.parameters()) for name, child in network.named_children()}
    counts |= {name: parameter.numel() for name, parameter in network.named_parameters(recurse=False)}
    return counts


def component_lines(network: nn.Module) -> list[str]:
    """Format one line per component that has parameters, as the guide prints them."""
    counts = component_counts(network)
    return [f"  {name:<20}: {count:>10,} params ✓ Active" for name, count in counts.items() if count]


class ComponentTable:
    """Table of a network's components for training.log, whole wherever it has changed.

    Args:
        network: Module whose components are counted.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._last: list[str] = []

    def lines(self, when: str) -> list[str]:
        """Format the table of this moment; one that is as the last has but its heading.

        Args:
            when: Moment as the log names it: INITIAL, AFTER DECODER REMOVAL or FINAL.
        """
        total = sum(component_counts(self.network).values())
        table = [*component_lines(self.network), f"  {'total':<20}: {total:>10,} params"]
        shown = ["  as in the table before"] if table == self._last else table
        self._last = table
        return [RULE, f"MODEL COMPONENTS ANALYSIS - {when}", RULE, *shown]
