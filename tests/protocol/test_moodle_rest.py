"""Flattened parameters as PHP reads them, and what the functions of Moodle's web service take."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.zoom.wire.moodle_rest import (
    MAX_EVENTS,
    MAX_PAIRS,
    Branch,
    Deletion,
    EventQuery,
    Format,
    Function,
    InvalidParameter,
    RestCall,
    read_deletions,
    read_new_events,
    read_query,
    unflatten,
)

WORDS = st.text("abcxyz019", min_size=1, max_size=6)
LEAVES = st.text(max_size=20)
TREES = st.dictionaries(
    WORDS,
    st.one_of(
        LEAVES, st.dictionaries(WORDS, st.one_of(LEAVES, st.dictionaries(WORDS, LEAVES, min_size=1)), min_size=1)
    ),
)


def flattened(tree: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in tree.items():
        name = f"{prefix}[{key}]" if prefix else key
        found += flattened(value, name) if isinstance(value, dict) else [(name, value)]
    return found


def fault_in(read: Callable[[Mapping[str, Any]], object], parameters: Mapping[str, Any]) -> str | None:
    try:
        read(parameters)
    except InvalidParameter as fault:
        return str(fault)
    return None


def plain(branch: object) -> object:
    return {key: plain(value) for key, value in branch.items()} if isinstance(branch, Branch) else branch


@given(TREES)
def test_what_was_flattened_is_as_it_was(tree: dict[str, Any]) -> None:
    assert plain(unflatten(flattened(tree))) == tree


@pytest.mark.case("ZL-051")
@given(TREES)
def test_brackets_may_be_encoded(tree: dict[str, Any]) -> None:
    once = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in flattened(tree))
    twice = "&".join(f"{quote(quote(name, safe=''))}={quote(value, safe='')}" for name, value in flattened(tree))
    for body in (once, twice):
        assert plain(unflatten(parse_qsl(body, keep_blank_values=True))) == tree


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=20)), max_size=40))
def test_nothing_that_is_sent_breaks_it(pairs: list[tuple[str, str]]) -> None:
    call = RestCall.read(pairs)
    faults = [fault_in(read, call.parameters) for read in (read_new_events, read_deletions, read_query)]
    assert len(faults) == 3


@given(
    st.lists(
        st.tuples(st.from_regex(r"events(\[[0-9a-z]{0,3}\]){0,3}", fullmatch=True), st.text(max_size=8)), max_size=40
    )
)
def test_nothing_near_it_breaks_it(pairs: list[tuple[str, str]]) -> None:
    fault = fault_in(read_new_events, RestCall.read(pairs).parameters)
    assert fault is None or "events" in fault or "value" in fault


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        ([("a[]", "1"), ("a[]", "2")], {"a": {"0": "1", "1": "2"}}),
        ([("a[5]", "1"), ("a[]", "2"), ("a[2]", "3"), ("a[]", "4")], {"a": {"5": "1", "6": "2", "2": "3", "7": "4"}}),
        ([("a", "1"), ("a[b]", "2")], {"a": {"b": "2"}}),
        ([("a[b]", "2"), ("a", "1")], {"a": "1"}),
        ([("a", "1"), ("a", "2")], {"a": "2"}),
        ([("a[b", "1"), ("[a]", "1"), ("]", "1"), ("", "1")], {"a": "1"}),
        ([("a[b]c", "1")], {"a": {"b": "1"}}),
        ([("a[ b ]", "1")], {"a": {"b": "1"}}),
        ([("a[][x]", "1"), ("a[][x]", "2")], {"a": {"0": {"x": "1"}, "1": {"x": "2"}}}),
    ],
)
def test_as_php_reads_it(pairs: list[tuple[str, str]], wanted: dict[str, Any]) -> None:
    assert plain(unflatten(pairs)) == wanted


def test_limits() -> None:
    assert plain(unflatten([("a[b][c][d]", "1")])) == {"a": {"b": {"c": {"d": "1"}}}}
    with pytest.raises(InvalidParameter, match="inside each other"):
        unflatten([("a[b][c][d][e]", "1")])
    with pytest.raises(InvalidParameter, match="too many"):
        unflatten([("a[]", "1")] * (MAX_PAIRS + 1))
    events = [(f"events[{number}][name]", "x") for number in range(MAX_EVENTS)]
    assert len(read_new_events(unflatten(events))) == MAX_EVENTS
    with pytest.raises(InvalidParameter, match="at most"):
        read_new_events(unflatten([*events, ("events[more][name]", "x")]))


def test_a_call() -> None:
    call = RestCall.read(
        [("wstoken", " t "), ("wsfunction", Function.GET.value), ("moodlewsrestformat", "JSON"), ("wstoken[x]", "no")]
    )
    assert (call.token, call.function, call.format, call.fault) == ("t", Function.GET.value, Format.JSON, "")
    assert RestCall.read([("wstoken", "t")], "bearer").token == "t"
    assert RestCall.read([], "bearer").token == "bearer"
    assert RestCall.read([("moodlewsrestformat", "soap")]).format is Format.XML
    assert "secret" not in repr(RestCall.read([("wstoken", "secret")]))


@pytest.mark.parametrize(
    ("pairs", "function"),
    [
        ([("events[0][courseid]", "x")], Function.CREATE.value),
        ([("events[3][courseid]", "x")], Function.CREATE.value),
        ([("events[0][eventid]", "1")], ""),
        ([("events[]", "x")], ""),
        ([("events", "x")], ""),
        ([], ""),
        ([("wsfunction", "x"), ("events[0][courseid]", "x")], "x"),
    ],
)
def test_what_is_called_without_a_function(pairs: list[tuple[str, str]], function: str) -> None:
    assert RestCall.read(pairs).function == function


def test_what_cannot_be_read_is_a_fault_of_the_call() -> None:
    call = RestCall.read([("wstoken", "t"), ("a[b][c][d][e]", "1"), ("moodlewsrestformat", "json")])
    assert (call.token, call.format, dict(call.parameters)) == ("t", Format.JSON, {})
    assert "inside each other" in call.fault


def events(**fields: str) -> list[Any]:
    return read_new_events(unflatten([(f"events[0][{name}]", value) for name, value in fields.items()]))


def test_an_event_with_and_without_everything() -> None:
    (least,) = events(name="x")
    assert (least.course, least.starts, least.seconds, least.repeats, least.group) == ("0", None, 0, 0, 0)
    assert (least.format, least.eventtype, least.description) == (1, "user", "")
    (full,) = events(
        name="N", courseid="c-1", description="<p>", timestart="1700000000", timeduration="60", repeats="2", groupid="4",
        format="0", eventtype="course", visible="1", sequence="3",
    )  # fmt: skip
    assert (full.course, full.starts, full.seconds, full.repeats) == ("c-1", 1_700_000_000, 60, 2)
    assert (full.group, full.format, full.eventtype, full.description) == (4, 0, "course", "<p>")
    assert len(events(name="x", description="y" * 50_000)[0].description) == 10_000


@pytest.mark.parametrize(
    "fields",
    [
        {"courseid": "x"},
        {"name": "x", "timestart": "soon"},
        {"name": "x", "timestart": "1.5"},
        {"name": "x", "timestart": "1e9"},
        {"name": "x", "timestart": "\u0661\u0662"},
        {"name": "x", "timestart": "9" * 16},
        {"name": "x", "timeduration": "long"},
        {"name": "x", "repeats": "-"},
        {"name": "x", "groupid": "a group"},
    ],
)
def test_values_of_another_kind(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidParameter, match=r"events\[0\]"):
        events(**fields)


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [("events", "x")],
        [("events[0]", "x")],
        [("events[0][name][0]", "x")],
        [("events[0][name]", "x"), ("events[0][timestart][a]", "1")],
    ],
)
def test_lists_for_single_values_and_the_other_way(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(InvalidParameter):
        read_new_events(unflatten(pairs))


def test_deletions() -> None:
    said = [("events[0][eventid]", "4"), ("events[0][repeat]", "1"), ("events[9][eventid]", "5")]
    assert read_deletions(unflatten(said)) == [Deletion(4, with_repeats=True), Deletion(5, with_repeats=False)]
    with pytest.raises(InvalidParameter, match="eventid"):
        read_deletions(unflatten([("events[0][repeat]", "1")]))


def test_queries() -> None:
    assert read_query({}) == EventQuery((), (), 0, None)
    said = [
        ("events[eventids][0]", "4"), ("events[eventids][]", "5"), ("events[courseids][0]", "c"), ("options[timestart]", "9"),
        ("options[timeend]", "10"), ("options[userevents]", "true"),
    ]  # fmt: skip
    assert read_query(unflatten(said)) == EventQuery((4, 5), ("c",), 9, 10)
    assert read_query(unflatten([("events[eventids]", "")])).numbers == ()
    with pytest.raises(InvalidParameter):
        read_query(unflatten([("events[eventids][0]", "x")]))
    with pytest.raises(InvalidParameter, match="at most"):
        read_query(unflatten([("events[eventids][]", "1")] * (MAX_EVENTS + 1)))
