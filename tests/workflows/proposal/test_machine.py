"""The memory of the machine that settings are chosen for."""

from __future__ import annotations

from pathlib import Path

from admoe_monai.workflows.proposal.machine import granted_memory

GIB = 2**30


def machine(root: Path, groups: str, files: dict[str, str]) -> Path:
    """A root of a file system with the control groups of this process and their files."""
    for name, content in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{k}": v for k, v in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_memory_is_that_of_the_machine_or_what_a_group_leaves_of_it(tmp_path: Path) -> None:
    whole = granted_memory(tmp_path)
    assert whole > GIB / 4
    groups = {"a/memory.max": f"{GIB // 8}\n", "a/b/memory.max": "max\n"}
    assert granted_memory(machine(tmp_path, "0::/a/b\n", groups)) == GIB // 8
    first = {"memory/a/memory.limit_in_bytes": "9223372036854771712\n"}  # no limit, in the words of version 1
    assert granted_memory(machine(tmp_path, "4:memory:/a\n", first)) == whole
