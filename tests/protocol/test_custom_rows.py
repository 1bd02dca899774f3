"""Additional parameters as people and tools write them: one rule for all of them."""

import pytest

from tenants.lti.wire.custom_rows import ROWS_LIMIT, Rows, read_map, read_row, read_rows, rows_fault, write_rows


@pytest.mark.parametrize(
    ("name", "value", "rows"),
    [
        ("level", "3", (("level", "3"),)),
        (" custom_level ", " 3 ", (("level", "3"),)),
        ("", "", ()),
        (" ", "\t", ()),
        ("level", "", (("level", ""),)),
        ("", "3", (("", "3"),)),
        ("a=b\nc=d", "", (("a", "b"), ("c", "d"))),
        ("a=b\r\n\r\ncustom_c = d=e\r\n", "", (("a", "b"), ("c", "d=e"))),
        ("a=b", "", (("a", "b"),)),
        ("a=b", "c", (("a=b", "c"),)),
        ("a", "b\nc=d", (("a", "b\nc=d"),)),
    ],
)
def test_a_row_of_a_form(name: str, value: str, rows: Rows) -> None:
    assert read_row(name, value) == rows


def test_lines_and_rows_are_the_same() -> None:
    rows = (("a", "b"), ("c", "d=e"), ("f", ""))
    assert read_rows(write_rows(rows)) == rows


def test_a_map_becomes_text() -> None:
    given = {"text": " a ", "whole": 4, "part": 1.5, "yes": True, "no": False, "nothing": None}
    assert read_map(given) == (("text", " a "), ("whole", "4"), ("part", "1.5"), ("yes", "true"), ("no", "false"))


@pytest.mark.parametrize("odd", [[], ["a"], {}, {"a": 1}])
def test_a_map_says_what_is_no_text(odd: object) -> None:
    with pytest.raises(ValueError, match=r"^deep$"):
        read_map({"a": "1", "deep": odd})


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ((("a", "1"), ("b", "$User.id")), ""),
        ((("", "1"),), "the name is missing"),
        ((("a=b", "1"),), "cannot be sent"),
        ((("a", "1\n2"),), "cannot be sent"),
        ((("a\u200b", "1"),), "cannot be sent"),
        ((("LIS_outcome", "1"),), "reserved"),
        ((("a", "1"), ("a", "2")), "“a” is there twice"),
        (tuple((str(number), "1") for number in range(ROWS_LIMIT + 1)), f"At most {ROWS_LIMIT}"),
    ],
)
def test_what_cannot_be_sent(rows: Rows, fault: str) -> None:
    said = rows_fault(rows)
    assert (fault in said, bool(said)) == (True, bool(fault))


def test_names_that_become_one_are_a_fault_of_lti_1x_only() -> None:
    rows = (("Chapter.One", "1"), ("chapter_one", "2"))
    assert (rows_fault(rows), rows_fault(rows, folded=True)) == ("", "“chapter_one” is there twice")
