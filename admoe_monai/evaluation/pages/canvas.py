"""Small pictures for pages: one panel each, to be set side by side, in colours that the page gives."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

#: Stand-ins, which :func:`figure_to_svg` replaces by the page's colours of the same purpose, in light and in dark.
INK, QUIET = "#010203", "#010204"
DATA_COLOURS = tuple(f"#01030{number}" for number in range(6))
PAGE_COLOURS = {INK: "var(--ink)", QUIET: "var(--quiet)"} | {
    colour: f"var(--data-{number})" for number, colour in enumerate(DATA_COLOURS)
}
PANEL_INCHES = (4.0, 3.0)
#: Labels that matplotlib gives by itself.
_UNNAMED = re.compile(r"|_nolegend_|_(child|container)\d+")


def panel(width: float = PANEL_INCHES[0], height: float = PANEL_INCHES[1]) -> tuple[Figure, Axes]:
    """Make a picture of one panel.

    Args:
        width: Width in inches; at 4 its letters are as large as the page's on a telephone.
        height: Height in inches.
    """
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(INK)
    axis.tick_params(labelsize=9, color=INK, labelcolor=INK)
    return figure, axis


def label(figure: Figure, axis: Axes, across: str, upward: str, columns: int = 1) -> None:
    """Name the axes, and what is drawn below them.

    Args:
        figure: Figure of the panel.
        axis: Axes of the panel.
        across: Name of the horizontal axis.
        upward: Name of the vertical axis.
        columns: Number of columns of the legend.
    """
    axis.set_xlabel(across, fontsize=9, color=INK)
    axis.set_ylabel(upward, fontsize=9, color=INK)
    legend(figure, axis, loc="outside lower center", fontsize=9, frameon=False, ncols=columns, labelcolor=INK)


def legend(owner: Figure | Axes, axis: Axes, **look: Any) -> None:
    """Add a legend of what is drawn on axes, unless nothing there has a name.

    Matplotlib leaves out names with an underscore before them, which a class may have.

    Args:
        owner: Figure or axes that the legend is added to.
        axis: Axes whose lines and bars it names.
        look: Arguments of matplotlib.
    """
    drawn: list[Any] = [*axis.lines, *axis.containers]
    named = [(artist, name) for artist in drawn if not _UNNAMED.fullmatch(name := str(artist.get_label()))]
    if named:
        made = owner.legend([artist for artist, _ in named], ["-"] * len(named), **look)
        for text, (_, name) in zip(made.get_texts(), named, strict=True):
            text.set_text(name)


@contextmanager
def plain_text(figure: Figure) -> Iterator[None]:
    """Draw names as they are written: two dollars in one make no formula.

    Args:
        figure: Figure that is rendered within.
    """
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
    # Ticks may be made while it is rendered.
    with rc_context({"text.parse_math": False}):
        yield


def figure_to_svg(figure: Figure, alt: str) -> Markup:
    """Render a figure as an element of a page, without anything of its own that another picture could have too.

    Args:
        figure: Figure of colours of this module.
        alt: Description for those who don't see it.
    """
    content = io.StringIO()
    # Text remains text; a salt of its own makes the names of two pictures differ.
    with plain_text(figure), rc_context({"svg.fonttype": "none", "svg.hashsalt": alt}):
        figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    whole = content.getvalue()
    box = re.search(r'viewBox="[^"]*"', whole)
    assert box is not None, "matplotlib always writes a viewBox"
    # Before the end of the first definitions stand its licence and a style for everything on the page.
    inside = whole[whole.index("</defs>") + len("</defs>") : whole.rindex("</svg>")]
    inside = re.sub(r'<g id="[^"]*"', "<g", inside)
    for colour, name in PAGE_COLOURS.items():
        inside = inside.replace(colour, name)
    opening = f'<svg role="img" aria-label="{escape(alt)}" {box[0]}>'
    return Markup(f"{opening}{inside}</svg>")
