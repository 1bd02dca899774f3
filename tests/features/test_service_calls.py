"""Integrations → What tools asked: what stands there, how it is narrowed, and what is forgotten."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from saas import clock
from tenants.access import Role
from tenants.lti.platform.grants import ToolToken, UsedOnce
from tenants.lti.platform.log import PAGE, Service, note_call
from tenants.lti.platform.models import ServiceCall, ToolLink
from tenants.lti.platform.sourcedids import read_sourcedid, write_sourcedid
from tests.conformance.tools import SCORE, Tool12, Tool13
from tests.conformance.visits import perform
from tests.features.pages import words
from tests.house import House

PATH = "/integrations/tool-calls"


@pytest.fixture
def tool(house: House) -> Tool13:
    return Tool13.set(house.academy())


def test_nothing_yet(house: House) -> None:
    kit = house.academy()
    page = kit.signed_in(Role.ADMIN).get(PATH, status=200)
    assert "No calls yet" in page.text
    assert "Filter calls" not in page.text


def test_the_log_and_its_filters(tool: Tool13) -> None:
    seat, neighbour = tool.sit(), Tool13.set(tool.kit)
    tool.score(seat)
    tool.score(None, userId="nobody")
    neighbour.score(None, lineitem=tool.lineitem, userId=seat.sub)
    old = Tool12.set(tool.kit)
    old.replace(old.sit(), "0.5")
    browser = tool.kit.signed_in(Role.ADMIN)
    everything = browser.get(PATH).text
    assert all(each in everything for each in (tool.tool.name, neighbour.tool.name, old.key, seat.person.name))
    for query, there, gone in (
        (f"tool={neighbour.tool.id}", "CALL_NOT_YOURS", "CALL_PERSON"),
        (f"tool={tool.tool.id}&outcome=refused", "CALL_PERSON", "CALL_NOT_YOURS"),
        ("service=outcome", "Result (LTI 1.2)</td>", "CALL_PERSON"),
        ("outcome=done", tool.activity.title, "CALL_PERSON"),
        ("code=call_person", "unknown to this tool", "CALL_NOT_YOURS"),
        (f"link={old.link.id}", old.key, tool.activity.title),
        ("service=nothing&tool=x&outcome=y&before=z", "CALL_PERSON", "No calls yet"),
    ):
        page = browser.get(f"{PATH}?{query}", status=200).text
        rows = page.partition("<tbody>")[2]
        assert (there in rows, gone in rows) == (True, False), query
    assert "No call found" in browser.get(f"{PATH}?code=CALL_NOTHING").text
    page = browser.get(f"{PATH}?link={old.link.id}")
    assert page.html.find("input", {"name": "link"})["value"] == str(old.link.id), "further filters narrow it further"
    assert f"Only calls about one activity: {old.activity.title}" in words(page)
    assert "<html" not in browser.get(PATH, headers={"HX-Request": "true"}).text


def test_pages(tool: Tool13) -> None:
    with tool.kit.session() as session:
        for number in range(PAGE + 3):
            note_call(session, Service.TOKEN, status=200, seen=f"call number {number:03}")
    browser = tool.kit.signed_in(Role.ADMIN)
    first = browser.get(PATH)
    second = first.click("Older calls")
    assert first.text.count("call number") == PAGE
    assert second.text.count("call number") == 3
    assert "Older calls" not in second


def test_the_way_there(tool: Tool13) -> None:
    browser = tool.kit.signed_in(Role.ADMIN)
    assert browser.get("/integrations/launches").click("What tools asked").request.path == PATH
    assert PATH in browser.get("/integrations").text
    tool.score(None, userId="nobody")
    own = browser.get(f"/integrations/lti-1.3/tools/{tool.tool.id}")
    assert own.click("Everything it asked").request.path_qs == f"{PATH}?tool={tool.tool.id}"
    assert "does not learn there" in own.text.partition("What it asked")[2]
    for role in (Role.LEARNER, Role.AUTHOR):
        assert tool.kit.signed_in(role).get(PATH, expect_errors=True).status_int == 403


def test_what_came_is_shown_as_text_and_without_secrets(tool: Tool13) -> None:
    token = tool.token(SCORE)
    tool.score(None, userId="<script>alert(1)</script>", token=token)
    assertion = tool.sign(tool.claims(aud="https://other.example"))
    tool.ask(tool.form(assertion=assertion))
    page = tool.kit.signed_in(Role.ADMIN).get(PATH).text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
    with tool.kit.session() as session:
        rows = session.scalars(sa.select(ServiceCall)).all()
        assert not any(secret in row.seen for row in rows for secret in (token, assertion))
    assert token not in page
    assert assertion not in page


def test_what_is_over_is_forgotten(tool: Tool13) -> None:
    tool.token()
    with tool.kit.session() as session:
        note_call(session, Service.TOKEN, status=200, seen="old")
        session.flush()
        session.scalars(sa.select(ServiceCall).where(ServiceCall.seen == "old")).one().at -= timedelta(days=61)
    perform(tool.kit, "lti.purge_calls")
    with tool.kit.session() as session:
        assert [row.seen for row in session.scalars(sa.select(ServiceCall))] == ["5 scopes"]
        assert session.scalar(sa.select(sa.func.count(ToolToken.id))) == 1
        for row in (session.scalars(sa.select(ToolToken)).one(), session.scalars(sa.select(UsedOnce)).one()):
            row.expires_at = clock.now() - timedelta(minutes=1)
    perform(tool.kit, "lti.purge_calls")
    with tool.kit.session() as session:
        assert [session.scalar(sa.select(sa.func.count(kind.id))) for kind in (ToolToken, UsedOnce)] == [0, 0]


def test_the_log_outlives_what_it_speaks_of(tool: Tool13) -> None:
    tool.score(tool.sit())
    with tool.kit.session() as session:
        session.delete(session.get_one(ToolLink, tool.link.id))
    page = tool.kit.signed_in(Role.ADMIN).get(PATH, status=200)
    assert tool.tool.name in page


def test_strangers_cannot_fill_the_log(tool: Tool13, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.lti.platform.doors.may_log", lambda _request: False)
    app = tool.kit.browser().app
    app.get(tool.lineitems, status=401)
    app.post("/lti/token", {}, status=400)
    assert tool.calls() == []
    tool.call("GET", f"{tool.lineitems}/x")
    assert tool.calls()[0].row.code == "CALL_NOT_YOURS"


def test_a_sourcedid_is_the_academys_own(house: House, tool: Tool13) -> None:
    secrets, link, person = house.runtime.secrets, tool.link.id, tool.kit.person().id
    text = write_sourcedid(secrets, tool.kit.academy.id, link, person)
    assert read_sourcedid(secrets, tool.kit.academy.id, text) == (link, person)
    assert read_sourcedid(secrets, tool.kit.academy.id + 1, text) is None
    for number in range(len(text)):
        changed = text[:number] + ("A" if text[number] != "A" else "B") + text[number + 1 :]
        assert read_sourcedid(secrets, tool.kit.academy.id, changed) is None
    for strange in ("", "é", "\ud800", "x" * 300, "====", text + "\0"):
        assert read_sourcedid(secrets, tool.kit.academy.id, strange) is None
