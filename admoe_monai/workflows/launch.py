"""Start of a run from our own command: the workflow that `python -m monai.bundle run training` would make, and its line."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from admoe_monai.errors import one_line_errors

from .settings.literal_text import literal
from .settings.resources import resource


def equivalent(config_files: Sequence[Path], typed: Mapping[str, str]) -> str:
    """Format the command of MONAI that starts the same run.

    Args:
        config_files: Config files, the entry point first.
        typed: Settings as they were typed.
    """
    names = [str(file) for file in config_files]
    files = names[0] if len(names) == 1 else f"[{','.join(map(repr, names))}]"
    words = ["python -m monai.bundle run training --config_file", _quoted(files)]
    for name, value in typed.items():
        words += [f"--{name}", _quoted(value)]
    return " ".join(words)


def _quoted(word: str) -> str:
    # Double quotes around a list of texts in single ones are easier to read than what shlex makes of it.
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def start(config_files: Sequence[Path], values: Mapping[str, Any]) -> None:
    """Run what the config files say, in this process.

    Args:
        config_files: Config files, the entry point first.
        values: Values by setting that go before those of the files.

    Raises:
        SystemExit: With one line for a user's mistake; with code 75 after a signal.
    """
    from .settings.closed_workflow import ClosedWorkflow  # costs seconds
    from .settings.declared import UNREAD

    # It warns of every file from another folder, although all that it would look for there is given below.
    logging.getLogger("monai.bundle.workflows").setLevel(logging.ERROR)
    with one_line_errors():
        workflow = ClosedWorkflow(
            config_file=[str(file) for file in config_files],
            meta_file=str(resource("configs/metadata.json")),
            logging_file=str(resource("configs/logging.conf")),
            workflow_type="train",
            run_id="training",
            **{name: value if name in UNREAD else literal(value) for name, value in values.items()},
        )
        workflow.initialize()
        workflow.run()
        workflow.finalize()
