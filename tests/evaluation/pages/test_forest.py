"""Forest plots whose names are long stay whole."""

from __future__ import annotations

from matplotlib.backends.backend_agg import FigureCanvasAgg

from admoe_monai.evaluation.pages.forest import forest_figure


def test_no_name_is_cut_off_and_the_estimates_have_room() -> None:
    estimate = {"value": 0.5, "low": 0.4, "high": 0.6}
    rows = {"full": estimate, "clinical values, regression with the columns that come from images": estimate}
    figure = forest_figure(rows, "balanced accuracy, minus labels of the training people permuted", 0.0)
    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    figure.draw_without_rendering()
    axis, whole = figure.axes[0], figure.bbox
    for text in (axis.xaxis.label, *axis.get_yticklabels()):
        box = text.get_window_extent(canvas.get_renderer())
        assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text.get_text()
        assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text.get_text()
    assert axis.get_window_extent().width > whole.width / 3
