"""What is deterministic in the transforms, computed once per image and mapped into memory afterwards.

An entry is an uncompressed .npz file whose arrays are mapped, not read: workers and ranks share the pages, and memory
does not grow with their number. Each process compares the checksums of an entry once, and what is damaged is computed anew;
nothing is ever unpickled. Its name is a digest of the identities of the image file and of the visit's mask and of the
preprocessing, so a changed image, mask or transform finds no entry instead of a stale one. MONAI's PersistentDataset (1.6.1)
serves damaged and stale items alike, and with image headers on it never finds its entries again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.lib import format as npy
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from admoe_monai.errors import UserError, root_cause
from admoe_monai.files import atomic, sweep_temporaries
from admoe_monai.ownership import refuse_of_others
from admoe_monai.scan_files import ScanFileError, file_states

from .stream import leave_signals_to_main

logger = logging.getLogger(__name__)

# Arrays begin at multiples of this, as processors and torch want them; a field of its own in the zip header fills the gap.
ALIGNMENT = 64
PADDING_FIELD = 0x4D41
LOCAL_HEADER = 30


class PreprocessedStore(Dataset):
    """Items with their arrays read from the store; what is missing there is computed by `prepare`.

    Args:
        data: one dictionary per visit, with the path of its image under "image" and that of its mask, if any, under
            "brain_mask".
        transform: deterministic; takes such a dictionary and fills in the array of each of `keys`.
        directory: folder of the store, made when needed; shared by runs, workers and ranks.
        preprocessing: digest of everything that decides what `transform` does.
        keys: the arrays to store, e.g. image and foreground.

    Raises:
        UserError: if the folder can't be made, or another user could change what is in it.
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        transform: Callable[[dict[str, Any]], Mapping[str, Any]],
        directory: str | os.PathLike[str],
        preprocessing: str,
        keys: Sequence[str] = ("image", "foreground"),
    ) -> None:
        self.data = data
        self.transform = transform
        self.directory = Path(directory) / preprocessing
        self.keys = tuple(keys)
        self._verified: set[tuple[Path, int, int]] = set()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"cannot make the folder for preprocessed scans {self.directory}: {error.strerror}; "
                "name another with --cache_dir"
            ) from error
        for folder in (Path(directory), self.directory):
            refuse_of_others(folder, "the folder for preprocessed scans", "name one of your own with --cache_dir")

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> dict[str, Any]:
        visit = dict(self.data[index])
        path = self._path(visit)
        try:
            arrays = self._read(path)
        except FileNotFoundError:
            arrays = self._compute(visit, path)
        except Exception as error:  # zipfile and numpy raise about ten different ones
            logger.warning("%s is damaged (%s): the scan is preprocessed anew", path, error)
            arrays = self._compute(visit, path)
        return visit | {key: torch.from_numpy(array) for key, array in arrays.items()}

    def prepare(self, num_workers: int = 0) -> int:
        """Compute every entry that is missing, with a progress bar, and report all images that can't be read at once.

        Args:
            num_workers: processes to compute with.

        Returns:
            The number of entries computed.

        Raises:
            UserError: naming the first of the images that failed and how many more there are.
        """
        for folder in self.directory.glob("[0-9a-f][0-9a-f]"):
            sweep_temporaries(folder, shared=True)
        missing = [
            i
            for i, visit in enumerate(self.data)
            # An absent file counts as missing here, so that all of them are reported together.
            if not all(map(os.path.exists, _files(visit).values())) or not self._path(visit).exists()
        ]
        if not missing:
            return 0
        loader = DataLoader(
            _Missing(self, missing), batch_size=None, num_workers=num_workers, worker_init_fn=leave_signals_to_main
        )
        failures = [
            message
            for message in tqdm(loader, total=len(missing), desc="Preprocessing scans", unit="scan", disable=None)
            if message
        ]
        if failures:
            more = f" (and {len(failures) - 1} more of {len(missing)} images)" if len(failures) > 1 else ""
            raise UserError(failures[0] + more)
        logger.info("Preprocessed %d scans into %s", len(missing), self.directory)
        return len(missing)

    def _path(self, visit: Mapping[str, Any]) -> Path:
        identity = sum((_identity(file, what) for what, file in _files(visit).items()), ())
        entry = hashlib.sha256(repr(identity).encode()).hexdigest()[:32]
        return self.directory / entry[:2] / f"{entry}.npz"

    def _read(self, path: Path) -> dict[str, NDArray[Any]]:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:
            status = os.fstat(file.fileno())
            entry = (path, status.st_mtime_ns, status.st_size)
            if entry not in self._verified:
                if (damaged := archive.testzip()) is not None:
                    raise zipfile.BadZipFile(f"checksum of {damaged} differs")
                self._verified.add(entry)
            return {key: _mapped(file, archive.getinfo(f"{key}.npy")) for key in self.keys}

    def _compute(self, visit: dict[str, Any], path: Path) -> dict[str, NDArray[Any]]:
        try:
            item = self.transform(dict(visit))
            arrays = {key: np.ascontiguousarray(np.asarray(item[key])) for key in self.keys}
            path.parent.mkdir(exist_ok=True)
            with atomic(path, "wb") as file, zipfile.ZipFile(file, "w") as archive:
                for key, array in arrays.items():
                    with archive.open(_aligned(f"{key}.npy", archive.fp.tell()), "w") as member:  # type: ignore[union-attr]
                        npy.write_array(member, array, allow_pickle=False)
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"cannot store the preprocessed {visit['image']}: {reason}") from error
        except Exception as error:  # MONAI wraps whatever a transform raises in RuntimeErrors
            cause = root_cause(error)
            message = str(cause) if isinstance(cause, UserError) else f"cannot preprocess {visit['image']}: {cause}"
            raise UserError(message) from error
        return arrays


def _aligned(name: str, position: int) -> zipfile.ZipInfo:
    """A member whose content begins at a multiple of the alignment if its header begins at this position."""
    member = zipfile.ZipInfo(name)
    padding = -(position + LOCAL_HEADER + len(name) + 4) % ALIGNMENT
    member.extra = struct.pack("<HH", PADDING_FIELD, padding) + bytes(padding)
    return member


def _mapped(file: IO[bytes], member: zipfile.ZipInfo) -> NDArray[Any]:
    """Map an array of an uncompressed archive into memory; writing to it changes this copy alone."""
    file.seek(member.header_offset + LOCAL_HEADER - 4)
    name_length, extra_length = struct.unpack("<HH", file.read(4))
    file.seek(name_length + extra_length, os.SEEK_CUR)
    npy.read_magic(file)
    shape, fortran_order, dtype = npy.read_array_header_1_0(file)
    if dtype.hasobject:
        raise ValueError("objects are not read")
    order = "F" if fortran_order else "C"
    return np.memmap(file, dtype, mode="c", offset=file.tell(), shape=shape, order=order)  # type: ignore[call-overload]


def _files(visit: Mapping[str, Any]) -> dict[str, str]:
    """The files that decide what a visit's entry holds, by what they are."""
    masked = visit.get("brain_mask") is not None
    return {"image": visit["image"], **({"mask": visit["brain_mask"]} if masked else {})}


def _identity(file: str, what: str) -> tuple[Any, ...]:
    try:
        return sum(file_states(file), ())
    except OSError as error:
        raise UserError(f"cannot read the {what} {file}: {error.strerror}") from error
    except ScanFileError as error:
        raise UserError(f"{what} {file} {error}") from error


class _Missing(Dataset):
    """Computes entries as a side effect and serves what went wrong, because exceptions lose their cause on the way."""

    def __init__(self, store: PreprocessedStore, indices: Sequence[int]) -> None:
        self.store = store
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, position: int) -> str:
        visit = dict(self.store.data[self.indices[position]])
        try:
            self.store._compute(visit, self.store._path(visit))
        except UserError as error:
            return str(error)
        return ""
