"""Bindings of MONAI's engines to the tasks: the contents of a batch, and the precision in which the network runs."""

from .inferers import AutocastInferer
from .prepare_batch import PrepareClassificationBatch, PrepareReconstructionBatch, PrepareViewsBatch

__all__ = ["AutocastInferer", "PrepareClassificationBatch", "PrepareReconstructionBatch", "PrepareViewsBatch"]
