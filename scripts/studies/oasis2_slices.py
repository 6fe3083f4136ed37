"""Both phases on OASIS-2 slices, by subject-level cross-validation, beside logistic regression on five numbers.

    python scripts/studies/oasis2_slices.py FOLDER OUT [--folds 5] [--max_epochs 30 ...]

FOLDER holds oasis_longitudinal.csv and coronal/<MRI ID>.nii.gz. The diagnosis is a convention: CDR 0 is CN, 0.5 MCI, 1 and
above AD. Every subject is tested once, by a network that has seen none of its visits; network and regression are trained
on the same visits and tested on the same visits. All further options go to the training.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd

from admoe_monai.data import load_datalist
from admoe_monai.data.cohorts import ChangeRule, SplitRule, VisitTable, load_mapping, prepare_cohort
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.baselines import held_out_baseline
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.evaluation.pages.text import format_evaluation
from admoe_monai.workflows.finished.prediction import TrainedRun, cohort_of, predict
from admoe_monai.workflows.settings.resources import resource

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}
FEATURES = ["age", "female", "education", "etiv", "nwbv"]


def feature_table(visits: list[dict]) -> pd.DataFrame:
    """One row per visit with the five numbers and the label."""
    rows = []
    for visit in visits:
        prior = {name.lower(): value for name, value in visit["prior"].items()}
        rows.append(
            {
                **{k: visit[k] for k in ("image", "subject_id", "session_id", "days_from_baseline", "diagnosis")},
                "age": visit["age"],
                "female": float(visit["sex"] == "F"),
                "education": prior.get("educ", prior.get("education")),
                "etiv": prior["etiv"],
                "nwbv": prior["nwbv"],
            }
        )
    return pd.DataFrame(rows)


def train(datalist: Path, run_dir: Path, options: list[str]) -> None:
    """Run both phases in a process of its own, or go on where an earlier call was stopped."""
    files = [str(resource("configs/train.yaml")), str(resource("configs/overlays/tiny_2d.yaml"))]
    command = [sys.executable, "-m", "monai.bundle", "run", "training", "--config_file", repr(files)]
    command += ["--datalist", str(datalist), "--run_dir", str(run_dir), "--resume", "auto", *options]
    subprocess.run(command, check=True)


def main() -> None:
    """Cross-validate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    arguments, options = parser.parse_known_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    source = VisitTable(
        arguments.folder / "oasis_longitudinal.csv", "coronal/{MRI ID}.nii.gz", load_mapping("oasis2"), arguments.folder
    )
    # Of each fold's datalist the next fold stops the training early and chooses the model; the test fold does neither.
    datalists = prepare_cohort(
        arguments.out / "oasis2.json",
        source,
        change=ChangeRule(),
        split=SplitRule(folds=arguments.folds, seed=0),
        overwrite=True,
    )
    network, regression = [], []
    for number, path in enumerate(datalist.path for datalist in datalists):
        splits = load_datalist(path).splits
        training, validation, test = (splits[name] for name in ("training", "validation", "test"))
        run_dir = arguments.out / f"fold{number}"
        train(path, run_dir, options)
        run = TrainedRun.load(run_dir)
        table = predict(run, cohort_of(run), "test")
        network.append(table.frame)
        baseline = held_out_baseline(
            feature_table([*training, *validation]), feature_table(test), FEATURES, CLASSES["diagnosis"]
        )
        regression.append(baseline.frame)
    tables = {
        "network": PredictionTable(pd.concat(network), CLASSES),
        "logistic regression": PredictionTable(pd.concat(regression), CLASSES),
    }
    for name, table in tables.items():
        table.write(arguments.out / f"{name.replace(' ', '_')}.csv")
        for one_visit in (False, True):
            print(f"--- {name}, {'first visits' if one_visit else 'all visits'}")
            print(format_evaluation(evaluate_predictions(table, CLASSES, one_visit_per_subject=one_visit)))
    difference = compare_predictions(*tables.values(), one_visit_per_subject=False)["differences"]["balanced_accuracy"]
    print(f"balanced accuracy, network minus regression: {difference}")


if __name__ == "__main__":
    main()
