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
    """Format one line per component, as the guide prints them."""
    return [f"  {name:<20}: {count:>10,} params ✓ Active" for name, count in component_counts(network).items()]


def component_table(network: nn.Module, when: str) -> list[str]:
    """Format the table for the log.

    Args:
        network: Module whose components are counted.
        when: Moment as the log names it: INITIAL, AFTER DECODER REMOVAL or FINAL.
    """
    total = sum(component_counts(network).values())
    return [
        RULE,
        f"MODEL COMPONENTS ANALYSIS - {when}",
        RULE,
        *component_lines(network),
        f"  {'total':<20}: {total:>10,} params",
    ]
