"""From a cohort on disk to a datalist: reading, labels on the whole history, filters, splits by person."""

from .bids import BidsFolder
from .change_rule import ChangeRule
from .clinica import ClinicaTrees
from .labels import Change, change_labels, label_changes
from .mapping import built_in_mappings, load_mapping
from .merged import MergedDatalists
from .prepare import prepare_cohort
from .reading import Source
from .selection import Selection
from .slices import SliceArrays
from .split_rule import SplitRule
from .splits import kfold_subjects, split_subjects
from .summary import count_classes, remarks, report_lines
from .table import VisitTable

__all__ = [
    "BidsFolder",
    "Change",
    "ChangeRule",
    "ClinicaTrees",
    "MergedDatalists",
    "Selection",
    "SliceArrays",
    "Source",
    "SplitRule",
    "VisitTable",
    "built_in_mappings",
    "change_labels",
    "count_classes",
    "kfold_subjects",
    "label_changes",
    "load_mapping",
    "prepare_cohort",
    "remarks",
    "report_lines",
    "split_subjects",
]
