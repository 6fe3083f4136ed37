"""Prior columns that give the label away, by their names or by their values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from admoe_monai.data import Datalist
from admoe_monai.data.prior import USABLE_ROLES
from admoe_monai.evaluation.baselines import decision_tree, logistic_regression

from .entries import Entry
from .finding import Finding, Severity
from .probes import FEWEST_TO_CLAIM, RESAMPLES, probe
from .tables import visit_table

__all__ = ["banned_reason", "prior_findings", "usable_columns"]

#: Names of columns that may never be an input, whatever role a mapping gave them, and why.
BANNED: Mapping[str, tuple[str, ...]] = {
    "the visit's number": (
        r"(m?r?_?)?(visit|session)(_?(no|nr|num|number|id|index|code|order))?",
        r"viscode2?|time_?point|wave",
    ),
    "the time of the visit": (
        r"(mr_?)?delay|follow_?up\w*|((scan|visit|exam|mri)_?)?date",
        r"(days|months|years|time|interval)(_?(from|since|to|until|after)_?\w+)?",
    ),
    "the number of visits": (
        r"(n|no|num|nr|number)(_?of)?_?(visits|sessions|scans|timepoints)",
        r"(visit|session|scan)s?_?count|visits|sessions",
    ),
    "the group or a label": (
        r"(research_?)?group|arm|dx\w*|diag\w*|label\w*|class(es)?(_\w+)?|target",
        r"change\w*|convert\w*|conversion|stable|progress\w*",
    ),
    "a score that defines the diagnosis": (r"mmse\w*|mms|mini_?mental\w*", r"cdr\w*|clinical_?dementia\w*"),
    "a prediction of the label": (
        r"p_(cn|nc|hc|mci|ad)|prob(s|ability|abilities)?(_\w+)?",
        r"pred(s|icted|ictions?)?(_\w+)?|softmax\w*|logits?\w*",
    ),
}

#: How far above chance the lower end of the interval may lie, 0 = chance and 1 = perfect. The best honest marker is far
#: below: with three classes 0.75 is a balanced accuracy of 0.83, with two of 0.88.
CODED, SUSPECT = 0.75, 0.5


def banned_reason(name: str) -> str | None:
    """Reason why a column of this name may not be an input, or None."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return next((reason for reason, names in BANNED.items() if any(re.fullmatch(n, plain) for n in names)), None)


def usable_columns(datalist: Datalist, tasks: Sequence[str], names: Sequence[str] | None = None) -> list[str]:
    """Names of the prior columns that can become an input.

    Args:
        datalist: Datalist that declares the columns.
        tasks: Tasks of a model; a column of the same name is a label, which no run takes for an input.
        names: Names that a run takes; None = all with a role that allows it.
    """
    usable = [column["name"] for column in datalist.prior if column["role"] in USABLE_ROLES]
    return [name for name in usable if name not in tasks and (names is None or name in names)]


def prior_findings(entries: Sequence[Entry], columns: Sequence[str], tasks: Sequence[str]) -> list[Finding]:
    """Find banned columns, and columns from which the label can be read off.

    Args:
        entries: Rows of the datalist.
        columns: Names of the prior columns to check.
        tasks: Tasks whose labels they may not tell.
    """
    banned = {name: reason for name in columns if (reason := banned_reason(name)) is not None}
    findings = [
        Finding("banned_prior", "leak", f"prior column '{name}' is {reason}: give it the role 'banned'")
        for name, reason in banned.items()
    ]
    table = visit_table(entries, tasks, columns)
    candidates = {f"prior column '{name}'": [name] for name in columns if name not in banned}
    # Class probabilities give the label away only together.
    if len(candidates) > 1:
        candidates["the prior as a whole"] = [name for names in candidates.values() for name in names]
    coded: set[str] = set()
    for what, names in candidates.items():
        if coded & set(names):
            continue
        for task in tasks:
            if finding := _label_coded(what, table, names, task):
                findings.append(finding)
                coded.update(names if finding.severity == "leak" else ())
    return findings


def _label_coded(what: str, table: pd.DataFrame, names: Sequence[str], task: str) -> Finding | None:
    columns = [f"prior {name}" for name in names]
    # A tree reads codes in any order from one column; several columns that add up are for the regression.
    model = decision_tree if len(names) == 1 else logistic_regression
    for resamples in (0, RESAMPLES):
        figure = probe(what, table, columns, task, one_visit_per_subject=False, model=model, n_boot=resamples)
        if figure.skill < SUSPECT:
            return None
    severity: Severity = "leak" if figure.skill >= CODED and figure.smallest >= FEWEST_TO_CLAIM else "warning"
    claim = "is the label in disguise" if severity == "leak" else "predicts the label suspiciously well"
    interval = "" if figure.low is None else f" [{figure.low:.2f}, {figure.high:.2f}]"
    message = (
        f"{what} {claim}: alone it predicts {task} of unseen subjects with a balanced accuracy of {figure.value:.2f}"
        f"{interval}, chance {figure.chance:.2f}, n = {figure.n_subjects}"
    )
    return Finding("label_coded_prior", severity, message)
