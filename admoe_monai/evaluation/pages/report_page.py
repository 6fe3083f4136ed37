"""A page of sentences, tables and pictures in one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure

from admoe_monai.evaluation.pages.canvas import figure_to_svg
from admoe_monai.evaluation.pages.page import render_page
from admoe_monai.evaluation.pages.wording import DASH

_TEMPLATE = Path(__file__).with_name("report.html")


@dataclass
class Section:
    """Part of the page: a title, and text, tables and pictures in order.

    Attributes:
        title: Title of the section.
        folded: Whether only the title is shown until somebody asks for more.
        blocks: Contents, as the methods add them.
    """

    title: str
    folded: bool = False
    blocks: list[dict[str, Any]] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.blocks.append({"kind": "text", "text": text})

    def heading(self, text: str) -> None:
        """Add a heading within the section."""
        self.blocks.append({"kind": "heading", "text": text})

    def items(self, texts: Sequence[str]) -> None:
        """Add a list of sentences."""
        self.blocks.append({"kind": "items", "texts": list(texts)})

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]], numeric: bool = True) -> None:
        """Add a table.

        Args:
            columns: Heads of the columns.
            rows: Cells of each row.
            numeric: Whether all columns but the first hold numbers.
        """
        cells = [[str(cell) for cell in row] for row in rows]
        self.blocks.append({"kind": "table", "columns": list(columns), "rows": cells, "numeric": numeric})

    def confusion(self, names: Sequence[str], counts: Sequence[Sequence[int]]) -> None:
        """Add a confusion matrix, shaded by the share of each row.

        Args:
            names: Names of the classes.
            counts: Number of visits per class (rows: what is true) and class that the network calls.
        """
        rows = [[{"count": n, "share": round(100 * n / max(sum(row), 1))} for n in row] for row in counts]
        self.blocks.append({"kind": "confusion", "names": list(names), "rows": rows})

    def picture(self, caption: str, figure: Figure | bytes, alt: str = "") -> None:
        """Add a picture, beside the one before it where there is room.

        Args:
            caption: Title of the picture.
            figure: Figure of one panel, or the bytes of a PNG, which gets more room.
            alt: Description for those who don't see it; the caption by default.
        """
        if isinstance(figure, bytes):
            data = base64.b64encode(figure).decode()
            element = Markup('<img alt="{}" src="data:image/png;base64,{}">').format(alt or caption, data)
        else:
            element = figure_to_svg(figure, alt or caption)
        if not self.blocks or self.blocks[-1]["kind"] != "pictures":
            self.blocks.append({"kind": "pictures", "pictures": []})
        shown = {"caption": caption, "element": element, "wide": isinstance(figure, bytes)}
        self.blocks[-1]["pictures"].append(shown)


def report_page(
    title: str,
    summary: Sequence[str],
    banners: Sequence[str],
    sections: Sequence[Section],
    heading: Sequence[str] = (),
) -> str:
    """Write the page.

    Args:
        title: Title, also of the browser's window.
        summary: Sentences that say what was found.
        banners: Warnings that no reader may overlook.
        sections: Sections in order; empty ones are left out.
        heading: Lines below the title that say what the page is about.
    """
    shown = [section for section in sections if section.blocks]
    return render_page(
        _TEMPLATE, title=title, heading=heading, summary=summary, banners=banners, sections=shown, dash=DASH
    )
