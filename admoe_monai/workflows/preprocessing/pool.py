"""Preprocessing of scans one by one or in several processes; a broken one stops none of the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from admoe_monai.data import leave_signals_to_main
from admoe_monai.errors import root_cause, user_error

from .chains import TemplateChains
from .scan import ScanJob, preprocess_scan

logger = logging.getLogger(__name__)


def preprocess_scans(jobs: Sequence[ScanJob], spacing_mm: float, num_workers: int) -> dict[str, str]:
    """Bring scans onto the template, with a progress bar and a line for each that can't be.

    Args:
        jobs: Jobs of the scans.
        spacing_mm: Edge of the voxels to write.
        num_workers: Number of processes to compute with; 0 computes in this one.

    Returns:
        Descriptions of what was wrong, by scan.
    """
    loader = DataLoader(
        _Scans(jobs, spacing_mm),
        batch_size=None,
        num_workers=num_workers,
        worker_init_fn=leave_signals_to_main,
        # A process forked after ITK has started its threads waits for them for ever.
        multiprocessing_context="spawn" if num_workers else None,
        prefetch_factor=1 if num_workers else None,
        in_order=False,
    )
    problems = {}
    computed = 0
    with logging_redirect_tqdm():
        for index, new, problem in tqdm(loader, total=len(jobs), desc="To the template", unit="scan", disable=None):
            computed += new
            if problem:
                problems[jobs[index].scan] = problem
                logger.warning("%s: %s", jobs[index].scan, problem)
    logger.info("%d scans computed, %d were there already", computed, len(jobs) - computed - len(problems))
    return problems


class _Scans(Dataset):
    """Scans computed as a side effect of serving error messages, because exceptions lose their cause between processes."""

    def __init__(self, jobs: Sequence[ScanJob], spacing_mm: float) -> None:
        self.jobs = jobs
        self.spacing_mm = spacing_mm
        self.chains: TemplateChains | None = None

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: int) -> tuple[int, bool, str]:
        # Made in the process that uses them.
        self.chains = self.chains or TemplateChains(self.spacing_mm)
        try:
            return index, preprocess_scan(self.jobs[index], self.chains), ""
        except MemoryError:
            raise
        except Exception as error:  # whatever a broken file provokes, the others go on
            return index, False, _reason(error)


def _reason(error: BaseException) -> str:
    mistake = user_error(error)
    if mistake is not None:
        return str(mistake)
    # SimpleITK puts places in its source first.
    lines = str(root_cause(error)).strip().splitlines()
    return f"cannot preprocess the scan: {lines[-1] if lines else type(root_cause(error)).__name__}"
