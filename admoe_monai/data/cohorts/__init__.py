"""A cohort on disk to a datalist: reading, labels on the whole history, splits by subject."""

from .labels import change_labels, label_changes
from .splits import kfold_subjects, split_subjects

__all__ = ["change_labels", "kfold_subjects", "label_changes", "split_subjects"]
