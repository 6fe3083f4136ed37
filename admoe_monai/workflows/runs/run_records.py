"""What a run directory tells without torch, which takes seconds to import: config, the plain part of a checkpoint."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from admoe_monai.errors import UserError
from admoe_monai.run_files import CONFIG

#: Libyaml's parser reads the configs of a thousand runs in a second; not every build of PyYAML has it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Settings without which a config is of something else.
_OF_A_RUN = ("max_epochs", "pretrain_epochs")


def read_settings(run_dir: Path) -> dict[str, Any]:
    """Read the settings that a run has recorded.

    Args:
        run_dir: Run directory.

    Raises:
        UserError: If its config is absent, damaged or of something else.
    """
    path = run_dir / CONFIG
    try:
        content = yaml.load(path.read_bytes(), _Loader)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise UserError(f"{path} can't be read: {str(error).splitlines()[0]}") from error
    if not isinstance(content, Mapping) or not all(isinstance(content.get(name), int) for name in _OF_A_RUN):
        raise UserError(f"{path} is no config of a run: it lacks {' or '.join(_OF_A_RUN)}")
    return dict(content)


class _Nothing(dict[Any, Any]):
    """What stands for a tensor, or anything else that is not plain Python."""

    def __init__(self, *_: Any) -> None:
        super().__init__()

    def __setstate__(self, _: Any) -> None:
        pass


class _WithoutTensors(pickle.Unpickler):
    """Reads plain Python and no more: nothing that a file names is looked up, let alone called."""

    def find_class(self, module: str, name: str) -> Any:
        return _Nothing

    def persistent_load(self, pid: Any) -> Any:
        return None


def read_header(checkpoint: Path) -> dict[str, Any]:
    """Read what a checkpoint holds beside its tensors, of which not a byte is read.

    Args:
        checkpoint: File written by this package.

    Raises:
        UserError: If it is damaged or of another origin.
    """
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as file:
                content = _WithoutTensors(file).load()
    except Exception as error:  # of a damaged pickle there are a dozen kinds
        raise UserError(f"{checkpoint} can't be read ({type(error).__name__}); `admoe inspect` says more") from error
    if not isinstance(content, dict) or "format_version" not in content:
        raise UserError(f"{checkpoint} was not written by admoe_monai")
    return content
