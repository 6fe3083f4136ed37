"""The command line of `admoe prepare`: options that a kind has or lacks, mistyped words, help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from admoe_monai.cli.main import app
from admoe_monai.errors import UserError

KINDS = ("bids", "clinica", "table", "slices", "merge")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["prepare", *map(str, arguments)])


@pytest.mark.parametrize(
    ("kind", "arguments", "option"),
    [
        ("bids", ["."], "--images"),
        ("bids", ["."], "--id_map"),
        ("bids", ["."], "--subject_pattern"),
        ("clinica", ["caps", "--bids", "b"], "--derivative"),
        ("table", ["t.csv", "--images", "{a}", "--mapping", "oasis1"], "--prefer"),
        ("table", ["t.csv", "--images", "{a}", "--mapping", "oasis1"], "--bids"),
        ("slices", ["."], "--horizon"),
        ("slices", ["."], "--missing_images"),
        ("slices", ["."], "--mapping"),
        ("merge", ["a.json", "b.json"], "--horizon"),
        ("merge", ["a.json", "b.json"], "--dx_window_days"),
    ],
)
def test_an_option_of_another_kind_does_not_exist(kind: str, arguments: list[str], option: str) -> None:
    result = run(kind, *arguments, option, "3")

    assert result.exit_code == 2
    (line,) = (line for line in result.output.splitlines() if "rror" in line)
    assert line.startswith(f"Error: No such option: {option}")


@pytest.mark.parametrize(
    ("kind", "arguments", "missing"),
    [
        ("clinica", ["caps"], "--bids"),
        ("table", ["t.csv", "--mapping", "oasis1"], "--images"),
        ("table", ["t.csv", "--images", "{a}"], "--mapping"),
        ("slices", [], "FOLDER"),
    ],
)
def test_what_a_kind_needs_is_named(kind: str, arguments: list[str], missing: str) -> None:
    result = run(kind, *arguments)

    assert result.exit_code == 2
    assert f"Missing option '{missing}'" in result.output or f"Missing argument '{missing}'" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tabel", "x.csv"), "'tabel' is neither a folder nor a command; did you mean `admoe prepare table`?"),
        (("--table", "x.csv"), "'--table' is neither a folder nor a command; did you mean `admoe prepare table`?"),
        (("bid", "--output", "d.json"), "did you mean `admoe prepare bids`?"),
        (("merge", "a.json"), "merge needs two or more datalists"),
        (("nowhere",), "nowhere is no BIDS folder: it has no participants.tsv"),
        ((".", "--folds", "4", "--fractions", "1", "0", "0"), "--folds divides the cohort"),
        ((".", "--horizon", "soon"), "horizon 'soon' is not understood"),
        ((".", "--mapping", "bid"), "unknown mapping 'bid', did you mean 'bids'?"),
        ((".", "--folds", "3", "--holdout", "site"), "give one of --folds, --holdout and --splits"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    error = run(*arguments).exception

    assert isinstance(error, UserError)
    assert message in str(error)
    assert "\n" not in str(error)


def test_help_lists_the_kinds_and_says_what_a_folder_alone_is() -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert "`prepare DIR` is `prepare bids DIR`" in " ".join(result.output.split())
    lines = [line.split() for line in result.output.partition("Commands:")[2].splitlines() if line.strip()]
    assert [words[0] for words in lines] == list(KINDS)
    assert all(words[-1].endswith(".") and "..." not in words[-1] for words in lines)


def test_nothing_to_prepare_shows_the_help() -> None:
    assert "Commands:" in run().output


@pytest.mark.parametrize("kind", KINDS)
def test_help_of_a_kind_needs_no_heavy_import(kind: str) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from admoe_monai.cli.main import app; "
        f"result = CliRunner().invoke(app, ['prepare', '{kind}', '--help']); "
        "assert result.exit_code == 0; sys.exit(bool({'torch', 'numpy', 'monai'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
