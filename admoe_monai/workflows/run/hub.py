"""Files of weights on the Hugging Face Hub, by a name in place of a path: `hf-hub:timm/swinv2_tiny_window8_256.ms_in1k`."""

from __future__ import annotations

from pathlib import Path

from admoe_monai.errors import UserError

#: Beginning of such a name, as timm has it; a third part names another file than `model.safetensors`.
HUB = "hf-hub:"
DEFAULT_FILE = "model.safetensors"


def is_on_hub(name: str | Path) -> bool:
    """Tell whether a setting names a file on the Hub."""
    return str(name).startswith(HUB)


def local_file(name: str | Path) -> Path:
    """Return the path of a file, which is downloaded if it is on the Hub and not in its cache yet.

    Args:
        name: Path, or `hf-hub:OWNER/MODEL`, or `hf-hub:OWNER/MODEL/FILE`.

    Raises:
        UserError: If it can't be had.
    """
    if not is_on_hub(name):
        return Path(name)
    model, file = _parts(name)
    # Not at the top: a run without such a name needs none of it.
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download(model, file))
    except HFValidationError as error:
        raise UserError(f"{name} is no file on the Hub: {error}") from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{name} is not in the cache of the Hub, and there is no connection to it from here: download the file on a "
            "connected machine, copy it here and name its path (or copy its HF_HOME)"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise UserError(f"{name} can't be had from the Hub: {str(error).splitlines()[0]}") from error


def file_at_hand(name: str | Path) -> Path | None:
    """Return the path of a file if it is here, or in the cache of the Hub; nothing is downloaded.

    Args:
        name: As for `local_file`.

    Raises:
        UserError: For a name that can't be one on the Hub.
    """
    if not is_on_hub(name):
        return Path(name) if Path(name).is_file() else None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(*_parts(name))
    except HFValidationError as error:
        raise UserError(f"{name} is no file on the Hub: {error}") from error
    return Path(found) if isinstance(found, str) else None


def _parts(name: str | Path) -> tuple[str, str]:
    """Divide a name into that of the model and that of its file."""
    parts = str(name).removeprefix(HUB).split("/", 2)
    if len(parts) < 2 or not all(parts):
        raise UserError(f"{name} is no file on the Hub: write {HUB}OWNER/MODEL or {HUB}OWNER/MODEL/FILE")
    return "/".join(parts[:2]), parts[2] if len(parts) == 3 else DEFAULT_FILE
