"""Others read our files: MONAI's stock loader, and the inspection that users of the original code are used to."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from monai.handlers import CheckpointLoader

from admoe_monai.handlers import Interruption
from admoe_monai.handlers.interruption import SIGNALS
from admoe_monai.networks.nets import remove_decoder
from admoe_monai.workflows.finished.inspection import network_of
from tiny_runs import make_run

PRETRAINING = ("checkpoint_epoch_0.pth", "pretrain_checkpoint.pth", "interrupted_pretraining.pth")
FINETUNING = (
    "checkpoint_epoch_1.pth", "finetune_checkpoint.pth", "best_model.pth", "final_model.pth", "interrupted_finetuning.pth",
)  # fmt: skip

# Section 3 of the guide, to the letter.
SNIPPET = """
import torch

# 加载并检查checkpoint
checkpoint = torch.load("checkpoint_epoch_75.pth", map_location='cpu')

print(f"Epoch: {checkpoint['epoch']}")
print(f"Phase: {checkpoint['phase']}")  
print(f"Best accuracy: {checkpoint['best_val_acc']:.4f}")
print(f"Decoder removed: {checkpoint.get('decoder_removed', False)}")
print(f"Model parameters: {len(checkpoint['model_state_dict'])}")

# 检查是否包含decoder权重
decoder_keys = [k for k in checkpoint['model_state_dict'].keys() 
                if k.startswith('decoder.')]
print(f"Decoder parameters: {len(decoder_keys)}")
"""  # noqa: W291


@pytest.fixture(scope="module")
def folder(tiny_run: Path, tiny_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run, and what a signal leaves behind in the middle of each phase."""
    folder = tmp_path_factory.mktemp("contract") / "run"
    shutil.copytree(tiny_run, folder)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    # Two steps make an epoch, and an epoch a phase.
    for name, step in (("interrupted_pretraining.pth", 1), ("interrupted_finetuning.pth", 3)):
        interrupted = interrupt(folder.parent / name.removesuffix(".pth"), tiny_cohort, step)
        shutil.copyfile(interrupted / "interrupt_checkpoint.pth", folder / name)
    yield folder
    for number, handler in before.items():
        signal.signal(number, handler)


def interrupt(folder: Path, datalist: Path, step: int) -> Path:
    """Begin a run and send SIGTERM in this step of it."""
    original, steps = Interruption._after_step, []

    def interrupted(self: Interruption, engine: Engine) -> None:
        steps.append(engine.state.iteration)
        if len(steps) == step:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self, engine)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Interruption, "_after_step", interrupted)
        with pytest.raises(SystemExit):
            make_run(folder, datalist)
    return folder


@pytest.mark.parametrize("name", [*PRETRAINING, *FINETUNING])
def test_stock_loader_of_monai_reads_every_kind_of_file(name: str, folder: Path) -> None:
    _, network = network_of([folder / "config.yaml"])
    if name in FINETUNING:
        remove_decoder(network)
    engine = Engine(lambda engine, batch: None)
    CheckpointLoader(load_path=str(folder / name), load_dict={"model_state_dict": network}).attach(engine)
    engine.run([0], max_epochs=1)
    weights = torch.load(folder / name, map_location="cpu")["model_state_dict"]
    assert network.state_dict().keys() == weights.keys()
    assert all(torch.equal(weight, weights[key]) for key, weight in network.state_dict().items())


@pytest.mark.parametrize("name", [*PRETRAINING, *FINETUNING])
def test_the_guides_snippet_runs_unchanged_on_every_kind_of_file(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copyfile(folder / name, tmp_path / "checkpoint_epoch_75.pth")
    monkeypatch.chdir(tmp_path)
    exec(SNIPPET, {})
    printed = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    pretraining = name in PRETRAINING
    epoch = {"interrupted_pretraining.pth": "-1", "interrupted_finetuning.pth": "0"}.get(
        name, str(int(not pretraining))
    )
    assert (printed["Epoch"], printed["Phase"]) == (
        epoch,
        "Pretrain (SimMIM)" if pretraining else "Finetune (Classification)",
    )
    assert (printed["Decoder removed"], printed["Decoder parameters"]) == (
        ("False", "2") if pretraining else ("True", "0")
    )
    assert 0.0 <= float(printed["Best accuracy"]) <= 1.0
    assert int(printed["Model parameters"]) > 10
