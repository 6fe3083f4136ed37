"""The cell of an arm without a network: a logistic regression on the clinical values of the training people.

python -m admoe_monai.workflows.studies.regression RUN_DIR DATALIST TASK CONFIG....
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from admoe_monai.errors import UserError, one_line_errors
from admoe_monai.evaluation.baselines import held_out_baseline
from admoe_monai.run_files import EVALUATION
from admoe_monai.transforms import prior_features
from admoe_monai.workflows.finished.output import OutputFolder
from admoe_monai.workflows.finished.report.baselines import clinical_table
from admoe_monai.workflows.run.cohort import load_cohort
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings


def predict_by_regression(run_dir: Path, datalist: Path, task: str, files: Sequence[Path]) -> None:
    """Fit on the training visits with the clinical columns that the settings choose, and write the predictions of the test.

    Args:
        run_dir: Folder of the cell.
        datalist: Datalist of the fold.
        task: Task to predict.
        files: Config files, the entry point first.

    Raises:
        UserError: If no clinical column is there, or a class has no training visit.
    """
    settings = resolved_settings(parser_of(files, {"datalist": str(datalist)}))
    cohort, columns = load_cohort(settings)
    if not columns:
        raise UserError("a regression needs clinical values, which use_clinical_prior: false takes away")
    training, test = (clinical_table(cohort, split, columns, task) for split in ("training", "test"))
    table = held_out_baseline(training, test, prior_features(columns), cohort.classes[task], task)
    OutputFolder(run_dir / EVALUATION).write("predictions_test.csv", table.csv())


if __name__ == "__main__":
    with one_line_errors():
        predict_by_regression(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], [*map(Path, sys.argv[4:])])
