"""The quality page of made-up rows: what somebody sees who looks registrations over, in wide and narrow windows."""

from __future__ import annotations

import math
from typing import Any

import admoe_monai
from admoe_monai.workflows.preprocessing.quality_page import quality_page
from page_checks import read_page

COLUMNS = ("state", "correlation", "mutual_information")
MEANINGS = {"low_correlation": "It looks like something else.", "poor_coverage": "Part of it is out of view."}


def row(scan: str, *flags: str, **values: Any) -> dict[str, Any]:
    return {"scan": scan, "flags": list(flags), "state": "skull_stripped", "correlation": 0.61234} | {
        "mutual_information": 0.5, **values,
    }  # fmt: skip


def page_of(*rows: dict[str, Any], problems: list[tuple[str, str]] | None = None) -> str:
    return quality_page("four on MNI152", rows, [b"png"] * len(rows), COLUMNS, MEANINGS, problems or [])


def test_flags_stand_first_and_before_the_picture() -> None:
    html = page_of(row("good.nii"), row("bad.nii", "low_correlation", "poor_coverage"))
    page = read_page(html)
    assert "2 scans on the template, 1 of them flagged (low correlation 1, poor coverage 1)." in page.text
    assert page.text.index("bad.nii") < page.text.index("good.nii")
    bad = html[html.index('<td class="scan">bad.nii') :]
    assert bad.index(">low correlation<") < bad.index(">poor coverage<") < bad.index("<img")


def test_each_number_carries_its_name_for_windows_where_its_head_is_out_of_sight() -> None:
    html = page_of(row("one.nii"))
    assert '<td data-name="mutual information" class="number">0.500</td>' in html
    assert '<td data-name="state">skull stripped</td>' in html


def test_what_was_not_measured_says_so() -> None:
    page = read_page(page_of(row("one.nii", correlation=None, mutual_information=math.nan)))
    assert page.texts.count("\N{EN DASH} not measured") == 2


def test_the_page_says_which_version_wrote_it_and_escapes_names() -> None:
    page = read_page(page_of(row("<b>.nii"), problems=[("<i>.nii", "cut off")]))
    assert f"Written by admoe_monai {admoe_monai.__version__} on 2" in page.text
    assert "<b>.nii" in page.texts
    assert "<i>.nii" in page.texts


def test_a_cohort_of_which_nothing_could_be_processed_has_a_page() -> None:
    page = read_page(page_of(problems=[("one.nii", "cut off")]))
    assert "0 scans on the template, 0 of them flagged; 1 could not be processed" in page.text
