"""Two arms of several seeds each on one datalist: figures averaged over seeds, and their paired difference.

    python scripts/studies/seeds.py RUN [RUN...] --against RUN [RUN...] [--task diagnosis]

Each RUN holds a finished run that `admoe evaluate` has been run on. Subjects are drawn once for all runs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from admoe_monai.evaluation import PredictionTable
from admoe_monai.evaluation.arms import evaluate_arms
from admoe_monai.evaluation.pages.text import format_interval, format_number


def predictions(run: Path, task: str) -> PredictionTable:
    """Read the predictions of a run for its test split."""
    classes = yaml.safe_load((run / "config.yaml").read_text())["classes"]
    frame = PredictionTable.read(run / "evaluation/predictions_test.csv", classes).frame
    return PredictionTable(frame, {task: classes[task]})


def main() -> None:
    """Evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--against", type=Path, nargs="+", metavar="RUN", required=True)
    parser.add_argument("--task", default="diagnosis")
    given = parser.parse_args()
    arms = {"first": given.runs, "against": given.against}
    tables = {name: [[predictions(run, given.task) for run in runs]] for name, runs in arms.items()}
    found = evaluate_arms(tables, given.task, "against")
    print(f"{found['n_subjects']} test people ({', '.join(f'{k} {n}' for k, n in found['class_counts'].items())})")
    for figure in found["arms"]["first"]["metrics"]:
        for name in arms:
            metric = found["arms"][name]["metrics"][figure]
            values = ", ".join(format_number(value) for value in metric["values"][0])
            interval = format_interval(metric["low"], metric["high"])
            print(f"{figure:22} {name:8} {values}   mean {format_number(metric['value'])} {interval}")
        difference = found["differences"]["first"][figure]
        interval = format_interval(difference["low"], difference["high"])
        print(f"{figure:22} {'minus':8} {format_number(difference['value'])} {interval}")


if __name__ == "__main__":
    main()
