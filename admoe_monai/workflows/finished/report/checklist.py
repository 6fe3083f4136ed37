"""What a manuscript has to state, filled in from the run as far as the run knows: the items of CLAIM and of TRIPOD+AI.

Mongan, J. et al., "Checklist for Artificial Intelligence in Medical Imaging (CLAIM)", Radiol. Artif. Intell. 2 (2020),
doi 10.1148/ryai.2020200029, by their numbers and in words of ours; see also its update of 2024 (doi 10.1148/ryai.240300).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from admoe_monai.data import Datalist, definition_in_words
from admoe_monai.evaluation.pages.report_page import Section
from admoe_monai.people import people
from admoe_monai.run_files import CONFIG
from admoe_monai.workflows.run.pretrained import origin_lines

from ..prediction import TrainedRun
from .cohort_flow import left_out
from .division import division_in_words, held_out
from .maps import maps_in_words
from .robustness import tried
from .summary import BALANCED, right_by_class
from .tripod import tripod_rows

FOR_THE_AUTHOR = "for the author"
#: Number and subject of each item.
ITEMS = {
    1: "kind of AI that is named in the title", 2: "structured abstract", 3: "background and intended use",
    4: "aims and hypotheses", 5: "prospective or retrospective", 6: "goal of the study", 7: "sources of data",
    8: "who was eligible", 9: "preprocessing", 10: "choice of subsets", 11: "definitions of the data",
    12: "removal of identities", 13: "missing data", 14: "reference standard", 15: "why this standard",
    16: "where its labels are from", 17: "tools of annotation", 18: "agreement of raters", 19: "intended sample size",
    20: "assignment to splits", 21: "level at which splits are apart", 22: "model", 23: "software",
    24: "initial weights", 25: "training", 26: "choice of the final model", 27: "ensembles", 28: "metrics",
    29: "uncertainty", 30: "robustness", 31: "explanation", 32: "external data", 33: "flow of participants",
    34: "people of each split", 35: "performance on the splits", 36: "precision of the estimates",
    37: "analysis of failures", 38: "limits", 39: "what follows for practice", 40: "registration",
    41: "full protocol", 42: "funding",
}  # fmt: skip


def checklist(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any]) -> Section:
    """Make the tables of items, folded.

    Args:
        run: Finished run.
        cohort: Cohort of the run.
        numbers: Numbers of the report.
    """
    known = {
        **_of_the_cohort(run, cohort, numbers),
        **_of_the_model(run, cohort),
        **_of_the_results(run, cohort, numbers),
    }
    section = Section("Checklists for a manuscript (CLAIM, TRIPOD+AI)", folded=True)
    section.text("What is filled says what the run has recorded, not that it suffices. The words are ours.")
    claim = [[number, subject, known.get(number, FOR_THE_AUTHOR)] for number, subject in ITEMS.items()]
    tripod = tripod_rows(known, run.settings, numbers, FOR_THE_AUTHOR)
    for source, rows in (("CLAIM 2020", claim), ("TRIPOD+AI 2024", tripod)):
        filled = sum(said != FOR_THE_AUTHOR for _, _, said in rows)
        section.heading(f"{source}: {filled} of {len(rows)} items are filled from the run")
        section.table(["item", "about", "what the run says"], rows, numeric=False)
    return section


def _of_the_cohort(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any]) -> dict[int, str]:
    simulated = "SIMULATED scans, no real person" if cohort.simulated else "scans of people"
    rules = "; ".join(f"{task}: {definition_in_words(cohort.label_definition, task)}" for task in cohort.classes)
    sources = Counter(str(visit.get("label_source") or "not recorded") for v in cohort.splits.values() for visit in v)
    how = division_in_words(cohort)
    # The datalist also has columns that no network may see; the checkpoint names those that this one does.
    clinical = [column["name"] for column in run.checkpoint["prior"]]
    chosen = "; ".join(f"{task}: {', '.join(labels)}" for task, labels in cohort.left_out.items() if labels)
    return {
        7: f"{cohort.name}: {cohort.description} ({simulated})",
        8: " ".join(left_out(cohort)),
        10: f"labels left out: {chosen}" if chosen else "no labels were left out; all visits of the datalist are used",
        11: f"classes {_classes(cohort)}; clinical columns {', '.join(clinical) or 'none'}; units as in the datalist",
        13: f"unknown labels have no part in the loss of their task; {_missing_values(cohort, clinical)}",
        14: rules,
        16: ", ".join(f"{name} ({count} visits)" for name, count in sources.items()),
        20: "; ".join(
            f"{name}: {people(count['subjects'])}, {count['visits']} visits"
            for name, count in numbers["visits"].items()
        )
        + (f" ({how})" if how else ""),
        21: "people: all visits of a person are in one split, which the audit before training holds"
        + ("; TRAINED IN SPITE OF A LEAK" if numbers["leakage"] else ""),
    }


def _of_the_model(run: TrainedRun, cohort: Datalist) -> dict[int, str]:
    chosen, checkpoint, apart = run.settings, run.checkpoint, held_out(cohort)
    parameters = sum(parameter.numel() for parameter in run.network.parameters())
    encoder = type(run.network.encoder).__name__ if hasattr(run.network, "encoder") else type(run.network).__name__
    size = chosen["img_size"]
    voxels = f"{size} voxels" + (f" of {chosen['spacing_mm']} mm" if chosen["spatial_dims"] == 3 else "")
    versions = {
        k: v for k, v in checkpoint["environment"].items() if v and k in ("torch", "monai", "numpy", "admoe_monai")
    }
    origin = checkpoint.get("origin")
    recipe = ("base_lr", "weight_decay", "batch_size", "augmentation", "label_smoothing", "max_epochs", "seed")
    return {
        1: f"deep learning: {encoder}, {len(chosen['classes'])} tasks",
        6: f"a model of {' and '.join(chosen['classes'])}, made "
        + (f"on one cohort and tested on {apart}, held out of it" if apart else "and tested on one cohort"),
        9: f"orientation, voxels and field of view ({voxels}), intensities over the foreground: `preprocessing` of the "
        "configs, whose digest every checkpoint holds",
        22: f"{encoder} with {parameters:,} parameters; all layers in the component table of training.log and in {CONFIG}",
        23: ", ".join(f"{name} {version}" for name, version in versions.items()),
        24: "; ".join(map(str.strip, origin_lines(origin)))
        if origin
        else f"random, seed {chosen['seed']}"
        + (f"; {chosen['pretrain_epochs']} epochs of SimMIM before" if chosen["pretrain_epochs"] else ""),
        25: "all settings below, optimizer and schedule in the configs; "
        + ", ".join(f"{name} {chosen[name]}" for name in recipe),
        26: f"highest {chosen['selection_metric']} in validation: epoch {checkpoint['epoch']}; the test split chooses nothing",
        27: "none: one network",
        41: f"{CONFIG} of the run holds every setting; digests of datalist, code and configs are in each checkpoint",
    }


def _of_the_results(run: TrainedRun, cohort: Datalist, numbers: Mapping[str, Any]) -> dict[int, str]:
    test, apart = numbers["test"], held_out(cohort)
    measured = {task: figures for task, figures in test.items() if figures["n_subjects"]}
    confused = "; ".join(f"{task}: right {right_by_class(figures)}" for task, figures in measured.items())
    groups = ", ".join(numbers["groups"])
    found = {
        28: "balanced accuracy, one-vs-rest and pairwise AUC, sensitivity and specificity, F1, Matthews correlation, Brier",
        29: "95 % intervals over people drawn anew (shares: Wilson), paired for comparisons; none for fewer than ten people"
        + ("; of single predictions: section Prediction sets" if numbers["prediction_sets"] else ""),
        32: f"the test people are those of {apart}, held out of the same datalist: nobody of training or "
        "validation is known to have a visit of it"
        if apart
        else "none: the test people are of the same cohort",
        33: "section Data: who was left out, who is in each split",
        34: "section Data: age, sex, visits and follow-up by split",
        37: f"section Findings, confusion: {confused}; the surest mistakes in section Controls" if confused else "",
        35: "; ".join(_figure(task, figures) for task, figures in measured.items()),
        36: "section Findings: each figure with its interval, or why it has none",
        38: "section Limits",
    }
    if groups or numbers["stress"]:
        found[30] = "; ".join(
            filter(None, [f"figures by {groups} (section Controls)" if groups else "", tried(numbers)])
        )
    maps = maps_in_words(run.folder, run.checkpoint["epoch"])
    if numbers["gate_weights"]:
        experts = "weights of the experts by class, and what removing one costs"
        found[31] = f"{experts}; {maps or 'the run has no saliency maps of this model'}"
    elif maps:
        found[31] = maps
    return {number: said for number, said in found.items() if said}


def _figure(task: str, figures: Mapping[str, Any]) -> str:
    metric = figures["metrics"][BALANCED]
    value = "undefined" if metric["value"] is None else f"{metric['value']:.2f}"
    return f"test, {task}: balanced accuracy {value} of {people(figures['n_subjects'])}; validation in curves"


def _classes(cohort: Datalist) -> str:
    return "; ".join(f"{task}: {', '.join(names)}" for task, names in cohort.classes.items())


def _missing_values(cohort: Datalist, columns: list[str]) -> str:
    if not columns:
        return "the network sees no clinical values"
    return "; ".join(_missing_of(cohort, columns)) or "no clinical value is missing"


def _missing_of(cohort: Datalist, columns: list[str]) -> Iterator[str]:
    visits = [visit for split in cohort.splits.values() for visit in split]
    for column in columns:
        absent = sum((visit.get("prior") or {}).get(column) is None for visit in visits)
        if absent:
            yield f"{column} is missing in {absent} of {len(visits)} visits, where what was learned stands in"
