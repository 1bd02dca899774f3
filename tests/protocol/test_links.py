"""Link headers as platforms write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.lti.wire.links import Link, next_page, parse_links

HERE = "https://lms.example/mod/services.php/2/lineitems?type_id=1"


@pytest.mark.parametrize(
    "parameters",
    [
        'rel="next"',
        "rel=“next”",
        "rel=next",
        "rel='next'",
        'REL="Next"',
        'rel = "next"',
        'title="a"; rel="next"',
        'rel="last next"',
        'rel="next"; title="b"',
        "rel=„next“",
        'rel="next" ',
    ],
)
def test_each_way_to_write_a_relation(parameters: str) -> None:
    assert next_page(f"<https://lms.example/page/2>; {parameters}", HERE) == "https://lms.example/page/2"


@pytest.mark.parametrize(
    "parameters",
    [
        'rel="prev"',
        "rel=nextish",
        "",
        'title="next"',
        'rev="next"',
        'rel=""',
        "next",
        'rel="first"',
    ],
)
def test_what_is_not_the_next_page(parameters: str) -> None:
    assert next_page(f"<https://lms.example/page/2>; {parameters}", HERE) == ""


MOODLE = (
    "<https://lms.example/mod/services.php/2/lineitems?type_id=1&amp;limit=2&amp;from=0>; rel=“first”, "
    "<https://lms.example/mod/services.php/2/lineitems?type_id=1&amp;limit=2&amp;from=2>; rel=“next”, "
    "<https://lms.example/mod/services.php/2/lineitems?type_id=1&amp;limit=2&amp;from=4>; rel=“last”"
)


@pytest.mark.parametrize(
    "header",
    [MOODLE, MOODLE.encode().decode("latin-1")],
    ids=[
        "as text",
        "as bytes read as Latin-1",
    ],
)
def test_moodles_header(header: str) -> None:
    """Typographic quotes, escaped ampersands, several links."""
    assert next_page(header, HERE) == "https://lms.example/mod/services.php/2/lineitems?type_id=1&limit=2&from=2"
    assert [sorted(link.relations) for link in parse_links(header)] == [["first"], ["next"], ["last"]]


def test_the_case_of_the_address_is_kept() -> None:
    header = '<https://lms.example/API/V1/Course-A/Items?Page=Zw%3D%3D>; rel="next"'
    assert next_page(header, HERE) == "https://lms.example/API/V1/Course-A/Items?Page=Zw%3D%3D"


def test_only_the_ampersand_is_unescaped() -> None:
    assert parse_links("<https://lms.example/?a=1&copy=2&lt;=3&amp;b=4>; rel=next") == (
        Link("https://lms.example/?a=1&copy=2&lt;=3&b=4", frozenset({"next"})),
    )


def test_commas_and_semicolons_in_an_address_are_part_of_it() -> None:
    assert next_page("<https://lms.example/a,b;c?d=e,f;g>;rel=next,<https://lms.example/z>;rel=last", HERE) == (
        "https://lms.example/a,b;c?d=e,f;g"
    )


def test_a_relative_address_is_taken_from_here() -> None:
    assert next_page("<?type_id=1&page=2>; rel=next", HERE) == HERE + "&page=2"
    assert next_page("</other?page=2>; rel=next", HERE) == "https://lms.example/other?page=2"


@pytest.mark.parametrize("there", ["https://LMS.example/p", "https://lms.example:443/p"])
def test_the_same_origin_written_otherwise_is_the_same(there: str) -> None:
    assert next_page(f"<{there}>; rel=next", HERE) == there


@pytest.mark.parametrize(
    "there",
    [
        "https://evil.example/p",
        "http://lms.example/p",
        "https://lms.example:8443/p",
        "//evil.example/p",
        "https://lms.example.evil/p",
        "https://lms.example@evil.example/p",
        "javascript:x",
        "https://[",
        "",
        HERE,
    ],
)
def test_another_origin_or_this_very_page_is_not_followed(there: str) -> None:
    assert next_page(f"<{there}>; rel=next", HERE) == ""


@pytest.mark.parametrize(
    "header",
    [
        "",
        "<",
        ">",
        "<>",
        "next",
        "<https://lms.example/p; rel=next",
        ",,,",
        "<a><b>;rel",
    ],
)
def test_what_is_no_link_gives_no_page(header: str) -> None:
    assert next_page(header, HERE) == ""


@given(header=st.text(alphabet="<>;,=\"'“” &relnxtps:/.?é\0") | st.text())
def test_any_header_is_read(header: str) -> None:
    assert isinstance(next_page(header, HERE), str)
