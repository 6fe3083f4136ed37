"""`admoe propose`: settings for a cohort and a machine, as an overlay with reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from admoe_monai.workflows.proposal.facts import CohortFacts
    from admoe_monai.workflows.proposal.proposal import Proposal


def propose(
    datalist: Annotated[Path, typer.Argument(help="The datalist to train on.")],
    dataset_dir: Annotated[
        Path | None, typer.Option("--dataset_dir", help="Folder of its images.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Overlay to write; by default proposed.yaml beside DATALIST.", show_default=False),
    ] = None,
    memory: Annotated[
        float | None, typer.Option(help="GB of the GPU, or of the process without one.", min=0.1, show_default=False)
    ] = None,
    cores: Annotated[int | None, typer.Option(help="CPU cores.", min=1, show_default=False)] = None,
    device: Annotated[
        str | None, typer.Option(help="cuda or cpu; by default the GPU if there is one.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an older overlay.")] = False,
) -> None:
    """Choose settings for DATALIST and this machine, or another one, and write them as an overlay with reasons.

    A start, not an optimum: network, field of view, batch, number of epochs, class weights and threads.
    """
    from rich.console import Console

    from admoe_monai.workflows.machine.hardware import machine_at_hand
    from admoe_monai.workflows.proposal.overlay import overlay_text, refuse_older, write_overlay
    from admoe_monai.workflows.proposal.proposal import propose as choose
    from admoe_monai.workflows.settings.command_line import as_word

    path = output or datalist.parent / "proposed.yaml"
    refuse_older(path, force)
    proposal = choose(datalist, dataset_dir, machine_at_hand(device, memory, cores))
    text = overlay_text(proposal, datalist)
    write_overlay(path, text)
    Console(markup=False).print(_seen(proposal))
    typer.echo(_geometry(proposal.facts))
    typer.echo(text, nl=False)
    typer.echo(f"Written: {path}. Train with")
    images = f" --dataset_dir {as_word(dataset_dir)}" if dataset_dir is not None else ""
    typer.echo(f"    admoe train {as_word(path)} --datalist {as_word(datalist)}{images}")


def _seen(proposal: Proposal) -> Table:
    """What was looked at, in a short table."""
    from rich.table import Table

    facts, machine = proposal.facts, proposal.machine
    table = Table(
        "seen", *facts.splits, title=f"{machine.name}, {machine.memory / 2**30:.1f} GB, {machine.cores} cores"
    )
    splits = facts.splits.values()
    table.add_row("visits (people)", *(f"{split.visits} ({split.people})" for split in splits))
    for task, names in facts.classes.items():
        for name in names:
            table.add_row(f"{task} {name}", *(str(split.classes[task].get(name, 0)) for split in splits))
    return table


def _geometry(facts: CohortFacts) -> str:
    shape, spacing, extent = (
        " x ".join(f"{number:.3g}" for number in numbers) for numbers in (facts.shape, facts.spacing, facts.extent)
    )
    unit = "mm" if facts.axes == 3 else "pixels"
    return f"{shape} voxels of {spacing} mm (medians); largest of {facts.looked_into} foregrounds {extent} {unit}"
