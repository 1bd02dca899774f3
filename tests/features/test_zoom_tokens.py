"""Access tokens of Zoom profiles: who is shown one, and what is said of one that was renewed."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from saas import clock
from tenants.access import Role
from tenants.accounts.services import SignIn
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.models import ZoomProfile
from tenants.zoom.ltipro.tokens import GRACE, HINT_LENGTH
from tests.cost import counted
from tests.features.pages import words
from tests.features.zoom_rooms import SITE_INFO, Room
from tests.house import Browser, House, Kit, forms_of

INVALID_TOKEN = {
    "exception": "moodle_exception", "errorcode": "invalidtoken", "message": "Invalid token - token not found",
}  # fmt: skip


@pytest.fixture
def room(house: House) -> Room:
    return Room.set(house.academy())


def admin_of(kit: Kit) -> tuple[Browser, str]:
    """Signed in, and the password."""
    person, password = kit.person(Role.ADMIN), f"correct horse {uuid4().hex}"
    with kit.session() as session:
        SignIn(session).set_password(session.merge(person), password)
    return kit.signed_in(Role.ADMIN, person), password


def page_of(room: Room, ending: str = "") -> str:
    return f"/integrations/zoom/profiles/{room.profile_id}{ending}"


def renew(room: Room, *, at_once: bool) -> str:
    """Through the page; the token it shows."""
    admin, password = admin_of(room.kit)
    (form,) = [each for each in forms_of(admin.get(page_of(room, "/rotate"))) if "hint" in each.fields]
    form["current"] = password
    page = form.submit("at_once" if at_once else None, status=200)
    token: str = page.html.find(id="access-token").text
    return token


@pytest.mark.case("ZL-060")
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "grace is over"])
def test_a_call_with_the_token_before_stands_in_the_profiles_log(room: Room, *, at_once: bool) -> None:
    """Zoom hears what a guess hears; the admin sees why nothing comes any more."""
    old, new = room.token, renew(room, at_once=at_once)
    later = timedelta(0) if at_once else GRACE + timedelta(minutes=1)
    with time_machine.travel(clock.now() + later):
        for path in (SITE_INFO, None):
            assert room.call(path, token=old).json == INVALID_TOKEN
        lines = room.calls(service=Service.CALENDAR, tool_id=room.tool_id)
        assert [each.row.code for each in lines] == ["ZOOM_CALL_OLD_TOKEN"] * 2
        assert old not in lines[0].row.seen
        assert f"ends with {old[-HINT_LENGTH:]}" in lines[0].row.seen
        assert room.call(SITE_INFO, token=new).json["userid"]
        admin = room.kit.signed_in(Role.ADMIN)
        assert "Zoom still has the token before" in words(admin.get(page_of(room, "/trace")))


@pytest.mark.case("ZL-059")
def test_the_token_before_costs_what_a_guess_costs(room: Room) -> None:
    old = room.token
    renew(room, at_once=True)
    asked = []
    for token in ("W" * 40, old):
        room.call(SITE_INFO, token=token)
        room.kit.runtime.tenants.forget()
        with counted(room.kit.runtime.database) as cost:
            answer = room.call(SITE_INFO, token=token)
        asked.append((cost.statements, cost.commits, answer.status_int, answer.body))
    assert asked[0] == asked[1]


def test_the_token_before_the_last_is_nobodys(room: Room) -> None:
    first, _second = room.token, renew(room, at_once=False)
    renew(room, at_once=False)
    assert room.call(SITE_INFO, token=first).json == INVALID_TOKEN
    line = room.calls(service=Service.CALENDAR)[0].row
    assert (line.code, line.tool_id) == ("ZOOM_CALL_TOKEN", None)


def test_a_new_token_is_shown_to_whoever_proves_who_they_are(room: Room) -> None:
    """As the one there is: the page with the new one lets its reader write into calendars, too."""
    admin, password = admin_of(room.kit)
    hint = room.token[-HINT_LENGTH:]
    for wrong in ({}, {"current": ""}, {"current": "wrong"}, {"current": "x" * 5000}):
        for more in ({}, {"at_once": "1"}):
            page = admin.post(page_of(room, "/rotate"), {"hint": hint, **wrong, **more}, status=422)
            assert page.html.find(id="access-token") is None
    assert room.call(SITE_INFO).json["userid"], "nothing was renewed"
    by_link = room.kit.signed_in(Role.ADMIN)
    assert "Your account has no password yet" in words(by_link.get(page_of(room, "/rotate")))
    assert by_link.post(page_of(room, "/rotate"), {"hint": hint}, status=422).html.find(id="access-token") is None
    shown = admin.post(page_of(room, "/rotate"), {"hint": hint, "current": password}, status=200)
    assert shown.headers["Cache-Control"] == "no-store"
    assert room.call(SITE_INFO, token=shown.html.find(id="access-token").text).json["userid"]
    assert password not in shown


def test_a_token_sealed_with_a_key_that_is_gone_is_to_be_rotated(room: Room) -> None:
    with room.kit.session() as session:
        profile = session.get_one(ZoomProfile, room.profile_id)
        profile.sealed_token = room.kit.runtime.secrets.seal(profile.tenant_id, "another purpose", b"x")
    admin, password = admin_of(room.kit)
    page = admin.post(page_of(room, "/token"), {"current": password}, status=409)
    assert "ZOOM_TOKEN_SEALED" in page
    assert "Rotate the token" in words(page)
    assert room.call(SITE_INFO).json["userid"], "it works on"
    assert room.call(SITE_INFO, token=renew(room, at_once=True)).json["userid"]
    assert "ZOOM_TOKEN_SEALED" not in admin.post(page_of(room, "/token"), {"current": password}, status=200)


def test_behind_a_path_prefix_no_token_is_renewed(room: Room) -> None:
    """Zoom could not reach us with the new one, and the one it has would end."""
    admin, password = admin_of(room.kit)
    below = {"SCRIPT_NAME": "/academy"}
    assert "ZOOM_PATH_PREFIX" in admin.get(page_of(room, "/rotate"), extra_environ=below, status=409)
    sent = {"current": password, "hint": room.token[-HINT_LENGTH:]}
    assert "ZOOM_PATH_PREFIX" in admin.post(page_of(room, "/rotate"), sent, extra_environ=below, status=409)
    assert room.call(SITE_INFO).json["userid"], "as before"
