"""Everything that goes wrong with a cohort, planted at once: all of it is named in one pass, and nothing is written."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from admoe_monai.data.cohorts import VisitTable, load_mapping, prepare_cohort
from admoe_monai.errors import UserError

HEADER = "Subject ID;MRI ID;Group;Visit;MR Delay;M/F;Hand;Age;EDUC;SES;MMSE;CDR;eTIV;nWBV;ASF"
ROW = "p{0};p{0}_MR1;Nondemented;1;0;M;R;8{0};12;2;29;0,0;1500;0,75{0};1,1"


def write_broken(path, shape=(10, 10, 10), bad_voxels=0):
    values = np.random.default_rng(0).uniform(50, 100, shape).astype(np.float32)
    values.flat[:bad_voxels] = np.nan
    nib.save(nib.Nifti1Image(values, np.diag([12.0, 12.0, 12.0, 1.0])), path)


def contradict_the_affine(path):
    """Let the header's voxels be of 9 mm, while the affine goes on in steps of 12."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[80:92] = np.array([9.0, 9.0, 9.0], dtype="<f4").tobytes()
    path.write_bytes(gzip.compress(bytes(content)))


@pytest.fixture
def broken(tmp_path, write_scan):
    """Ten people, a defect in the row or in the scan of each."""
    rows = [ROW.format(n) for n in range(10)]
    for n in range(10):
        write_scan(tmp_path / f"p{n}_MR1.nii.gz", seed=n)
    rows[1] = rows[1].replace("0,751", "0751")  # a lost decimal point
    rows[2] = rows[2].replace("0,0", "0,7")  # an unknown code
    rows[3] = rows[3].replace("Nondemented;1", "Nondemented;one")
    rows[4] = rows[4].removesuffix(";1,1")
    rows[5] = rows[5].replace("p5;", ";", 1)
    (tmp_path / "p6_MR1.nii.gz").unlink()
    write_broken(tmp_path / "p7_MR1.nii.gz", shape=(10, 10, 10, 3))
    write_broken(tmp_path / "p8_MR1.nii.gz", bad_voxels=5)
    contradict_the_affine(tmp_path / "p9_MR1.nii.gz")
    (tmp_path / "p0_MR1.nii.gz").write_bytes(b"no scan")
    rows += [rows[7], ROW.format(7).replace("p7;", "p10;", 1)]  # a doubled row, and another person's scan
    (tmp_path / "table.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return tmp_path


def test_all_defects_are_named_in_one_pass_and_nothing_is_written(broken):
    before = sorted(broken.iterdir())
    source = VisitTable(broken / "table.csv", "{MRI ID}.nii.gz", load_mapping("oasis2"))
    with pytest.raises(UserError, match=r"^oasis2: \d+ problems, nothing was written; the first: ") as error:
        prepare_cohort(broken / "datalist.json", source)

    table = f"{broken}/table.csv line "
    lines = [line.removeprefix(table).replace(f"{broken}/", "") for line in error.value.details]
    four_axes = "image p7_MR1.nii.gz has 4 axes (10, 10, 10, 3), expected a slice or a volume"
    assert lines == [
        "6 has 14 cells, the header has 15",
        "3: column 'nWBV' holds '0751', outside 0.5 to 1 (a lost decimal point?)",
        "4: column 'CDR' holds the unknown code '0.7'",
        "5: column 'Visit' holds 'one', which is not a number",
        "7: column 'Subject ID' is empty",
        "12: visit p7 MR1 stands already at table.csv line 9",
        "13: image p7_MR1.nii.gz is that of table.csv line 9 too",
        "8: no image: p6_MR1.nii.gz",
        lines[8],
        f"9: {four_axes}",
        "10: image p8_MR1.nii.gz holds 5 voxels that are NaN or infinite",
        "11: image p9_MR1.nii.gz has an affine with steps [12.0, 12.0, 12.0] but voxels of [9.0, 9.0, 9.0] mm",
        f"12: {four_axes}",
        f"13: {four_axes}",
    ]
    assert lines[8].startswith("2: image p0_MR1.nii.gz is unreadable: ")
    assert sorted(broken.iterdir()) == before


def test_a_table_without_a_header_is_named(broken):
    table = broken / "table.csv"
    table.write_text("\n".join(table.read_text().splitlines()[1:]) + "\n")
    with pytest.raises(UserError, match=r"table.csv has no header: its first line holds values such as '1'"):
        VisitTable(table, "{MRI ID}.nii.gz", load_mapping("oasis2")).read()
