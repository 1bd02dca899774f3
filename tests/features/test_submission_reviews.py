"""Staff look at a learner's work inside the tool: Submission Review 1.0, we are the platform."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from webtest import TestResponse

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.lti.launches.models import Outcome
from tenants.lti.platform.models import Tool
from tests.conformance.openings import CLAIM, Desk, Learner, fields_of, is_error, target_of
from tests.conformance.platform import INSTRUCTOR, LEARNER
from tests.conformance.tools import Tool12, Tool13
from tests.house import Browser, House, forms_of

BASE = "https://tool.example"
AGS_CLAIM = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
OFFER = {"reviewableStatus": ["Completed"], "label": "Look at it", "url": f"{BASE}/review", "custom": {"view": "all"}}


@pytest.fixture
def tool(house: House) -> Tool13:
    return Tool13.set(house.academy(), redirect_urls=(f"{BASE}/launch",))


@pytest.fixture
def author(tool: Tool13) -> Learner:
    return Desk(tool.kit, tool.tool.id, tool.tool.client_id, tool.tool.deployment_id, BASE).staff()


def offer(tool: Tool13, **changes: Any) -> None:
    """The tool says so with the activity's column."""
    said = {"label": "Score", "scoreMaximum": 100, "submissionReview": {**OFFER, **changes}}
    assert tool.call("PUT", tool.lineitem, said).json["submissionReview"]["label"] == "Look at it"


def ask(tool: Tool13, browser: Browser, person_id: UUID, status: int = 200) -> TestResponse:
    return browser.post(f"/activities/{tool.activity.id}/results/{person_id}/review", status=status)


def reviewed(tool: Tool13, author: Learner, person_id: UUID) -> dict[str, Any]:
    """The claims the tool gets."""
    page = ask(tool, author.browser, person_id)
    assert target_of(page) == f"{BASE}/login"
    author.asked = fields_of(page)
    return author.claims(author.authorize())


def test_an_author_looks_at_a_learners_work_in_the_tool(tool: Tool13, author: Learner) -> None:
    seat = tool.sit()
    offer(tool)
    assert tool.score(seat).status_int == 204
    claims = reviewed(tool, author, seat.person.id)
    assert claims[CLAIM + "message_type"] == "LtiSubmissionReviewRequest"
    assert claims[CLAIM + "for_user"] == {"user_id": seat.sub, "roles": [LEARNER]}, "they agreed to nothing more"
    assert claims[CLAIM + "roles"] == [INSTRUCTOR]
    assert claims["sub"] == author.asked["login_hint"] != seat.sub
    assert claims[CLAIM + "target_link_uri"] == author.asked["target_link_uri"] == f"{BASE}/review"
    assert claims[AGS_CLAIM]["lineitem"] == f"{tool.kit.academy.url}{tool.lineitem}"
    assert claims[CLAIM + "resource_link"]["id"] == tool.link.resource_link_id
    assert claims[CLAIM + "custom"] == {"view": "all"}
    back = claims[CLAIM + "launch_presentation"]["return_url"]
    assert back == f"{tool.kit.academy.url}/activities/{tool.activity.id}/results"
    row = author.desk.rows(1)[0]
    assert (row.outcome, row.person_id, row.activity_id) == (Outcome.ACCEPTED, author.person.id, tool.activity.id)
    assert is_error(author.authorize(), "launch_no_longer_valid")


def test_the_gradebook_offers_it_where_there_is_something_to_look_at(tool: Tool13, author: Learner) -> None:
    seat, begun = tool.sit(), tool.sit()
    assert tool.score(seat).status_int == 204
    path = f"/activities/{tool.activity.id}/results"
    assert [form for form in forms_of(author.browser.get(path)) if form.action.endswith("/review")] == []
    offer(tool)
    page = author.browser.get(path)
    assert begun.person.name in page
    (form,) = (each for each in forms_of(page) if each.action.endswith("/review"))
    assert form.action == f"{path}/{seat.person.id}/review"
    assert "Look at it" in form.html.text
    assert target_of(form.submit(status=200)) == f"{BASE}/login"


def test_the_learner_is_named_as_far_as_they_agreed(tool: Tool13, author: Learner) -> None:
    offer(tool)
    seat = tool.sit(consented=("name",))
    assert tool.score(seat).status_int == 204
    told = reviewed(tool, author, seat.person.id)[CLAIM + "for_user"]
    assert (told["name"], told["user_id"]) == (seat.person.name, seat.sub)
    assert "email" not in told


@pytest.mark.parametrize("url", ["https://evil.example/review", "javascript:alert(1)", ""])
def test_an_address_that_is_not_the_tools_is_none(tool: Tool13, author: Learner, url: str) -> None:
    offer(tool, url=url)
    seat = tool.sit()
    assert tool.score(seat).status_int == 204
    assert reviewed(tool, author, seat.person.id)[CLAIM + "target_link_uri"] == tool.link.url


def test_a_parameter_that_says_what_only_we_say_is_not_sent(tool: Tool13, author: Learner) -> None:
    offer(tool, custom={"lis_person_sourcedid": "1"})
    seat = tool.sit()
    assert tool.score(seat).status_int == 204
    assert CLAIM + "custom" not in reviewed(tool, author, seat.person.id)


def test_there_is_nothing_to_look_at(house: House, tool: Tool13, author: Learner) -> None:
    seat, begun, stranger = tool.sit(), tool.sit(), house.academy().person()
    assert tool.score(seat).status_int == 204
    assert tool.score(begun, activityProgress="Started", gradingProgress="NotReady").status_int == 204
    ask(tool, author.browser, seat.person.id, 404)
    offer(tool)
    ask(tool, author.browser, seat.person.id)
    for nobody in (begun.person.id, tool.sit().person.id, stranger.id, uuid4()):
        ask(tool, author.browser, nobody, 404)
    offer(tool, reviewableStatus=[])
    ask(tool, author.browser, begun.person.id)
    ask(tool, tool.kit.signed_in(person=seat.person), seat.person.id, 403)
    ask(tool, house.academy().signed_in(Role.ADMIN), seat.person.id, 404)
    author.desk.switch(on=False)
    ask(tool, author.browser, seat.person.id, 404)
    old = Tool12.set(tool.kit)
    author.browser.post(f"/activities/{old.activity.id}/results/{seat.person.id}/review", status=404)


@pytest.mark.parametrize("what", ["became a learner", "withdrawn offer", "learner erased", "no grades any more"])
def test_it_is_judged_again_when_the_tool_asks(tool: Tool13, author: Learner, what: str) -> None:
    offer(tool)
    seat = tool.sit()
    assert tool.score(seat).status_int == 204
    author.asked = fields_of(ask(tool, author.browser, seat.person.id))
    with tool.kit.session() as session:
        if what == "became a learner":
            session.get_one(Person, author.person.id).role = Role.LEARNER
        elif what == "learner erased":
            People(session).erase(session.get_one(Person, seat.person.id))
        elif what == "no grades any more":
            session.get_one(Tool, tool.tool.id).scopes = []
        else:
            session.get_one(type(tool.column), tool.column.id).submission_review = {}
    assert is_error(author.authorize(), "access_denied")
