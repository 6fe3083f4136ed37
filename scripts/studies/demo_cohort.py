"""CN against AD on the simulated cohort: a trained network beside what the true volumes give.

    python scripts/studies/demo_cohort.py RUN_DIR COHORT_DIR

RUN_DIR holds a finished run without clinical prior that `admoe evaluate` has been run on; COHORT_DIR is the simulated cohort
with its truth.tsv. The regressions are trained on the visits that the network was trained on; everything is tested on the
first visit of each test subject.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from admoe_monai.data import load_datalist
from admoe_monai.evaluation import PredictionTable, evaluate_predictions
from admoe_monai.evaluation.baselines import head_size_fractions, held_out_baseline
from admoe_monai.evaluation.comparison import compare_predictions

CLASSES = {"diagnosis": ["CN", "MCI", "AD"]}
FIGURE = "auc_CN_vs_AD"


def features(cohort_dir: Path, visits: list[dict]) -> tuple[pd.DataFrame, list[str]]:
    """Truth, and what needs no anatomy: mean intensity over the head and the volume of the brain."""
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
        rows.append(row)
    return pd.DataFrame(rows), volumes


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("cohort_dir", type=Path)
    arguments = parser.parse_args()
    datalist = load_datalist(arguments.run_dir / "datalist.json")
    training, volumes = features(arguments.cohort_dir, datalist.splits["training"])
    test, _ = features(arguments.cohort_dir, datalist.splits["test"])
    network = PredictionTable.read(arguments.run_dir / "evaluation/predictions_test.csv")
    tables = {
        "network (image alone)": PredictionTable(network.frame, CLASSES),
        "true volumes over head size": held_out_baseline(training, test, volumes, CLASSES["diagnosis"]),
        "mean intensity and brain volume": held_out_baseline(
            training, test, ["mean_intensity", "brain_mm3"], CLASSES["diagnosis"]
        ),
    }
    for name, table in tables.items():
        result = evaluate_predictions(table, CLASSES)["diagnosis"]
        auc = result["metrics"][FIGURE]
        counts = {k: v["subjects"] for k, v in result["class_counts"].items()}
        print(f"{name:<34} AUC CN/AD {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]  test subjects {counts}")
    first, second, third = tables.values()
    for name, other in (("true volumes", second), ("mean intensity and brain volume", third)):
        gap = compare_predictions(first, other)["differences"][FIGURE]
        print(f"network minus {name}: {gap['value']:+.3f} [{gap['low']:+.3f}, {gap['high']:+.3f}]")


if __name__ == "__main__":
    main()
