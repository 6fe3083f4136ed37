"""Every shell line of README and docs runs as it is written, on a small made-up cohort."""

from __future__ import annotations

import logging
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documented_commands import ROOT, Documented, documented_commands
from documented_settings import outputs_of, quick_words
from documented_world import PREPARATIONS, admoe_in, copy_world, make_world

Admoe = Callable[..., tuple[int, str, str]]
Start = Callable[..., str | None]

#: Commands that no test runs, and why.
NOT_RUN = {
    r"^cd BUNDLE$|^docker ": "needs a Docker daemon; tests/bundle/test_container.py runs what the image runs",
    r"^apptainer ": "needs Apptainer; tests/bundle/test_container.py runs what the image runs",
    r"sbatch ": "needs SLURM; tests/scripts/test_slurm.py and test_slurm_preprocess.py run the scripts",
    r"--pretrained swinv2_": "needs a published file; tests/networks/published loads made-up ones of the same names",
    r"^python -m venv |fresh_environment\.sh ": "downloads an environment of several GB",
    r"oasis2_slices\.py ": "needs OASIS-2, and hours",
    r"broken_scans\.py ": "needs 200 scans that look like heads, and an hour",
    r"studies/(coverage|prediction_sets)\.py ": "simulates for minutes; what it calls is tested in tests/evaluation",
    r"studies/planted_regions\.py ": "computes maps for a quarter of an hour; tests/workflows/finished computes a few",
    r"studies/(demo_cohort|seeds)\.py ": "gives intervals, for which the made-up cohort has too few people",
    r"--datalist (MANY|FEW)\.json ": "needs 1,780 simulated people, and hours; runs with and without `from_scratch` are tested",
    r"studies/retest\.py ": "needs people who were scanned twice; tests/scripts/test_retest.py has some",
    r"^admoe study .*--(cores|profile) ": "needs Snakemake, and hours; tests/workflows/studies runs small ones",
    r"^admoe verify .*--pretrained ": "its run draws its weights itself; tests/workflows/verification has one that does not",
    r"^admoe plan tiny .*--batch_size 128": "takes gigabytes; docs/commands.md has a smaller one",
    r"benchmarks/saving\.py ": "times the default network, which takes minutes an epoch",
}
#: Run with the marker `slow`: what takes long, and what differs from another one in a value alone.
SLOW = {
    r"verify_net_in_out|^OMP|scripts/(verify|studies|benchmarks)/|^torchrun": "processes of their own",
    r"^admoe explain ": "maps of every test person; tests/workflows/finished/test_explanation.py computes a few",
    r"^admoe runs pool ": "three runs come before it",
    r"^admoe plan ": "steps of a large network; tests/workflows/run/test_dry_run.py takes some of tiny ones",
    r"^admoe export RUN_DIR BUNDLE($| --formats torchscript)": "the formats; without them it is run",
    r"^admoe audit .*--(pretrain|tasks|json)|^admoe audit datalist.json$": "looks at the images; without them it is run",
    r"^admoe (preprocess|demo-cohort) ": "maps of the template; tests/cli/test_commands.py preprocesses a scan",
    r"^admoe train .*--(use_clinical|augment|classes|batch_size|amp|checkpoint|num_work|network|stem|prior_at)": "a value",
    r"^admoe train .*(freeze_encoder|--cache_dir)": "an overlay and folders; tests/handlers and tests/workflows run such",
    r"^admoe (train .*(contrast|ema)|propose .*cuda)|^admoe (evaluate RUN --ch|stress RUN$)": "another one is like it",
    r"encoder_(resnet|swin_v1)|seed_2d": "large networks",
    r"^admoe train (encoder_|prior_alone|image_alone|from_scratch|dense)": "overlays that are trained in tests/integration",
    r"--datalist (cohort|o1).json ": "plans of studies",
    r"--config_file configs/(pretrain|finetune|train).yaml( --(pretrained|network) .*)?$": "`admoe train` is run likewise",
    r"BUNDLE --datalist datalist.json$|--output_dir OUT$": "another one with more options is run",
    r"--resume (auto --data|checkpoints/study)": "`admoe resume` is run likewise",
}
COMMANDS = {documented.command: documented for documented in reversed(documented_commands())}


def listed(command: str) -> str | None:
    return next((reason for pattern, reason in NOT_RUN.items() if re.search(pattern, command)), None)


def cases() -> Iterator[object]:
    for command, documented in sorted(COMMANDS.items(), key=lambda item: item[1].where):
        if listed(command) is None:
            marks = [pytest.mark.slow] if any(re.search(pattern, command) for pattern in SLOW) else []
            yield pytest.param(documented, id=f"{documented.where} {command[:60]}", marks=marks)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documented")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return make_world(folder, admoe_in(patch))


@pytest.fixture
def here(world: Path, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the world, as the working directory."""
    folder = copy_world(world, tmp_path / "world")
    monkeypatch.chdir(folder)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield folder
    root.handlers, root.level = handlers, level
    # MONAI's logger keeps the output of the test that it was first used in.
    logging.getLogger("monai.handlers.StatsHandler").handlers.clear()


# torch warns of more workers than the machine has cores.
@pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
@pytest.mark.parametrize("documented", list(cases()))
def test_a_command_runs_as_it_is_written(
    documented: Documented,
    here: Path,
    admoe: Admoe,
    start: Start,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for path in outputs_of(documented.words):
        if path.is_symlink():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    for pattern, prepare in PREPARATIONS.items():
        if re.search(pattern, documented.command):
            prepare(here, admoe_in(monkeypatch))
    words = quick_words(documented, here)
    if words[0] == "admoe":
        code, out, err = admoe(*words[1:])
        output = out + err
    elif words[:3] == ["python", "-m", "monai.bundle"] and words[3] == "run":
        left = start(*words[3:])
        code, output = 0 if left in (None, "0") else 1, f"{left}{''.join(capsys.readouterr())}"
    else:
        code, output = in_a_shell(documented, words)
    assert code == 0, output
    assert not re.search("Traceback|Warning:|ERROR", output), output
    assert [path for path in outputs_of(documented.words) if not path.exists()] == []


def in_a_shell(documented: Documented, words: list[str]) -> tuple[int, str]:
    """Run a command by bash, with the interpreter of the tests and the package; two commands in a line, as they are written."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        ["bash", "-c", documented.text if "&&" in words else shlex.join(words)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_what_is_not_run_is_still_documented() -> None:
    unused = [pattern for pattern in (*NOT_RUN, *SLOW) if not any(re.search(pattern, command) for command in COMMANDS)]
    assert unused == []
