"""Our learners in other people's tools, over real HTTP between real processes: PyLTI1p3 and ltijs with LTI 1.3, the
packages lti and ims-lti with LTI 1.2. Launch, consent, scores taken and refused, results read back, roster, deep linking.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from saas.tenancy.resolve import Academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People, SignIn
from tenants.catalog.models import Activity, ActivityType, Content, Status
from tenants.catalog.services import Catalog
from tenants.learning.models import Attempt, OutsideResult
from tenants.learning.outside import OutsideResults
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.platform import addresses
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.models import LineItem, ServiceCall, Tool, ToolLink
from tenants.lti.platform.registration import ToolInvitations
from tenants.lti.platform.tools import Tools, ToolValues
from tenants.lti.tool.addresses import jwks_url
from tests.house import BACKENDS
from tests.installation import installation
from tests.interop.looking import Looking
from tests.interop.test_story_http import forms
from tests.peers.lms.client import Form
from tests.peers.tools import ImsLti, Launched, Ltijs, Peer11, Peer13, Tool11, Tool13

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
NODE = pytest.mark.node
MODERN = [Tool13, pytest.param(Ltijs, marks=[NODE, pytest.mark.postgresql])]
LEGACY = [Tool11, pytest.param(ImsLti, marks=NODE)]

pytestmark = pytest.mark.timeout(900)


@dataclass
class School:
    """The academy ``north`` and ways to fill it."""

    looking: Looking

    @property
    def base(self) -> str:
        return self.looking.made.url("north")

    @property
    def academy(self) -> Academy:
        found = self.looking.runtime.tenants.by_id(self.looking.tenant_id)
        assert found is not None
        return found

    def person(self, role: Role = Role.LEARNER) -> Person:
        with self.looking.session(write=True) as session:
            name = uuid4().hex[:8]
            person = People(session).create(f"{name}@people.example", "Anna", f"Å{name}", role)
            session.flush()
            session.refresh(person)
            session.expunge(person)
            return person

    @contextmanager
    def browser(self, person: Person) -> Iterator[httpx.Client]:
        """Signed in."""
        with self.looking.session(write=True) as session:
            path = SignIn(session).issue_link(session.get_one(Person, person.id))
        with self.looking.made.client() as browser:
            browser.timeout = httpx.Timeout(120)
            browser.get(self.base + path)
            yield browser

    def activity(self, values: LinkValues, *, minimum: int | None = None, course_id: UUID | None = None) -> Activity:
        """Published; an exam where there is a minimum score."""
        with self.looking.session(write=True) as session:
            catalog = Catalog(session)
            course = catalog.course(course_id) if course_id else catalog.create_course(f"Course {uuid4().hex[:6]}")
            made = catalog.create_activity(
                course, f"Activity {uuid4().hex[:6]}", type_=ActivityType.EXAM if minimum else ActivityType.E_LEARNING,
                content=Content.LTI, minimum=minimum,
            )  # fmt: skip
            ToolLinks(session, self.looking.runtime.secrets, self.looking.runtime.outbound).save(made, values)
            catalog.publish(made, on=True)
            catalog.publish(course, on=True)
            session.flush()
            session.refresh(made)
            session.expunge_all()
            return made

    def tool(self, peer: Peer13, **more: Any) -> Tool:
        """The peer registered with us, and we with it."""
        values = {
            "name": f"{peer.folder} {uuid4().hex[:6]}", "login_url": peer.login_url, "jwks_url": peer.jwks_url,
            "target_url": peer.launch_url, "deep_link_url": peer.launch_url, "redirect_urls": (peer.launch_url,),
            "is_active": True, **more,
        }  # fmt: skip
        with self.looking.session(write=True) as session:
            tool = Tools(session, self.looking.runtime.outbound).create(ToolValues(**values))
            session.flush()
            session.refresh(tool)
            session.expunge(tool)
        self.introduce(peer, tool)
        return tool

    def introduce(self, peer: Peer13, tool: Tool) -> None:
        peer.know(
            issuer=addresses.issuer(self.academy), client_id=tool.client_id, deployment_id=tool.deployment_id,
            auth_url=addresses.authorize_url(self.academy), token_url=addresses.token_url(self.academy),
            jwks_url=jwks_url(self.academy),
        )  # fmt: skip

    def one(self, query: sa.Select[Any]) -> Any:
        with self.looking.session() as session:
            found = session.scalars(query.limit(1)).first()
            if found is not None:
                session.expunge(found)
            return found

    def result(self, person: Person, activity: Activity) -> OutsideResult | None:
        with self.looking.session() as session:
            found = OutsideResults(session).of(person.id, activity.id)
            if found is not None:
                session.expunge(found)
            return found

    def standing(self, person: Person, activity: Activity) -> tuple[bool, str]:
        """Whether the newest attempt is completed, and the verdict."""
        query = sa.select(Attempt).where(Attempt.person_id == person.id, Attempt.activity_id == activity.id)
        attempt, result = self.one(query.order_by(Attempt.started_at.desc())), self.result(person, activity)
        return bool(attempt and attempt.completed_at), (result.verdict.value if result and result.verdict else "")

    def refusal(self) -> ServiceCall:
        """The newest in the log."""
        return self.one(sa.select(ServiceCall).where(ServiceCall.code != "").order_by(ServiceCall.at.desc()))

    def newest(self) -> Launch:
        """Of what we opened."""
        return self.one(sa.select(Launch).where(Launch.direction == Direction.OUT).order_by(Launch.started_at.desc()))


def follow(browser: httpx.Client, page: httpx.Response) -> httpx.Response:
    """What scripts do: forms that send themselves, ours and the tool's, until a page that stays."""
    while "data-send" in page.text or "requestSubmit" in page.text or ".submit()" in page.text:
        form = Form.of(page)
        page = browser.post(form.action, data=form.fields, follow_redirects=True)
    return page


def opened(school: School, browser: httpx.Client, activity: Activity) -> httpx.Response:
    """Agrees if asked, opens the activity in its frame and follows to the tool's own page."""
    address = f"{school.base}/learn/{activity.id}/tool"
    page = browser.get(address, follow_redirects=True)
    if asked := next((form for form in forms(page) if "share" in form[1]), None):
        page = browser.post(asked[0], data=asked[1], follow_redirects=True)
    action, fields = next(form for form in forms(page) if "in" in form[1])
    sent = {name: values[0] for name, values in fields.items()}
    return follow(browser, browser.post(action, data=sent, follow_redirects=True))


@pytest.fixture(scope="module", params=BACKENDS)
def school(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with installation(tmp_path_factory.mktemp("out"), request.param, app__demo="true") as made:
        made.cli("demo")
        made.serve()
        looking = Looking.into(made)
        yield School(looking)
        looking.close()


@pytest.fixture(scope="module", params=MODERN)
def modern(request: pytest.FixtureRequest) -> Iterator[Peer13]:
    start: Callable[[], Peer13] = request.param
    with start() as peer:
        yield peer


@pytest.fixture(scope="module", params=LEGACY)
def legacy(request: pytest.FixtureRequest) -> Iterator[Peer11]:
    start: Callable[[], Peer11] = request.param
    with start() as peer:
        yield peer


def of_13(tool: Tool, peer: Peer13) -> LinkValues:
    return LinkValues(Protocol.LTI_13, tool_id=tool.id, url=peer.launch_url, custom=(("unit", "7"),))


def sub_of(seen: Launched) -> str:
    return str(seen.claims.get("sub") or seen.claims["user"])


def test_lti13_a_learner_comes_and_a_score_completes(school: School, modern: Peer13) -> None:
    tool = school.tool(modern)
    activity, anna = school.activity(of_13(tool, modern)), school.person()
    with school.browser(anna) as browser:
        page = opened(school, browser, activity)
    assert page.status_code == 200, page.text
    assert f"{anna.name} in {activity.title}" in page.text
    assert (school.newest().outcome, school.newest().code) == (Outcome.ACCEPTED, "")
    assert sub_of(modern.newest()) not in (str(anna.id), anna.email)
    assert school.standing(anna, activity) == (False, "")

    sent = modern.score(42, maximum=50, comment="well done")
    assert sent.ok, sent
    held = school.result(anna, activity)
    assert held is not None
    assert (held.given, held.maximum, held.comment) == ("42", "50", "well done")
    assert school.standing(anna, activity)[0] is True

    (read,) = modern.results().value
    assert (read["userId"], read["resultScore"], read["resultMaximum"]) == (sub_of(modern.newest()), 84, 100), (
        "on the scale of the column"
    )


def test_lti13_an_exam_is_passed_and_failed(school: School, modern: Peer13) -> None:
    tool = school.tool(modern)
    exam = school.activity(of_13(tool, modern), minimum=70)
    for given, verdict in ((70, "passed"), (69.999, "failed")):
        person = school.person()
        with school.browser(person) as browser:
            assert opened(school, browser, exam).status_code == 200
        assert modern.score(given).ok
        assert school.standing(person, exam)[1] == verdict
    waiting = school.person()
    with school.browser(waiting) as browser:
        opened(school, browser, exam)
    assert modern.do("score", activity_progress="Completed", grading_progress="Pending").ok
    assert school.standing(waiting, exam)[1] == ""


def test_lti13_scores_for_what_is_not_the_tools_get_nothing(school: School, modern: Peer13) -> None:
    mine, theirs = school.tool(modern), school.tool(modern)
    activity, other = school.activity(of_13(mine, modern)), school.activity(of_13(theirs, modern))
    anna, stranger = school.person(), school.person()
    with school.browser(anna) as browser:
        opened(school, browser, other)
        subject_there = sub_of(modern.newest())
        opened(school, browser, activity)
    column = school.one(
        sa.select(LineItem).join(ToolLink, ToolLink.id == LineItem.tool_link_id).where(ToolLink.activity_id == other.id)
    )
    foreign = addresses.lineitem_url(school.academy, other.course_id, column.id)

    refused = modern.score(100, line_item=foreign)
    assert (refused.ok, refused.status) == (False, 404), refused
    assert (school.refusal().tool_id, school.refusal().status) == (mine.id, 404)
    for user in (subject_there, str(stranger.id), "nobody"):
        refused = modern.score(100, user=user)
        assert (refused.ok, refused.status) == (False, 404), refused
    assert school.refusal().tool_id == mine.id
    assert school.result(anna, activity) is None
    assert school.result(anna, other) is None
    assert school.result(stranger, activity) is None


def test_lti13_the_roster_and_columns(school: School, modern: Peer13) -> None:
    tool = school.tool(modern)
    activity, anna, layla = school.activity(of_13(tool, modern)), school.person(), school.person()
    for person in (layla, anna):
        with school.browser(person) as browser:
            opened(school, browser, activity)
    members = modern.members().value
    assert {member.get("name") for member in members} >= {anna.name, layla.name}
    assert sub_of(modern.newest()) in {member["user_id"] for member in members}

    made = modern.do("column", label="Essay", tag="essay", maximum=20)
    assert made.ok, made
    labels = [column["label"] for column in modern.columns().value]
    assert sorted(labels) == sorted(["Essay", activity.title])
    assert modern.score(15, maximum=20, line_item=made.value["id"]).ok
    assert school.result(anna, activity) is None, "a column of the tool's own says nothing about the activity"


def pick(school: School, browser: httpx.Client, tool: Tool, course_id: UUID, **more: str) -> httpx.Response:
    """Presses “Pick content” and follows to the tool's page."""
    page = browser.get(f"{school.base}/courses/{course_id}")
    token = next(fields["csrf_token"][0] for _action, fields in forms(page) if "csrf_token" in fields)
    address = f"{school.base}/courses/{course_id}/content/{tool.id}"
    return follow(browser, browser.post(address, data={"csrf_token": token, **more}, follow_redirects=True))


def test_lti13_content_is_chosen_and_opens(school: School, modern: Peer13) -> None:
    tool = school.tool(modern)
    course_id = school.activity(of_13(tool, modern)).course_id
    author, anna = school.person(Role.AUTHOR), school.person()
    with school.browser(author) as browser:
        page = pick(school, browser, tool, course_id)
        assert "Choose content" in page.text, page.text
        form = Form.of(page)
        page = follow(browser, browser.post(form.action, data={"choice": "several"}))
        assert "3 activities were added to the course as drafts" in page.text, page.text
    query = sa.select(Activity).where(Activity.course_id == course_id, Activity.title == "Chapter 2")
    chapter = school.one(query)
    assert (chapter.status, chapter.content) == (Status.DRAFT, Content.LTI)
    link = school.one(sa.select(ToolLink).where(ToolLink.activity_id == chapter.id))
    assert (link.url, link.custom) == (modern.launch_url, [["chapter", "2"]])
    column = school.one(sa.select(LineItem).where(LineItem.tool_link_id == link.id))
    assert (column.maximum, column.tag) == (80, "chapter-2")
    with school.looking.session(write=True) as session:
        Catalog(session).publish(session.get_one(Activity, chapter.id), on=True)
    with school.browser(anna) as browser:
        assert "Chapter 2" in opened(school, browser, chapter).text
    assert modern.score(40, maximum=80).ok
    assert school.standing(anna, chapter)[0] is True


def test_lti13_choices_that_are_refused_and_cancelled(school: School, modern: Peer13) -> None:
    tool = school.tool(modern)
    course_id = school.activity(of_13(tool, modern)).course_id
    author = school.person(Role.AUTHOR)
    with school.browser(author) as browser:
        pick(school, browser, tool, course_id)
        form = modern.choice({"title": "Far away", "url": "https://elsewhere.example/x"})
        page = browser.post(form.value["url"], data={"JWT": form.value["JWT"]})
        assert (page.status_code, "CONTENT_URL" in page.text) == (400, True)
        cancelled = modern.choice()
        page = browser.post(cancelled.value["url"], data={"JWT": cancelled.value["JWT"]}, follow_redirects=True)
        assert "Nothing was chosen" in page.text
        again = modern.choice({"title": "Late", "url": modern.launch_url})
        page = browser.post(again.value["url"], data={"JWT": again.value["JWT"]})
        assert (page.status_code, "CONTENT_REQUEST" in page.text) == (403, True)
        pick(school, browser, tool, course_id, type="exam")
        chosen = modern.choice({"title": "The exam", "url": modern.launch_url, "maximum": 60, "tag": "final"})
        page = browser.post(chosen.value["url"], data={"JWT": chosen.value["JWT"]}, follow_redirects=True)
        assert "The exam" in page.text
    titles = sa.select(Activity).where(Activity.course_id == course_id, Activity.title.in_(["Far away", "Late"]))
    assert school.one(titles) is None
    exam = school.one(sa.select(Activity).where(Activity.course_id == course_id, Activity.title == "The exam"))
    assert exam.is_exam
    with school.browser(school.person()) as learner:
        page = learner.post(f"{school.base}/courses/{course_id}/content/{tool.id}")
        assert page.status_code in (400, 403)


@pytest.mark.node
@pytest.mark.postgresql
def test_ltijs_registers_itself(school: School) -> None:
    with Ltijs() as peer:
        with school.looking.session(write=True) as session:
            _row, address = ToolInvitations(session).make(school.academy, peer.registration_url, "the test")
        page = httpx.get(address, trust_env=False, timeout=60)
        assert page.status_code == 200, page.text
        assert "org.imsglobal.lti.close" in page.text
        tool = school.one(sa.select(Tool).where(Tool.login_url == peer.login_url))
        assert (tool.is_active, tool.approved_at, tool.deep_link_url) == (False, None, peer.launch_url)
        with school.looking.session(write=True) as session:
            tools = Tools(session, school.looking.runtime.outbound)
            tools.approve(tools.get(tool.id), version=str(tool.version))
        activity, anna = school.activity(of_13(tool, peer)), school.person()
        with school.browser(anna) as browser:
            assert f"{anna.name} in {activity.title}" in opened(school, browser, activity).text
        assert peer.score(100).ok
        assert school.standing(anna, activity)[0] is True


def of_12(peer: Peer11, key: str, secret: str) -> LinkValues:
    return LinkValues(
        Protocol.LTI_12,
        url=peer.launch_url,
        key=key,
        secret=secret,
        resource_link_id=uuid4().hex,
        custom=(("unit", "7"),),
    )


def test_lti12_a_learner_comes_and_a_score_completes(school: School, legacy: Peer11) -> None:
    key, secret = f"key-{uuid4().hex[:6]}", uuid4().hex
    legacy.know(key, secret)
    activity, anna = school.activity(of_12(legacy, key, secret)), school.person()
    with school.browser(anna) as browser:
        page = opened(school, browser, activity)
    assert (page.status_code, activity.title in page.text) == (200, True), page.text
    seen = legacy.newest()
    assert (seen.params["lti_version"], seen.params["custom_unit"], seen.params["roles"]) == ("LTI-1p0", "7", "Learner")
    assert seen.params["user_id"] not in (str(anna.id), anna.email)

    sent = legacy.replace(0.84)
    assert sent.ok, sent
    held = school.result(anna, activity)
    assert held is not None
    assert (held.given, held.maximum) == ("0.84", "1")
    assert school.standing(anna, activity)[0] is True
    assert float(legacy.read().value) == 0.84
    assert legacy.delete().ok
    assert school.standing(anna, activity)[0] is True, "a withdrawn score takes no completion away"


def test_lti12_an_exam_is_passed_and_failed(school: School, legacy: Peer11) -> None:
    key, secret = f"key-{uuid4().hex[:6]}", uuid4().hex
    legacy.know(key, secret)
    exam = school.activity(of_12(legacy, key, secret), minimum=70)
    for score, verdict in ((0.7, "passed"), (0.69999, "failed")):
        person = school.person()
        with school.browser(person) as browser:
            assert opened(school, browser, exam).status_code == 200
        assert legacy.replace(score).ok
        assert school.standing(person, exam)[1] == verdict


def test_lti12_scores_for_what_is_not_the_tools_get_nothing(school: School, legacy: Peer11) -> None:
    mine, theirs = (f"key-{uuid4().hex[:6]}" for _ in range(2))
    for key in (mine, theirs):
        legacy.know(key, f"secret of {key}")
    activity = school.activity(of_12(legacy, mine, f"secret of {mine}"))
    other = school.activity(of_12(legacy, theirs, f"secret of {theirs}"))
    anna = school.person()
    with school.browser(anna) as browser:
        opened(school, browser, other)
        foreign = legacy.newest().params["lis_result_sourcedid"]
        opened(school, browser, activity)
    own = legacy.newest().params["lis_result_sourcedid"]
    for order in ({"sourcedid": foreign}, {"sourcedid": own[:-4] + "AAAA"}, {"sourcedid": "7"}, {"secret": "guessed"}):
        refused = legacy.replace(1, **order)
        assert not refused.ok, order
        assert school.refusal().service == "outcome"
    assert school.result(anna, activity) is None
    assert school.result(anna, other) is None
    assert legacy.replace(1).ok
