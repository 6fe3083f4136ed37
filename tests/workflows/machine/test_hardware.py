"""The memory of the machine that settings are chosen for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from admoe_monai.errors import UserError
from admoe_monai.workflows.machine.hardware import Machine, granted_memory, machine_at_hand

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


def test_a_gpu_that_is_not_here_has_to_be_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="there is no GPU here: say how much memory the other one has with --memory"):
        machine_at_hand("cuda")
    assert machine_at_hand("cuda", 80, 16) == Machine("cuda", 80 * GIB, 16, "GPU")
    with pytest.raises(UserError, match="--device must be cuda or cpu, got 'tpu'"):
        machine_at_hand("tpu")


def test_a_proposal_for_the_cpu_keeps_to_what_the_user_grants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("admoe_monai.workflows.machine.hardware.granted_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert machine_at_hand("cpu").cores == 3
    assert machine_at_hand("cpu", cores=5).cores == 5
    assert machine_at_hand("cuda", 80).cores == 8
