"""The folder that a command writes to."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from admoe_monai.errors import UserError, reason_of
from admoe_monai.evaluation.run_pictures import figure_to_png
from admoe_monai.output_files import write_output


class OutputFolder:
    """A folder whose files are whole or not there; what a disk refuses is one line.

    Args:
        path: Folder that --output names, or its default. It is made at once, so that one which can't be made is known before
            hours of work.

    Raises:
        UserError: If it can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make the folder {path}: {reason_of(error)}; name another with --output") from error

    def write(self, name: str, content: bytes | str) -> Path:
        """Write a file.

        Args:
            name: Name within the folder; an older file of this name is replaced.
            content: Text is written as UTF-8.

        Returns:
            Path of the file.

        Raises:
            UserError: If the disk refuses.
        """
        path = self.path / name
        write_output(path, content)
        return path

    def picture(self, name: str, figure: Figure) -> Path:
        """Write a figure as PNG, as :meth:`write` does."""
        return self.write(name, figure_to_png(figure))

    def volume(self, name: str, values: NDArray[np.floating], affine: NDArray[np.floating]) -> Path:
        """Write float32 NIfTI, gzipped, as :meth:`write` does.

        Args:
            name: Name within the folder.
            values: Array (D, H, W) or (H, W).
            affine: Matrix (4, 4) from voxels to mm.
        """
        image = nib.Nifti1Image(np.asarray(values, dtype=np.float32), affine)
        return self.write(name, gzip.compress(image.to_bytes(), 6, mtime=0))
