"""Roles of both generations in one short form, and who counts as staff over there."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.lti.wire.roles import MAX_ROLES, Roles, Standing, read_roles, split_roles

LIS = "http://purl.imsglobal.org/vocab/lis/v2/"


@pytest.mark.parametrize(
    ("text", "role"),
    [
        (LIS + "membership#Instructor", "context/Instructor"),
        (LIS + "membership#instructor", "context/Instructor"),
        (LIS + "membership/Instructor#TeachingAssistant", "context/Instructor#TeachingAssistant"),
        (LIS + "institution/person#Student", "institution/Student"),
        (LIS + "system/person#SysAdmin", "system/SysAdmin"),
        ("http://purl.imsglobal.org/vocab/lti/system/person#TestUser", "system/TestUser"),
        ("Learner", "context/Learner"),
        ("learner", "context/Learner"),
        ("Instructor#Lecturer", "context/Instructor#Lecturer"),
        ("urn:lti:role:ims/lis/Instructor", "context/Instructor"),
        ("urn:lti:role:ims/lis/Instructor/Lecturer", "context/Instructor#Lecturer"),
        ("urn:lti:instrole:ims/lis/Administrator", "institution/Administrator"),
        ("urn:lti:sysrole:ims/lis/SysAdmin", "system/SysAdmin"),
        (" Learner ", "context/Learner"),
        ("Instructor/GuestInstructor", "context/Instructor#GuestInstructor"),
        ("https://purl.imsglobal.org/vocab/lis/v2/membership#Mentor", "context/Mentor"),
        (LIS + "person#SysAdmin", "system/SysAdmin"),
        (LIS + "person#Student", "institution/Student"),
    ],
)
def test_a_known_role_is_written_short(text: str, role: str) -> None:
    assert read_roles([text]) == Roles((role,))


@pytest.mark.parametrize(
    "text",
    [
        "Boss",
        "http://example.org/roles#Instructor",
        LIS + "membership#Boss",
        LIS + "membershipInstructor",
        LIS + "membership",
        LIS + "membership#",
        "urn:lti:role:ims/lis",
        "context/Instructor",
        "institution:Administrator",
        "#Instructor",
    ],
)
def test_an_unknown_role_is_kept_aside_and_gives_nothing(text: str) -> None:
    roles = read_roles([text])
    assert roles == Roles(unknown=(text,))
    assert not roles.staff


def test_blank_and_wrong_entries_count_for_nothing_and_doubles_once() -> None:
    assert read_roles(["", " ", None, 5, {}, ["Instructor"], "Learner", "learner", "x", "x"]) == Roles(
        ("context/Learner",), ("x",)
    )


def test_the_comma_list_of_lti_1_1() -> None:
    assert split_roles("Instructor,urn:lti:instrole:ims/lis/Student, Mentor,,") == Roles(
        ("context/Instructor", "institution/Student", "context/Mentor")
    )
    assert split_roles("") == Roles()


@pytest.mark.parametrize(
    ("roles", "staff"),
    [
        (["Instructor"], True),
        (["TeachingAssistant"], True),
        (["ContentDeveloper"], True),
        (["Administrator"], True),
        ([LIS + "membership/Instructor#GuestInstructor"], True),
        (["Learner"], False),
        (["Mentor"], False),
        ([], False),
        (["Learner", LIS + "institution/person#Faculty"], False),
        ([LIS + "institution/person#Faculty"], True),
        ([LIS + "institution/person#Administrator", LIS + "system/person#User"], True),
        ([LIS + "institution/person#Student"], False),
        (["Learner", "Instructor"], True),
        ([LIS + "system/person#SysAdmin"], True),
        ([LIS + "system/person#User"], False),
    ],
)
def test_who_is_staff_there(roles: Any, staff: bool) -> None:
    assert read_roles(roles).staff is staff


@pytest.mark.parametrize(
    ("roles", "standing"),
    [
        (["Learner"], Standing.LEARNER),
        ([], Standing.LEARNER),
        (["Boss"], Standing.LEARNER),
        (["Mentor", "Manager", "Officer"], Standing.LEARNER),
        (["TeachingAssistant"], Standing.ASSISTANT),
        ([LIS + "membership/Instructor#TeachingAssistant"], Standing.ASSISTANT),
        ([LIS + "membership/Instructor#Grader", "Instructor"], Standing.TEACHER),
        (["urn:lti:role:ims/lis/ContentDeveloper"], Standing.TEACHER),
        (["Instructor", "Administrator"], Standing.ADMINISTRATOR),
        (["Instructor", LIS + "institution/person#Administrator"], Standing.TEACHER),
        (["Learner", LIS + "system/person#SysAdmin"], Standing.LEARNER),
        ([LIS + "institution/person#Faculty"], Standing.TEACHER),
        (["urn:lti:sysrole:ims/lis/SysAdmin"], Standing.ADMINISTRATOR),
    ],
)
def test_what_somebody_is_there(roles: list[str], standing: Standing) -> None:
    assert read_roles(roles).standing is standing


def test_a_preview_account_is_known_as_such() -> None:
    preview = read_roles(["Learner", "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"])
    assert preview.test_user
    assert not read_roles(["Learner"]).test_user


@given(texts=st.lists(st.text()))
def test_any_texts_are_sorted_into_known_and_unknown(texts: list[str]) -> None:
    roles = read_roles(texts)
    assert len(roles.known) + len(roles.unknown) <= len(texts)
    assert all(role.startswith(("context/", "institution/", "system/")) for role in roles.known)


def test_a_flood_of_roles_is_cut() -> None:
    assert len(read_roles([f"role {number}" for number in range(1000)]).unknown) == MAX_ROLES
