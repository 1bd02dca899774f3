"""Reading what a proven launch says: odd things are tolerated, holes are not, and nothing crashes."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import (
    AGS_CLAIM,
    CLAIM,
    NRPS_CLAIM,
    AgsEndpoint,
    Context,
    LaunchClaims,
    Person,
    PlatformInstance,
)
from tenants.lti.wire.launch13 import check_claims, check_registration
from tenants.lti.wire.redact import redacted
from tenants.lti.wire.text import clean, clock, identifier_fault, shown, web_url
from tests.protocol.lms import Platform

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["https://lms.example/a", "javascript:x", "http://[", "null", "Ada\0"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "type", "title", "scope", "lineitem", "lineitems", "user_id"]) | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


def test_a_whole_launch_is_read(platform: Platform) -> None:
    launch = platform.launch(platform.claims())
    assert launch.person == Person("Ada", "Lovelace", "Ada Lovelace", "ada@school.example")
    assert launch.context == Context("3", "C1", "Course one", (MEMBERSHIP + "#CourseSection",))
    assert launch.resource_link is not None
    assert (launch.resource_link.title, launch.resource_link.description) == ("Week 1", "Read this")
    assert launch.platform == PlatformInstance("School", "moodle", "2024100706", "g-1")
    assert launch.ags == AgsEndpoint(
        "https://lms.school.example/items/2?type_id=1",
        "https://lms.school.example/items?type_id=1",
        frozenset({"a-scope"}),
    )
    assert launch.nrps_url == "https://lms.school.example/members"
    assert dict(launch.custom) == {"chapter": "2"}
    assert (launch.locale, launch.document_target) == ("en", "iframe")
    assert launch.return_url == "https://lms.school.example/return?course=3"
    assert launch.raw["email"] == "ada@school.example"
    assert "ada@school.example" not in repr(launch).replace(repr(launch.person), "")


def test_the_least_launch_is_read(platform: Platform) -> None:
    launch = platform.launch(
        platform.claims(
            "given_name",
            "family_name",
            "name",
            "email",
            "locale",
            "context",
            "tool_platform",
            "launch_presentation",
            "custom",
            AGS_CLAIM,
            NRPS_CLAIM,
            roles=[],
            resource_link={"id": "17"},
        )
    )
    assert (launch.person, launch.context, launch.ags, launch.nrps_url) == (Person(), None, None, "")
    assert (dict(launch.custom), launch.locale, launch.return_url, launch.document_target) == ({}, "", "", "")
    assert (launch.platform, launch.is_staff_there) == (PlatformInstance(), False)


@pytest.mark.parametrize(
    ("sent", "person"),
    [
        ({"name": "Ada Lovelace"}, Person("Ada", "Lovelace", "Ada Lovelace")),
        ({"name": "Ada King Lovelace"}, Person("Ada King", "Lovelace", "Ada King Lovelace")),
        ({"name": "Lovelace, Ada King"}, Person("Ada King", "Lovelace", "Lovelace, Ada King")),
        ({"name": "Plato"}, Person("Plato", "", "Plato")),
        ({"name": "Plato,"}, Person("Plato,", "", "Plato,")),
        ({"name": "Ada King Lovelace", "given_name": "Ada"}, Person("Ada", "King Lovelace", "Ada King Lovelace")),
        (
            {"name": "Ludwig van Beethoven", "family_name": "van Beethoven"},
            Person("Ludwig", "van Beethoven", "Ludwig van Beethoven"),
        ),
        ({"name": "Someone Else", "given_name": "Ada"}, Person("Ada", "Else", "Someone Else")),
        ({"given_name": "Ada", "family_name": "Lovelace"}, Person("Ada", "Lovelace", "Ada Lovelace")),
        ({"given_name": "Ada"}, Person("Ada", "", "Ada")),
        ({"given_name": None, "family_name": None, "name": None}, Person()),
        ({"given_name": 5, "family_name": ["x"], "name": {}}, Person()),
        ({"given_name": "  ", "family_name": "\t", "name": "\n"}, Person()),
        ({"given_name": "Null", "family_name": "None"}, Person("Null", "None", "Null None")),
        ({"given_name": " Ada\0 \n", "family_name": "\u202eLove\u200blace"}, Person("Ada", "Lovelace", "Ada Lovelace")),
        ({"name": "<b>Ada</b> Lovelace"}, Person("<b>Ada</b>", "Lovelace", "<b>Ada</b> Lovelace")),
        ({"name": "فاطمه\u200cزهرا کریمی"}, Person("فاطمه\u200cزهرا", "کریمی", "فاطمه\u200cزهرا کریمی")),
    ],
)
def test_names(platform: Platform, sent: Any, person: Person) -> None:
    assert platform.launch(platform.claims("given_name", "family_name", "name", "email") | sent).person == person


@pytest.mark.parametrize(
    ("sent", "email"),
    [
        ("ada@example.org", "ada@example.org"),
        (" Ada@Example.org\n", "Ada@Example.org"),
        ("", ""),
        ("  ", ""),
        (None, ""),
        ("null", ""),
        ("NULL", ""),
        ("None", ""),
        ("undefined", ""),
        (5, ""),
        (["a@b.c"], ""),
        ("ada@ex\u200bample.org", "ada@example.org"),
        ("not an address", "not an address"),
    ],
)
def test_an_email_of_nothing_is_none(platform: Platform, sent: Any, email: str) -> None:
    assert platform.launch(platform.claims(email=sent)).person.email == email


@pytest.mark.case("T3-079")
@pytest.mark.parametrize(
    "context",
    [
        {"id": "3"},
        {"id": "3", "type": None},
        {"id": 3, "type": {}},
        {"id": "3", "type": []},
    ],
)
def test_a_context_without_type_is_fine(platform: Platform, context: object) -> None:
    assert platform.launch(platform.claims(context=context)).context == Context("3")


@pytest.mark.parametrize(
    ("context", "read"),
    [
        ({"id": "3", "type": "CourseSection"}, Context("3", types=("CourseSection",))),
        ({"id": "3", "type": ["a", 5, "", "b"], "label": 7, "title": None}, Context("3", types=("a", "b"))),
        ({"id": "3", "title": "x" * 3000}, Context("3", title="x" * 2000)),
        ({"title": "no id"}, None),
        ({"id": ""}, None),
        ({"id": ["3"]}, None),
        ("3", None),
        (None, None),
        ([], None),
    ],
)
def test_contexts(platform: Platform, context: object, read: Context | None) -> None:
    assert platform.launch(platform.claims(context=context)).context == read


@pytest.mark.case("T3-081")
def test_custom_values_become_text(platform: Platform) -> None:
    custom = {"n": 5, "f": 1.5, "t": True, "s": " a ", "none": None, "list": [1, "a"], "deep": {"a": 1}, "big": 10**25}
    assert dict(platform.launch(platform.claims(custom=custom)).custom) == {
        "n": "5",
        "f": "1.5",
        "t": "true",
        "s": "a",
        "list": '[1, "a"]',
        "deep": '{"a": 1}',
        "big": "1e+25",
    }


@pytest.mark.parametrize("custom", [None, [], "a=b", 5, True])
def test_custom_of_another_form_is_none(platform: Platform, custom: object) -> None:
    assert dict(platform.launch(platform.claims(custom=custom)).custom) == {}


@pytest.mark.parametrize(
    ("roles", "staff"),
    [
        ([MEMBERSHIP + "#Instructor"], True),
        ([MEMBERSHIP + "#Learner", MEMBERSHIP + "#Instructor"], True),
        (["Instructor"], True),
        (["http://example.org/roles#Boss"], False),
        ([""], False),
        ([None, 5], False),
        ([], False),
    ],
)
def test_roles_of_any_kind_are_taken(platform: Platform, roles: Any, staff: bool) -> None:
    """The certification's launches: several roles, a short one, an unknown one, an empty one."""
    assert platform.launch(platform.claims(roles=roles)).is_staff_there is staff


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        [],
        "x",
        {},
        {"lineitem": 5},
        {"lineitems": "javascript:x"},
        {"lineitems": "https://u:p@lms.example/"},
        {"lineitems": "https://lms.example/a b"},
        {"lineitems": "//lms.example/a"},
        {"scope": ["a"]},
    ],
)
def test_an_endpoint_without_a_usable_address_is_none(platform: Platform, endpoint: object) -> None:
    assert platform.launch(platform.claims(**{AGS_CLAIM: endpoint})).ags is None


@pytest.mark.parametrize(
    ("scope", "scopes"), [(None, set()), ("a b", {"a", "b"}), (["a", 5, ""], {"a"}), ({"a": 1}, set()), (7, set())]
)
def test_scopes_of_an_endpoint(platform: Platform, scope: object, scopes: set[str]) -> None:
    launch = platform.launch(platform.claims(**{AGS_CLAIM: {"lineitems": "https://lms.example/i", "scope": scope}}))
    assert launch.ags == AgsEndpoint("", "https://lms.example/i", frozenset(scopes))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "/return",
        "https://",
        5,
        None,
        "https://a\n.example",
    ],
)
def test_a_return_address_that_is_none_is_dropped(platform: Platform, url: object) -> None:
    assert platform.launch(platform.claims(launch_presentation={"return_url": url})).return_url == ""


def test_presentation(platform: Platform) -> None:
    odd = platform.launch(platform.claims(launch_presentation={"document_target": "popup", "locale": "de"}))
    assert (odd.document_target, odd.locale) == ("", "en")
    presentation = {"document_target": "Window", "locale": "de"}
    other = platform.launch(platform.claims("locale", launch_presentation=presentation))
    assert (other.document_target, other.locale) == ("window", "de")


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_json_in_any_claim_gives_a_launch_or_a_refusal(platform: Platform, data: st.DataObject) -> None:
    whole = platform.claims()
    names = st.sampled_from([*whole, "nbf", "azp", CLAIM + "for_user"])
    claims = {**whole, **data.draw(st.dictionaries(names, json_values, max_size=6))}
    checks = Checklist(LAUNCH_STEPS)
    try:
        check_registration(checks, claims, platform.registration)
        launch = check_claims(checks, claims, platform.registration, nonce=platform.nonce, now=platform.now)
    except Refused as refused:
        code = refused.code
    else:
        code = ""
        assert isinstance(launch, LaunchClaims)
        assert launch.sub == claims["sub"]
    assert (checks.failed.code if checks.failed else "") == code
    assert "\0" not in str(checks.as_json())
    assert platform.nonce not in str(redacted(claims))


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(value=json_values | st.decimals() | st.binary())
def test_the_texts_take_any_value(value: Any) -> None:
    assert "\0" not in clean(value) + shown(value) + web_url(value)
    assert len(shown(value)) <= 301
    assert identifier_fault(value) or (isinstance(value, str) and value.strip())


@given(seconds=st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18))
def test_any_number_of_seconds_can_be_shown(seconds: float) -> None:
    assert clock(seconds)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (False, "false"),
        (1.5, "the number 1.5"),
        ([], "an empty list"),
        ({}, "an object"),
        (["a", 5, "b"], "a, …, b"),
        ("", ""),
        ("x" * 301, "x" * 300 + "…"),
        (Decimal(1), "an object"),
    ],
)
def test_what_the_log_says_was_seen(value: Any, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("value", "usable"),
    [
        ("https://a.example", True),
        ("http://localhost:8080/x?y=1#z", True),
        ("https://[::1]/", True),
        ("HTTPS://A.example/", True),
        ("https://a.example:0/", False),
        ("https://a.example:99999/", False),
        ("ftp://a.example", False),
        ("https:///x", False),
        ("https://u@a.example", False),
        ("https://a.example\\@b.example", False),
        ("https://a.exämple", False),
        ("", False),
        ("https://a.example/" + "x" * 2040, False),
    ],
)
def test_web_addresses(value: Any, usable: bool) -> None:
    assert bool(web_url(value)) is usable
