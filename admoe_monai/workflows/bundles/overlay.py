"""Pictures of new scans under the template's outlines, which show what the numbers of a scan mean."""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import MapTransform
from monai.utils import TransformBackends

from admoe_monai.errors import UserError
from admoe_monai.files import write_atomic
from admoe_monai.transforms import RegisterToTemplate, load_template
from admoe_monai.workflows.preprocessing.quality_picture import quality_picture

__all__ = ["WriteOverlayd"]

SPACING_MM = 2.0


class WriteOverlayd(MapTransform):
    """Write a picture of a volume that has been located on the template; the item stays as it is.

    Args:
        keys: Key of the volume ``(1, X, Y, Z)``.
        output_dir: Folder to write to, made when needed; the picture is named after the scan.
        name_key: Key of the scan's name.
        registration_key: Key of the record of the registration; without one there is no picture.
        aligned: Whether the volume has been read on the template's grid already.
        allow_missing_keys: Whether to do nothing where the volume is missing from an item.
    """

    backend = [TransformBackends.NUMPY]  # noqa: RUF012 - MONAI's own declaration

    def __init__(
        self,
        keys: KeysCollection = "image",
        output_dir: str | os.PathLike[str] = "overlays",
        name_key: str = "scan",
        registration_key: str = "registration",
        aligned: bool = False,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.output_dir = Path(output_dir)
        self.name_key = name_key
        self.registration_key = registration_key
        self.aligned = aligned
        self.transform = RegisterToTemplate(SPACING_MM)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Return a copy of ``data``.

        Raises:
            UserError: If the picture can't be written.
        """
        item = dict(data)
        for key in self.key_iterator(item):
            if self.registration_key in item:
                matrix = np.eye(4) if self.aligned else np.array(item[self.registration_key]["matrix"])
                self._write(self.transform.resample(item[key], matrix)[0].numpy(), str(item[self.name_key]))
        return item

    def _write(self, volume: np.ndarray, scan: str) -> None:
        template = load_template(SPACING_MM)
        picture = quality_picture(volume, template.intensity, template.brain, template.affine)
        path = self.output_dir / f"{scan.strip('/').replace('/', '__')}.png"
        try:
            self.output_dir.mkdir(parents=True, exist_ok=True)
            write_atomic(path, picture)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
