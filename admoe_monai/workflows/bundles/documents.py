"""Documents of a bundle: metadata.json and docs/README.md, from templates and the run."""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any

import admoe_monai
from admoe_monai.data import definition_in_words
from admoe_monai.evaluation.pages.text import format_interval, format_number
from admoe_monai.run_files import BEST_MODEL, DATALIST, EVALUATION
from admoe_monai.transforms import FLAG_MEANINGS, LOWEST_CORRELATION, TEMPLATE_NAME, prior_features
from admoe_monai.transforms.screen_scan import REFUSED
from admoe_monai.workflows.finished.evaluation import CLASSIFICATION, figures_file
from admoe_monai.workflows.finished.prediction import TrainedRun
from admoe_monai.workflows.preprocessing.chains import TO_TEMPLATE
from admoe_monai.workflows.run.pretrained import origin_lines
from admoe_monai.workflows.settings.resources import resource

from .card import front_matter
from .formats import FORMATS
from .prediction_sets import sets_in_metadata, sets_in_readme
from .versions import REQUIRED, VERSIONS, public_version


def metadata(
    run: TrainedRun, temperatures: Mapping[str, float] | None, sets: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """Build the contents of metadata.json, after the field list of MONAI's bundle specification.

    Args:
        run: Finished run.
        temperatures: Temperatures of its calibration, per task; None where it has none.
        sets: Thresholds of its prediction sets, per task; None where it has none.
    """
    settings, tasks = run.settings, run.settings["classes"]
    template = Template(resource("bundle/configs/metadata.json").read_text(encoding="utf-8"))
    about: dict[str, Any] = json.loads(template.substitute(tasks=_listed(tasks)))
    datalist, evaluated = _datalist(run), _evaluated(run)
    for field, package in VERSIONS.items():
        about[field] = public_version(package)
    about["required_packages_version"] = {package: public_version(package) for package in REQUIRED}
    about["data_source"] = _data_source(datalist)
    names = [f"{task} {name}" for task in tasks for name in tasks[task]]
    about["label_classes"] = "; ".join(f"{task}: {', '.join(tasks[task])}" for task in tasks)
    inputs, outputs = about["network_data_format"]["inputs"], about["network_data_format"]["outputs"]
    size = settings["img_size"]
    inputs["image"]["spatial_shape"] = list(size) if isinstance(size, list) else [size] * settings["spatial_dims"]
    inputs["image"]["num_channels"] = settings["in_channels"]
    channel = inputs["image"]["channel_def"]["0"]
    inputs["image"]["channel_def"] = {str(i): channel for i in range(settings["in_channels"])}
    outputs["pred"]["num_channels"] = len(names)
    outputs["pred"]["channel_def"] = {str(i): name for i, name in enumerate(names)}
    features = prior_features(run.checkpoint["prior"])
    if features:
        inputs["prior"] = {
            "type": "tabular", "format": "clinical", "num_channels": len(features), "spatial_shape": [],
            "dtype": "float32", "value_range": [], "is_patch_data": False, "optional": True,
            "channel_def": {str(i): name for i, name in enumerate(features)},
        }  # fmt: skip
    about["training_data"] = {split: _counts(datalist[split], tasks) for split in ("training", "validation", "test")}
    about["eval_metrics"] = {
        "validation_mean_balanced_accuracy": run.checkpoint["best_val_acc"],
        "test": _test_figures(evaluated["figures"]) if evaluated else None,
    }
    about["prediction_sets"] = sets_in_metadata(sets, evaluated.get("prediction_sets", {}))
    about["calibration"] = None if temperatures is None else {"method": "temperature per task", **temperatures}
    return about


def readme(
    run: TrainedRun,
    about: Mapping[str, Any],
    differences: Mapping[str, float],
    reference: Mapping[str, Any] | None,
    screening: bool,
) -> str:
    """Build the contents of docs/README.md: a model card after the template of MONAI's model zoo.

    Args:
        run: Finished run.
        about: Contents of metadata.json.
        differences: Largest difference of a logit from the trained network's, per format.
        reference: Measures of scans of training, if there are any.
        screening: Whether the bundle refuses what can't be a T1w brain scan.
    """
    settings, datalist = run.settings, _datalist(run)
    image, pred = about["network_data_format"]["inputs"]["image"], about["network_data_format"]["outputs"]["pred"]
    shape = image["spatial_shape"]
    files = {"pytorch": "model.pt", **{name: row[0] for name, row in FORMATS.items()}}
    channels = "one channel" if image["num_channels"] == 1 else f"{image['num_channels']} equal channels"
    spacing = f" of {settings['spacing_mm']:g} mm" if settings["spatial_dims"] == 3 else ""
    columns = [column["name"] for column in run.checkpoint["prior"]]
    tasks, definitions = settings["classes"], datalist["label_definition"]
    template = Template(resource("bundle/docs/README.md").read_text(encoding="utf-8"))
    return front_matter(about, run.checkpoint.get("origin") is not None) + template.substitute(
        {name: about[name] for name in ("name", "description", "intended_use", "authors", "data_source")},
        tasks="; ".join(f"`{task}` tells {_listed(names)}" for task, names in tasks.items()),
        channels=", ".join(pred["channel_def"].values()),
        input_shape=f"{channels} of {' x '.join(map(str, shape))} voxels{spacing}",
        prior_sentence=f"{', '.join(columns)}; each may be missing (`configs/prior.json`)."
        if columns
        else "none; this network sees the image alone.",
        prior_names=", ".join(f"`{name}`" for name in columns) or "of none here: this network takes no clinical values",
        parameters=f"{sum(parameter.numel() for parameter in run.network.parameters()):,}",
        origin=_origin(run),
        figures=_figure_table(about["eval_metrics"]["test"]),
        calibration="\n\n".join([_calibration(about["calibration"]), *sets_in_readme(about["prediction_sets"])]),
        set_columns="".join(f"`{task}_set`, " for task in (about["prediction_sets"] or {}).get("tasks", {})),
        formats="\n".join(f"| {files[name]} | {value:.1e} |" for name, value in differences.items()),
        counts=_count_table(about["training_data"], tasks),
        labels="\n".join(f"- {task}: {definition_in_words(definitions, task)}." for task in tasks),
        best_val_acc=f"{run.checkpoint['best_val_acc']:.3f}",
        epoch=run.checkpoint["epoch"],
        python=platform.python_version(),
        torch=about["pytorch_version"],
        monai=about["monai_version"],
        version=admoe_monai.__version__,
        trace_channels=", ".join(map(str, [image["num_channels"], *shape])),
        references="\n".join(f"- {reference}" for reference in about["references"]),
        **_screening(run, datalist, reference, screening),
    )


def _origin(run: TrainedRun) -> str:
    """Say where the weights began, if with a file: its licence holds for what became of it."""
    origin = run.checkpoint.get("origin")
    return "" if origin is None else f"Where they began: {'; '.join(map(str.strip, origin_lines(origin)))}."


def _screening(
    run: TrainedRun, datalist: Mapping[str, Any], reference: Mapping[str, Any] | None, screening: bool
) -> dict[str, str]:
    """Write what is said of scans that the network should not see."""
    scans = (
        "scans of training (none were measured here)" if reference is None else f"{reference['scans']} training scans"
    )
    if run.settings["spatial_dims"] == 2:
        return {
            "registration": "", "volume_settings": "", "reference": scans, "registration_flags": "",
            "screening": "A slice of something else than a brain on T1w MRI gets a prediction all the same.",
        }  # fmt: skip
    chains = datalist.get("preprocessing", {}).get("chains", {})
    flags = "".join(f"\n`{name}`: {meaning}" for name, meaning in FLAG_MEANINGS.items() if name not in REFUSED)
    off = "" if screening else " It is off in this bundle, whose training scans were mostly no such scans themselves."
    return {
        "registration": f"The bias field is corrected (N4), and the scan brought onto {TEMPLATE_NAME} by an affine."
        if TO_TEMPLATE in chains
        else f"Scans must have been registered to {TEMPLATE_NAME} as those of training were."
        if chains
        else "",
        "volume_settings": ", `--overlays True` (pictures under the template's outlines), `--screening False`",
        "reference": scans,
        "registration_flags": flags,
        "screening": "A scan that does not look like a T1w brain where the MNI152 template fits it best (correlation below "
        f"{LOWEST_CORRELATION:g}), or whose header states a wrong orientation, goes to `errors.csv`; `docs/preprocessing.md` "
        "of the package's repository tells how often this is right. A mirrored scan can't be noticed. "
        f"`--screening False` turns this off.{off}",
    }


def _evaluated(run: TrainedRun) -> dict[str, Any]:
    """Read what `admoe evaluate` found for this very model on the run's own test split; nothing if it was not run."""
    path = run.folder / EVALUATION / figures_file(CLASSIFICATION, "test")
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    of_this_model = content["checkpoint"] == BEST_MODEL and content["epoch"] == run.checkpoint["epoch"]
    return content if of_this_model else {}


def _test_figures(evaluated: Mapping[str, Any]) -> dict[str, Any]:
    return {
        task: {
            **{name: figures[name] for name in ("visits_used", "n_subjects", "n_visits", "class_counts", "interval")},
            "metrics": {
                name: {key: metric.get(key) for key in ("value", "low", "high", "chance")}
                for name, metric in figures["metrics"].items()
                if metric["value"] is not None
            },
        }
        for task, figures in evaluated.items()
    }


def _figure_table(test: Mapping[str, Any] | None) -> str:
    if test is None:
        return "The run was not evaluated on its test split before this bundle was made (`admoe evaluate RUN_DIR`)."
    lines = [
        "| task | subjects | figure | value | 95 % interval | chance |",
        "| --- | ---: | --- | ---: | --- | ---: |",
    ]
    for task, figures in test.items():
        for name, metric in figures["metrics"].items():
            chance = "" if metric["chance"] is None else format_number(metric["chance"])
            lines.append(
                f"| {task} | {figures['n_subjects']} | {name.replace('_', ' ')} | {format_number(metric['value'])} | "
                f"{format_interval(metric['low'], metric['high'])} | {chance} |"
            )
    return "\n".join(lines)


def _datalist(run: TrainedRun) -> dict[str, Any]:
    # Not load_datalist: an export needs no images, and nothing of a single person leaves this file.
    content: dict[str, Any] = json.loads((run.folder / DATALIST).read_text(encoding="utf-8"))
    return content


def _calibration(calibration: Mapping[str, Any] | None) -> str:
    if calibration is None:
        return "The probabilities are not calibrated."
    values = ", ".join(f"{task} {value:.2f}" for task, value in calibration.items() if task != "method")
    return f"The probabilities are calibrated by one temperature per task, fitted on the validation split: {values}."


def _data_source(datalist: Mapping[str, Any]) -> str:
    kind = "SIMULATED scans, not of real people: " if datalist["simulated"] else ""
    return f"{kind}{datalist['name']}. {datalist['description']}".strip()


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _counts(visits: list[dict[str, Any]], tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "subjects": len({visit["subject_id"] for visit in visits}),
        "visits": len(visits),
        **{task: dict(sorted(Counter(visit[task] or "unknown" for visit in visits).items())) for task in tasks},
    }


def _count_table(counts: Mapping[str, Mapping[str, Any]], tasks: Mapping[str, Any]) -> str:
    lines = [f"| split | subjects | visits | {' | '.join(tasks)} |", f"| --- | ---: | ---: |{' --- |' * len(tasks)}"]
    for split, count in counts.items():
        classes = [", ".join(f"{name} {n}" for name, n in count[task].items()) for task in tasks]
        lines.append(f"| {split} | {count['subjects']} | {count['visits']} | {' | '.join(classes)} |")
    return "\n".join(lines)
