"""YAML that others have written is read or refused, in a time that its length accounts for."""

from __future__ import annotations

import pytest
import yaml

from admoe_monai.yaml_files import load_yaml


@pytest.mark.parametrize(
    "text",
    ["!!timestamp x", "!!bool x", "!!int ''", "!!float x", "[" * 5000, "2026-13-45", "a: !!python/object:os.x {}"],
)
def test_what_pyyaml_stumbles_over_is_an_error_of_yaml(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        load_yaml(text)


def test_aliases_of_aliases_come_to_an_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(yaml.YAMLError, match="stand for more than 1000000 values"):
        load_yaml("\n".join(lines))


def test_plain_values_are_those_of_pyyaml() -> None:
    text = "a: 1\nb: [1.5, &x {c: null}]\nd: *x\ne: 2026-01-01\n"
    assert load_yaml(text) == yaml.safe_load(text)
    assert load_yaml("# nothing\n") is None
