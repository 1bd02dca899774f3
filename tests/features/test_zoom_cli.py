"""``lyceum zoom profile …``: the JSON that scripts read, the one line they log, and what is left behind."""

import re
from uuid import uuid4

import pytest

from saas import clock
from tenants.zoom.ltipro.addresses import ZoomAddresses
from tenants.zoom.ltipro.tokens import bearer_of
from tests.features.test_cli import Desk, desk
from tests.features.test_inspection_cli import both
from tests.services import free_port

__all__ = ["desk"]
KEY = "rKjY9_DFF-TnuGcm1d5ACt"
ADD = ("--name", "School Zoom", "--lti-key", KEY)


def school(desk: Desk) -> str:
    slug = desk.academy()
    desk.run("tenant", "feature", slug, "zoom", "on")
    return slug


def owner(desk: Desk, slug: str, token: str) -> str:
    with desk.session(slug) as session:
        found = bearer_of(session, token, clock.now())
        return str(found.profile.id) if found and found.is_good else ""


def test_a_profile_is_added_and_listed(desk: Desk) -> None:
    slug = school(desk)
    more = ("--mail-domain", "BÜCHER.example", "--students-can-host", "--default", "--roster")
    made = desk.json("zoom", "profile", "add", slug, "--name", " School\u200b Zoom", "--lti-key", f" “{KEY}” ", *more)
    token = made.pop("access_token")
    assert re.fullmatch(r"[A-Za-z0-9_-]{40,}", token)
    assert (made["name"], made["lti_key"], made["mail_domains"]) == ("School Zoom", KEY, ["xn--bcher-kva.example"])
    assert (made["state"], made["activated"], made["default"], made["students_can_host"]) == (
        "waiting",
        True,
        True,
        True,
    )
    assert made["site_url"] == desk.installation.url(slug)
    assert len(made["client_id"]) >= 32
    assert desk.json("zoom", "profile", "list", slug) == [made], "without the token"
    assert token not in desk.run("zoom", "profile", "list", slug)
    assert owner(desk, slug, token) == made["id"]


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--name", " ", "name"),
        ("--name", "x" * 300, "name"),
        ("--lti-key", "two words", "lti_key"),
        ("--lti-key", "https://applications.zoom.us/lti/advantage/login/x", "lti_key"),
        ("--mail-domain", "ada@school.example", "mail_domains"),
    ],
)
def test_what_cannot_be_used_is_named(desk: Desk, option: str, value: str, named: str) -> None:
    slug = school(desk)
    assert named in desk.run("zoom", "profile", "add", slug, *ADD, option, value, code=2)
    assert desk.json("zoom", "profile", "list", slug) == []


def test_a_name_is_taken_once(desk: Desk) -> None:
    slug = school(desk)
    desk.json("zoom", "profile", "add", slug, *ADD)
    assert "Another Zoom profile has this name" in desk.run(
        "zoom", "profile", "add", slug, "--name", "SCHOOL ZOOM", "--lti-key", KEY, code=2
    )
    assert len(desk.json("zoom", "profile", "list", slug)) == 1


def test_a_token_is_rotated_with_and_without_grace(desk: Desk) -> None:
    slug = school(desk)
    made = desk.json("zoom", "profile", "add", slug, *ADD)
    assert made["previous_token_until"] is None
    second = desk.json("zoom", "profile", "rotate", slug, made["id"])
    assert second["previous_token_until"] is not None
    assert [owner(desk, slug, each["access_token"]) for each in (made, second)] == [made["id"]] * 2
    third = desk.json("zoom", "profile", "rotate", slug, made["id"], "--now")
    assert third["previous_token_until"] is None
    assert [owner(desk, slug, each["access_token"]) for each in (made, second, third)] == ["", "", made["id"]]


def test_ids_of_others_and_academies_without_zoom(desk: Desk) -> None:
    slug, other, off = school(desk), school(desk), desk.academy()
    made = desk.json("zoom", "profile", "add", slug, *ADD)
    for command in ("rotate", "check"):
        assert "is an id" in desk.run("zoom", "profile", command, slug, "nonsense", code=2)
        assert "WEB_NOT_FOUND" in desk.run("zoom", "profile", command, other, made["id"], code=2)
        assert "WEB_NOT_FOUND" in desk.run("zoom", "profile", command, slug, str(uuid4()), code=2)
        assert "ZOOM_OFF" in desk.run("zoom", "profile", command, off, made["id"], code=2)
        assert "TENANT_UNKNOWN" in desk.run("zoom", "profile", command, "nowhere", made["id"], code=2)
    assert "ZOOM_OFF" in desk.run("zoom", "profile", "add", off, *ADD, code=2)


def test_a_check_prints_every_line_and_fails_where_one_is_red(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at either side's addresses."""
    slug = school(desk)
    made = desk.json("zoom", "profile", "add", slug, *ADD)
    monkeypatch.setitem(desk.runtime.parts, ZoomAddresses, ZoomAddresses(f"http://localhost:{free_port()}"))
    code, document, said = both(desk, "zoom", "profile", "check", slug, made["id"])
    assert (code, document["passed"]) == (2, False)
    assert "the connection to Zoom is not all right" in said
    outcomes = {row["name"]: row["outcome"] for row in document["rows"]}
    assert (outcomes["self_certs"], outcomes["zoom"]) == ("failed", "failed")
    assert [row["id"] for row in desk.json("zoom", "profile", "list", slug)] == [made["id"]], "nothing is left behind"
