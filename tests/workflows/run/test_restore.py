from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from admoe_monai.checkpoints import (
    CorruptCheckpointError,
    ForeignCheckpointError,
    IncompatibleCheckpointError,
    read_checkpoint,
)
from admoe_monai.networks.nets import AlzheimerMMoE, SwinTransformerV2
from admoe_monai.workflows.run.pretrained import load_pretrained
from admoe_monai.workflows.run.restore import restore_network
from admoe_monai.workflows.run.resume import ResumePoint
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings
from tiny_runs import TINY_SETTINGS, make_run


def network(**settings: Any) -> AlzheimerMMoE:
    """As a tiny run builds it."""
    parser = parser_of([], {**TINY_SETTINGS, "prior_dim": 3, **settings})
    resolved_settings(parser)
    made: AlzheimerMMoE = parser.get_parsed_content("network_def")
    return made


@pytest.fixture
def prior_dim(tiny_run: Path) -> int:
    return int(read_checkpoint(tiny_run / "final_model.pth")["settings"]["prior_dim"])


def test_pretraining_is_restored_with_its_decoder(tiny_run: Path, prior_dim: int) -> None:
    checkpoint = read_checkpoint(tiny_run / "pretrain_checkpoint.pth")
    restored = network(prior_dim=prior_dim)
    restore_network(restored, checkpoint)
    assert all(torch.equal(w, checkpoint["model_state_dict"][n]) for n, w in restored.state_dict().items())


def test_finetuning_is_restored_without_a_decoder(tiny_run: Path, prior_dim: int) -> None:
    checkpoint = read_checkpoint(tiny_run / "best_model.pth")
    restored = network(prior_dim=prior_dim)
    restore_network(restored, checkpoint)
    assert restored.decoder is None
    assert restored.state_dict().keys() == checkpoint["model_state_dict"].keys()


def test_another_network_is_refused_with_the_differences(tiny_run: Path, prior_dim: int) -> None:
    with pytest.raises(IncompatibleCheckpointError, match="of another shape"):
        restore_network(network(embed_dim=16, prior_dim=prior_dim), read_checkpoint(tiny_run / "best_model.pth"))


def test_pretrained_weights_come_without_the_decoder(tiny_run: Path, prior_dim: int) -> None:
    target = network(prior_dim=prior_dim)
    assert target.decoder is not None
    decoder = {name: weight.clone() for name, weight in target.decoder.state_dict().items()}
    load_pretrained(target, tiny_run / "pretrain_checkpoint.pth")
    weights = read_checkpoint(tiny_run / "pretrain_checkpoint.pth")["model_state_dict"]
    assert all(torch.equal(w, weights[n]) for n, w in target.state_dict().items() if not n.startswith("decoder."))
    assert all(torch.equal(weight, decoder[name]) for name, weight in target.decoder.state_dict().items())


def test_bare_state_dict_serves_as_pretrained_weights(tmp_path: Path) -> None:
    source, target = network(), network()
    torch.save(source.state_dict(), tmp_path / "bare.pth")
    load_pretrained(target, tmp_path / "bare.pth")
    assert torch.equal(source.head_change.weight, target.head_change.weight)


@pytest.mark.parametrize("wrapper", ["", "module."])
def test_the_original_codes_checkpoint_serves_as_pretrained_weights(
    wrapper: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, target, path = network(), network(), tmp_path / "original.pth"
    contents = {
        "epoch": 49,
        "model_state_dict": {wrapper + name: weight for name, weight in source.state_dict().items()},
        "optimizer_state_dict": {},
        "scheduler_state_dict": {},
        "best_val_acc": 0.0,
        "is_pretrain": True,
        "phase": "Pretrain (SimMIM)",
        "decoder_removed": False,
    }
    torch.save(contents, path)
    with caplog.at_level("INFO"):
        load_pretrained(target, path)
    weights = source.state_dict()
    assert all(torch.equal(w, weights[n]) for n, w in target.state_dict().items() if not n.startswith("decoder."))
    assert f"Loading pretrained weights from: {path}" in caplog.messages
    assert "Found a checkpoint of the original training code: epoch 49, phase Pretrain (SimMIM)" in caplog.messages
    assert "  - Missing parameters: 0" in caplog.messages
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_heads_for_other_classes_start_anew_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save(network(classes_diagnosis=["CN", "AD"]).state_dict(), tmp_path / "two.pth")
    load_pretrained(network(), tmp_path / "two.pth")
    warning = next(record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert "head_diagnosis.weight [2, 16] instead of [3, 16]" in warning


def test_weights_of_another_network_are_refused_with_the_share_that_fits(tmp_path: Path) -> None:
    torch.save(network(embed_dim=16).state_dict(), tmp_path / "other.pth")
    with pytest.raises(IncompatibleCheckpointError, match=r"fits .* % of the encoder, less than 90 %"):
        load_pretrained(network(), tmp_path / "other.pth")


def test_weights_of_the_encoder_alone_serve_as_pretrained_weights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, target = network(), network()
    assert isinstance(source.encoder, SwinTransformerV2)
    torch.save(source.encoder.state_dict(), tmp_path / "encoder.pth")
    with caplog.at_level("INFO"):
        load_pretrained(target, tmp_path / "encoder.pth")
    weights = target.encoder.state_dict()
    assert all(torch.equal(weight, weights[name]) for name, weight in source.encoder.state_dict().items())
    assert "100.0 % of the encoder" in caplog.text


@pytest.mark.parametrize("content", [{}, {"epoch": 3}, [1, 2]])
def test_file_without_weights_is_refused(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "some.pth")
    with pytest.raises(ForeignCheckpointError, match="holds no weights"):
        load_pretrained(network(), tmp_path / "some.pth")


def test_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.pth").write_bytes(b"no archive")
    with pytest.raises(CorruptCheckpointError):
        load_pretrained(network(), tmp_path / "some.pth")


def test_finetuning_alone_starts_from_pretrained_weights(tiny_run: Path, tiny_cohort: Path, tmp_path: Path) -> None:
    folder = make_run(
        tmp_path / "run",
        tiny_cohort,
        max_epochs=1,
        pretrain_epochs=0,
        pretrained=str(tiny_run / "pretrain_checkpoint.pth"),
    )
    log = (folder / "training.log").read_text()
    assert "100.0 % of the encoder" in log
    assert "  - Missing parameters: " in log
    assert not (folder / "pretrain_checkpoint.pth").exists()
    final = read_checkpoint(folder / "final_model.pth")
    assert final["decoder_removed"]
    assert (final["origin"]["file"], final["origin"]["published"]) == ("pretrain_checkpoint.pth", False)
    assert ResumePoint(final["settings"], folder / "final_model.pth", final, folder).origin == final["origin"]
