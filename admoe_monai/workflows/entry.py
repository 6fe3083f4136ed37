"""Two expressions that every entry point in `configs/` evaluates."""

from __future__ import annotations

from admoe_monai.errors import one_line_errors

from .settings.command_line import refuse_stray_words, take_as_typed
from .settings.declared import calling_workflow, complete, hold_plan
from .settings.names import is_short_form
from .settings.overlays import find_copies
from .settings.table import LISTS, TEXTS


def compose(phase: str | None = None) -> None:
    """Complete the config at hand with the declared settings and check it; `initialize` of an entry point.

    Args:
        phase: Key of the one phase that the entry point is for; None for the plan that the settings give.
    """
    workflow = calling_workflow()
    with one_line_errors():
        refuse_stray_words(workflow)
        find_copies(workflow.parser, workflow.config_root_path)
        take_as_typed(workflow.parser, TEXTS, [*LISTS, *filter(is_short_form, workflow.parser.config)])
        complete(workflow.parser)
        if phase is not None:
            hold_plan(workflow.parser, phase)


def train() -> None:
    """Run the plan; `training` of an entry point."""
    workflow = calling_workflow()
    with one_line_errors():
        # Again, because a word that MONAI takes for the id of `initialize` has kept it from calling `compose`.
        refuse_stray_words(workflow)

    from .run.dry_run import DryRun  # after the settings are known to be sound: these imports cost seconds
    from .run.plan import Plan

    with one_line_errors():
        plan = DryRun if workflow.parser.get_parsed_content("dry_run") else Plan
        plan(workflow.parser, workflow.config_root_path).run()
