import hashlib
import json
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from admoe_monai.cli.demo_cohort import demo_cohort
from admoe_monai.data.demo_cohort import make_demo_cohort
from admoe_monai.data.demo_cohort.head import Head
from admoe_monai.data.demo_cohort.population import stream
from admoe_monai.errors import UserError

SMALL = {"subjects": 6, "visits": (2, 2), "spacing_mm": 6.0, "rescan": 1, "progress": False}


def digests(root):
    return {p.relative_to(root): hashlib.sha256(p.read_bytes()).hexdigest() for p in root.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_demo_cohort(tmp_path_factory.mktemp("demo") / "cohort", workers=1, **SMALL)


@pytest.fixture(scope="module")
def truth(cohort):
    return pd.read_csv(cohort / "truth.tsv", sep="\t")


def test_same_seed_gives_the_same_bytes_with_any_number_of_workers(cohort, tmp_path):
    again = make_demo_cohort(tmp_path / "again", workers=3, **SMALL)
    assert digests(again) == digests(cohort)


@pytest.mark.slow
def test_another_seed_gives_other_images(cohort, tmp_path):
    other = make_demo_cohort(tmp_path / "other", workers=2, seed=43, **SMALL)
    name = "sub-0001/ses-M012/anat/sub-0001_ses-M012_T1w.nii.gz"
    assert (other / name).read_bytes() != (cohort / name).read_bytes()


def test_layout_is_bids(cohort, truth):
    description = json.loads((cohort / "dataset_description.json").read_text())
    assert description["simulated"] is True
    assert "SIMULATED" in description["Name"]
    participants = pd.read_csv(cohort / "participants.tsv", sep="\t")
    assert participants["participant_id"].tolist() == [f"sub-{i:04d}" for i in range(1, 7)]
    assert {"age", "sex", "education", "site", "scanner", "field_strength"} <= set(participants.columns)
    sessions = pd.read_csv(cohort / "sub-0001" / "sub-0001_sessions.tsv", sep="\t")
    assert sessions["session_id"].tolist() == ["ses-M000", "ses-M012"]
    assert {"days_from_baseline", "age", "diagnosis", "mmse", "cdr"} <= set(sessions.columns)
    on_disk = sorted(p.relative_to(cohort).as_posix() for p in cohort.rglob("*_T1w.nii.gz"))
    assert on_disk == sorted(truth["image"])


def test_every_scan_says_that_it_is_simulated(cohort, truth):
    for path in truth["image"]:
        sidecar = json.loads((cohort / path.replace(".nii.gz", ".json")).read_text())
        assert sidecar["simulated"] is True
        assert nib.load(cohort / path).header["descrip"].item().startswith(b"simulated")
    assert (cohort / "README").read_text().startswith("SIMULATED")


def test_images_hold_a_brain_on_an_empty_background(cohort, truth):
    image = nib.load(cohort / truth["image"][0])
    voxels = np.asarray(image.dataobj)
    assert voxels.dtype == np.int16
    np.testing.assert_allclose(image.header.get_zooms(), 6.0)
    assert nib.aff2axcodes(image.affine) == ("R", "A", "S")
    assert voxels[0].max() == voxels[-1].max() == voxels[:, :, -1].max() == 0
    assert (voxels > 0).sum() * 6.0**3 == pytest.approx(truth["head_size_mm3"][0], rel=0.05)


def test_rescan_repeats_the_head_with_new_noise(cohort, truth):
    pair = truth[truth["participant_id"].isin(truth.loc[truth["rescan"] == 1, "participant_id"])]
    pair = pair[pair["days_from_baseline"] == 0]
    assert pair["rescan"].tolist() == [0, 1]
    assert pair.filter(like="mm3").nunique().max() == 1
    first, second = (np.asarray(nib.load(cohort / p).dataobj, dtype=float) for p in pair["image"])
    assert not np.array_equal(first, second)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.9


def test_true_volumes_are_seen_in_the_image():
    """Dark voxels around the ventricles grow by the volume that the truth gives them."""
    from scipy.spatial.transform import Rotation

    from admoe_monai.data.demo_cohort.grid import grid_points
    from admoe_monai.data.demo_cohort.scanning import prepare_scanner

    head = Head(np.random.default_rng(0), 1.5e6)
    scanner = prepare_scanner(2.0)
    points = grid_points(2.0)
    centre = (abs(points[0]) < 45) & (points[1] > -75) & (points[1] < 45) & (points[2] > -15) & (points[2] < 40)
    dark = []
    for ventricles in (20_000.0, 50_000.0):
        amounts = head.amounts_for(
            {"lateral_ventricles": ventricles, "hippocampus_left": 3_000.0, "hippocampus_right": 3_000.0}
        )
        assert head.volumes(amounts)["lateral_ventricles"] == pytest.approx(ventricles, rel=1e-3)
        pose = (Rotation.identity(), np.zeros(3))
        values, mask = head.render(scanner.template, scanner.brain, amounts, points, pose)
        dark.append((mask & centre & (values < 0.52)).sum() * 8.0)
    assert dark[1] - dark[0] == pytest.approx(30_000.0, rel=0.2)


def test_volumes_do_not_depend_on_the_grid_they_are_integrated_on():
    from admoe_monai.data.demo_cohort import head as module

    fine = pytest.MonkeyPatch()
    wanted = {"lateral_ventricles": 25_000.0, "hippocampus_left": 2_800.0, "hippocampus_right": 3_100.0}
    coarse_head = Head(stream(1, 0, 0), 1.5e6)
    amounts = coarse_head.amounts_for(wanted)
    with fine.context() as patch:
        patch.setattr(module, "_LABEL_GRID_MM", 1.0)
        refined = Head(stream(1, 0, 0), 1.5e6).volumes(amounts)
    for name, volume in wanted.items():
        assert refined[name] == pytest.approx(volume, rel=0.005)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subjects": 2}, "subjects .* got 2"),
        ({"visits": (3, 2)}, "visits .* got 3 to 2"),
        ({"spacing_mm": 0.5}, "spacing .* got 0.5"),
        ({"effect": -1.0}, "effect .* got -1.0"),
        ({"shortcut": "scanner"}, "shortcut .* got 'scanner'"),
        ({"rescan": 7}, "rescan .* got 7"),
        ({"workers": 0}, "workers .* got 0"),
    ],
)
def test_a_bad_argument_is_one_clear_line(tmp_path, change, message):
    with pytest.raises(UserError, match=message) as error:
        make_demo_cohort(tmp_path / "new", **{**SMALL, **change})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(UserError, match="not an empty folder"):
        make_demo_cohort(tmp_path, **SMALL)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_was_filled_in_the_meantime_is_left_alone(tmp_path, monkeypatch):
    target = tmp_path / "cohort"

    def fill(*given):
        target.mkdir()
        (target / "mine.txt").write_text("keep")

    monkeypatch.setattr("admoe_monai.data.demo_cohort.cohort.write_tables", fill)
    with pytest.raises(UserError, match="filled by another process in the meantime; name another folder"):
        make_demo_cohort(target, **SMALL)
    assert [path.name for path in tmp_path.rglob("*")] == ["cohort", "mine.txt"]


def test_a_failure_leaves_nothing_behind(tmp_path, monkeypatch):
    from admoe_monai.data.demo_cohort import cohort as module

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(module, "write_tables", fail)
    with pytest.raises(OSError, match="disk full"):
        make_demo_cohort(tmp_path / "new", workers=1, **{**SMALL, "subjects": 3, "visits": (1, 1)})
    assert list(tmp_path.iterdir()) == []


def test_command_makes_a_cohort_and_prints_its_effects(tmp_path):
    app = typer.Typer()
    app.command()(demo_cohort)
    with warnings.catch_warnings():
        arguments = [str(tmp_path / "c"), "--subjects", "12", "--visits", "1", "1", "--spacing", "8", "--effect", "0"]
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "hippocampus_left" in result.output
    assert "NULL COHORT" in (tmp_path / "c" / "README").read_text()
