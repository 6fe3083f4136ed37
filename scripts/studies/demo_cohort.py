"""CN against AD on the simulated cohort: trained networks beside the prior alone and beside what the true volumes give.

    python scripts/studies/demo_cohort.py RUN_DIR [RUN_DIR...] COHORT_DIR

A RUN_DIR holds a finished run that `admoe evaluate` has been run on; all of them have the same datalist. COHORT_DIR is the
simulated cohort with its truth.tsv. The regressions are trained on the visits that the networks were trained on; everything
is tested on the first visit of each test subject, and the differences are to the first run, subjects drawn once for both.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import yaml

from admoe_monai.data import load_datalist
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.baselines import head_size_fractions, held_out_baseline
from admoe_monai.evaluation.comparison import compare_predictions
from admoe_monai.transforms import encode_prior, prior_features

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}
FIGURE = "auc_CN_vs_AD"


def features(
    cohort_dir: Path, visits: list[dict[str, Any]], prior: list[dict[str, Any]]
) -> tuple[pd.DataFrame, list[str]]:
    """Truth, what needs no anatomy (mean intensity over the head, volume of the brain), and the clinical prior."""
    truth = head_size_fractions(pd.read_csv(cohort_dir / "truth.tsv", sep="\t"))
    volumes = [
        name for name in truth.columns if name.endswith("_fraction") and ("ventricle" in name or "hippo" in name)
    ]
    truth = truth.set_index("image")
    rows = []
    for visit in visits:
        name = Path(visit["image"]).resolve().relative_to(cohort_dir.resolve()).as_posix()
        scan = nib.load(visit["image"]).get_fdata(dtype=np.float32)
        row = {k: visit[k] for k in ("image", "subject_id", "session_id", "days_from_baseline", "diagnosis")}
        row |= truth.loc[name, volumes].to_dict()
        row["brain_mm3"] = truth.loc[name, "grey_matter_mm3"] + truth.loc[name, "white_matter_mm3"]
        row["mean_intensity"] = float(scan[scan > 0.1 * scan.max()].mean())
        row |= zip(prior_features(prior), encode_prior(visit["prior"], prior), strict=True)
        rows.append(row)
    return pd.DataFrame(rows), volumes


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dirs", type=Path, nargs="+", metavar="RUN_DIR")
    parser.add_argument("cohort_dir", type=Path)
    arguments = parser.parse_args()
    datalist = load_datalist(arguments.run_dirs[0] / "datalist.json")
    prior = [column for column in datalist.prior if column["role"] == "clinical"]
    training, volumes = features(arguments.cohort_dir, datalist.splits["training"], prior)
    test, _ = features(arguments.cohort_dir, datalist.splits["test"], prior)
    tables = {}
    for run_dir in arguments.run_dirs:
        found = PredictionTable.read(run_dir / "evaluation/predictions_test.csv")
        seen = (
            "image and prior"
            if yaml.safe_load((run_dir / "config.yaml").read_text())["use_clinical_prior"]
            else "image"
        )
        tables[f"{run_dir.name} ({seen})"] = PredictionTable(found.frame, CLASSES)
    regressions = {
        "prior alone": prior_features(prior),
        "true volumes over head size": volumes,
        "mean intensity and brain volume": ["mean_intensity", "brain_mm3"],
    }
    for name, columns in regressions.items():
        tables[name] = held_out_baseline(training, test, columns, CLASSES["diagnosis"])
    first = next(iter(tables))
    for name, table in tables.items():
        result = evaluate_predictions(table, CLASSES)["diagnosis"]
        auc = result["metrics"][FIGURE]
        text = f"{name:<34} AUC CN/AD {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]"
        if name != first:
            gap = compare_predictions(tables[first], table)["differences"][FIGURE]
            text += f"   {first} minus this {gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]"
        print(text)
    counts = ", ".join(f"{found['subjects']} {name}" for name, found in result["class_counts"].items())
    print(f"test subjects: {counts}; intervals: percentile bootstrap over subjects")


if __name__ == "__main__":
    main()
