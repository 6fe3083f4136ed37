"""What every page for people must hold, whoever wrote it: read as a browser reads it, without one."""

from __future__ import annotations

import re
from html.parser import HTMLParser

#: Elements without an end.
VOID = {"meta", "img", "br", "hr", "input", "link"}
#: Pictures and the machine's part of the page hold no text for readers.
UNREAD = {"style", "script"}


class Page(HTMLParser):
    """A page taken apart.

    Attributes:
        problems: what is wrong with its elements.
        texts: what a reader sees, in order.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.texts: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        around = [inner.get("class") or "" for _, inner in self._open]
        for name in ("src", "href", "xlink:href"):
            if name in given and not str(given[name]).startswith(("data:", "#")):
                self.problems.append(f"{tag} loads {given[name]}")
        if tag == "img" and not given.get("alt"):
            self.problems.append("img without alt")
        if tag == "svg" and not given.get("aria-label"):
            self.problems.append("svg without aria-label")
        # A table wider than a telephone moves in its own box, or is one that the page's style stacks.
        if tag == "table" and "scroll" not in around and given.get("id") != "scans":
            self.problems.append("table outside a box")
        if "width" in given and tag != "rect":
            self.problems.append(f"{tag} has the fixed width {given['width']}")
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_endtag(self, tag: str) -> None:
        if tag in {name for name, _ in self._open}:
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if data.strip() and not UNREAD & {name for name, _ in self._open}:
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        """All that a reader sees."""
        return " ".join(" ".join(self.texts).split())


def read_page(html: str) -> Page:
    """Take a page apart and hold it to what all pages promise.

    Raises:
        AssertionError: When it loads something, leaves a picture without words, has a table that would widen the window, or
            shows a reader Python's words for nothing.
    """
    page = Page(html)
    assert page.problems == []
    assert re.findall(r"\b(?:None|nan|NaN|inf)\b", page.text) == []
    for rule in ("prefers-color-scheme: dark", "@media print", "width=device-width, initial-scale=1"):
        assert rule in html
    return page
