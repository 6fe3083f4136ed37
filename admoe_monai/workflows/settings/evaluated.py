"""Settings of which some are not known yet: expressions, which MONAI alone can evaluate."""

from __future__ import annotations

from typing import Any


class Unevaluated(LookupError):  # noqa: N818 it is no error of anybody
    """A check asks for a setting whose value is not known."""


class Evaluated(dict[str, Any]):
    """Settings that are known; whoever asks for another one learns that it is not."""

    def __missing__(self, name: str) -> Any:
        raise Unevaluated(name)
