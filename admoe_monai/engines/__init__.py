"""Bindings of MONAI's engines to the tasks: what a batch holds, and in which precision the network runs."""

from .inferers import AutocastInferer
from .prepare_batch import PrepareClassificationBatch, PrepareReconstructionBatch, PrepareViewsBatch

__all__ = ["AutocastInferer", "PrepareClassificationBatch", "PrepareReconstructionBatch", "PrepareViewsBatch"]
