"""The academy plays a tool against itself: what it reports, what it notices, and that nothing stays behind."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from saas.jobs.models import JobState, Outbox
from tenants.access import Role
from tenants.lti.platform import ags_views, scores, tokens
from tenants.lti.platform.models import Tool
from tenants.lti.selftest.models import SelfTest
from tenants.lti.selftest.titles import TOOL_ADDRESSES, TOOL_MESSAGES
from tenants.lti.selftest.tool_messages import MESSAGES
from tenants.lti.wire import ags, jws, nrps
from tenants.lti.wire.scores_in import read_score
from tests.conformance.platform import Answer, PlatformDouble, Site
from tests.conformance.tools import Tool13
from tests.features.pages import words
from tests.features.test_selftest import OWN, counts, findings_of, red
from tests.house import House, Kit


@pytest.fixture
def double(site: Site) -> PlatformDouble:
    """A tool's addresses, which answer."""
    double = site.open()
    double.services["auth"] = lambda _heard: Answer(body=b"<html>Opened</html>", content_type="text/html")
    return double


def registered(kit: Kit, double: PlatformDouble, **values: Any) -> Tool:
    addresses = {
        "login_url": f"{double.site.url}/{double.name}/auth",
        "jwks_url": double.jwks_url,
        "redirect_urls": [f"{double.site.url}/{double.name}/launch"],
    }
    return kit.tool(**{"name": "Quiz maker", **addresses, **values})


def findings(kit: Kit, tool_id: UUID) -> dict[str, tuple[str, str, str]]:
    return findings_of(kit, Tool, tool_id)


def promised(kit: Kit) -> int:
    """How many jobs of the academy are still to run."""
    waiting = sa.select(sa.func.count(Outbox.id)).where(
        Outbox.tenant_id == kit.academy.id, Outbox.state.in_((JobState.DUE, JobState.LEASED))
    )
    with kit.house.runtime.database.shell(write=False) as shell:
        return shell.scalar(waiting) or 0


def test_every_message_has_its_title() -> None:
    assert [message.name for message in MESSAGES] == list(TOOL_MESSAGES)


def test_a_good_tool_is_green_and_nothing_stays_behind(house: House, double: PlatformDouble) -> None:
    kit = house.academy()
    tool = registered(kit, double)
    before = counts(kit)
    found = findings(kit, tool.id)
    assert set(found) == {f"messages.{name}" for name in TOOL_MESSAGES} | {
        f"addresses.{name}" for name in TOOL_ADDRESSES
    }
    assert red(found) == {}
    for name in ("token", "open", "score", "score_text"):
        assert found[f"messages.{name}"][:2] == ("passed", "accepted"), name
    assert found["messages.token_twice"][:2] == ("passed", "CALL_ASSERTION_ID")
    assert found["messages.score_foreign"][:2] == ("passed", "CALL_NOT_YOURS")
    after = counts(kit)
    assert {name for name in after if after[name] != before[name]} == OWN
    assert promised(kit) == 0, "nobody outside hears of a score that was played"


def test_of_a_tool_at_work_nothing_changes(house: House) -> None:
    """Its tokens, results and log are as they were, and it works on."""
    tool = Tool13.set(house.academy())
    seat, token = tool.sit(), tool.token()
    assert tool.score(seat, token=token).status_int == 204
    before, said = counts(tool.kit), len(tool.calls())
    assert {name: code for name, code in red(findings(tool.kit, tool.tool.id)).items() if "messages" in name} == {}
    after = counts(tool.kit)
    assert {name for name in after if after[name] != before[name]} == OWN
    assert (len(tool.calls()), tool.told(seat).given) == (said, "85")
    assert tool.score(seat, token=token, scoreGiven=90).status_int == 204


def test_a_tool_that_is_paused_waits_for_approval_or_has_no_redirect_uris(house: House, double: PlatformDouble) -> None:
    kit = house.academy()
    tool = registered(kit, double, is_active=False, redirect_urls=[], target_url="")
    with kit.session() as session:
        session.get_one(Tool, tool.id).approved_at = None
    assert red(findings(kit, tool.id)) == {}
    with kit.session() as session:
        kept = session.get_one(Tool, tool.id)
        assert (kept.is_active, kept.approved_at) == (False, None)


@pytest.mark.parametrize(
    ("scopes", "skipped"),
    [
        ([ags.SCORE_SCOPE], {"score_scope", "column_foreign"}),
        ([ags.LINE_ITEM_SCOPE], {name for name in TOOL_MESSAGES if name.startswith("score")} - {"score_scope"}),
        ([nrps.SCOPE], {name for name in TOOL_MESSAGES if name.startswith(("score", "column"))}),
        ([], {name for name in TOOL_MESSAGES if name.startswith(("score", "column"))}),
    ],
    ids=["score", "line item", "roster", "none"],
)
def test_what_a_tool_is_not_granted_is_not_asked(
    house: House, double: PlatformDouble, scopes: list[str], skipped: set[str]
) -> None:
    kit = house.academy()
    found = findings(kit, registered(kit, double, scopes=scopes).id)
    unasked = {name.removeprefix("messages.") for name, row in found.items() if row[0] == "skipped"}
    assert (red(found), unasked) == ({}, skipped - {"score_no_token", "score_unknown_token"})
    assert found["messages.token"][1] == ("accepted" if scopes else "CALL_TOKEN_SCOPE")


def test_checks_that_let_everything_pass_are_noticed(
    house: House, double: PlatformDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The self-test runs the services' own code: were these not checked, it would say so."""
    kit = house.academy()
    tool = registered(kit, double)
    monkeypatch.setattr(jws, "verify", lambda _token, _key: True)
    monkeypatch.setattr(tokens, "use_once", lambda *_arguments: True)
    monkeypatch.setattr(scores, "refuse_late", lambda *_arguments: None)
    noticed = {"messages.token_forged", "messages.token_twice", "messages.score_late"}
    assert set(red(findings(kit, tool.id))) == noticed


def test_a_score_that_is_taken_for_another_is_noticed(
    house: House, double: PlatformDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = house.academy()
    tool = registered(kit, double)
    monkeypatch.setattr(ags_views, "read_score", lambda body, now: replace(read_score(body, now), given=Decimal(1)))
    assert {"messages.score", "messages.score_text"} <= set(red(findings(kit, tool.id)))


def test_wrong_addresses_are_told_apart(house: House, double: PlatformDouble) -> None:
    kit = house.academy()
    double.services["gone"] = lambda _heard: Answer(404)
    gone = f"{double.site.url}/{double.name}/gone"
    tool = registered(kit, double, jwks_url="https://nowhere.invalid/jwks", login_url=gone)
    assert set(red(findings(kit, tool.id))) == {"addresses.jwks_dns", "addresses.auth_status"}


def test_the_page_runs_it_and_shows_the_report(house: House, double: PlatformDouble) -> None:
    kit = house.academy()
    tool, admin = registered(kit, double), kit.signed_in(Role.ADMIN)
    page = f"/integrations/lti-1.3/tools/{tool.id}"
    assert "Run the self-test" in words(admin.get(page))
    assert "No test yet" in words(admin.get(f"{page}/self-test"))
    admin.post(f"{page}/self-test", status=303)
    admin.post(f"{page}/self-test", status=303)
    assert "hx-get" in admin.get(f"{page}/self-test")
    house.run_jobs()
    with kit.session() as session:
        assert session.scalar(sa.select(sa.func.count(SelfTest.id))) == 1, "the second click found it running"
    said = words(admin.get(f"{page}/self-test"))
    for text in ("Self-test of Quiz maker", "A score of a learner", "CALL_ASSERTION_AUDIENCE", "OIDC URL: it answers"):
        assert text in said
    assert "One line is red" not in said
    assert "Passed" in words(admin.get(page))
    assert "WEB_FORBIDDEN" in kit.signed_in(Role.AUTHOR).get(f"{page}/self-test", status=403)
    house.academy().signed_in(Role.ADMIN).get(f"{page}/self-test", status=404)
    admin.post(f"{page}/delete", status=303)
    admin.get(f"{page}/self-test", status=404)


def test_a_tool_deleted_meanwhile_ends_the_test(house: House, double: PlatformDouble) -> None:
    kit = house.academy()
    tool, admin = registered(kit, double), kit.signed_in(Role.ADMIN)
    page = f"/integrations/lti-1.3/tools/{tool.id}"
    admin.post(f"{page}/self-test", status=303)
    admin.post(f"{page}/delete", status=303)
    assert promised(kit) == 1
    house.run_jobs()
    assert promised(kit) == 0
