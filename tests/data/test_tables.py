import pytest

from admoe_monai.data.tables import is_code, read_rows, read_table_file
from admoe_monai.errors import UserError


def write(folder, *lines, name="table.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
    return path


def test_tabs_separate_a_tsv_and_cells_stay_text(tmp_path):
    assert read_rows(write(tmp_path, "a\tb", "01\t", "NA\t2", name="t.tsv")) == [
        {"a": "01", "b": ""},
        {"a": "NA", "b": "2"},
    ]


def test_semicolons_with_decimal_commas_are_read(tmp_path):
    table = read_table_file(write(tmp_path, "ID;Alter;Wert", "p1;71,5;-0,25", "p2;70;1,2,3"))

    assert table.rows == [{"ID": "p1", "Alter": "71.5", "Wert": "-0.25"}, {"ID": "p2", "Alter": "70", "Wert": "1,2,3"}]
    assert table.decimal


def test_every_line_knows_where_it_stands_and_a_wrong_one_does_not_hide_the_next(tmp_path):
    table = read_table_file(write(tmp_path, "a,b", '1,"two', 'lines"', "", "1,5,2", "3,4", "5"))

    assert table.lines == [3, 6]
    assert table.problems == [
        f"{table.path} line 5 has 3 cells, the header has 2 (decimal commas need semicolons between cells)",
        f"{table.path} line 7 has 1 cells, the header has 2 (decimal commas need semicolons between cells)",
    ]


def test_where_every_line_must_be_right_all_that_are_not_are_in_the_details(tmp_path):
    with pytest.raises(UserError, match=r"line 2 has 3 cells.*\(and 1 more\)") as error:
        read_rows(write(tmp_path, "a,b", "1,2,3", "1"))
    assert len(error.value.details) == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_encodings_of_spreadsheets_are_read(tmp_path, encoding):
    assert read_rows(write(tmp_path, "Größe,b", "é,1", encoding=encoding)) == [{"Größe": "é", "b": "1"}]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "is empty"),
        (["a,b"], "has no rows"),
        (["p1,87,0.5,12", "p2,80,0,11"], "has no header: its first line holds values such as '87'"),
        (["a,a", "1,2"], "has two columns named 'a'"),
        (["a,b", '"1,2'], "can't be read"),
        (["a\0,b", "1,2"], "it is no text"),
    ],
)
def test_what_is_no_table_is_refused_in_one_line(tmp_path, lines, message):
    with pytest.raises(UserError) as error:
        read_table_file(write(tmp_path, *lines))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"table not found: .*none.csv"):
        read_rows(tmp_path / "none.csv")


def test_what_windows_writes_is_read_as_such(tmp_path):
    assert read_rows(write(tmp_path, "a,b", "1,\u201ca\u2019s\u2026 \u20ac\u201d", encoding="cp1252")) == [
        {"a": "1", "b": "\u201ca\u2019s\u2026 \u20ac\u201d"}
    ]


def test_bytes_that_mean_nothing_in_the_code_page_of_windows_are_read_all_the_same(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n1,\x81\n")

    assert read_rows(path) == [{"a": "1", "b": "\x81"}]


def test_the_unicode_text_of_a_spreadsheet_is_read(tmp_path):
    path = tmp_path / "t.txt"
    path.write_bytes(b"\xfe\xff" + "ID\tGröße\r\n01\té\r\n".encode("utf-16-be"))

    assert read_rows(path) == [{"ID": "01", "Größe": "é"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_the_ways_of_three_systems(tmp_path, end):
    path = tmp_path / "t.csv"
    path.write_bytes(f"a,b{end}1,2{end}3,4".encode())

    assert read_table_file(path).lines == [2, 3]


@pytest.mark.parametrize("mark", ["\v", "\f", "\u2028", "\u0085", "\x1c"])
def test_no_other_mark_ends_a_line(tmp_path, mark):
    table = read_table_file(write(tmp_path, "a,b", f"1,x{mark}y", "3"))

    assert table.rows == [{"a": "1", "b": f"x{mark}y"}]
    assert "line 3 has 1 cells" in table.problems[0]


@pytest.mark.parametrize(
    ("lines", "line"),
    [(["1,2", '"3" 4,5'], 3), (["1,2", "3,4", '"5,6', "7,8"], 4), (['1,"2', '3" x,4'], 2)],
)
def test_a_stray_quote_is_named_with_its_line(tmp_path, lines, line):
    with pytest.raises(UserError, match=f"can't be read at line {line}: .*a quote at the start of a cell must end it"):
        read_table_file(write(tmp_path, "a,b", *lines))


def test_a_quote_inside_of_a_cell_is_a_sign_like_others(tmp_path):
    assert read_rows(write(tmp_path, "a,b", "1,5'10\"", '2,"an ""x"""')) == [
        {"a": "1", "b": "5'10\""},
        {"a": "2", "b": 'an "x"'},
    ]


def test_a_line_that_ends_with_a_tab_is_told_so(tmp_path):
    table = read_table_file(write(tmp_path, "a\tb", "1\t2\t", name="t.tsv"))

    assert table.problems == [f"{table.path} line 2 has 3 cells, the header has 2 (a tab at its end?)"]


@pytest.mark.parametrize(("text", "code"), [("3", 3.0), ("3.00", 3), ("M", "M"), ("3", "3"), ("True", True)])
def test_a_code_may_be_a_number_written_in_another_way(text, code):
    assert is_code(text, code)


@pytest.mark.parametrize(("text", "code"), [("3.0", "3"), ("m", "M"), ("", 0), ("nan", float("inf")), ("x", 3)])
def test_other_cells_are_no_code(text, code):
    assert not is_code(text, code)
