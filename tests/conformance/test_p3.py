"""P3: we are the platform of LTI 1.3. An honest tool in a browser of its own, and every way not to be one."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine
from webtest import TestApp

from saas import clock
from tenants.access import Role
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.learning.models import Enrolment
from tenants.lti.launches.models import Outcome, Protocol
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.wire.authorize import AUTHORIZE_STEPS
from tests.conformance.openings import (
    CLAIM,
    Desk,
    fields_of,
    is_error,
    outside_activity,
    target_of,
)
from tests.house import House

AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


@pytest.fixture(scope="module")
def desks() -> dict[str, Desk]:
    return {}


@pytest.fixture
def desk(house: House, desks: dict[str, Desk]) -> Desk:
    """Shared by the cases of this file; whoever changes the tool takes `own_desk`."""
    if house.backend not in desks:
        desks[house.backend] = Desk.set(house.academy())
    return desks[house.backend]


@pytest.fixture
def own_desk(house: House) -> Desk:
    return Desk.set(house.academy())


@pytest.mark.case("P3-001")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_correct_request_gets_a_token(desk: Desk, method: str) -> None:
    learner, activity = desk.learner(), desk.activity13()
    begun = learner.begin(activity)
    assert begun["iss"] == desk.kit.academy.url
    assert begun["target_link_uri"] == f"{desk.base}/course/1"
    assert begun["lti_deployment_id"] == desk.deployment_id
    page = learner.authorize(method=method, nonce="n-1", state="s-1")
    assert target_of(page) == desk.redirect_uri
    assert set(fields_of(page)) == {"id_token", "state"}
    assert fields_of(page)["state"] == "s-1"
    claims = learner.claims(page)
    assert (claims["nonce"], claims["sub"], claims["azp"]) == ("n-1", begun["login_hint"], desk.client_id)
    assert claims["aud"] == desk.client_id
    assert claims["exp"] - claims["iat"] == 300
    assert claims[CLAIM + "target_link_uri"] == begun["target_link_uri"]
    assert claims[CLAIM + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"]
    assert f"form-action 'self' {desk.base}" in page.headers["Content-Security-Policy"]
    row = desk.rows(1)[0]
    assert (row.outcome, row.person_id, row.nonce) == (Outcome.ACCEPTED, learner.person.id, "n-1")
    assert [check[0] for check in row.checks["launch"]] == list(AUTHORIZE_STEPS)
    assert begun["lti_message_hint"] not in str((row.login, row.login_shown, row.claims, row.checks))


@pytest.mark.case("P3-002")
@pytest.mark.parametrize(
    "change", ["/other", "/launch/", "/LAUNCH", "/launch?x=1", "/launch#x", "/launch%2f", "@evil.example/launch", ""]
)
def test_a_redirect_uri_must_be_one_of_the_tools_letter_by_letter(desk: Desk, change: str) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    page = learner.authorize(redirect_uri=f"{desk.base}{change}")
    assert page.status_int == 400
    assert "TOOL_REDIRECT" in page.text
    assert desk.base not in page.text, "learners are not told which addresses are entered"
    assert "Location" not in page.headers
    assert desk.rows(1)[0].code == "TOOL_REDIRECT"
    assert learner.claims(learner.authorize())["sub"], "nothing was used up"


@pytest.mark.case("P3-002")
def test_staff_are_told_which_redirect_uris_there_are(desk: Desk) -> None:
    author = desk.staff()
    author.begin(desk.activity13())
    page = author.authorize(redirect_uri="https://elsewhere.example/launch")
    assert page.status_int == 400
    assert "https://elsewhere.example/launch" in page.text
    assert desk.redirect_uri in page.text


@pytest.mark.case("P3-002")
def test_without_redirect_uris_only_the_target_is_one(own_desk: Desk) -> None:
    desk = Desk.set(own_desk.kit, redirect_urls=())
    learner = desk.learner()
    learner.begin(desk.activity13())
    desk.activity13(url=f"{desk.base}/course/2")
    assert learner.authorize(redirect_uri=f"{desk.base}/course/2").status_int == 400
    assert learner.authorize(redirect_uri=desk.redirect_uri).status_int == 400
    assert target_of(learner.authorize(redirect_uri=f"{desk.base}/course/1")) == f"{desk.base}/course/1"


@pytest.mark.case("P3-004")
def test_an_unknown_client_is_told_on_a_page(desk: Desk, own_desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    for client_id in ("nobody", own_desk.client_id, ""):
        page = learner.authorize(client_id=client_id)
        assert page.status_int == 400
        assert "TOOL_CLIENT" in page.text
    twice = learner.browser.app.get(
        "/lti/authorize", [*learner.request().items(), ("redirect_uri", "https://b.example")], status="*"
    )
    assert (twice.status_int, "TOOL_AUTH_UNREADABLE" in twice.text) == (400, True)


@pytest.mark.case("P3-005")
def test_another_persons_hint_is_worth_nothing(desk: Desk) -> None:
    activity = desk.activity13()
    ada, eve = desk.learner(), desk.learner()
    ada.begin(activity)
    eve.begin(activity)
    assert is_error(ada.authorize(login_hint=eve.asked["login_hint"]), "access_denied")
    assert is_error(ada.send(eve.request()), "access_denied"), "Eve's launch in Ada's browser"
    assert is_error(eve.authorize(lti_message_hint=ada.asked["lti_message_hint"]), "access_denied")
    assert ada.claims(ada.authorize())["sub"] == ada.asked["login_hint"]
    assert eve.claims(eve.authorize())["sub"] == eve.asked["login_hint"]


@pytest.mark.case("P3-005")
def test_the_same_person_in_another_browser_is_not_the_one_who_began(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    fields, learner.browser = learner.request(), desk.kit.signed_in(person=learner.person)
    assert is_error(learner.send(fields), "access_denied")
    assert desk.rows(1)[0].checks["launch"][-1][0] == "session"


@pytest.mark.case("P3-006")
def test_without_a_session_our_page_tries_once_more(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    stranger, own = desk.kit.browser(), learner.browser
    learner.browser = stranger
    page = learner.authorize(state='<x>&"', method="POST")
    again = fields_of(page)
    assert page.status_int == 200
    assert again.pop("again") == "1"
    assert again["state"] == '<x>&"'
    assert target_of(page) == "/lti/authorize"
    assert "form-action 'self';" in page.headers["Content-Security-Policy"]
    learner.browser = own
    assert learner.claims(learner.send({**again, "again": "1"}, "POST")), "the same browser, now with its cookie"


@pytest.mark.case("P3-006")
def test_once_more_without_a_session_is_login_required(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    learner.browser = desk.kit.browser()
    assert is_error(learner.send({**learner.request(), "again": "1"}, "POST"), "login_required")
    learner.browser = desk.kit.browser(HTTP_SEC_FETCH_SITE="same-origin")
    assert is_error(learner.authorize(), "login_required"), "from our own page there is no cookie to wait for"


@pytest.mark.case("P3-007", "P3-010", "P3-011", "P3-012")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nonce": None}, "invalid_request"),
        ({"nonce": " "}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"response_mode": None}, "invalid_request"),
        ({"response_type": "code"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"prompt": "login"}, "invalid_request"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"scope": "openidx"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
    ids=str,
)
def test_what_is_asked_wrongly_goes_back_as_an_error(desk: Desk, changes: dict[str, str | None], error: str) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    fields = {name: value for name, value in {**learner.request(), **changes}.items() if value is not None}
    page = learner.send(fields)
    assert is_error(page, error)
    assert target_of(page) == desk.redirect_uri
    assert fields_of(page)["state"] == "a state"
    assert fields_of(page)["error_description"].isascii()
    assert desk.rows(1)[0].outcome is Outcome.REFUSED
    assert learner.claims(learner.authorize())["sub"] == learner.asked["login_hint"], "asked rightly, it goes well"


@pytest.mark.case("P3-011", "P3-012")
def test_more_scopes_and_no_prompt_are_fine(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    assert learner.claims(learner.authorize("prompt", scope="openid profile"))["sub"] == learner.asked["login_hint"]


@pytest.mark.case("P3-008")
def test_the_state_is_echoed_byte_for_byte_or_not_at_all(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    learner.begin(activity)
    assert set(fields_of(learner.authorize("state"))) == {"id_token"}
    for state in ('<x>&"', "", "ü ' + %2B", "x" * 4000):
        learner.begin(activity)
        page = learner.authorize(state=state)
        assert fields_of(page)["state"] == state


@pytest.mark.case("P3-013")
def test_a_hint_we_did_not_give_this_tool_is_invalid(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    learner.begin(activity)
    for left_out, changes in (
        (("lti_message_hint",), {}),
        ((), {"lti_message_hint": "garbage"}),
        ((), {"lti_message_hint": "é" * 20}),
        (("login_hint",), {}),
        ((), {"login_hint": "garbage"}),
    ):
        page = learner.authorize(*left_out, **changes)
        assert is_error(page, "invalid_request")
    other = Desk.set(desk.kit)
    page = learner.authorize(client_id=other.client_id, redirect_uri=other.redirect_uri)
    assert is_error(page, "invalid_request")
    assert learner.claims(learner.authorize())["sub"] == learner.asked["login_hint"]


@pytest.mark.case("P3-013")
def test_a_hint_is_good_for_five_minutes(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    with time_machine.travel(clock.now() - timedelta(minutes=5, seconds=2), tick=True):
        learner.begin(activity)
    assert is_error(learner.authorize(), "invalid_request")
    with time_machine.travel(clock.now() - timedelta(minutes=4), tick=True):
        learner.begin(activity)
    assert learner.claims(learner.authorize())["sub"] == learner.asked["login_hint"]


@pytest.mark.case("P3-014")
def test_a_hint_is_used_once(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    fields = learner.request()
    assert learner.claims(learner.send(fields))["sub"] == learner.asked["login_hint"]
    assert is_error(learner.send(fields), "launch_no_longer_valid")
    newest, first = desk.rows(2)
    assert (newest.code, newest.outcome) == ("TOOL_LAUNCH_USED", Outcome.REFUSED)
    assert first.outcome is Outcome.ACCEPTED, "what came later says nothing about it"


@pytest.mark.case("P3-014")
def test_looking_ahead_uses_nothing_up(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    fields = learner.request()
    assert learner.browser.app.head("/lti/authorize", fields).status_int == 204
    assert learner.browser.app.get("/lti/authorize", fields, headers={"Sec-Purpose": "prefetch"}).status_int == 204
    assert learner.claims(learner.send(fields))["sub"] == learner.asked["login_hint"]


@pytest.mark.case("P3-014")
def test_of_two_at_the_same_moment_one_wins(desk: Desk) -> None:
    learner = desk.learner()
    learner.begin(desk.activity13())
    fields, cookies = learner.request(), dict(learner.browser.app.cookies)
    answers: list[dict[str, str]] = []

    def ask() -> None:
        browser = desk.kit.browser()
        app: TestApp = browser.app
        for name, value in cookies.items():
            app.set_cookie(name, value)
        answers.append(fields_of(app.get("/lti/authorize", fields)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.get("error", "token") for answer in answers) == ["launch_no_longer_valid"] * 3 + ["token"]


@pytest.mark.case("P3-016")
def test_a_tool_switched_off_in_between(own_desk: Desk) -> None:
    learner = own_desk.learner()
    learner.begin(own_desk.activity13())
    own_desk.switch(on=False)
    assert is_error(learner.authorize(), "unauthorized_client")


@pytest.mark.case("P3-016")
@pytest.mark.parametrize("what", ["withdrawn", "left", "deleted"])
def test_an_activity_that_is_not_open_any_more(desk: Desk, what: str) -> None:
    learner, activity = desk.learner(), desk.activity13()
    learner.begin(activity)
    with desk.kit.session() as session:
        row = session.get_one(Activity, activity.id)
        if what == "withdrawn":
            row.status = type(row.status).DRAFT
        elif what == "deleted":
            session.delete(row)
        else:
            session.execute(sa.delete(Enrolment).where(Enrolment.activity_id == activity.id))
    assert is_error(learner.authorize(), "access_denied")
    assert desk.rows(1)[0].code == "TOOL_CLOSED"


@pytest.mark.case("P3-018")
def test_the_token_is_made_when_it_is_asked_for(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    with time_machine.travel(clock.now() - timedelta(seconds=30), tick=True):
        learner.begin(activity)
    before = int(clock.now().timestamp())
    claims = learner.claims(learner.authorize())
    assert 0 <= claims["iat"] - before <= 5


@pytest.mark.case("P3-017", "P3-019", "P3-020")
def test_the_claims_are_complete_text_and_nothing_is_empty(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    claims = learner.launch(activity)
    assert claims[CLAIM + "context"]["type"] == ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"]
    assert claims[CLAIM + "context"]["id"] == str(activity.course_id)
    assert CLAIM + "custom" not in claims
    assert claims[CLAIM + "message_type"] == "LtiResourceLinkRequest"
    assert claims[CLAIM + "version"] == "1.3.0"
    assert claims[CLAIM + "deployment_id"] == desk.deployment_id
    assert claims["email"] == learner.person.email
    assert claims["name"] == learner.person.name
    assert claims[AGS]["lineitem"].startswith(f"{claims[AGS]['lineitems']}/")
    assert "https://purl.imsglobal.org/spec/lti-ags/scope/score" in claims[AGS]["scope"]
    assert claims[NRPS]["service_versions"] == ["2.0"]
    objects = [value for value in claims.values() if isinstance(value, dict)]
    texts = [text for value in objects for text in value.values() if not isinstance(text, list)]
    assert all(isinstance(text, str) and text for text in texts)
    assert all(value not in ("", [], {}, None) for value in claims.values())


@pytest.mark.case("P3-020")
def test_custom_parameters_are_text(desk: Desk) -> None:
    custom = (("chapter", "2"), ("who", "$User.id"), ("odd", "$Nobody.knows"), ("blank", ""))
    learner, activity = desk.learner(), desk.activity13(custom=custom)
    claims = learner.launch(activity)
    assert claims[CLAIM + "custom"] == {"chapter": "2", "who": claims["sub"], "odd": "$Nobody.knows"}


@pytest.mark.case("P3-022")
def test_two_academies_with_one_tool_have_nothing_in_common(desk: Desk, own_desk: Desk) -> None:
    first = Desk.set(desk.kit, base="https://shared-tool.example")
    second = Desk.set(own_desk.kit, base="https://shared-tool.example")
    one, two = (each.learner().launch(each.activity13()) for each in (first, second))
    for name in ("iss", "aud", "sub", CLAIM + "deployment_id"):
        assert one[name] != two[name]
    kids = [{key["kid"] for key in each.kit.browser().get("/lti/jwks").json["keys"]} for each in (first, second)]
    assert not kids[0] & kids[1]


@pytest.mark.case("P3-024")
def test_a_copied_activity_is_another_link(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    with desk.kit.session() as session:
        links = ToolLinks(session, desk.kit.runtime.secrets, desk.kit.runtime.outbound)
        catalog, original = Catalog(session), session.get_one(Activity, activity.id)
        copied = Activity(course_id=original.course_id, title="A copy", position=100, content=original.content)
        session.add(copied)
        session.flush()
        link = links.of(original)
        assert link is not None
        links.copy(link, copied)
        catalog.publish(copied, on=True)
        session.flush()
        session.refresh(copied)
        session.expunge(copied)
    one, two = learner.launch(activity), learner.launch(copied)
    assert one[CLAIM + "resource_link"]["id"] != two[CLAIM + "resource_link"]["id"]
    assert one[CLAIM + "context"]["id"] == two[CLAIM + "context"]["id"]


@pytest.mark.case("P3-023")
def test_each_activity_is_a_link_of_its_own(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    other = desk.activity13(course_id=activity.course_id)
    one, two = learner.launch(activity), learner.launch(other)
    assert one[CLAIM + "context"]["id"] == two[CLAIM + "context"]["id"]
    assert one[CLAIM + "resource_link"]["id"] != two[CLAIM + "resource_link"]["id"]
    assert one["sub"] == two["sub"]


@pytest.mark.case("P3-025")
def test_the_document_target_is_where_it_stands(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    for where, target in (("iframe", "iframe"), ("window", "window"), ("frame", "iframe"), ("<x>", "iframe")):
        claims = learner.launch(activity, where)
        assert claims[CLAIM + "launch_presentation"]["document_target"] == target
    assert "lti_storage_target" not in learner.begin(activity, "window")
    assert learner.begin(activity)["lti_storage_target"] == "_parent"


def test_staff_are_instructors_and_are_not_asked(desk: Desk) -> None:
    admin = desk.staff(Role.ADMIN)
    claims = admin.launch(desk.activity13())
    assert claims[CLAIM + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]


@pytest.mark.case("P3-004")
def test_an_activity_of_lti_12_has_no_hints(desk: Desk) -> None:
    values = LinkValues(Protocol.LTI_12, url=f"{desk.base}/x", resource_link_id="17-1", key="k", secret="s")
    activity = outside_activity(desk.kit, values)
    learner = desk.learner()
    fields = fields_of(learner.open(activity))
    assert "lti_message_hint" not in fields
    assert is_error(learner.authorize(), "invalid_request")


@pytest.mark.case("P3-028")
def test_what_moodles_tool_asks_for(house: House) -> None:
    """Moodle's tool side (``enrol/lti``, 4.5): its registration is named in the address of its login, it takes two target
    addresses only, wants its resource's uuid as the custom parameter ``id``, and dies without the context's type.
    """
    base, uuid = "https://moodle.example/enrol/lti", "0d6b5a3c-7b1e-4b9e-9a51-4d0c6a2f1c11"
    desk = Desk.set(
        house.academy(),
        base=base,
        login_url=f"{base}/login.php?id=3f9c",
        redirect_urls=(f"{base}/launch.php", f"{base}/launch_deeplink.php"),
    )
    learner, activity = desk.learner(), desk.activity13(url=f"{base}/launch.php", custom=(("id", uuid),))
    page = learner.open(activity)
    assert target_of(page) == f"{base}/login.php?id=3f9c"
    begun = learner.asked = fields_of(page)
    assert {"iss", "login_hint", "target_link_uri", "client_id", "lti_message_hint"} <= begun.keys()
    assert begun["target_link_uri"] == f"{base}/launch.php"
    claims = learner.claims(learner.authorize(redirect_uri=begun["target_link_uri"], method="POST"))
    assert claims[CLAIM + "custom"] == {"id": uuid}
    assert claims[CLAIM + "context"]["type"]
    assert claims[CLAIM + "resource_link"]["id"]
    assert claims[CLAIM + "target_link_uri"] == begun["target_link_uri"]
    assert {"sub", "given_name", "family_name", "email"} <= claims.keys()
