"""Files of another user: refused where he could change what a run is made of."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from admoe_monai import ownership
from admoe_monai.data.store import PreprocessedStore
from admoe_monai.errors import UserError
from admoe_monai.ownership import refuse_of_others
from admoe_monai.workflows.run.resume import start_of
from admoe_monai.workflows.settings.declared import parser_of, resolved_settings

ME, OTHER = 1000, 1001


@pytest.fixture
def owned_by(monkeypatch: pytest.MonkeyPatch) -> dict[Path, int]:
    """Owners by path, of which all below it are; whatever is not named belongs to the user."""
    owners: dict[Path, int] = {}
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = list(real(path, **options))
        found[4] = next((owner for place, owner in owners.items() if path.is_relative_to(place)), ME)
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "geteuid", lambda: ME)
    return owners


@pytest.mark.parametrize(
    ("user", "owner", "refused"), [(ME, OTHER, True), (ME, ME, False), (ME, 0, False), (0, OTHER, False)]
)
def test_whose_files_are_refused(
    user: int, owner: int, refused: bool, owned_by: dict[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    owned_by[tmp_path] = owner
    if refused:
        with pytest.raises(
            UserError, match=rf"the folder {tmp_path} belongs to another user \(number {OTHER}\).*: take yours"
        ):
            refuse_of_others(tmp_path, "the folder", "take yours")
    else:
        refuse_of_others(tmp_path, "the folder", "take yours")


def test_where_all_files_have_one_owner_they_are_the_users(
    owned_by: dict[Path, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on shares that map users."""
    owned_by[tmp_path] = OTHER
    monkeypatch.setattr(ownership, "_owner_of_new", lambda folder: OTHER)
    refuse_of_others(tmp_path, "the folder", "take yours")


def test_what_the_user_makes_is_the_users(tmp_path: Path) -> None:
    assert ownership._owner_of_new(tmp_path) == os.geteuid()
    assert ownership._owner_of_new(tmp_path / "absent") is None


def test_what_is_absent_is_nobodys(owned_by: dict[Path, int], tmp_path: Path) -> None:
    refuse_of_others(tmp_path / "absent", "the folder", "")


@pytest.mark.parametrize("folder", ["cache", "cache/generation"])
def test_a_cache_of_another_user_is_refused(folder: str, owned_by: dict[Path, int], tmp_path: Path) -> None:
    (tmp_path / "cache/generation").mkdir(parents=True)
    owned_by[tmp_path / folder] = OTHER
    with pytest.raises(UserError, match=f"{tmp_path / folder} belongs to another user.*--cache_dir"):
        PreprocessedStore([], dict, tmp_path / "cache", "generation")


def test_a_run_does_not_go_on_from_the_checkpoint_of_another_user(
    tiny_run: Path, owned_by: dict[Path, int], tmp_path: Path
) -> None:
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    settings = {**resolved_settings(parser_of([run / "config.yaml"])), "resume": "auto", "run_dir": str(run)}
    owned_by[run] = OTHER
    with pytest.raises(UserError, match=r"the checkpoint .* belongs to another user .* go on from a copy"):
        start_of(settings, run, {}, {})
