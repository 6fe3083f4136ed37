"""`admoe check`: mistakes before torch is imported, then whether the network can be built."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tiny_runs import TINY_SETTINGS

Admoe = Callable[..., tuple[int, str, str]]


def test_every_mistake_is_a_line_and_torch_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("bach_size: 2\nbase_lr: 1e-4\n")
    program = "import sys; from admoe_monai.cli.main import main\ntry:\n    main()\nfinally:\n    print('torch' in sys.modules)"
    words = [sys.executable, "-c", program, "check", "tiny", "mine.yaml", "--amp", "fp16"]
    answer = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stdout.splitlines() == [
        "mine.yaml, line 1: unknown setting 'bach_size'; did you mean 'batch_size'?",
        "mine.yaml, line 2: base_lr must be a number, got '1e-4' (write 1.0e-4: YAML reads 1e-4 as text)",
        "amp must be one of None, bf16, got 'fp16'",
        "False",
    ]
    assert answer.stderr == "3 mistakes found\n"


def test_a_sound_config_says_its_plan_and_its_network(admoe: Admoe, tiny_cohort: Path) -> None:
    options = [word for name, value in TINY_SETTINGS.items() for word in (f"--{name}", str(value))]
    code, out, err = admoe("check", *options, "--datalist", tiny_cohort)
    assert (code, err) == (0, "")
    assert "1 epochs of Pretrain (SimMIM), 1 epochs of Finetune (Classification)" in out
    assert "Network: " in out
    assert out.endswith("Nothing is wrong.\n")


@pytest.mark.parametrize(
    ("overlay", "words", "said"),
    [
        ("fusion_type: sum", [], "fusion_type must be one of adaptive, concat, add, hadamard, got 'sum'"),
        ("phase_overlays: [absent.yaml]", [], "phase_overlays of pretrain names absent.yaml, which is not there"),
        ("max_epochs: 60", ["pretrain"], "configs/pretrain.yaml trains pretrain_epochs (50) epochs and no others"),
        ("network_def: {}", [], "network_def is no setting"),
        ("prior_hidden: 10000000000000", [], "the network can't be built from these settings: "),
        ("phase_overlays: [broken.yaml]", [], "cannot read broken.yaml, line 2: "),
        ("phase_overlays: [notes.txt]", [], "the phase overlay notes.txt is neither .yaml nor .json"),
    ],
)
def test_what_only_torch_can_tell_is_told_in_a_line(
    overlay: str, words: list[str], said: str, admoe: Admoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(overlay + "\n")
    (tmp_path / "inside.yaml").write_text("optimiser: {}\n")
    (tmp_path / "broken.yaml").write_text("loss: [\n")
    (tmp_path / "notes.txt").write_text("nothing\n")
    code, out, err = admoe("check", *words, "tiny", "mine.yaml")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken.yaml", "inside.yaml", "mine.yaml", "notes.txt"]


def test_mistakes_inside_parts_are_named_at_once_with_their_lines(
    admoe: Admoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("network:\n  encoder:\n    attn_dropp: 0.1\nphase_overlays: ['inside.yaml']\n")
    (tmp_path / "inside.yaml").write_text(
        "optimiser: {}\noptimizer::lr: '@train::datalodaer'\ntrain::samples: 3\n+train::handlers:\n"
        "- _target_: admoe_monai.handlers.Finite\nvalidate::inferer: {_target_: monai.inferers.SimpleInferer, roi: 8}\n"
    )
    code, out, err = admoe("check", "tiny", "mine.yaml")
    assert (code, err) == (1, "6 mistakes found\n")
    first, *others = out.splitlines()
    assert first.startswith("mine.yaml, line 3: network::encoder::attn_dropp: SwinTransformerV2 takes no 'attn_dropp'")
    assert others == [
        "inside.yaml, line 1: unknown key of a phase 'optimiser'; did you mean 'optimizer'?",
        "inside.yaml, line 2: optimizer::lr refers to @train::datalodaer, but nothing is called so; did you mean 'dataloader'?",
        "inside.yaml, line 3: train::samples: nothing reads it; did you mean 'sampler'?",
        "inside.yaml, line 5: train::handlers::0::_target_: admoe_monai.handlers has no 'Finite'; did you mean 'FiniteLoss'?",
        "inside.yaml, line 6: validate::inferer::roi: SimpleInferer takes no 'roi'; it takes none",
    ]


def test_debug_shows_the_chain_behind_the_line(admoe: Admoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMOE_DEBUG", "0")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("fusion_type: sum\n")
    line = admoe("check", "tiny", "mine.yaml")[2].splitlines()[-1]
    code, _, err = admoe("check", "tiny", "mine.yaml", "--debug")
    assert code == 1
    assert "Traceback (most recent call last)" in err
    assert "Failed to instantiate component" in err
    assert err.splitlines()[-1] == line


def test_files_of_comments_alone_change_nothing(admoe: Admoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.yaml").write_text("# seed: 3\n")
    (tmp_path / "mine.yaml").write_text("phase_overlays: ['empty.yaml']\n")
    code, out, err = admoe("check", "tiny", "empty.yaml", "mine.yaml")
    assert (code, err) == (0, "")
    assert out.endswith("Nothing is wrong.\n")
