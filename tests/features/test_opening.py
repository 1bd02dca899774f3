"""Learners open outside tools: what is sent and agreed to, the page around the tool, the way back, and what staff see."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from webtest import TestResponse

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tenants.catalog.models import Activity, Status
from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Direction, Outcome
from tenants.lti.platform.addresses import authorize_url, issuer, token_url
from tenants.lti.platform.models import OpensIn
from tenants.lti.platform.tools import Tools, values_of
from tenants.lti.tool.addresses import jwks_url, launch12_url, launch_url, login_url, resource_url
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tests.conformance.openings import CLAIM, Desk, Learner, fields_of, is_error, query_of, target_of
from tests.features.test_web_property import BROKEN, NASTY
from tests.house import House, Kit, forms_of


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk.set(house.academy())


def is_asked(page: TestResponse) -> bool:
    return any("share" in form.fields for form in forms_of(page))


def page_of(learner: Learner, activity: Activity, **options: Any) -> TestResponse:
    return learner.browser.get(f"/learn/{activity.id}/tool", **options)


def test_what_is_sent_is_asked_once_and_again_when_it_grew(desk: Desk) -> None:
    with desk.kit.session() as session:
        tools = Tools(session, desk.kit.runtime.outbound)
        tools.edit(tools.get(desk.tool_id), values_with(tools, desk, send_email=False))
    learner, activity, another = desk.learner(), desk.activity13(), desk.activity13()
    page = page_of(learner, activity)
    assert is_asked(page)
    assert learner.person.name in page
    assert str(learner.person.email) not in page.html.find("main").text
    claims = learner.launch(activity)
    assert "email" not in claims
    assert not is_asked(page_of(learner, another)), "the same tool knows it already"
    user = desk.users()[0]
    assert user.consented == ["user_id", "name", "role", "course", "activity"]
    with desk.kit.session() as session:
        tools = Tools(session, desk.kit.runtime.outbound)
        tools.edit(tools.get(desk.tool_id), values_with(tools, desk, send_email=True))
    grown = page_of(learner, activity)
    assert is_asked(grown)
    assert str(learner.person.email) in grown
    assert grown.text.count("New</span>") == 1
    with desk.kit.session() as session:
        tools = Tools(session, desk.kit.runtime.outbound)
        tools.edit(tools.get(desk.tool_id), values_with(tools, desk, send_name=False, send_email=False))
    assert not is_asked(page_of(learner, activity)), "less is no question"


def values_with(tools: Tools, desk: Desk, **changes: Any) -> Any:
    return replace(values_of(tools.get(desk.tool_id)), **changes)


def test_nothing_is_sent_before_it_was_agreed_to(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity12()
    answer = learner.browser.post(f"/learn/{activity.id}/tool/launch", {"in": "iframe"}, status=303)
    assert urlsplit(answer.location).path == f"/learn/{activity.id}/tool"
    assert desk.rows() == []
    assert desk.users() == []
    learner.browser.post(f"/learn/{activity.id}/tool", {"share": "user_id"}, status=303)
    assert is_asked(page_of(learner, activity)), "agreed to less than is sent now"
    learner.agree(activity)
    assert not is_asked(page_of(learner, activity))
    assert len(fields_of(learner.open(activity))["user_id"]) == 40


def test_who_is_not_signed_in_signs_in_and_goes_on(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    with desk.kit.session() as session:
        SignIn(session).set_password(session.get_one(Person, learner.person.id), "correct horse battery")
    learner.browser = desk.kit.browser()
    asked = query_of(learner.browser.get(f"/learn/{activity.id}/tool", status=303).location)
    assert asked == {"next": f"/learn/{activity.id}/tool"}
    fields = {"email": str(learner.person.email), "password": "correct horse battery", **asked}
    signed_in = learner.browser.post("/sign-in", fields, status=303)
    assert urlsplit(signed_in.location).path == f"/learn/{activity.id}/tool"
    assert learner.launch(activity)["sub"] == learner.asked["login_hint"]
    assert len(desk.rows()) == 1


def test_what_a_learner_may_not_open_is_refused_before_anything_is_signed(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    first, then = desk.kit.activity(), desk.activity12()
    playlist = desk.kit.playlist(first, then, in_order=True)
    learner.browser.post(f"/activities/{playlist.id}", {}, status=303)
    with desk.kit.session() as session:
        session.get_one(Activity, activity.id).status = Status.DRAFT
    for each, status, code in ((activity, 403, "ACTIVITY_CLOSED"), (then, None, "PLAYLIST_LOCKED")):
        shown = page_of(learner, each, status="*")
        sent = learner.browser.post(f"/learn/{each.id}/tool/launch", {"in": "iframe"}, status="*")
        for answer in (shown, sent):
            assert code in answer
            assert answer.status_int == (status or answer.status_int)
            assert answer.status_int >= 400
    assert desk.rows() == []
    assert desk.staff().launch(activity)["sub"], "authors try a draft out"


def test_a_tool_or_an_academy_that_is_switched_off(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    desk.switch(on=False)
    refused = page_of(learner, activity, status=403)
    assert "TOOL_INACTIVE" in refused
    assert refused.click("Back to the activity").request.path == f"/activities/{activity.id}"
    desk.switch(on=True)
    learner.begin(activity)
    kit = desk.kit
    with kit.runtime.database.shell() as session:
        Lifecycle(session, kit.runtime.settings.web).switch(kit.academy.slug, "lti", on=False, reason="test")
    kit.runtime.tenants.forget()
    assert "LTI_OFF" in page_of(learner, activity, status=403)
    assert is_error(learner.authorize(), "unauthorized_client")


def test_the_page_frames_the_tool_and_nobody_else(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    learner.agree(activity)
    page = page_of(learner, activity)
    policy = page.headers["Content-Security-Policy"]
    assert f"frame-src 'self' {desk.base}:443;" in policy
    assert f"form-action 'self' {desk.base}:443;" in policy
    frame = page.html.find("iframe")
    assert json.loads(frame["data-origins"]) == [f"{desk.base}:443"]
    assert frame["data-back"] == f"/activities/{activity.id}"
    (own,) = [form for form in forms_of(page) if form.fields.get("in") and form["in"].value == "iframe"]
    assert own.html.form["target"] == frame["name"]
    inner = learner.open(activity)
    assert "frame-ancestors 'self'" in inner.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in inner.headers
    assert "frame-src" not in inner.headers["Content-Security-Policy"]


def test_a_window_is_opened_by_its_button_and_never_from_within_a_frame(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity12(opens_in=OpensIn.WINDOW)
    learner.agree(activity)
    page = page_of(learner, activity)
    assert page.html.find("iframe") is None
    assert fields_of(learner.open(activity, "window"))["launch_presentation_document_target"] == "window"
    framed = page_of(learner, activity, headers={"Sec-Fetch-Dest": "iframe"})
    assert framed.html.find("iframe") is not None


def test_the_activity_page_leads_to_the_tool(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    page = learner.browser.get(f"/activities/{activity.id}")
    assert "Open" in page
    assert page.click("Open").follow().request.path == f"/learn/{activity.id}/tool"
    answer = learner.browser.post(f"/activities/{activity.id}", {}, status=303)
    assert urlsplit(answer.location).path == f"/learn/{activity.id}/tool"
    own = desk.kit.activity()
    assert page_of(learner, own, status=303).location.endswith(f"/activities/{own.id}")


def test_the_way_back_shows_the_tools_words_as_text_and_keeps_the_rest(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    url = learner.launch(activity)[CLAIM + "launch_presentation"]["return_url"]
    path = url.removeprefix(desk.kit.academy.url)
    said = "&lti_msg=%3Cb%3EWell+done%3C%2Fb%3E&lti_log=quiz+7&lti_errorlog=none"
    framed = learner.browser.get(path + said, headers={"Sec-Fetch-Dest": "iframe"})
    assert "&lt;b&gt;Well done&lt;/b&gt;" in framed
    assert framed.html.find("a", target="_parent")["href"] == f"/activities/{activity.id}"
    kept = desk.rows(1)[0].login_shown["returned"]
    assert (kept["lti_log"], kept["lti_errorlog"]) == ("quiz 7", "none")
    stranger = desk.kit.browser().get(path + "&lti_errormsg=Sorry", headers={"Sec-Fetch-Dest": "iframe"})
    assert "Sorry" not in stranger
    assert activity.title not in stranger
    assert "Sorry" not in str(desk.rows(1)[0].login_shown), "said once"
    again = learner.launch(activity)[CLAIM + "launch_presentation"]["return_url"].removeprefix(desk.kit.academy.url)
    whole = learner.browser.get(again + "&lti_errormsg=%3Ci%3ENo", status=303).follow()
    assert whole.request.path == f"/activities/{activity.id}"
    assert "The tool says: &lt;i&gt;No" in whole
    assert learner.browser.get(f"/learn/{activity.id}/tool/return?launch=x&lti_msg=y", status=303)


def test_authors_see_the_exact_message_before_it_is_saved(desk: Desk) -> None:
    author, activity = desk.staff(), desk.activity13(custom=(("who", "$Person.name.full"),))
    claims = author.launch(activity)
    page = author.browser.get(f"/activities/{activity.id}/tool-preview", status=200)
    shown = json.loads(page.html.find("pre").text)
    for name in ("iat", "exp", "jti", "nonce"):
        claims.pop(name, None)
        shown.pop(name, None)
    presentation = shown[CLAIM + "launch_presentation"]
    assert claims[CLAIM + "launch_presentation"].pop("return_url").startswith(presentation.pop("return_url"))
    claims["https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"].pop("lineitem")
    assert shown == claims
    assert "$Person.email.primary" in page
    form = {
        "lti_version": "1.2", "url": "https://v.example/x", "key": "k-9", "secret": "hush-hush", "resource_link_id": "rl",
        "custom": "Foo Bar=1", "opens_in": "window", "send_name": "y",
    }  # fmt: skip
    unsaved = author.browser.post(f"/activities/{activity.id}/tool-preview", form, status=200)
    text = unsaved.html.find("pre").text
    assert "custom_foo_bar=1" in text
    assert "oauth_consumer_key=k-9" in text
    assert "launch_presentation_document_target=window" in text
    assert "lis_person_contact_email_primary" not in text
    assert "hush-hush" not in text
    again = author.browser.get(f"/activities/{activity.id}/tool-preview", status=200)
    assert "k-9" not in again, "nothing was saved"
    assert (
        author.browser.post(f"/activities/{activity.id}/tool-preview", {"lti_version": "x"}, status="*").status_int
        < 500
    )
    assert desk.learner().browser.get(f"/activities/{activity.id}/tool-preview", status=403)


def test_the_inspector_shows_what_we_opened(desk: Desk) -> None:
    learner, activity = desk.learner(), desk.activity13()
    claims = learner.launch(activity)
    fields_of(learner.open(desk.activity12()))
    learner.begin(activity)
    assert learner.authorize(redirect_uri="https://evil.example/").status_int == 400
    learner.begin(activity)
    admin = desk.kit.signed_in(Role.ADMIN)
    listed = admin.get("/integrations/launches?direction=out")
    assert listed.text.count("/integrations/launches/") >= 4
    assert (
        "/integrations/launches/"
        not in admin.get("/integrations/launches?direction=in").html.find(id="launches").decode()
    )
    by_tool = admin.get(f"/integrations/launches?connection=tool:{desk.tool_id}").html.find(id="launches").decode()
    assert by_tool.count("/integrations/launches/") == 3
    for row in desk.rows():
        page = admin.get(f"/integrations/launches/{row.id}", status=200)
        assert "Would it pass now?" not in page
        assert learner.asked["lti_message_hint"] not in page
        admin.get(f"/integrations/launches/{row.id}/again", status=404)
        link = admin.post(f"/integrations/launches/{row.id}/links", {}, status=200)
        shared = link.html.find(id="share-link").text.strip()
        stranger = desk.kit.browser().get(urlsplit(shared).path, status=200)
        for personal in (learner.person.name, str(learner.person.email), claims["sub"]):
            assert personal not in stranger
    waiting, refused, _twelve, accepted = desk.rows()
    assert [each.outcome for each in (waiting, refused, accepted)] == [
        Outcome.WAITING,
        Outcome.REFUSED,
        Outcome.ACCEPTED,
    ]
    assert "TOOL_REDIRECT" in admin.get(f"/integrations/launches/{refused.id}")
    assert "The token is signed" in admin.get(f"/integrations/launches/{accepted.id}")
    assert all(row.direction is Direction.OUT for row in desk.rows())


def test_nothing_sent_to_these_addresses_ends_in_a_5xx(desk: Desk) -> None:
    learner, author = desk.learner(), desk.staff()
    new, old = desk.activity13(), desk.activity12()
    learner.agree(new)
    learner.agree(old)
    learner.begin(new)
    wrong = []
    names, activities = list(learner.request()), (new, old)
    for place, nasty in enumerate(NASTY):
        name, activity = names[place % len(names)], activities[place % 2]
        base = f"/learn/{activity.id}/tool"
        form = {"lti_version": "1.2", "url": nasty, "custom": f"{nasty}={nasty}", "key": nasty, "opens_in": "iframe"}
        answers = [
            learner.authorize(method="POST", **{name: nasty}),
            learner.browser.post(f"{base}/launch", {"in": nasty}, status="*"),
            learner.browser.post(base, {"share": nasty}, status="*"),
            learner.browser.app.get(
                f"{base}/return", {"launch": nasty, "lti_msg": nasty, "lti_log": nasty}, status="*"
            ),
            author.browser.post(f"/activities/{activity.id}/tool-preview", form, status="*"),
        ]
        wrong += [(name, nasty, answer.request.path) for answer in answers if answer.status_int >= 500]
    for broken in BROKEN:
        query = b"client_id=" + desk.client_id.encode() + b"&state=" + broken + b"&lti_message_hint=" + broken
        answer = learner.browser.app.get("/lti/authorize?" + query.decode("latin-1"), status="*")
        wrong += [("query", repr(broken), "")] if answer.status_int >= 500 else []
    assert wrong == []


@pytest.fixture
def south(house: House) -> Kit:
    return house.academy()


def test_an_academy_opens_anothers_course_with_lti_12(desk: Desk, south: Kit) -> None:
    shared = south.activity("What the south teaches")
    with south.session() as session:
        consumers = Consumers(session, south.runtime.secrets)
        key = consumers.create(session.get_one(Activity, shared.id), "North")
        secret = consumers.reveal(key)
        name = key.key
    url = launch12_url(south.academy, shared.id)
    learner, activity = desk.learner(), desk.activity12(url=url, key=name, secret=secret, resource_link_id="anything")
    page = learner.open(activity)
    assert target_of(page) == url
    there = south.browser()
    answer = there.app.post(urlsplit(url).path, fields_of(page), status="*")
    assert answer.status_int == 303, answer.text
    assert "What the south teaches" in there.get(answer.location, status=200)
    assert there.app.post(urlsplit(url).path, fields_of(page), status=401).text.count("LTI11_NONCE")


def test_an_academy_opens_anothers_course_with_lti_13(desk: Desk, south: Kit) -> None:
    shared, north = south.activity("What the south teaches"), desk.kit.academy
    with desk.kit.session() as session:
        tools = Tools(session, desk.kit.runtime.outbound)
        tool = tools.get(desk.tool_id)
        tools.edit(
            tool,
            values_with(
                tools, desk, login_url=login_url(south.academy), jwks_url=jwks_url(south.academy),
                redirect_urls=(launch_url(south.academy),),
            ),
        )  # fmt: skip
    with south.session() as session:
        Platforms(session, south.runtime.outbound).create(
            PlatformValues(
                name="North", issuer=issuer(north), client_id=desk.client_id, auth_url=authorize_url(north),
                token_url=token_url(north), pasted_key=south.runtime.part(KeyRing).public_pem(north.id),
                deployment_ids=(desk.deployment_id,), is_active=True,
            )
        )  # fmt: skip
    learner = desk.learner()
    activity = desk.activity13(url=resource_url(south.academy, shared.id))
    page = learner.open(activity)
    there = south.browser()
    login = there.app.post(urlsplit(target_of(page)).path, fields_of(page), status=200)
    onward = login.html.find("a", attrs={"data-storage": True})
    assert json.loads(onward["data-storage"])["frame"] == "_parent", "the south would keep its state with our page"
    assert onward["href"].startswith(authorize_url(north))
    asked = urlsplit(onward["href"])
    answer = learner.browser.get(f"{asked.path}?{asked.query}", status=200)
    assert target_of(answer) == launch_url(south.academy)
    arrived = there.app.post("/lti/launch", fields_of(answer), status="*")
    assert arrived.status_int == 303, arrived.text
    assert "What the south teaches" in there.get(arrived.location, status=200)
    row = desk.rows(1)[0]
    assert (row.outcome, row.finished_at is not None and row.finished_at <= clock.now()) == (Outcome.ACCEPTED, True)
