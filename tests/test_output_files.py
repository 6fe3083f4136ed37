from __future__ import annotations

from pathlib import Path

import pytest

from admoe_monai.errors import UserError
from admoe_monai.output_files import check_output, write_output


def test_a_folder_that_is_not_there_yet_is_made_when_it_is_written_to(tmp_path: Path) -> None:
    check_output(tmp_path / "a/b/c.json")
    assert list(tmp_path.iterdir()) == []

    write_output(tmp_path / "a/b/c.json", "é")
    assert (tmp_path / "a/b/c.json").read_text(encoding="utf-8") == "é"


@pytest.mark.parametrize("name", ["file/c.json", "file/b/c.json", "link/c.json"])
def test_what_lies_below_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "none")
    for refused in (check_output, lambda path: write_output(path, "")):
        with pytest.raises(
            UserError, match=r"^cannot write .*c\.json: .*; (make room or )?name another with --output$"
        ):
            refused(tmp_path / name)
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it is a folder; name a file with --output"):
        check_output(tmp_path)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="a folder that takes no files from anybody")
def test_a_folder_that_takes_no_files_is_known_before_the_work() -> None:
    with pytest.raises(UserError, match=r"^cannot write /proc/c\.json: "):
        check_output(Path("/proc/c.json"))
