"""Pages in one file that load nothing from elsewhere, all in one style: for wide and narrow windows, dark ones, and paper."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape

import admoe_monai

_STYLE = Path(__file__).with_name("page.css")


def render_page(template: Path, **values: Any) -> str:
    """Fill in the template of a page.

    Args:
        template: File of Jinja2; it puts ``style``, the style sheet of all pages, into its head.
        values: Values of the template's other names; texts are escaped, and with the filter ``code`` what stands between
            backticks in them is set as code.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["code"] = _code
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    return environment.from_string(template.read_text(encoding="utf-8")).render(style=style, **values)


def origin() -> str:
    """Say which version writes a page, and on which day; not the minute, so that the same content gives the same bytes."""
    return f"Written by admoe_monai {admoe_monai.__version__} on {datetime.now().astimezone():%Y-%m-%d}"


def _code(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))
