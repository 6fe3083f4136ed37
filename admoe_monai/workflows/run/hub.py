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
    parts = str(name).removeprefix(HUB).split("/", 2)
    if len(parts) < 2 or not all(parts):
        raise UserError(f"{name} is no file on the Hub: write {HUB}OWNER/MODEL or {HUB}OWNER/MODEL/FILE")
    # Not at the top: a run without such a name needs none of it.
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(hf_hub_download("/".join(parts[:2]), parts[2] if len(parts) == 3 else DEFAULT_FILE))
    except HFValidationError as error:
        raise UserError(f"{name} is no file on the Hub: {error}") from error
    except LocalEntryNotFoundError as error:
        raise UserError(
            f"{name} is not in the cache of the Hub, and there is no connection to it from here: download the file on a "
            "connected machine, copy it here and name its path (or copy its HF_HOME)"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise UserError(f"{name} can't be had from the Hub: {str(error).splitlines()[0]}") from error
