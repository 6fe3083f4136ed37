import pytest

from admoe_monai.data.cohorts.t1w import ScanChoice, t1w_scans


@pytest.fixture
def scans(tmp_path):
    def make(*names):
        for name in names:
            (tmp_path / f"sub-1_{name}T1w.nii.gz").touch()
        return t1w_scans([tmp_path])

    return make


def chosen(scans, *prefer):
    choice = ScanChoice(prefer)
    scan = choice.choose(scans, "sub-1 ses-1")
    return None if scan is None else scan.name.removeprefix("sub-1_").removesuffix("T1w.nii.gz"), choice


def test_a_scan_in_chunks_is_a_problem_with_a_remedy(scans):
    _, choice = chosen(scans("chunk-1_", "chunk-2_"))

    assert choice.problems == [
        "sub-1 ses-1: its T1w scan is in parts (sub-1_chunk-1_T1w.nii.gz, sub-1_chunk-2_T1w.nii.gz): join them to one "
        "image, or take one with --prefer chunk-1"
    ]


def test_one_chunk_alone_is_no_whole_scan(scans):
    assert len(chosen(scans("acq-x_chunk-03_"))[1].problems) == 1


def test_a_whole_scan_comes_before_chunks_that_are_first_by_name_or_preferred_otherwise(scans):
    name, choice = chosen(scans("acq-x_chunk-1_", "acq-x_chunk-2_", "run-1_"), "acq-x")

    assert (name, choice.problems) == ("run-1_", [])


def test_a_chunk_may_be_asked_for_by_name(scans):
    name, choice = chosen(scans("chunk-1_", "chunk-2_"), "chunk-2")

    assert (name, choice.problems) == ("chunk-2_", [])


def test_phase_and_imaginary_part_are_no_scans(scans):
    name, choice = chosen(scans("part-imag_", "part-mag_", "part-phase_"))

    assert (name, choice.several) == ("part-mag_", [])
    assert chosen([path for path in scans() if "part-mag" not in path.name])[0] is None


@pytest.mark.parametrize(
    ("names", "first"),
    [
        (("ce-gadolinium_", "run-1_"), "run-1_"),
        (("echo-1_", "rec-rms_"), "rec-rms_"),
        (("inv-1_", "rec-uni_"), "rec-uni_"),
        (("acq-defaced_", "run-2_"), "run-2_"),
        (("part-mag_", "part-real_"), "part-mag_"),
    ],
)
def test_the_plain_scan_comes_before_one_that_is_first_by_name(scans, names, first):
    assert chosen(scans(*names))[0] == first


def test_scans_with_a_contrast_agent_are_said(scans):
    _, choice = chosen(scans("ce-gadolinium_"))

    assert choice.notes() == [
        "1 sessions have a T1w scan with a contrast agent (ce-) in use (sub-1 ses-1): vessels are bright in it"
    ]


def test_hidden_files_of_another_system_are_no_scans(tmp_path):
    (tmp_path / "._sub-1_T1w.nii.gz").touch()

    assert t1w_scans([tmp_path]) == []
