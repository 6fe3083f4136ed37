"""A page of tables and pictures in one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from admoe_monai.evaluation.curves import figure_to_png

_TEMPLATE = Path(__file__).with_name("report.html")


@dataclass
class Section:
    """Part of the page: a title, and text, tables and pictures in order."""

    title: str
    blocks: list[dict[str, Any]] = field(default_factory=list)

    def text(self, text: str) -> None:
        """Add a paragraph."""
        self.blocks.append({"kind": "text", "text": text})

    def heading(self, text: str) -> None:
        """Add a heading within the section."""
        self.blocks.append({"kind": "heading", "text": text})

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Add a table; all columns but the first hold numbers."""
        self.blocks.append({"kind": "table", "columns": list(columns), "rows": [list(row) for row in rows]})

    def picture(self, text: str, figure: Figure | bytes) -> None:
        """Add a picture with a text for those who don't see it.

        Args:
            text: Description of what it shows.
            figure: Figure to render, or the bytes of a PNG.
        """
        content = figure if isinstance(figure, bytes) else figure_to_png(figure)
        self.blocks.append({"kind": "picture", "text": text, "data": base64.b64encode(content).decode()})


def report_page(title: str, summary: Sequence[str], banners: Sequence[str], sections: Sequence[Section]) -> str:
    """Write the page.

    Args:
        title: Title, also of the browser's window.
        summary: Lines below the title.
        banners: Warnings that no reader may overlook.
        sections: Sections in order; empty ones are left out.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return page.render(title=title, summary=summary, banners=banners, sections=[s for s in sections if s.blocks])
