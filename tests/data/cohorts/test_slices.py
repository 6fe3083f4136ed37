import numpy as np
import pytest

from admoe_monai.data.cohorts import SliceArrays, prepare_cohort
from admoe_monai.errors import UserError


def write(folder, name, **arrays):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    values = {"slice": np.random.default_rng(0).uniform(0, 255, (40, 50)).astype(np.float32), **arrays}
    np.savez(path, **{key: value for key, value in values.items() if value is not None})
    return path


def test_slices_become_visits_of_the_subject_in_their_name(tmp_path):
    write(tmp_path, "train/002_S_0295_0.npz", label=2, change_label=0, prior=np.array([0.1, 0.2, 0.7]))
    write(tmp_path, "train/002_S_0295_1.npz", label=2, change_label=-1, prior=np.array([0.1, np.nan, 0.7]))
    reading = SliceArrays(tmp_path).read()

    assert reading.problems == []
    assert [(v["subject_id"], v["session_id"], v["image"]) for v in reading.visits] == [
        ("002_S_0295", "train-002-S-0295-0", "train/002_S_0295_0.npz"),
        ("002_S_0295", "train-002-S-0295-1", "train/002_S_0295_1.npz"),
    ]
    assert [(v["diagnosis"], v["change"]) for v in reading.visits] == [("AD", "stable"), ("AD", None)]
    assert reading.visits[1]["prior"] == {"prior_0": 0.1, "prior_1": None, "prior_2": 0.7}


def test_change_labels_are_said_to_be_given(tmp_path):
    for n in range(12):
        write(tmp_path, f"sub-{n:02}.npz", label=0, change_label=n % 2 - 1)
    (datalist,) = prepare_cohort(tmp_path / "d.json", SliceArrays(tmp_path))

    assert datalist.label_definition["change"] == {"horizon": "as the slices' files give it", "horizon_days": None}
    assert datalist.report["unknown_change"] == {"not given with the data": 6}


def test_their_prior_is_banned_for_it_is_the_label_in_disguise(tmp_path):
    write(tmp_path, "sub-01.npz", label=0, prior=np.ones(3))

    assert {column["role"] for column in SliceArrays(tmp_path).read().columns} == {"banned"}


def test_a_pattern_of_ones_own_finds_the_subject(tmp_path):
    write(tmp_path, "p7-slice3.npz", label=0)

    assert "tells no subject; give --subject_pattern" in SliceArrays(tmp_path).read().problems[0]
    assert SliceArrays(tmp_path, r"(p\d+)-").read().visits[0]["subject_id"] == "p7"


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"label": 3}, "it holds 3 in 'label', which is none of 0 to 2 (CN, MCI, AD)"),
        ({"label": 0.5}, "it must hold one whole number in 'label', got 0.5"),
        ({"label": np.inf}, "it must hold one whole number in 'label', got inf"),
        ({"label": np.array("AD")}, "it holds <U2 in 'label', no numbers"),
        ({"prior": np.array([1j])}, "it holds complex128 in 'prior', no numbers"),
        ({"slice": None, "label": 0}, "it holds no array 'slice' but label"),
        ({"label": np.array([{"a": 1}], dtype=object)}, "Object arrays cannot be loaded when allow_pickle=False"),
    ],
)
def test_a_file_that_is_wrong_is_named_and_nothing_is_unpickled(tmp_path, arrays, problem):
    path = write(tmp_path, "sub-01.npz", **arrays)
    reading = SliceArrays(tmp_path).read()

    assert len(reading.problems) == 1
    assert reading.problems[0].startswith(str(path))
    assert problem in reading.problems[0]


def cut(content):
    return content[: len(content) // 2]


def damaged(content):
    """The archive's directory is whole, the header of its first array is not."""
    return content.replace(b"{'descr'", b"{'des(r'").replace(b"'fortran_order': False", b"'fortran_order': (alse", 1)


@pytest.mark.parametrize("breaks", [lambda content: b"", cut, damaged, lambda content: b"PK" * 40])
@pytest.mark.parametrize("compressed", [False, True])
def test_every_slice_that_is_broken_is_one_line(tmp_path, breaks, compressed):
    paths = []
    for n in range(3):
        paths.append(write(tmp_path, f"sub-{n:02}.npz", label=0, prior=np.ones(3)))
        if compressed:
            with np.load(paths[-1]) as content:
                np.savez_compressed(paths[-1], **content)
    for path in paths[1:]:
        path.write_bytes(breaks(path.read_bytes()))
    if compressed and breaks is damaged:  # there is nothing to replace in what is compressed
        for path in paths[1:]:
            content = bytearray(path.read_bytes())
            content[60:90] = b"x" * 30
            path.write_bytes(content)
    reading = SliceArrays(tmp_path).read()

    assert [line.partition(": it ")[0] for line in reading.problems] == list(map(str, paths[1:]))
    assert [visit["subject_id"] for visit in reading.visits] == ["sub-00"]


@pytest.mark.parametrize(
    ("pattern", "message"), [("(", "is no regular expression"), ("sub", "has no group: write the subject in brackets")]
)
def test_a_pattern_that_can_not_work_is_refused(tmp_path, pattern, message):
    write(tmp_path, "sub-01.npz", label=0)
    with pytest.raises(UserError, match=message):
        SliceArrays(tmp_path, pattern).read()


def test_a_folder_without_slices_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"holds no \.npz slice"):
        SliceArrays(tmp_path).read()
