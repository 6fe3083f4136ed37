"""The report on a finished run: what is measured for it, the parts of its page, and its two files."""

from .write import write_report

__all__ = ["write_report"]
