"""The page of a study: summary, arms and their differences, folds and seeds, people, limits, settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import admoe_monai
from admoe_monai.evaluation.arms import SPREADS
from admoe_monai.evaluation.evaluate import chance_levels
from admoe_monai.evaluation.pages.forest import forest_figure
from admoe_monai.evaluation.pages.report_page import Section, report_page
from admoe_monai.evaluation.pages.wording import in_digits, interval_of, missing, value_of
from admoe_monai.people import people

from .wording import CANNOT_TELL, compared_cells, figure_name, right_in_words, verdict


def page_of_study(found: Mapping[str, Any]) -> str:
    """Write the page.

    Args:
        found: Result of `pool_study`.
    """
    cohort, figures = found["cohort"], found["figures"]
    kind = "simulated scans" if cohort["simulated"] else "real scans"
    arms, seeds = len(figures["arms"]), len(found["seeds"])
    heading = [
        f"{cohort['name']} ({kind}). {cohort['description']}",
        # No day: whenever it is written, the same study gives the same bytes.
        f"{arms} arms, {len(figures['folds'])} folds, {_counted(seeds, 'seed')}. "
        f"Written by admoe_monai {admoe_monai.__version__}.",
    ]
    parts = [_arms(found), _others(found), _cells(found), _people(found), _limits(found), _settings(found)]
    return report_page(f"Study {found['name']}", _summary(found), [], parts, heading)


def _summary(found: Mapping[str, Any]) -> list[str]:
    figures, task, figure = found["figures"], found["primary"]["task"], found["primary"]["figure"]
    reference, number = found["reference"], figures["n_subjects"]
    own = figures["arms"][reference]
    metric, name = own["metrics"][figure], figure_name(figure)
    right = right_in_words(own["right"], figures)
    if metric["value"] is None:
        return [
            f"{_upper(name)} of {task}, the primary figure, of '{reference}': {missing(metric['note'])}. Right: {right}."
        ]
    chance = chance_levels(figures["class_tests"]).get(figure)
    guessing = "" if chance is None else f"; guessing reaches {in_digits(chance, number)}"
    said = [
        f"{_upper(name)} of {task}, the primary figure, is {in_digits(metric['value'], number)} for '{reference}' "
        f"(95 % interval {interval_of(metric, number)}; {people(number)}, one visit each){guessing}."
    ]
    groups: dict[str, list[str]] = {"better": [], "worse": [], CANNOT_TELL: []}
    for arm, differences in figures["differences"].items():
        groups[verdict(differences[figure])].append(
            f"{arm} ({value_of(differences[figure], number, True)} {interval_of(differences[figure], number, sign=True)})"
        )
    words = {
        "better": f"Better than '{reference}' on people like these",
        "worse": f"Worse than '{reference}'",
        CANNOT_TELL: f"Cannot tell from '{reference}' with so many people",
    }
    return [*said, *(f"{words[group]}: {'; '.join(arms)}." for group, arms in groups.items() if arms)]


def _arms(found: Mapping[str, Any]) -> Section:
    figures, figure, reference = found["figures"], found["primary"]["figure"], found["reference"]
    number, name = figures["n_subjects"], figure_name(found["primary"]["figure"])
    section = Section(f"Arms: {name} of {found['primary']['task']}")
    rows = []
    for arm, own in figures["arms"].items():
        metric, difference = own["metrics"][figure], figures["differences"].get(arm, {}).get(figure)
        compared = compared_cells(difference, number)
        right = right_in_words(own["right"], figures)
        rows.append([arm, value_of(metric, number), interval_of(metric, number), *compared, right])
    heads = ["arm", name, "95 % interval", f"minus {reference}", "95 % interval", "", "right, of each seed"]
    section.table(heads, rows)
    section.text(
        "Differences are paired: the same people are drawn for both arms. Where an interval holds zero, nobody can tell."
    )
    estimates = {arm: own["metrics"][figure] for arm, own in figures["arms"].items()}
    if any(estimate["value"] is not None for estimate in estimates.values()):
        words = "; ".join(f"{arm}: {value_of(e, number)} {interval_of(e, number)}" for arm, e in estimates.items())
        section.picture(
            f"{_upper(name)}",
            forest_figure(estimates, name, chance_levels(figures["class_tests"]).get(figure)),
            f"{name}. {words}",
        )
    differences = {arm: own[figure] for arm, own in figures["differences"].items()}
    if any(estimate["value"] is not None for estimate in differences.values()):
        words = "; ".join(f"{arm}: {value_of(e, number, True)}" for arm, e in differences.items())
        picture = forest_figure(differences, f"{name}, minus {reference}", 0.0)
        section.picture(f"Minus {reference}", picture, f"Differences to {reference}. {words}")
    return section


def _others(found: Mapping[str, Any]) -> Section:
    figures, number = found["figures"], found["figures"]["n_subjects"]
    section = Section("All figures")
    names = list(next(iter(figures["arms"].values()))["metrics"])
    for title, columns in (
        ("Values", {arm: own["metrics"] for arm, own in figures["arms"].items()}),
        (f"Differences to {found['reference']}", figures["differences"]),
    ):
        if not columns:  # a reference alone
            continue
        section.heading(title)
        sign = columns is figures["differences"]
        rows = [
            [
                figure_name(name),
                *(
                    f"{value_of(c[name], number, sign)} {_in_brackets(c[name], number, sign)}".strip()
                    for c in columns.values()
                ),
            ]
            for name in names
            if any(column[name]["value"] is not None for column in columns.values())
        ]
        section.table(["", *columns], rows)
    few = {m["note"] for m in figures["arms"][found["reference"]]["metrics"].values() if m["value"] is None}
    section.items([f"Left out: {note}." for note in sorted(few)])
    return section


def _cells(found: Mapping[str, Any]) -> Section:
    figures, figure = found["figures"], found["primary"]["figure"]
    section = Section("Folds and seeds")
    rows = []
    for arm, own in figures["arms"].items():
        metric = own["metrics"][figure]
        if metric["values"] is not None:
            values = [" / ".join("\N{EN DASH}" if v is None else f"{v:.2f}" for v in fold) for fold in metric["values"]]
            rows.append([arm, *values, *(_spread(metric[key]) for key in SPREADS)])
    if rows:
        folds = [f"fold {k + 1}" for k in range(len(figures["folds"]))]
        section.table(["", *folds, "SD of folds", "SD of seeds", "SD of people"], rows)
        section.text(
            f"{_upper(figure_name(figure))} of each network; seeds {', '.join(map(str, found['seeds']))} side by side. SD of "
            "folds: of the means over seeds; people differ between folds as well. SD of seeds: within a fold, root mean square "
            "over folds. SD of people: of the mean of all cells, when test people are drawn anew; it is what intervals cover."
        )
    return section


def _people(found: Mapping[str, Any]) -> Section:
    section = Section("People")
    rows = [
        [
            f"fold {number}",
            *(f"{fold[split]['people']} ({fold[split]['labelled_people']})" for split in fold),
            tested["n_subjects"],
            ", ".join(f"{name} {count}" for name, count in tested["class_counts"].items()),
            tested["n_unpaired"],
        ]
        for number, (fold, tested) in enumerate(zip(found["flow"], found["figures"]["folds"], strict=True), start=1)
    ]
    task = found["primary"]["task"]
    heads = [
        "",
        *(f"{split} (with {task})" for split in found["flow"][0]),
        "in the figures",
        "of each class",
        "visits left out",
    ]
    section.table(heads, rows)
    section.text(
        "Left out are labelled test visits that not all arms and seeds predict. Each network was trained on its fold alone."
    )
    return section


def _limits(found: Mapping[str, Any]) -> Section:
    section, seeds = Section("Limits"), len(found["seeds"])
    compared = len(found["figures"]["differences"])
    said = [
        "Intervals hold for these networks: people are drawn anew, networks are not trained anew. What another training would "
        "change is seen in the spread of seeds alone, which no interval here includes.",
        f"{_counted(compared, 'comparison')} to the reference, not corrected for their number.",
        "Folds share most of their training people, so that they are no independent repetitions.",
    ]
    if seeds < 3:
        said.append(
            f"{_upper(_counted(seeds, 'seed'))} per fold: three or more are needed to say how much chance there is."
        )
    if found["cohort"]["simulated"]:
        said.append("The scans are simulated: nothing follows for patients.")
    section.items(said)
    return section


def _settings(found: Mapping[str, Any]) -> Section:
    section, plan = Section("Settings", folded=True), found["plan"]
    rows = [["all arms, overlays", ", ".join(plan["overlays"]) or missing("none")]]
    rows += [["all arms, settings", _shown(plan["settings"])], ["threads of each training", plan["threads"]]]
    for arm, own in plan["arms"].items():
        parts = [", ".join(own["overlays"]), _shown(own["settings"]) if own["settings"] else ""]
        parts += [
            own["model"] if own["model"] != "network" else "",
            "labels permuted" if own["labels"] == "permuted" else "",
        ]
        rows.append([arm, "; ".join(filter(None, parts)) or missing("nothing else")])
    section.table(["", "what differs from the defaults"], rows, numeric=False)
    return section


def _in_brackets(estimate: Mapping[str, Any], number: int, sign: bool) -> str:
    return interval_of(estimate, number, sign=sign) if estimate["low"] is not None else ""


def _spread(value: float | None) -> str:
    return missing("one") if value is None else f"{value:.3f}"


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str) if value else missing("none")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _upper(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}"
