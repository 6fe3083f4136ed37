"""Registration of one scan to the template: what is computed, what is written, and when it is not repeated."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from monai.data import MetaTensor
from numpy.typing import NDArray

from admoe_monai.errors import UserError
from admoe_monai.files import sweep_temporaries, write_atomic
from admoe_monai.scan_files import ScanFileError, files_of
from admoe_monai.transforms import load_template, sixteen_bit_steps

from .chains import TemplateChains
from .quality_picture import quality_picture

MNI_CODE = 4  # of NIfTI's sform and qform


@dataclass(frozen=True)
class ScanJob:
    """Scan of a cohort and the place of its result.

    Attributes:
        scan: Name for people: the path below the dataset's folder.
        image: Path of the scan.
        mask: Path of the visit's own mask, if it has one.
        target: Path of the result.
        chain: Name of the chain that the scan needs.
    """

    scan: str
    image: str
    mask: str | None
    target: Path
    chain: str

    @property
    def sidecar(self) -> Path:
        """Return the path of the record, written last: where it is, the rest is."""
        return self._beside(".json")

    @property
    def failure(self) -> Path:
        """Return the path of the note that the scan can't be processed, of which other shares have to know."""
        return self._beside(".failed.json")

    @property
    def picture(self) -> Path:
        """Return the path of the picture for the quality page."""
        return self._beside(".png")

    @property
    def own_mask(self) -> Path:
        """Return the path of the visit's own mask on the template's grid."""
        return self.target.with_name(self.target.name.replace("_T1w.nii.gz", "_desc-brain_mask.nii.gz"))

    def record(self) -> dict[str, Any] | None:
        """Read the sidecar; None if there is none, or it is no record."""
        try:
            content = json.loads(self.sidecar.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def _beside(self, suffix: str) -> Path:
        return self.target.with_name(self.target.name.removesuffix(".nii.gz") + suffix)


def target_name(image: str) -> str:
    """Name the file of a result: as that of the scan, with the template in the place of what BIDS would say of its space.

    Args:
        image: Path of the scan.
    """
    stem = re.sub(r"\.(nii|nii\.gz|mgz|mgh|nrrd|hdr|img|dcm)$", "", Path(image).name)
    stem = re.sub(r"_(space|desc|res)-[A-Za-z0-9]+", "", stem).removesuffix("_T1w")
    return f"{stem}_space-MNI152_T1w.nii.gz"


def preprocess_scan(job: ScanJob, chains: TemplateChains) -> bool:
    """Bring a scan onto the template, unless that was done already.

    Args:
        job: Job of the scan.
        chains: Chains of transforms.

    Returns:
        Whether anything was computed.

    Raises:
        UserError: If a file can't be read or written.
    """
    # Another run may be at work in the same folder.
    sweep_temporaries(job.target.parent, shared=True)
    inputs = inputs_of(job)
    digest = chains.digest(job.chain)
    if is_finished(job, digest, inputs):
        return False
    item = chains[job.chain]({"image": job.image, **({"brain_mask": job.mask} if job.mask else {})})
    image, template = item["image"], load_template(chains.spacing_mm)
    picture = quality_picture(image[0].numpy(), template.intensity, template.brain, template.affine)
    files = {job.target: image_bytes(image), job.picture: picture}
    if job.mask:
        files[job.own_mask] = mask_bytes(item["brain_mask"])
    record = {
        "scan": job.scan,
        "inputs": inputs,
        "chain": job.chain,
        "chain_digest": digest,
        "spacing_mm": chains.spacing_mm,
        "registration": item["registration"],
        "files": {path.name: hashlib.sha256(content).hexdigest() for path, content in files.items()},
    }
    try:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            write_atomic(path, content)
        write_atomic(job.sidecar, json.dumps(record, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise UserError(f"cannot write {job.target}: {error.strerror}") from error
    return True


def is_finished(job: ScanJob, digest: str, inputs: dict[str, str]) -> bool:
    """Tell whether the result is there, complete, of these inputs and of this chain.

    Args:
        job: Job of the scan.
        digest: Digest of the chain.
        inputs: Digests of the files that the job takes.
    """
    record = job.record()
    if record is None or (record.get("chain_digest"), record.get("inputs")) != (digest, inputs):
        return False
    try:
        return all(content_digest(job.target.with_name(n)) == checksum for n, checksum in record["files"].items())
    except UserError:
        return False


def inputs_of(job: ScanJob) -> dict[str, str]:
    """Digest the files that a job takes.

    Args:
        job: Job of the scan.

    Raises:
        UserError: If one can't be read.
    """
    return {"image": content_digest(job.image), **({"mask": content_digest(job.mask)} if job.mask else {})}


def content_digest(path: str | Path) -> str:
    """Compute the SHA-256 of a file, or of all files that make up a scan, by their names.

    Args:
        path: Path of the scan. Its contents count and not its date: a copy on another disk is the same scan.

    Raises:
        UserError: If it can't be read.
    """
    try:
        checksums = [_checksum(file) for file in files_of(path)]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except ScanFileError as error:
        raise UserError(f"scan {path} {error}") from error
    return checksums[0] if len(checksums) == 1 else hashlib.sha256("".join(checksums).encode()).hexdigest()


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def image_bytes(image: MetaTensor) -> bytes:
    """Encode an image as a compressed NIfTI file of 16-bit steps.

    Args:
        image: Image ``(1, X, Y, Z)``.
    """
    # Counted in steps here: with a slope in its header, nibabel takes the array for what is stored.
    steps, step = sixteen_bit_steps(image[0])
    nifti = _nifti(steps, image)
    nifti.header.set_slope_inter(step, 0.0)
    return gzip.compress(nifti.to_bytes(), 6, mtime=0)


def mask_bytes(mask: MetaTensor) -> bytes:
    """Encode a mask as a compressed NIfTI file.

    Args:
        mask: Mask ``(1, X, Y, Z)``.
    """
    return gzip.compress(_nifti(mask[0].numpy().astype(np.uint8), mask).to_bytes(), 6, mtime=0)


def _nifti(values: NDArray[Any], volume: MetaTensor) -> nib.Nifti1Image:
    affine = np.asarray(volume.affine, dtype=np.float64)
    nifti = nib.Nifti1Image(values, affine)
    nifti.set_sform(affine, MNI_CODE)
    nifti.set_qform(affine, MNI_CODE)
    nifti.header.set_xyzt_units("mm")
    return nifti
