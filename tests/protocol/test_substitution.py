"""Substitution variables: replaced by what may be sent, unknown ones left alone."""

import pytest

from tenants.lti.wire.occasion import Occasion
from tenants.lti.wire.shares import Share, has_grown, shares_of
from tenants.lti.wire.substitution import MARK, VARIABLES, is_known, substituted

EVERYTHING = tuple(Share)
OCCASION = Occasion(
    sub="pseudonym",
    course_id="course-1",
    course_title="A course",
    link_id="link-1",
    link_title="An activity",
    link_description="About it",
    given_name="Ada",
    family_name="Lovelace",
    email="ada@example.org",
    locale="nl",
    document_target="iframe",
    return_url="https://academy.example/back",
    platform_guid="academy.example",
    platform_name="The academy",
    platform_url="https://academy.example",
    line_item="https://academy.example/items/1",
    line_items="https://academy.example/items",
    line_item_maximum="100",
    memberships="https://academy.example/members",
    ends_at="2027-01-01T00:00:00+00:00",
)


def sent(value: str, shares: tuple[Share, ...] = EVERYTHING) -> dict[str, str]:
    from dataclasses import replace

    return substituted(replace(OCCASION, custom=(("x", value),)), shares)


@pytest.mark.case("P1-004")
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("$User.id", "pseudonym"),
        ("$Person.name.full", "Ada Lovelace"),
        ("$Person.name.given", "Ada"),
        ("$Person.name.family", "Lovelace"),
        ("$Person.email.primary", "ada@example.org"),
        ("$Membership.role", "Learner"),
        ("$Context.id", "course-1"),
        ("$Context.title", "A course"),
        ("$CourseSection.sourcedId", "course-1"),
        ("$ResourceLink.id", "link-1"),
        ("$ResourceLink.description", "About it"),
        ("$ResourceLink.submission.endDateTime", "2027-01-01T00:00:00+00:00"),
        ("$LineItem.url", "https://academy.example/items/1"),
        ("$LineItem.resultValue.max", "100"),
        ("$ToolPlatformInstance.guid", "academy.example"),
        ("$Message.documentTarget", "iframe"),
    ],
)
def test_a_variable_becomes_what_it_stands_for(variable: str, value: str) -> None:
    assert is_known(variable)
    assert sent(variable) == {"x": value}


@pytest.mark.parametrize(
    "text", ["$Nobody.knows", "$", "$user.id", "costs $User.id", "$User.id ", "plain", "$User.idx"]
)
def test_everything_else_passes_unchanged(text: str) -> None:
    assert sent(text) == {"x": text}


def test_what_may_not_be_sent_passes_unchanged() -> None:
    bare = shares_of(send_name=False, send_email=False)
    for name in ("$Person.name.full", "$Person.name.given", "$Person.name.family", "$Person.email.primary"):
        assert sent(name, bare) == {"x": name}
    assert sent("$User.id", bare) == {"x": "pseudonym"}
    assert sent("$Person.email.primary", shares_of(send_name=False, send_email=True)) == {"x": "ada@example.org"}


def test_what_is_blank_is_left_out_and_the_last_of_a_name_counts() -> None:
    from dataclasses import replace

    assert substituted(replace(OCCASION, email="", custom=(("a", "$Person.email.primary"),)), EVERYTHING) == {}
    twice = (("a", "of the tool"), ("b", " "), ("", "x"), ("a", "of the link"))
    assert substituted(replace(OCCASION, custom=twice), EVERYTHING) == {"a": "of the link"}


def test_each_variable_is_listed_once_and_reads_text() -> None:
    names = [each.name for each in VARIABLES]
    assert len(names) == len(set(names))
    assert all(isinstance(each.value(OCCASION), str) and each.value(OCCASION) for each in VARIABLES)
    assert all(is_known(MARK + name) for name in names)


def test_consent_is_asked_again_only_when_more_is_sent() -> None:
    everything, bare = (shares_of(send_name=on, send_email=on) for on in (True, False))
    assert has_grown([], bare)
    assert not has_grown([share.value for share in everything], bare)
    assert has_grown([share.value for share in bare], everything)
    assert not has_grown([share.value for share in everything], everything)
    assert has_grown(["nonsense", 7], bare)
