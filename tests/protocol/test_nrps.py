"""Rosters as platforms really send them; what is none is refused, never taken for an empty one."""

import json
from typing import Any

import pytest

from saas.problems import Refused
from tenants.lti.wire.claims import NRPS_CLAIM
from tenants.lti.wire.nrps import Page, Status, memberships_url, read_endpoint, read_page

URL = "https://lms.example/api/Members?rlid=7"
ADA = {
    "user_id": "4711",
    "status": "Active",
    "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
    "given_name": "Ada",
    "family_name": "Lovelace",
    "email": "ada@school.example",
    "lis_person_sourcedid": "sis-1",
    "lti11_legacy_user_id": "old-1",
}


def page(document: Any, link: str = "", status: int = 200) -> Page:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_page(status, body, link, URL)


def members(*entries: Any) -> Page:
    return page({"id": URL, "context": {"id": "3", "label": "C1", "title": "Course"}, "members": list(entries)})


def test_nc_001_a_page_of_the_roster() -> None:
    read = members(ADA)
    assert read.context is not None
    assert (read.context.id, read.context.title, read.next_url, read.passed_over) == ("3", "Course", "", 0)
    ada = read.members[0]
    assert (ada.user_id, ada.active, ada.roles.known) == ("4711", True, ("context/Learner",))
    assert (ada.person.given_name, ada.person.email) == ("Ada", "ada@school.example")
    assert (ada.sourcedid, ada.legacy_user_id) == ("sis-1", "old-1")


@pytest.mark.parametrize(
    ("roles", "known"),
    [
        (["Learner"], ("context/Learner",)),
        ("Instructor,Learner", ("context/Instructor", "context/Learner")),
        (["urn:lti:role:ims/lis/Instructor"], ("context/Instructor",)),
        (["http://purl.imsglobal.org/vocab/lis/v2/person#Administrator"], ("institution/Administrator",)),
        (None, ()),
        ({}, ()),
    ],
)
def test_nc_001_roles_in_every_spelling(roles: object, known: tuple[str, ...]) -> None:
    assert members({**ADA, "roles": roles}).members[0].roles.known == known


@pytest.mark.parametrize(
    ("status", "read"),
    [
        ("Active", Status.ACTIVE),
        ("active", Status.ACTIVE),
        (None, Status.ACTIVE),
        ("Inactive", Status.INACTIVE),
        ("Deleted", Status.DELETED),
        ("http://purl.imsglobal.org/vocab/lis/v2/status#Active", Status.ACTIVE),
        ("Suspended", Status.INACTIVE),
        ("", Status.INACTIVE),
        (5, Status.INACTIVE),
    ],
)
def test_nc_002_only_active_members_are_active(status: object, read: Status) -> None:
    member = members({**ADA, "status": status}).members[0]
    assert (member.status, member.active) == (read, read is Status.ACTIVE)


def test_nc_002_a_missing_status_is_active() -> None:
    assert members({"user_id": 5}).members[0].active


def test_nc_003_a_member_without_an_address_has_none() -> None:
    bare = members({"user_id": 12, "name": "Ada Lovelace", "email": "null"}).members[0]
    assert (bare.user_id, bare.person.email, bare.person.family_name) == ("12", "", "Lovelace")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 200, "NRPS_ODD_ANSWER"),
        (b"<html>", 200, "NRPS_ODD_ANSWER"),
        (b"{}", 200, "NRPS_ODD_ANSWER"),
        (b'{"members": null}', 200, "NRPS_ODD_ANSWER"),
        (b'{"members": {"a": 1}}', 200, "NRPS_ODD_ANSWER"),
        (b'"members"', 200, "NRPS_ODD_ANSWER"),
        (b'{"members": []}', 403, "NRPS_FORBIDDEN"),
        (b"", 401, "NRPS_FORBIDDEN"),
        (b'{"members": []}', 500, "NRPS_REFUSED"),
        (b"", 404, "NRPS_REFUSED"),
        (b"", 302, "NRPS_REFUSED"),
    ],
)
def test_nc_004_what_is_no_roster_is_refused_not_empty(body: bytes, status: int, code: str) -> None:
    with pytest.raises(Refused) as caught:
        page(body, status=status)
    assert caught.value.code == code


def test_entries_without_an_id_are_counted_and_a_bare_list_is_taken() -> None:
    read = members(ADA, {"user_id": ""}, {"name": "x"}, "x", None, {"user_id": True})
    assert (len(read.members), read.passed_over) == (1, 5)
    assert len(page([ADA]).members) == 1


def test_nc_001_the_next_page_keeps_its_case_and_its_origin() -> None:
    typographic = "<https://lms.example/api/Members?rlid=7&amp;from=2>; rel=“next”"
    assert page([], typographic).next_url == "https://lms.example/api/Members?rlid=7&from=2"
    assert page([], '<https://evil.example/api?from=2>; rel="next"').next_url == ""
    assert page([], '<https://lms.example/api/d>; rel="differences"').next_url == ""


@pytest.mark.parametrize(
    ("url", "how", "wanted"),
    [
        ("https://a.example/m", {}, "https://a.example/m?limit=200"),
        ("https://a.example/m?x=1", {"resource_link_id": "r 1"}, "https://a.example/m?x=1&rlid=r%201&limit=200"),
        ("https://a.example/m?rlid=9&limit=5", {"resource_link_id": "1"}, "https://a.example/m?rlid=9&limit=5"),
        ("https://a.example/m", {"role": "Learner", "limit": 0}, "https://a.example/m?role=Learner"),
        ("https://a.example/m", {"limit": 0}, "https://a.example/m"),
    ],
)
def test_where_to_begin_to_read(url: str, how: dict[str, Any], wanted: str) -> None:
    assert memberships_url(url, **how) == wanted


@pytest.mark.parametrize(
    ("claim", "url"),
    [
        ({"context_memberships_url": URL, "service_versions": ["2.0"]}, URL),
        ({"context_memberships_url": URL}, URL),
        ({"context_memberships_url": URL, "service_versions": []}, URL),
        ({"context_memberships_url": URL, "service_versions": ["1.0", "2.0"]}, URL),
        ({"context_memberships_url": URL, "service_versions": ["1.0"]}, ""),
        ({"context_memberships_url": "javascript:x"}, ""),
        ("x", ""),
    ],
)
def test_the_claim(claim: object, url: str) -> None:
    assert read_endpoint({NRPS_CLAIM: claim}) == url
