"""Where weights are from is said, kept and asked for, and a name on the Hub is as good as a path."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import safetensors.torch
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from admoe_monai.checkpoints import IncompatibleCheckpointError
from admoe_monai.errors import UserError
from admoe_monai.networks.nets import AlzheimerMMoE, SwinTransformerV2
from admoe_monai.workflows.bundles.exportable import check_licence
from admoe_monai.workflows.run.hub import local_file
from admoe_monai.workflows.run.pretrained import load_pretrained, origin_lines
from published_files import Variant, state_dict
from tiny_networks import CLASSES, tiny_network

VARIANT = Variant("small", 8, (2, 2), (2, 4), 4)


@pytest.fixture
def target() -> AlzheimerMMoE:
    encoder = SwinTransformerV2(
        3, 1, 32, 4, 8, (2, 2), (2, 4), 4,
        experts=("shared", "cn"), moe_stages=(1,), tasks=("reconstruction", *CLASSES), final_norm=False,
    )  # fmt: skip
    return AlzheimerMMoE(encoder, CLASSES)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A file as Microsoft's training code writes it."""
    torch.manual_seed(0)
    weights = {name: weight.float() for name, weight in state_dict(VARIANT, device="cpu").items()}
    torch.save({"model": weights, "optimizer": {}, "epoch": 299, "max_accuracy": 81.8}, tmp_path / "swinv2.pth")
    return tmp_path / "swinv2.pth"


def test_the_origin_says_file_digest_licence_and_what_was_done(
    target: AlzheimerMMoE, published: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        origin = load_pretrained(target, published, expert_noise=0.1)
    assert origin["sha256"] == hashlib.sha256(published.read_bytes()).hexdigest()
    assert (origin["file"], origin["layout"]) == ("swinv2.pth", "Microsoft's Swin V2")
    assert (origin["licence"], origin["published"], origin["before"]) == ("MIT", True, None)
    assert origin["encoder_share"] == 1.0
    assert origin["changes"] == [
        "16 weights of experts are copies of the feed-forward networks with noise of 0.1 of their deviation",
        "3 channels summed to one",
        "2D inflated to 3D",
    ]
    assert "published under MIT" in caplog.text
    assert "  2D inflated to 3D" in caplog.messages
    assert "100.0 % of the encoder" in caplog.text


def test_a_run_from_a_run_from_a_published_file_still_says_so(
    published: Path, tmp_path: Path, target: AlzheimerMMoE
) -> None:
    contents = {
        "model_state_dict": target.state_dict(),
        "format_version": 1,
        "origin": load_pretrained(target, published),
    }
    torch.save(contents, tmp_path / "run.pth")
    origin = load_pretrained(target, tmp_path / "run.pth")
    assert (origin["file"], origin["published"]) == ("run.pth", False)
    assert any("before that: Weights from swinv2.pth" in line for line in origin_lines(origin))
    with pytest.raises(UserError, match=r"began with swinv2\.pth .*licence: MIT.*--accept_licence"):
        check_licence(origin)


def test_weights_that_were_drawn_here_are_exported_without_a_question(tmp_path: Path, target: AlzheimerMMoE) -> None:
    check_licence(None)
    torch.save(target.state_dict(), tmp_path / "own.pth")
    check_licence(load_pretrained(target, tmp_path / "own.pth"))


def test_a_backbone_of_unknown_origin_is_asked_about(tmp_path: Path) -> None:
    network = tiny_network(encoder={"moe_stages": ()})
    torch.save({f"encoder.{n}": w for n, w in network.encoder.state_dict().items()}, tmp_path / "own.pth")
    check_licence(load_pretrained(network, tmp_path / "own.pth"))
    torch.save(dict(network.encoder.state_dict()), tmp_path / "timm.pth")
    with pytest.raises(UserError, match="licence: MIT"):
        check_licence(load_pretrained(network, tmp_path / "timm.pth"))


def test_what_can_not_be_computed_is_refused_with_the_file(tmp_path: Path) -> None:
    torch.save({"stages.0.blocks.0.attn.meta_mlp.fc1.weight": torch.zeros(1)}, tmp_path / "cr.pth")
    with pytest.raises(IncompatibleCheckpointError, match=r"cr\.pth: these are weights of timm's swinv2_cr"):
        load_pretrained(tiny_network(), tmp_path / "cr.pth")


def test_a_name_on_the_hub_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: AlzheimerMMoE) -> None:
    asked: list[tuple[str, ...]] = []
    weights = {n: w.float() for n, w in state_dict(VARIANT, merging_at_end=False, buffers=False, device="cpu").items()}
    safetensors.torch.save_file(weights, tmp_path / "model.safetensors")

    def download(*names: str) -> str:
        asked.append(names)
        return str(tmp_path / "model.safetensors")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    origin = load_pretrained(target, "hf-hub:timm/swinv2_tiny_window8_256.ms_in1k")
    assert asked == [("timm/swinv2_tiny_window8_256.ms_in1k", "model.safetensors")]
    assert (origin["file"], origin["layout"]) == ("hf-hub:timm/swinv2_tiny_window8_256.ms_in1k", "timm's Swin V2")
    local_file("hf-hub:lab/model/weights/a.pth")
    assert asked[-1] == ("lab/model", "weights/a.pth")


def test_the_hub_without_a_connection_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any) -> str:
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    with pytest.raises(UserError, match="no connection to it from here: download the file on a connected machine"):
        local_file("hf-hub:timm/model")


@pytest.mark.parametrize("name", ["hf-hub:", "hf-hub:timm", "hf-hub:timm/", "hf-hub:a b/c!"])
def test_what_is_no_name_on_the_hub_is_said(name: str) -> None:
    with pytest.raises(UserError, match="is no file on the Hub"):
        local_file(name)
