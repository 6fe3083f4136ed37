from __future__ import annotations

import json
from pathlib import Path

from admoe_monai.audit import AuditReport, Finding, format_report, full_audit
from admoe_monai.audit.finding import examples
from admoe_monai.audit.probes import Probe
from admoe_monai.data import load_datalist
from made_up_cohort import TASKS

COHORT = {"name": "c", "datalist": None, "simulated": True, "splits": {"training": {"subjects": 2, "visits": 5}}}


def test_a_report_names_leaks_figures_and_the_verdict() -> None:
    leak = Finding("banned_prior", "leak", "prior column 'visit' is banned", ("training[0]",))
    figure = Probe("prior alone", "diagnosis", ("CN", "AD"), "all", 40, 20, 0.61, 0.48, 0.72, 0.5)
    text = format_report(AuditReport(COHORT, ("priors",), (leak,), (figure,)))
    assert "c (SIMULATED): subjects (visits) training 2 (5)" in text
    assert "0.610 [0.480, 0.720]" in text
    assert text.endswith("LEAK: do not train on this datalist (1 leak, 0 warnings, 0 notes)")


def test_a_report_without_figures_has_no_empty_table() -> None:
    text = format_report(AuditReport(COHORT, ("labels",), (), (Probe("prior alone", "diagnosis", note="too few"),)))
    assert text.splitlines()[-1] == "no leak found (0 leaks, 0 warnings, 0 notes)"
    assert "balanced accuracy" not in text


def test_a_whole_report_is_json(clean: Path) -> None:
    report = full_audit(load_datalist(clean), images=False, tasks=TASKS)
    content = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert content["counts"]["leak"] == 0
    assert {probe["task"] for probe in content["probes"]} == {"diagnosis", "change"}
    assert content["cohort"]["splits"]["test"]["visits"] > 0
    assert "near duplicates" not in content["checks"]


def test_examples_are_three_and_a_count() -> None:
    assert examples(["a", "b"]) == "a; b"
    assert examples(list("abcde")) == "a; b; c and 2 more"
