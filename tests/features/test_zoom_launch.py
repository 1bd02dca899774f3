"""People open Zoom: what it is told of whom, in which role, and what comes of a launch that is not as it began."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from saas import clock
from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person
from tenants.catalog.groups import Groups
from tenants.catalog.models import Activity, Course, CourseGroup, Status
from tenants.grades.models import Progress, Result
from tenants.learning.models import Attempt, Enrolment
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.platform.models import OpensIn
from tenants.lti.platform.tools import Tools
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.profiles import values_of
from tests.conformance.openings import fields_of, is_error, target_of
from tests.features.test_zoom_places import operator_switches
from tests.features.zoom_places import (
    ADMIN_ROLES,
    CLAIM,
    COACH_ROLES,
    MEMBERSHIP,
    NRPS,
    REDIRECTS,
    Visitor,
    ZoomDesk,
    is_asked,
    make_profile,
)
from tests.house import House

KINDS = list(PlaceKind)
LEARNER_ROLES = [f"{MEMBERSHIP}Learner"]


@pytest.fixture
def desk(house: House) -> ZoomDesk:
    return ZoomDesk.set(house.academy())


def edit_profile(desk: ZoomDesk, **changed: Any) -> None:
    with desk.kit.session() as session:
        profiles = desk.profiles(session)
        profile = profiles.get(desk.profile_id)
        profiles.edit(profile, values_of(profile, **changed))


@pytest.mark.case("ZL-020")
@pytest.mark.parametrize("kind", KINDS)
def test_the_message(desk: ZoomDesk, kind: PlaceKind) -> None:
    learner, place, academy = desk.visitor(in_group=False), desk.there(kind), desk.kit.academy
    claims = learner.launch(kind)
    person, profile = learner.person, desk.profile_id
    with desk.kit.session() as session:
        tool = session.get_one(ZoomProfile, profile).tool
        deployment = tool.deployment_id
    assert 0 < claims.pop("exp") - claims.pop("iat") <= 300
    assert claims.pop("nonce")
    assert claims.pop("jti")
    titles = {
        PlaceKind.ELEMENT: ("Welding basics", "Weekly hour"),
        PlaceKind.COURSE: ("Welding basics", "Welding basics"),
        PlaceKind.GROUP: ("Group North", "Group North"),
    }
    context, link = titles[kind]
    assert claims == {
        "iss": academy.url,
        "aud": desk.client_id,
        "azp": desk.client_id,
        "sub": learner.asked["login_hint"],
        "name": "Test Learner",
        "given_name": "Test",
        "family_name": "Learner",
        "email": person.email,
        "locale": "en",
        CLAIM + "message_type": "LtiResourceLinkRequest",
        CLAIM + "version": "1.3.0",
        CLAIM + "deployment_id": deployment,
        CLAIM + "target_link_uri": "https://applications.zoom.us/lti/advantage",
        CLAIM + "roles": LEARNER_ROLES,
        CLAIM + "context": {
            "id": place.context_id,
            "label": context,
            "title": context,
            "type": [
                "http://purl.imsglobal.org/vocab/lis/v2/course#"
                + ("Group" if kind is PlaceKind.GROUP else "CourseSection")
            ],
        },
        CLAIM + "resource_link": {"id": place.resource_link_id, "title": link},
        CLAIM + "tool_platform": {
            "guid": academy.host,
            "name": academy.name,
            "url": academy.url,
            "product_family_code": "lyceum",
            "version": "1",
        },
        CLAIM + "launch_presentation": {
            "document_target": "iframe",
            "locale": "en",
            "return_url": f"{academy.url}/zoom/places/{place.id}/return",
        },
        CLAIM + "lis": {"course_section_sourcedid": place.context_id},
    }
    assert not academy.url.endswith("/")


@pytest.mark.case("ZL-021")
@pytest.mark.parametrize("kind", KINDS)
def test_the_login(desk: ZoomDesk, kind: PlaceKind) -> None:
    learner = desk.visitor(in_group=False)
    page = learner.open(kind)
    fields = fields_of(page)
    assert target_of(page) == "https://applications.zoom.us/lti/advantage/login/Zoom-Key_1"
    assert fields["iss"] == desk.kit.academy.url
    assert fields["client_id"] == desk.client_id
    assert fields["target_link_uri"] == "https://applications.zoom.us/lti/advantage"
    assert str(learner.person.id) not in page.text
    assert str(learner.person.email) not in page.text
    again = fields_of(learner.open(kind))
    assert again["lti_message_hint"] != fields["lti_message_hint"]
    assert again["login_hint"] == fields["login_hint"]
    row = desk.rows()[0]
    assert (row.login["about"], row.outcome) == ({"place": str(desk.there(kind).id)}, Outcome.WAITING)
    assert fields["lti_message_hint"] not in str(row.login)
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://applications.zoom.us:443 https://*.zoom.us;" in policy


@pytest.mark.case("ZL-012")
@pytest.mark.parametrize(
    ("role", "in_group", "wanted"),
    [
        (Role.LEARNER, None, {PlaceKind.ELEMENT: LEARNER_ROLES, PlaceKind.COURSE: LEARNER_ROLES}),
        (Role.LEARNER, False, dict.fromkeys(KINDS, LEARNER_ROLES)),
        (Role.LEARNER, True, {**dict.fromkeys(KINDS, LEARNER_ROLES), PlaceKind.GROUP: COACH_ROLES}),
        (Role.AUTHOR, None, dict.fromkeys(KINDS, COACH_ROLES)),
        (Role.AUTHOR, False, dict.fromkeys(KINDS, COACH_ROLES)),
        (Role.ADMIN, None, dict.fromkeys(KINDS, ADMIN_ROLES)),
        (Role.ADMIN, True, dict.fromkeys(KINDS, ADMIN_ROLES)),
    ],
    ids=["learner", "member", "coach", "author", "author-member", "admin", "admin-coach"],
)
def test_one_set_of_roles_by_place(
    desk: ZoomDesk, role: Role, in_group: bool | None, wanted: dict[PlaceKind, list[str]]
) -> None:
    visitor = desk.visitor(role, in_group=in_group)
    assert {kind: visitor.launch(kind)[CLAIM + "roles"] for kind in wanted} == wanted
    for kind in set(KINDS) - set(wanted):
        visitor.page(kind, status=404)


@pytest.mark.case("ZL-024")
def test_names_roster_and_issuer_are_the_profiles(desk: ZoomDesk) -> None:
    learner = desk.visitor()
    edit_profile(desk, send_name=False, with_roster=True)
    claims = learner.launch(PlaceKind.COURSE, "window")
    assert "name" not in claims
    assert "given_name" not in claims
    assert claims["email"] == learner.person.email
    url = f"{desk.kit.academy.url}/zoom/places/{desk.there(PlaceKind.COURSE).context_id}/memberships"
    assert claims[NRPS] == {"context_memberships_url": url, "service_versions": ["2.0"]}
    assert claims[CLAIM + "launch_presentation"]["document_target"] == "window"
    edit_profile(desk, with_roster=False)
    with desk.kit.session() as session:
        session.get_one(ZoomProfile, desk.profile_id).issuer = "https://old.example"
    policy = learner.page(PlaceKind.COURSE).headers["Content-Security-Policy"]
    assert "frame-src 'self' https://applications.zoom.us:443 https://*.zoom.us https://old.example:443;" in policy
    moved = learner.launch(PlaceKind.COURSE)
    assert moved["iss"] == learner.asked["iss"] == "https://old.example"
    assert moved[CLAIM + "tool_platform"]["guid"] == "old.example"
    assert NRPS not in moved


@pytest.mark.case("ZL-023")
def test_subjects_and_ids_stay_and_differ_between_academies(house: House, desk: ZoomDesk) -> None:
    learner, south = desk.visitor(in_group=False), ZoomDesk.set(house.academy())

    def told(visitor: Visitor) -> list[Any]:
        found = [visitor.launch(kind) for kind in KINDS]
        ids = [(each["sub"], each[CLAIM + "context"]["id"], each[CLAIM + "resource_link"]["id"]) for each in found]
        return [each for row in ids for each in row]

    first = told(learner)
    edit_profile(desk, name="Another name", lti_key="another-key")
    with desk.kit.session() as session:
        session.get_one(Course, desk.ids[PlaceKind.COURSE]).title = "Another course"
    assert told(learner) == first
    assert len(set(first)) == 7, "one subject, three contexts, three links"
    assert not set(first) & set(told(south.visitor(in_group=False)))
    assert target_of(learner.open(PlaceKind.COURSE)).endswith("/login/another-key")


@pytest.mark.case("ZL-001")
@pytest.mark.parametrize("redirect", REDIRECTS)
def test_both_redirect_uris(desk: ZoomDesk, redirect: str) -> None:
    learner = desk.visitor()
    learner.begin(PlaceKind.COURSE)
    answer = learner.authorize(redirect_uri=redirect)
    assert target_of(answer) == redirect
    assert "id_token" in fields_of(answer)


@pytest.mark.case("ZL-004")
@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/",
        "https://applications.zoom.us/lti/rich/oauth/complete/",
        "https://applications.zoom.us/lti/rich/oauth/complete?x=1",
        "https://applications.zoom.us@evil.example/lti/rich/oauth/complete",
        "https://applications.zoom.us/lti/advantage",
        "",
    ],
)
def test_nothing_is_ever_posted_to_an_unregistered_redirect_uri(desk: ZoomDesk, redirect: str) -> None:
    learner = desk.visitor()
    learner.begin(PlaceKind.COURSE)
    for changes in ({}, {"scope": "x"}, {"lti_message_hint": "x"}, {"nonce": ""}):
        answer = learner.authorize(**{"redirect_uri": redirect, **changes})
        assert (answer.status_int, "TOOL_REDIRECT" in answer) == (400, True)
        assert not answer.html.find("form", action=lambda target: bool(target) and target.startswith("http"))
    learner.begin(PlaceKind.COURSE)
    assert "id_token" in fields_of(learner.authorize())


@pytest.mark.case("ZL-009")
@pytest.mark.parametrize("state", ['"><script>alert(1)</script>', "'\"&<>", "x" * 8000, "日本 \r\n"])
def test_the_state_is_echoed_as_text(desk: ZoomDesk, state: str) -> None:
    learner = desk.visitor()
    learner.begin(PlaceKind.COURSE)
    answer = learner.authorize(state=state)
    assert fields_of(answer)["state"] == state
    assert "<script>alert" not in answer
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    refused = learner.authorize(state=state)
    assert is_error(refused, "invalid_request")
    assert fields_of(refused)["state"] == state


@pytest.mark.case("ZL-006")
def test_a_hint_is_of_one_person_in_one_browser(desk: ZoomDesk) -> None:
    learner, other = desk.visitor(), desk.visitor()
    other.launch(PlaceKind.COURSE)
    learner.begin(PlaceKind.COURSE)
    other.asked = learner.asked
    assert is_error(other.authorize(), "access_denied")
    learner.begin(PlaceKind.COURSE)
    second = Visitor(desk, desk.kit.signed_in(person=learner.person), learner.person, learner.asked)
    assert is_error(second.authorize(), "access_denied"), "the same person in another session"
    learner.begin(PlaceKind.COURSE)
    others = next(each.sub for each in desk.users() if each.person_id == other.person.id)
    mixed = learner.authorize(login_hint=others)
    assert is_error(mixed, "access_denied"), "another's login_hint"
    stranger = Visitor(desk, desk.kit.browser(), learner.person, learner.begin(PlaceKind.COURSE))
    again = stranger.authorize()
    assert target_of(again).endswith("/mod/lti/auth.php"), "from our own site, once more, perhaps with the cookie"
    assert is_error(stranger.send({**stranger.request(), "repost": "1"}), "login_required")


@pytest.mark.case("ZL-007")
def test_a_hint_works_once_and_for_five_minutes(desk: ZoomDesk) -> None:
    learner = desk.visitor()
    learner.begin(PlaceKind.COURSE)
    assert "id_token" in fields_of(learner.authorize())
    assert is_error(learner.authorize(), "invalid_request")
    learner.begin(PlaceKind.COURSE)
    with desk.kit.session() as session:
        session.get_one(Launch, desk.rows()[0].id).started_at = clock.now() - timedelta(minutes=5, seconds=1)
    assert is_error(learner.authorize(), "invalid_request")


@pytest.mark.case("ZL-008")
def test_tampered_and_foreign_hints(house: House, desk: ZoomDesk) -> None:
    learner, south = desk.visitor(), ZoomDesk.set(house.academy())
    foreigner = south.visitor()
    foreigner.begin(PlaceKind.COURSE)
    hint = learner.begin(PlaceKind.COURSE)["lti_message_hint"]
    turned = hint[:-1] + ("A" if hint[-1] != "A" else "B")
    for given in (turned, "", "x" * 4000, str(learner.person.id), foreigner.asked["lti_message_hint"]):
        assert is_error(learner.authorize(lti_message_hint=given), "invalid_request"), given[:50]
    assert is_error(learner.authorize(login_hint=foreigner.asked["login_hint"]), "access_denied")
    unknown = learner.authorize(client_id=south.client_id)
    assert (unknown.status_int, "TOOL_CLIENT" in unknown) == (400, True)
    with desk.kit.session() as session:
        second = make_profile(desk.kit, session)
        client_id = second.tool.client_id
    assert is_error(learner.authorize(client_id=client_id), "unauthorized_client"), "another profile's"


def withdraw(desk: ZoomDesk, visitor: Visitor, kind: PlaceKind) -> None:
    with desk.kit.session() as session:
        if kind is PlaceKind.GROUP:
            Groups(session).take_out(session.get_one(CourseGroup, desk.ids[kind]), visitor.person.id)
        else:
            desk.subject(session, kind).status = Status.DRAFT


def unenrol(desk: ZoomDesk, visitor: Visitor) -> None:
    with desk.kit.session() as session:
        session.execute(sa.delete(Enrolment).where(Enrolment.person_id == visitor.person.id))


def place_off(desk: ZoomDesk, kind: PlaceKind) -> None:
    with desk.kit.session() as session:
        session.get_one(ZoomPlace, desk.there(kind).id).is_on = False


def no_email(desk: ZoomDesk, visitor: Visitor) -> None:
    with desk.kit.session() as session:
        session.get_one(Person, visitor.person.id).email = None


def to_another(desk: ZoomDesk, kind: PlaceKind) -> None:
    with desk.kit.session() as session:
        other = make_profile(desk.kit, session)
        desk.places(session).put(kind, desk.subject(session, kind), other)


@pytest.mark.case("ZL-010")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("case", "error", "code"),
    [
        ("profile", "", "TOOL_CLIENT"),
        ("operator", "", "TOOL_CLIENT"),
        ("admin", "", "TOOL_CLIENT"),
        ("kind", "unauthorized_client", "ZOOM_KIND_OFF"),
        ("place", "access_denied", "ZOOM_PLACE_OFF"),
        ("another profile", "access_denied", "ZOOM_CLOSED"),
        ("withdrawn", "access_denied", "ZOOM_CLOSED"),
        ("e-mail", "access_denied", "ZOOM_EMAIL"),
    ],
)
def test_all_is_judged_again_when_zoom_asks(desk: ZoomDesk, kind: PlaceKind, case: str, error: str, code: str) -> None:
    """Whoever is off sounds like a client nobody knows, and nothing is posted; the rest Zoom is told."""
    learner = desk.visitor(in_group=False)
    learner.begin(kind)
    changes = {
        "profile": lambda: desk.switch(on=False),
        "operator": lambda: operator_switches(desk.kit, on=False),
        "admin": lambda: desk.use(*KINDS, is_on=False),
        "kind": lambda: desk.use(*(each for each in KINDS if each is not kind)),
        "place": lambda: place_off(desk, kind),
        "another profile": lambda: to_another(desk, kind),
        "withdrawn": lambda: withdraw(desk, learner, kind),
        "e-mail": lambda: no_email(desk, learner),
    }
    changes[case]()
    answer = learner.authorize()
    if error:
        assert target_of(answer) == REDIRECTS[0]
        assert is_error(answer, error)
    else:
        assert (answer.status_int, code in answer, "id_token" in answer) == (400, True, False)
    row = desk.rows()[0]
    assert (row.outcome, row.code) == (Outcome.REFUSED, code)
    assert attempts(desk, learner) in ([], [False])


def test_who_does_not_take_part_any_more(desk: ZoomDesk) -> None:
    learner = desk.visitor()
    learner.begin(PlaceKind.ELEMENT)
    unenrol(desk, learner)
    assert is_error(learner.authorize(), "access_denied")
    assert desk.rows()[0].code == "ZOOM_CLOSED"


@pytest.mark.case("ZL-011")
@pytest.mark.parametrize("kind", KINDS)
def test_people_zoom_cannot_know_are_told_why(desk: ZoomDesk, kind: PlaceKind) -> None:
    nameless, guest = desk.visitor(in_group=False), desk.visitor(in_group=True)
    no_email(desk, nameless)
    with desk.kit.session() as session:
        session.get_one(Person, guest.person.id).made_by = MadeBy.LTI
    for visitor, code in ((nameless, "ZOOM_EMAIL"), (guest, "ZOOM_GUEST")):
        assert code in visitor.page(kind, status=403)
        visitor.browser.post(desk.path(kind), {"share": "email"}, status=403)
        assert code in visitor.browser.post(f"{desk.path(kind)}/launch", {"in": "iframe"}, status=403)
    assert desk.rows() == []
    assert desk.users() == []
    with desk.kit.session() as session:
        session.get_one(Person, guest.person.id).password_hash = "has signed in here"
    assert guest.launch(kind)["email"] == guest.person.email


@pytest.mark.case("ZL-025")
@pytest.mark.parametrize("role", [Role.LEARNER, Role.ADMIN])
def test_consent_is_asked_once_per_person_and_profile_and_when_it_grows(desk: ZoomDesk, role: Role) -> None:
    edit_profile(desk, send_name=False)
    visitor = desk.visitor(role, in_group=False)
    page = visitor.page(PlaceKind.ELEMENT, status=200)
    assert is_asked(page)
    table = page.html.find("table").text
    assert str(visitor.person.email) in table
    assert visitor.person.name not in table
    assert ("Admin" if role is Role.ADMIN else "Learner") in table
    sent = visitor.browser.post(f"{desk.path(PlaceKind.ELEMENT)}/launch", {"in": "iframe"}, status=303)
    assert sent.location.endswith(desk.path(PlaceKind.ELEMENT)), "nothing is sent before"
    assert desk.rows() == []
    visitor.launch(PlaceKind.ELEMENT)
    assert [each.consented for each in desk.users()] == [["user_id", "email", "role", "course", "activity"]]
    assert not any(is_asked(visitor.page(kind)) for kind in KINDS)
    edit_profile(desk, send_name=True)
    assert all(is_asked(visitor.page(kind)) for kind in KINDS)
    visitor.browser.post(desk.path(PlaceKind.ELEMENT), {"share": "email"}, status=303)
    assert is_asked(visitor.page(PlaceKind.ELEMENT)), "the page named less than is sent"
    assert "name" in visitor.launch(PlaceKind.COURSE)
    with desk.kit.session() as session:
        other = make_profile(desk.kit, session).id
    desk.put(PlaceKind.COURSE, other)
    assert is_asked(visitor.page(PlaceKind.COURSE)), "another profile is another Zoom account"
    assert not is_asked(visitor.page(PlaceKind.GROUP))


@pytest.mark.case("ZL-022")
def test_a_place_given_to_another_profile_keeps_its_ids_and_has_new_subjects(desk: ZoomDesk) -> None:
    """Two Zoom accounts shall not know people again by our pseudonyms; back with the first one all is as it was."""
    learner, client_id = desk.visitor(), desk.client_id
    first = learner.launch(PlaceKind.COURSE)
    with desk.kit.session() as session:
        other = make_profile(desk.kit, session)
        other_id, desk.client_id = other.id, other.tool.client_id
    desk.put(PlaceKind.COURSE, other_id)
    second = learner.launch(PlaceKind.COURSE)
    assert [second[CLAIM + name] for name in ("context", "resource_link")] == [
        first[CLAIM + name] for name in ("context", "resource_link")
    ]
    assert second["sub"] != first["sub"]
    desk.put(PlaceKind.COURSE, desk.profile_id)
    desk.client_id = client_id
    assert not is_asked(learner.page(PlaceKind.COURSE))
    assert learner.launch(PlaceKind.COURSE)["sub"] == first["sub"]


def test_what_was_switched_on_after_the_consent_is_not_told(desk: ZoomDesk) -> None:
    edit_profile(desk, send_name=False)
    learner = desk.visitor()
    learner.begin(PlaceKind.COURSE)
    edit_profile(desk, send_name=True)
    answer = learner.authorize()
    assert "id_token" in fields_of(answer)
    assert "name" not in desk.rows()[0].claims


def attempts(desk: ZoomDesk, visitor: Visitor) -> list[bool]:
    """Of the course element; whether each is completed."""
    with desk.kit.session() as session:
        query = sa.select(Attempt).where(Attempt.person_id == visitor.person.id)
        return [each.is_completed for each in session.scalars(query.order_by(Attempt.number))]


@pytest.mark.case("ZL-026")
def test_a_learner_who_was_let_in_took_part_and_has_visited(desk: ZoomDesk) -> None:
    learner = desk.visitor(in_group=False)
    learner.launch(PlaceKind.COURSE)
    learner.launch(PlaceKind.GROUP)
    learner.page(PlaceKind.ELEMENT)
    assert attempts(desk, learner) == []
    learner.begin(PlaceKind.ELEMENT)
    assert attempts(desk, learner) == [False]
    assert "id_token" in fields_of(learner.authorize())
    assert attempts(desk, learner) == [True]
    learner.launch(PlaceKind.ELEMENT)
    assert attempts(desk, learner) == [True]
    with desk.kit.session() as session:
        result = session.scalars(sa.select(Result).where(Result.person_id == learner.person.id)).one()
        assert (result.activity_id, result.progress, result.score) == (
            desk.ids[PlaceKind.ELEMENT],
            Progress.COMPLETED,
            None,
        )
    author = desk.visitor(Role.AUTHOR)
    author.launch(PlaceKind.ELEMENT)
    assert attempts(desk, author) == [], "who holds it does not learn in it"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_around_zoom(desk: ZoomDesk, kind: PlaceKind) -> None:
    learner = desk.visitor(in_group=False)
    learner.agree(kind)
    page = learner.page(kind, status=200)
    frame = page.html.find("iframe")
    for feature in ("camera", "microphone", "display-capture", "autoplay", "fullscreen", "clipboard-write"):
        assert f"{feature} *" in frame["allow"]
    zoom = "https://applications.zoom.us:443 https://*.zoom.us"
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-src 'self' {zoom};" in policy
    assert f"form-action 'self' {zoom};" in policy
    devices = page.headers.getall("Permissions-Policy")
    named = 'self "https://applications.zoom.us:443" "https://*.zoom.us"'
    assert devices == [f"camera=({named}), microphone=({named}), geolocation=()"]
    assert "camera=()" in learner.browser.get("/courses").headers["Permissions-Policy"]
    inner = learner.open(kind)
    assert "frame-ancestors 'self'" in inner.headers["Content-Security-Policy"]
    assert "Open in a new window" in page


def test_a_window_is_always_offered_and_remembered(desk: ZoomDesk) -> None:
    learner = desk.visitor()
    learner.open(PlaceKind.COURSE, "iframe")
    assert learner.page(PlaceKind.COURSE).html.find("iframe")
    learner.open(PlaceKind.COURSE, "window")
    page = learner.page(PlaceKind.COURSE)
    assert page.html.find("iframe") is None
    assert learner.page(PlaceKind.ELEMENT).html.find("iframe") is None, "by this browser, wherever"
    here = page.click("Open in this page instead")
    assert here.html.find("iframe")
    assert "Open in a new window" in here
    assert learner.page(PlaceKind.COURSE).html.find("iframe"), "and so is the way back"
    edit_profile(desk, opens_in=OpensIn.WINDOW)
    assert learner.page(PlaceKind.COURSE).html.find("iframe") is None
    learner.open(PlaceKind.COURSE, "window")
    with desk.kit.session() as session:
        session.get_one(ZoomPlace, desk.there(PlaceKind.COURSE).id).opens_in = OpensIn.FRAME
    assert learner.page(PlaceKind.COURSE).html.find("iframe"), "where a window is the rule, nobody chose one"
    framed = learner.page(PlaceKind.COURSE, headers={"Sec-Fetch-Dest": "iframe"})
    assert framed.html.find("iframe")


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_back(desk: ZoomDesk, kind: PlaceKind) -> None:
    learner = desk.visitor(in_group=False)
    url = learner.launch(kind)[CLAIM + "launch_presentation"]["return_url"]
    path = url.removeprefix(desk.kit.academy.url)
    assert learner.browser.get(f"{path}?lti_msg=x", status=303).location.endswith(desk.path(kind))
    framed = desk.kit.browser().get(path, headers={"Sec-Fetch-Dest": "iframe"}, status=200)
    assert framed.html.find("a", target="_parent")["href"] == desk.path(kind)
    assert "Weekly hour" not in framed


def test_drafts_are_tried_out_by_authors_alone(desk: ZoomDesk) -> None:
    with desk.kit.session() as session:
        session.get_one(Activity, desk.ids[PlaceKind.ELEMENT]).status = Status.DRAFT
        session.get_one(Course, desk.ids[PlaceKind.COURSE]).status = Status.DRAFT
    author, learner = desk.visitor(Role.AUTHOR), desk.visitor(in_group=False)
    assert all(author.launch(kind)["email"] for kind in KINDS)
    assert "ACTIVITY_CLOSED" in learner.page(PlaceKind.ELEMENT, status=403)
    learner.page(PlaceKind.COURSE, status=404)
    learner.page(PlaceKind.GROUP, status=404)


def test_the_inspector_shows_what_was_opened(desk: ZoomDesk) -> None:
    learner = desk.visitor()
    learner.launch(PlaceKind.COURSE)
    admin = desk.kit.signed_in(Role.ADMIN)
    row = desk.rows()[0]
    page = admin.get(f"/integrations/launches/{row.id}", status=200)
    assert "The token is signed" in page
    assert learner.asked["lti_message_hint"] not in page
    listed = admin.get("/integrations/launches?direction=out", status=200)
    assert str(row.id) in listed
    with desk.kit.session() as session:
        tools = Tools(session, desk.kit.runtime.outbound)
        assert tools.all() == [], "a profile's registration is none of the academy's LTI tools"
        with pytest.raises(Refused, match="WEB_NOT_FOUND"):
            tools.get(session.get_one(ZoomProfile, desk.profile_id).tool_id)


def test_a_way_of_another_kind_makes_no_message(desk: ZoomDesk) -> None:
    """An LTI tool's launch never gets a place's message, nor the other way round."""
    learner = desk.visitor()
    learner.begin(PlaceKind.COURSE)
    with desk.kit.session() as session:
        row = session.get_one(Launch, desk.rows()[0].id)
        row.login = {**row.login, "about": {"place": str(uuid4())}}
    assert is_error(learner.authorize(), "access_denied")
    learner.begin(PlaceKind.COURSE)
    with desk.kit.session() as session:
        session.get_one(Launch, desk.rows()[0].id).message_type = "LtiDeepLinkingRequest"
    assert is_error(learner.authorize(), "invalid_request")
    assert [each.outcome for each in desk.rows()[:2]] == [Outcome.REFUSED] * 2


def test_titles_are_text(desk: ZoomDesk) -> None:
    page = desk.visitor().page(PlaceKind.COURSE)
    assert "Welding <b>basics</b>" in page.html.find("main").text
    assert "<b>basics</b>" not in page.text.split("<main")[1]
