"""On its own, with light imports: each of the two processes imports this file."""

from __future__ import annotations

from pathlib import Path

import ignite.distributed as idist
import torch
import torch.multiprocessing as mp

from admoe_monai.metrics import BalancedAccuracy


def update(metric: BalancedAccuracy, items: slice) -> None:
    generator = torch.Generator().manual_seed(3)
    scores = torch.randn(60, 3, generator=generator)
    labels = torch.randint(-1, 3, (60,), generator=generator)
    metric.update(({"diagnosis": scores[items]}, {"diagnosis": labels[items]}))


def share_of_an_epoch(rank: int, folder: str) -> None:
    idist.initialize("gloo", rank=rank, world_size=2, init_method=f"file://{folder}/rendezvous")
    metric = BalancedAccuracy({"diagnosis": 3})
    update(metric, slice(0, 11) if rank == 0 else slice(11, 60))
    Path(folder, f"value_{rank}").write_text(repr(metric.compute()))
    idist.finalize()


def test_two_processes_give_the_value_of_their_union(tmp_path: Path) -> None:
    mp.spawn(share_of_an_epoch, (str(tmp_path),), nprocs=2)
    metric = BalancedAccuracy({"diagnosis": 3})
    update(metric, slice(None))
    assert [float(Path(tmp_path, f"value_{rank}").read_text()) for rank in (0, 1)] == [metric.compute()] * 2
