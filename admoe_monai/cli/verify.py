"""`admoe verify`: was a run computed as it claims?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from admoe_monai.run_files import CONFIG, OVERLAYS

from .trust import Trust


def verify(
    run_dir: Annotated[Path, typer.Argument(help="Run directory; nothing is written into it.")],
    epochs: Annotated[
        str | None, typer.Option(help="Epochs to compute again, as in 3,7, or all.", show_default=False)
    ] = None,
    number: Annotated[int, typer.Option(min=1, help="How many random ones, where none are named.")] = 1,
    dataset_dir: Annotated[
        Path | None,
        typer.Option("--dataset_dir", help="Folder of the scans, if they are elsewhere.", show_default=False),
    ] = None,
    cache_dir: Annotated[
        Path | None,
        typer.Option("--cache_dir", help="Preprocessed scans; an empty folder has them made anew.", show_default=False),
    ] = None,
    pretrained: Annotated[
        str | None, typer.Option(help="Weights that the run began with, if they are elsewhere.", show_default=False)
    ] = None,
    device: Annotated[str | None, typer.Option(help="cuda or cpu.", show_default=False)] = None,
    trust: Trust = False,
) -> None:
    """Check a run against its own record, and compute some of its epochs again: the same bits?

    Every epoch leaves digests of its training state and of its metrics in digests.csv. Checkpoints, metrics.csv, settings and
    datalist are compared with them; then epochs are computed again from the checkpoint before them, elsewhere, and compared.
    What differs is named, with exit code 3.
    """
    from admoe_monai.workflows.settings.trust import refuse_untrusted

    # Epochs of before a resume were computed with overlays that the config may name no more.
    refuse_untrusted([run_dir / CONFIG, *sorted((run_dir / OVERLAYS).glob("*"))], trust)
    from tqdm import tqdm

    from admoe_monai.workflows.verification.text import lines_of
    from admoe_monai.workflows.verification.verify import verify as verify_run

    given = {"dataset_dir": dataset_dir, "cache_dir": cache_dir, "pretrained": pretrained, "device": device}
    found = verify_run(
        run_dir,
        _numbers(epochs, run_dir),
        number,
        {name: str(value) for name, value in given.items() if value is not None},
        lambda paths: tqdm(paths, desc="checkpoints", unit="file", disable=None, leave=False),
    )
    for line in lines_of(found):
        typer.echo(line)
    if found.deviations:
        raise typer.Exit(3)


def _numbers(text: str | None, run_dir: Path) -> list[int] | None:
    if text is None:
        return None
    if text == "all":
        from admoe_monai.run_files import DIGESTS
        from admoe_monai.workflows.verification.record import read_epochs

        return sorted(read_epochs(run_dir / DIGESTS))
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"expected epochs as in 3,7, or all, got '{text}'", param_hint="--epochs") from None
