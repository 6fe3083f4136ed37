"""`admoe check`: what is wrong with settings, before anything runs."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from admoe_monai.workflows.settings.config_files import config_files
from admoe_monai.workflows.settings.findings import Finding, findings
from admoe_monai.workflows.settings.trust import handed_over, refuse_untrusted

from .settings import takes_settings, values_of, with_short_forms
from .train import Words
from .trust import Trust


@takes_settings()
def check(configs: Words = None, trust: Trust = False, *, typed: dict[str, str]) -> None:
    """Check settings: everything that is wrong at once, with file and line, and whether the network can be built.

    Takes the words of `admoe train`, reads no scan and writes nothing. Unknown names, wrong kinds and ranges, sizes that don't
    fit and references to nothing are answered before torch is imported; only then is the network built. Exit code 1 if
    something is wrong.
    """
    words, typed = with_short_forms(configs or [], typed)
    files, values = config_files(words), values_of(typed)
    _leave_with(findings(files, values))
    refuse_untrusted(handed_over(files), trust)  # before anything that a config names is imported
    from admoe_monai.workflows.checking.config_check import check_config
    from admoe_monai.workflows.checking.parts_check import findings_in_parts

    _leave_with(findings_in_parts(files, values))
    for line in [f"Files:   {', '.join(map(str, files))}", *check_config(files, values), "Nothing is wrong."]:
        typer.echo(line)


def _leave_with(found: Sequence[Finding]) -> None:
    for finding in found:
        typer.echo(str(finding))
    if found:
        typer.echo(f"{len(found)} {'mistake' if len(found) == 1 else 'mistakes'} found", err=True)
        raise typer.Exit(1)
