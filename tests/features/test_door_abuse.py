"""What the services' doors must not do for tools that are off, strangers, or tools that lost what they had."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import jwt
import pytest
import sqlalchemy as sa

from saas.db.hot import HotConnection
from saas.tenancy.lifecycle import Lifecycle
from tenants.catalog.models import Activity
from tenants.learning.models import Verdict
from tenants.lti.launches.models import Protocol
from tenants.lti.platform import scores
from tenants.lti.platform.doors import ServiceDoor
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.models import LineItem, Tool, ToolLink
from tenants.lti.platform.users import ToolUsers, audience_of_tool
from tenants.lti.wire import oauth1, outcomes_in
from tests.conformance.openings import Desk as Opened
from tests.conformance.openings import fields_of
from tests.conformance.platform import Key, rsa
from tests.conformance.tools import Pox, Seat, Tool12, Tool13, envelope, is_refused, made_by, moment, path_of
from tests.cost import counted
from tests.house import House, Kit


def switch_off(kit: Kit) -> None:
    with kit.runtime.database.shell() as session:
        Lifecycle(session, kit.runtime.settings.web).switch(kit.academy.slug, "lti", on=False, reason="test")
    kit.runtime.tenants.forget()


def give_away(tool: Tool13) -> Tool13:
    """The link now opens another tool, of the same course."""
    other = Tool13.set(tool.kit, course_id=tool.activity.course_id)
    with tool.kit.session() as session:
        links = ToolLinks(session, tool.kit.runtime.secrets, tool.kit.runtime.outbound)
        own = session.get_one(Activity, tool.activity.id)
        values = LinkValues(lti_version=Protocol.LTI_13, tool_id=other.tool.id, url="https://tool.example/launch")
        links.save(own, values)
    return other


def codes(tool: Tool13 | Tool12) -> list[str]:
    """Of the log, newest first."""
    return [call.row.code for call in tool.calls()]


# LTI switched off


def test_every_door_closes_with_lti(house: House) -> None:
    tool = Tool13.set(house.academy(), minimum=70)
    old, seat, token = Tool12.set(tool.kit, minimum=70), tool.sit(), tool.token()
    taken = old.sit()
    switch_off(tool.kit)
    answer = tool.ask(tool.form())
    assert (answer.status_int, answer.json["error"], answer.json["code"]) == (401, "invalid_client", "LTI_OFF")
    assert is_refused(tool.score(seat, token=token), 403, "LTI_OFF")
    for path in (tool.lineitems, tool.lineitem, f"{tool.lineitem}/results", tool.memberships):
        assert is_refused(tool.call("GET", path, token=token), 403, "LTI_OFF")
    said = old.replace(taken, "0.9")
    assert (said.status, said.major, said.words) == (200, "failure", "LTI is not enabled here")
    assert tool.result(seat) is None
    assert old.result(taken) is None
    assert codes(tool)[:7] == ["LTI_OFF"] * 7


# Strangers and the log


def test_a_known_client_id_is_no_key_to_the_log(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tool, stranger = Tool13.set(house.academy()), Key("tool-key", rsa(1))
    tool.ask(tool.form(assertion=tool.sign(tool.claims(), stranger)))
    (call,) = tool.calls()
    assert (call.row.code, call.row.tool_id) == ("CALL_ASSERTION_SIGNATURE", tool.tool.id)
    monkeypatch.setattr("tenants.lti.platform.doors.may_log", lambda _request: False)
    for forged in (
        tool.form(assertion=tool.sign(tool.claims(), stranger)),
        tool.form(assertion=tool.sign(tool.claims(aud="https://other.example"), stranger)),
        tool.form(assertion=tool.sign(tool.claims(iss="nobody", sub="nobody"))),
    ):
        assert tool.ask(forged).status_int == 401
    assert len(tool.calls()) == 1
    assert tool.ask(tool.form(assertion=tool.sign(tool.claims(aud="https://other.example")))).status_int == 401
    assert codes(tool)[0] == "CALL_ASSERTION_AUDIENCE"


# Results of LTI 1.2 that nobody has proven


@contextmanager
def signatures() -> Iterator[list[str]]:
    """One entry for each signature that is made meanwhile."""
    made: list[str] = []
    sign = oauth1.sign

    def counted(base: str, *more: Any) -> str:
        made.append(base)
        return sign(base, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(oauth1, "sign", counted)
        yield made


def knock(tool: Tool12, seat: Seat, *, key: str = "", secret: str = "", query: str = "") -> Pox:
    body = envelope("replaceResult", seat.sourcedid, "0.5")
    header = tool.authorization(body, key=key, secret=secret)
    headers = {"Authorization": header}
    path = path_of(tool.url) + query
    return Pox.of(tool.kit.browser().app.post(path, body, headers=headers, content_type="application/xml"))


def test_a_wrong_secret_takes_the_work_of_an_unknown_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many activities share the key; whatever hinders the log hinders the diagnosis."""
    monkeypatch.setattr("tenants.lti.platform.outcome_views.may_log", lambda _request: False)
    kit = house.academy()
    alone, several = Tool12.set(kit), [Tool12.set(kit, key="vendor") for _ in range(8)]
    seat, spent = alone.sit(), set()
    for key in ("nobody", alone.key, "vendor"):
        with signatures() as made:
            assert knock(several[0], seat, key=key, secret="wrong").words == "Invalid signature"
        spent.add(len(made) - 1)  # the tool's own
    (work,) = spent
    assert work <= 16
    assert not alone.calls()


def test_a_diagnosis_is_for_the_activity_of_the_sourcedid(house: House) -> None:
    kit = house.academy()
    tool, other = Tool12.set(kit, key="vendor"), Tool12.set(kit, key="vendor")
    seat, body = tool.sit(), envelope("replaceResult", "made up", "0.5")
    tool.send(body, tool.authorization(body, url=tool.url.replace("https://", "http://")))
    assert "signed with another secret" in tool.calls()[0].row.seen
    for signer, words in ((tool, "it would match with http instead of https"), (other, "signed with another secret")):
        body = envelope("replaceResult", seat.sourcedid, "0.5")
        signer.send(body, signer.authorization(body, url=tool.url.replace("https://", "http://")))
        row = tool.calls()[0].row
        assert row.seen.startswith(words)
        assert row.tool_link_id == tool.link.id


def test_nothing_is_held_while_a_signature_is_diagnosed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool12.set(house.academy())
    seat, diagnosed = tool.sit(), []

    def write(*_: Any) -> str:
        with tool.kit.session() as session:
            session.get_one(Activity, tool.activity.id).title = "Written meanwhile"
        diagnosed.append(True)
        return ""

    monkeypatch.setattr(oauth1, "diagnose", write)
    assert knock(tool, seat, secret="wrong").words == "Invalid signature"
    assert diagnosed == [True]


def test_an_endless_query_is_not_signed_over(house: House) -> None:
    tool = Tool12.set(house.academy())
    seat = tool.sit()
    with signatures() as made:
        assert knock(tool, seat, query=f"?a={'x' * outcomes_in.MAX_QUERY}").words == "Invalid signature"
    assert len(made) <= 1
    assert codes(tool)[0] == "CALL_OUTCOME_SIGNATURE"


@pytest.mark.parametrize("more", ["\0b", "\x1b[31m", "\nb", "\x7f", "x" * 300])
def test_a_key_no_database_would_take(house: House, more: str) -> None:
    """PostgreSQL has no NUL in text, and drivers cut text there."""
    tool = Tool12.set(house.academy())
    body = envelope("replaceResult", tool.sit().sourcedid, "0.5")
    answer = tool.send(body, tool.authorization(body, key=tool.key + more))
    assert (answer.status_int, answer.content_type) == (200, "application/xml")
    assert Pox.of(answer).words == "Invalid signature"


def test_tools_of_lti_12_are_answered_in_xml_whatever_happens(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool12.set(house.academy())
    body = b"<a>" + b"x" * 200_000 + b"</a>"
    answer = tool.send(body)
    assert (answer.status_int, answer.content_type) == (413, "application/xml")
    assert Pox.of(answer).major == "failure"
    for error, status in ((sa.exc.DataError("", {}, Exception()), 400), (RuntimeError("a fault of ours"), 500)):

        def fail(*_: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(outcomes_in, "read_outcome", fail)
        answer = tool.send(envelope("readResult", "x"))
        assert (answer.status_int, answer.content_type) == (status, "application/xml")
        assert Pox.of(answer).major == "failure"


# What a person agreed to


def test_what_is_switched_on_meanwhile_is_not_sent_without_consent(house: House) -> None:
    """Between the login initiation and its answer the admin has the e-mail sent; whoever agreed before, did not to it."""
    desk = Opened.set(house.academy(), send_email=False)
    activity, learner = desk.activity13(), desk.learner()
    learner.agree(activity)
    learner.begin(activity)
    with desk.kit.session() as session:
        session.get_one(Tool, desk.tool_id).send_email = True
    token = fields_of(learner.authorize())["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert "email" not in claims
    assert str(learner.person.email) not in str(claims)
    assert claims["given_name"] == learner.person.given_name


# Columns


@pytest.fixture(params=["quick", "slow"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of scores: the one nearly all go, and the one for everything."""
    if request.param == "slow":
        monkeypatch.setattr(ServiceDoor, "serve_quickly", lambda *_: None)
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_an_older_score_in_a_second_column_changes_nothing(house: House) -> None:
    tool = Tool13.set(house.academy(), minimum=70)
    seat = tool.sit()
    second = path_of(made_by(tool, resourceLinkId=tool.link.resource_link_id)["id"])
    assert tool.score(seat, scoreGiven=40, timestamp=moment(1_000_000)).status_int == 204
    assert tool.score(seat, lineitem=second, scoreGiven=90, timestamp=moment(0)).status_int == 204
    told = tool.told(seat)
    assert told.percent == 40
    assert told.verdict is Verdict.FAILED
    withdrawn: dict[str, Any] = {"scoreGiven": None, "scoreMaximum": None, "timestamp": moment(1)}
    assert tool.score(seat, lineitem=second, **withdrawn).status_int == 204
    assert tool.told(seat).percent == 40
    assert tool.score(seat, lineitem=second, scoreGiven=90, timestamp=moment(2_000_000)).status_int == 204
    assert tool.told(seat).verdict is Verdict.PASSED


def test_another_tools_clock_counts_for_itself(house: House) -> None:
    """What the tool before said later by its clock does not stop the tool of today."""
    tool = Tool13.set(house.academy(), minimum=70)
    seat = tool.sit()
    tool.score(seat, scoreGiven=40, timestamp=moment(1_000_000))
    other = give_away(tool)
    with tool.kit.session() as session:
        known = ToolUsers(session).known_as(seat.person.id, audience_of_tool(other.tool.id)).sub
    column = path_of(made_by(other, resourceLinkId=tool.link.resource_link_id)["id"])
    now = Seat(seat.person, known, "")
    assert other.score(now, lineitem=column, scoreGiven=80, timestamp=moment(0)).status_int == 204
    assert tool.told(seat).verdict is Verdict.PASSED


def test_a_tool_that_lost_the_link_has_lost_its_column(house: House) -> None:
    tool = Tool13.set(house.academy(), minimum=70)
    seat, token = tool.sit(), tool.token()
    tool.score(seat, token=token, scoreGiven=80)
    lone = path_of(made_by(tool)["id"])
    give_away(tool)
    document = {"label": "Mine", "scoreMaximum": 5}
    for column in (tool.lineitem, lone):
        assert is_refused(tool.score(seat, token=token, lineitem=column), 404, "CALL_NOT_YOURS")
        assert is_refused(tool.call("GET", column, token=token), 404, "CALL_NOT_YOURS")
        assert is_refused(tool.call("GET", f"{column}/results", token=token), 404, "CALL_NOT_YOURS")
        assert is_refused(tool.call("PUT", column, document, token=token), 404, "CALL_NOT_YOURS")
        assert is_refused(tool.call("DELETE", column, token=token), 404, "CALL_NOT_YOURS")
    assert is_refused(tool.call("GET", tool.lineitems, token=token), 404, "CALL_NOT_YOURS")
    with tool.kit.session() as session:
        assert session.get_one(LineItem, tool.column.id).maximum == 100
    Tool13.set(tool.kit, course_id=tool.activity.course_id, tool_id=tool.tool.id)
    listed = [column["id"] for column in tool.call("GET", tool.lineitems, token=token).json]
    assert not any(str(tool.column.id) in each for each in listed)
    assert any(each.endswith(lone) for each in listed)


@pytest.mark.usefixtures("way")
def test_a_column_that_goes_while_a_score_comes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool13.set(house.academy())
    seat = tool.sit()
    keep = scores.keep_newer

    def delete_first(runner: Any, said: Any, column_id: UUID, *more: Any) -> None:
        (runner.core if isinstance(runner, HotConnection) else runner).execute(
            sa.delete(LineItem).where(LineItem.tenant_id == tool.kit.academy.id, LineItem.id == column_id)
        )
        keep(runner, said, column_id, *more)

    monkeypatch.setattr(scores, "keep_newer", delete_first)
    assert is_refused(tool.score(seat), 404, "CALL_NOT_YOURS")
    row = tool.calls()[0].row
    assert (row.code, row.status, row.tool_id) == ("CALL_NOT_YOURS", 404, tool.tool.id)


def test_an_activity_that_goes_while_a_result_comes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = Tool12.set(house.academy())
    seat = tool.sit()
    gone = sa.exc.IntegrityError("INSERT", {}, Exception())

    def fail(*_: Any) -> None:
        raise gone

    monkeypatch.setattr("tenants.lti.platform.quick_results.QuickTelling.take", fail)
    said = tool.replace(seat, "0.5")
    assert (said.status, said.major, said.words) == (200, "failure", "It is not there any more")
    assert codes(tool)[0] == "CALL_NOT_YOURS"


@pytest.mark.usefixtures("way")
def test_both_ways_take_hold_of_the_person_first(house: House) -> None:
    """Else a quick and a slow score of one person, at the same moment, would wait for each other for ever."""
    tool = Tool13.set(house.academy())
    seat, token = tool.sit(), tool.token()
    for _first_and_next in range(2):
        with counted(house.runtime.database) as cost:
            assert tool.score(seat, token=token).status_int == 204
        asked = next(n for n, sql in enumerate(cost.statements) if re.search(r"\b(FROM|JOIN) person\b", sql))
        wrote = next(n for n, sql in enumerate(cost.statements) if sql.startswith("INSERT INTO lti_received_score"))
        assert asked < wrote
        if house.backend == "postgresql":
            assert "FOR NO KEY UPDATE OF person" in cost.statements[asked]


# Where tokens are posted


def test_an_author_does_not_choose_where_tokens_go(house: House) -> None:
    """A Resource URL from before the tool's addresses were changed, or written past the form, is no redirect URI."""
    desk = Opened.set(house.academy(), redirect_urls=())
    activity, learner, elsewhere = desk.activity13(), desk.learner(), "https://elsewhere.example/steal"
    learner.agree(activity)
    with desk.kit.session() as session:
        link = session.scalars(sa.select(ToolLink).where(ToolLink.activity_id == activity.id)).one()
        link.url = elsewhere
    learner.begin(activity)
    page = learner.authorize(redirect_uri=elsewhere)
    assert page.status_int == 400
    assert "id_token" not in page
