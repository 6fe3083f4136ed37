"""Digest of what decides how a scan is preprocessed: the chain, the settings that it refers to, and the code behind it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import monai
from monai.bundle import ConfigParser, ReferenceResolver

import admoe_monai

from .parts import code_digests
from .resources import PACKAGE


def preprocessing_digest(parser: ConfigParser, section: str = "preprocessing") -> str:
    """Digest what decides how a scan is preprocessed, in 16 characters that name a generation of the store.

    Args:
        parser: Parser of a phase; a section of it, the settings that it refers to, and the code behind it count.
        section: Name of the section with the chain of transforms.
    """
    content = json.dumps(parser[section], sort_keys=True, default=str)
    # Resolved: a reference may lead to an expression over further settings.
    names = sorted({name for text in _texts(parser[section]) for name in ReferenceResolver.match_refs_pattern(text)})
    values = {name: parser.get_parsed_content(name) for name in names}
    digest = hashlib.sha256()
    own = code_digests(parser[section])
    for part in (
        content,
        json.dumps(values, sort_keys=True, default=str),
        monai.__version__,
        admoe_monai.__version__,
        json.dumps(own) if own else "",
    ):
        digest.update(part.encode())
    for source in sorted(path for room in ("scan_files", "transforms") for path in (PACKAGE / room).glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _texts(config: Any) -> Iterator[str]:
    if isinstance(config, str):
        yield config
    elif isinstance(config, (Mapping, list)):
        for value in config.values() if isinstance(config, Mapping) else config:
            yield from _texts(value)
