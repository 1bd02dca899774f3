"""Addresses of outside tools that would do more than open them: speak for us, lead tokens elsewhere, reach our headers."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from tenants.access import Role
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.models import Tool, ToolLink
from tenants.lti.platform.tools import Tools
from tests.conformance.openings import CLAIM, Desk, Learner
from tests.features.pages import words
from tests.house import House

OURS = ("user_id", "ROLES", "user.id", "lis_person_contact_email_primary", "lti_version", "oauth_timestamp", "context_id",
        "resource_link_id", "tool_consumer_instance_guid", "launch_presentation_return_url")  # fmt: skip


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk.set(house.academy())


def url_fault(desk: Desk, **values: Any) -> str:
    with desk.kit.session() as session:
        links = ToolLinks(session, desk.kit.runtime.secrets, desk.kit.runtime.outbound)
        return links.url_fault(LinkValues(**values))


def resaved(desk: Desk, url: str) -> None:
    """As rows from before the rule may stand in the database."""
    with desk.kit.session() as session:
        session.execute(sa.update(ToolLink).values(url=url))


# The query of a launch of LTI 1.2 is signed with the rest


@pytest.mark.parametrize("name", OURS)
def test_a_launch_url_says_nothing_that_is_ours_to_say(desk: Desk, name: str) -> None:
    """Else an author is anybody in the tool, with our signature."""
    fault = url_fault(desk, lti_version=Protocol.LTI_12, url=f"{desk.base}/lti.php?course=7&{urlencode({name: 'x'})}")
    assert f"“{name}”" in fault
    assert url_fault(desk, lti_version=Protocol.LTI_12, url=f"{desk.base}/lti.php?course=7&custom_a=b&user=1") == ""


@pytest.mark.parametrize("query", ["a=%FF", "&".join(["a=b"] * 300)])
def test_a_query_that_cannot_be_signed_is_refused_on_saving(desk: Desk, query: str) -> None:
    fault = url_fault(desk, lti_version=Protocol.LTI_12, url=f"{desk.base}/lti.php?{query}")
    assert ("cannot be read" in fault) is (query == "a=%FF")


@pytest.mark.parametrize("query", ["user_id=ceo&roles=urn:lti:sysrole:ims/lis/SysAdmin", "a=%FF"])
def test_nothing_is_signed_for_one_that_was_saved_before(desk: Desk, query: str) -> None:
    activity, learner = desk.activity12(), desk.learner()
    learner.agree(activity)
    resaved(desk, f"{desk.base}/lti.php?{query}")
    page = learner.browser.get(f"/learn/{activity.id}/tool", status="*")
    assert (page.status_int, "LTI_LINK_INCOMPLETE" in page) == (409, True)
    page = learner.browser.post(f"/learn/{activity.id}/tool/launch", {"in": "iframe"}, status=409)
    assert "oauth_signature" not in page
    assert "Not complete" in desk.staff().browser.get(f"/activities/{activity.id}/settings")


# Where tokens go


@pytest.mark.parametrize(
    ("path", "is_good"),
    [("https://{host}/any", True), ("https://sub.{host}/any", True), ("https://evil.example/steal", False),
     ("https://evil{host}/x", False), ("https://evil.example/{host}", False), ("https://{host}.evil.example/", False)],
)  # fmt: skip
def test_without_redirect_uris_the_resource_url_is_at_the_tool(house: House, path: str, *, is_good: bool) -> None:
    """The token goes where the activity's address says: with names and addresses of everybody who opens it."""
    desk = Desk.set(house.academy(), redirect_urls=())
    host = urlsplit(desk.base).hostname
    values = {"lti_version": Protocol.LTI_13, "tool_id": desk.tool_id, "url": path.format(host=host)}
    fault = url_fault(desk, **values)
    assert (fault == "") is is_good
    assert is_good or f"at {host}" in fault
    with desk.kit.session() as session:
        session.get_one(Tool, desk.tool_id).redirect_urls = [f"{desk.base}/launch"]
    assert url_fault(desk, **values) == "", "with redirect URIs no token goes there"


# Our headers


@pytest.mark.parametrize(
    "url", ["https://tool.example;x/", "https://tool.example;script-src *;/", "https://*/", "https://a,b.example/"]
)
def test_a_host_that_is_more_than_a_host_is_no_address(desk: Desk, url: str) -> None:
    assert url_fault(desk, lti_version=Protocol.LTI_12, url=url)
    with desk.kit.session() as session:
        assert Tools(session, desk.kit.runtime.outbound).address_fault(url)


def test_what_stands_in_an_old_row_does_not_reach_the_policy(desk: Desk) -> None:
    activity, learner = desk.activity12(), desk.learner()
    learner.agree(activity)
    resaved(desk, "https://tool.example;x.example/lti")
    page = learner.open(activity)
    assert ";x" not in page.headers["Content-Security-Policy"]


# What a tool says when somebody comes back


def way_back(desk: Desk, learner: Learner, message: str = "") -> str:
    """The path of the return address of a fresh launch, with words of the tool."""
    url = learner.launch(desk.activity13())[CLAIM + "launch_presentation"]["return_url"]
    return f"{url.removeprefix(desk.kit.academy.url)}&{urlencode({'lti_errormsg': message})}"


def told(learner: Learner, path: str) -> bool:
    """Whether whoever comes back finds the words."""
    answer = learner.browser.app.get(path, status=303, headers={"Sec-Fetch-Site": "cross-site"})
    return "Call 0900" in words(learner.browser.get(urlsplit(answer.location).path))


def test_the_words_of_a_launch_are_shown_once_to_whoever_launched(desk: Desk) -> None:
    learner = desk.learner()
    path = way_back(desk, learner, "Call 0900")
    other = desk.learner()
    assert not told(other, way_back(desk, learner, "Call 0900"))
    assert told(learner, path)
    assert not told(learner, path)


def test_no_site_puts_words_into_our_pages(desk: Desk) -> None:
    """Neither without a launch, nor with one of another activity, nor with one of last week."""
    learner = desk.learner()
    path = way_back(desk, learner, "Call 0900")
    other = desk.activity13()
    own = urlsplit(path)
    assert not told(learner, f"{own.path}?lti_errormsg=Call+0900")
    assert not told(learner, f"/learn/{other.id}/tool/return?{own.query}")
    framed = learner.browser.get(f"{own.path}?lti_errormsg=Call+0900", headers={"Sec-Fetch-Dest": "iframe"})
    assert "Call 0900" not in framed
    with time_machine.travel(clock.now() + timedelta(hours=25), tick=True):
        stranger = desk.kit.browser().get(path, headers={"Sec-Fetch-Dest": "iframe"})
    assert "Call 0900" not in stranger


def test_a_frame_without_our_cookie_shows_the_words_of_its_launch(desk: Desk) -> None:
    path = way_back(desk, desk.learner(), "Call 0900")
    framed = {"Sec-Fetch-Dest": "iframe"}
    other = desk.kit.signed_in(Role.LEARNER)
    mine = desk.kit.browser()
    assert "Call 0900" not in other.get(path, headers=framed)
    assert "Call 0900" in mine.get(path, headers=framed)
    assert "Call 0900" not in mine.get(path, headers=framed)
