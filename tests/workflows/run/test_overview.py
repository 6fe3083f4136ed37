"""What a run tells at its start and at its end, on the terminal, in training.log and in TensorBoard."""

from __future__ import annotations

import shlex
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from admoe_monai.run_files import BEST_MODEL
from admoe_monai.workflows.run.components import ComponentTable
from admoe_monai.workflows.run.overview import closing_lines, parameter_line, step_line
from tiny_networks import tiny_network
from tiny_runs import make_run


def test_the_terminal_has_a_short_start_and_end_and_the_file_the_tables(
    tiny_cohort: Path, tmp_path: Path, terminal: list[str]
) -> None:
    run = make_run(tmp_path / "run", tiny_cohort)
    shown, log = terminal, (run / "training.log").read_text()
    start = shown[: shown.index("Phase: Pretrain (SimMIM), epochs 0 to 0")]
    start = start[start.index(f"Run directory: {run}") :]
    assert start[1:] == [
        start[1],
        "People (scans): training 6 (6), validation 3 (3), test 3 (3)",
        "People per diagnosis: training 2 CN, 2 MCI, 2 AD; validation 1 CN, 1 MCI, 1 AD; test 1 CN, 1 MCI, 1 AD",
        "People per change: training 2 stable, 2 conversion, 2 reversion; validation 1 stable, 1 conversion, 1 reversion; "
        "test 1 stable, 1 conversion, 1 reversion",
        "Prior: age, sex",
        start[6],
        "Training plan:",
        "- Pretraining epochs: 1 (SimMIM reconstruction)",
        "- Finetuning epochs: 1 (Classification)",
        "- Starting from epoch: 0",
        "Steps to come: 4 (pretrain 1 x 2, finetune 1 x 2); the time that they take is said after the first epoch",
    ]
    assert start[1].startswith("Device: cpu, ")
    assert start[6].startswith("Parameters: ")
    epochs = [line for line in shown if line.startswith("Epoch ")]
    assert [line.partition("  ")[0] for line in epochs] == ["Epoch 0 of 1 [pretrain]", "Epoch 1 of 1 [finetune]"]
    assert "left of the run" in epochs[0]
    assert "left" not in epochs[1]
    end = shown[shown.index(epochs[1]) + 1 :]
    assert len(end) == 9
    assert end[2].startswith("Best model: balanced_accuracy ")
    assert end[5:8] == [f"  admoe evaluate {run}", f"  admoe report {run}", f"  admoe export {run} {run}_bundle"]
    assert not [line for line in shown if "MODEL COMPONENTS" in line or "params" in line or "gate weights" in line]
    for line in (*start, *epochs, *end):
        assert f"] {line}\n" in log
    assert log.count("clinical_encoder    :") == 2  # the last table is as the one before


def test_a_table_is_whole_where_it_has_changed() -> None:
    network = tiny_network()
    table = ComponentTable(network)
    first = table.lines("INITIAL")
    assert any(line.startswith("  decoder  ") and line.endswith("params ✓ Active") for line in first)
    network.decoder = None
    assert not any("decoder " in line for line in table.lines("AFTER DECODER REMOVAL"))
    assert table.lines("FINAL")[1:] == ["MODEL COMPONENTS ANALYSIS - FINAL", "=" * 50, "  as in the table before"]


def test_what_is_frozen_is_told() -> None:
    network = tiny_network(encoder={"embed_dim": 48, "num_heads": (3, 6)})
    assert parameter_line(network).endswith("; frozen at the start: none")
    network.encoder.requires_grad_(False)
    frozen = sum(p.numel() for p in network.encoder.parameters())
    line = parameter_line(network)
    assert f"encoder {frozen / 1e6:.2f} M" in line
    assert line.endswith(f"; frozen at the start: {frozen / 1e6:.2f} M")


def test_only_the_steps_to_come_are_counted() -> None:
    assert step_line({"finetune": 20}, {"finetune": 3}).startswith("Steps to come: 60 (finetune 3 x 20)")


def test_commands_of_a_folder_with_blanks_can_be_copied(tmp_path: Path) -> None:
    folder = tmp_path / "my run #1"
    folder.mkdir()
    (folder / BEST_MODEL).touch()
    lines = closing_lines(folder, {"selection_metric": "balanced_accuracy"}, 1.0)
    commands = [shlex.split(line) for line in lines if line.startswith("  admoe")]
    assert commands == [
        ["admoe", "evaluate", str(folder)],
        ["admoe", "report", str(folder)],
        ["admoe", "export", str(folder), f"{folder}_bundle"],
    ]


def test_after_pretraining_alone_comes_finetuning(tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("epoch,phase,train_loss,val_loss\n0,pretrain,1.0,0.5\n1,pretrain,1.0,0.75\n")
    lines = closing_lines(tmp_path, {"selection_metric": "balanced_accuracy"}, 61.0)
    assert lines[0] == "Lowest val_loss of pretrain: 0.5000 at epoch 0 (pretrain_checkpoint.pth)"
    commands = [line for line in lines if line.startswith("  admoe")]
    again = f"--pretrained {tmp_path / 'pretrain_checkpoint.pth'} --pretrain_epochs 0 --max_epochs 50"
    assert commands == [
        f"  admoe train {tmp_path / 'config.yaml'} {again}",
        f"  admoe evaluate {tmp_path} --checkpoint pretrain_checkpoint.pth",
    ]
    assert lines[-1] == f"Finished after 1 min 1 s: {tmp_path}"


def test_tensorboard_has_cost_recalls_pictures_and_settings(tiny_run: Path) -> None:
    events = EventAccumulator(str(tiny_run))
    events.Reload()
    tags = events.Tags()
    for name in ("seconds_per_epoch", "scans_per_second", "peak_memory_gib", "gradient_norm", "experts/mean_ad_of_AD"):
        assert {f"pretrain/{name}", f"finetune/{name}"} <= set(tags["scalars"])
        assert all(point.value > 0 for point in events.Scalars(f"finetune/{name}"))
    assert {f"finetune/recall/diagnosis_{name}" for name in ("CN", "MCI", "AD")} <= set(tags["scalars"])
    assert not [name for name in tags["scalars"] if "stage" in name]
    assert set(tags["images"]) == {"pretrain/original_masked_reconstructed", "finetune/confusion"}
    (settings,) = events.Tensors("settings/text_summary")
    assert b"    max_epochs: 2\n" in settings.tensor_proto.string_val[0]
