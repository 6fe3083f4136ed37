"""Names that matplotlib would take for a formula, or for one of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from admoe_monai.evaluation.decision_curve import decision_curves, decision_figure
from admoe_monai.evaluation.figures import figure_to_rgb
from admoe_monai.evaluation.pages.canvas import figure_to_svg
from admoe_monai.evaluation.pages.curves import bars_figure
from admoe_monai.evaluation.pages.forest import forest_figure
from admoe_monai.evaluation.pages.stress_picture import stress_figure, stress_png
from admoe_monai.evaluation.roc import roc_curves, roc_figure
from admoe_monai.evaluation.run_pictures import confusion_figure, curves_figure, figure_to_png

FORMULA, HIDDEN = "a $x^$ b", "_cn"
ESTIMATE: dict[str, Any] = {"value": 0.7, "low": 0.6, "high": 0.8, "note": None}
POINTS = {name: [(0.0, ESTIMATE), (2.0, ESTIMATE)] for name in (FORMULA, HIDDEN)}


def rows() -> list[dict[str, str]]:
    scores = {f"val_{name}_balanced_accuracy": "0.5" for name in (FORMULA, HIDDEN)}
    common = {"phase": "finetune", "train_loss": "1.0", "val_loss": "1.0", **scores}
    return [{"epoch": str(epoch), **common} for epoch in range(2)]


def figures() -> dict[str, Figure]:
    probabilities, truth = np.random.default_rng(0).dirichlet(np.ones(2), 30), np.arange(30) % 2
    names = [FORMULA, HIDDEN]
    return {
        "roc": roc_figure(roc_curves(probabilities, truth, names)),
        "decision": decision_figure(decision_curves(probabilities, truth, names)),
        "bars": bars_figure(names, {name: [0.5, 0.5] for name in names}, "mean weight"),
        "stress": stress_figure("mm", POINTS),
        "forest": forest_figure(dict.fromkeys(names, ESTIMATE), "balanced accuracy"),
    }


@pytest.mark.parametrize("kind", ["roc", "decision", "bars", "stress", "forest"])
def test_a_page_shows_every_name_as_it_is(kind: str) -> None:
    picture = figure_to_svg(figures()[kind], "a picture")
    assert FORMULA in picture
    assert HIDDEN in picture


def test_what_has_no_name_is_not_in_the_legend() -> None:
    legend = figures()["stress"].legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [FORMULA, HIDDEN]
    assert figures()["forest"].legends == []


def test_pictures_of_points_hold_every_name() -> None:
    confused = confusion_figure({FORMULA: ([FORMULA, HIDDEN], [[1, 2], [3, 4]])})
    assert figure_to_rgb(confused).ndim == 3
    curves = curves_figure(rows())
    assert figure_to_png(curves).startswith(b"\x89PNG")
    shown = curves.axes[-1].get_legend()
    assert shown is not None
    assert [text.get_text() for text in shown.get_texts()][:2] == [FORMULA, HIDDEN]
    assert stress_png({FORMULA: ("mm", POINTS)}).startswith(b"\x89PNG")
