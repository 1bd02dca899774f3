"""NC: the roster of a course there is read page by page and laid beside our enrolments; nobody is ever removed."""

import json
import tracemalloc
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
import sqlalchemy as sa

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType
from tenants.catalog.models import Course as CourseHere
from tenants.catalog.playlists import Playlists
from tenants.catalog.services import Catalog
from tenants.learning.models import Enrolment
from tenants.lti.keys import KeyRing
from tenants.lti.tool.models import Identity, Participant, ResourceLink
from tenants.lti.tool.people_models import CaseKind, Newcomers, PersonCase
from tenants.lti.tool.roster_reader import RosterReader
from tenants.lti.tool.rosters import Rosters
from tenants.lti.tool.sharing_models import Change, PullState, RosterEntry, RosterPull
from tenants.lti.tool.tokens import Tokens
from tests.conformance.platform import Answer, Heard, Site
from tests.conformance.visits import Scene
from tests.features.pages import words
from tests.house import Browser, House, forms_of

MEDIA = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


@dataclass
class Course:
    """A course over there and its roster, given in pages of ``size`` as Moodle 4.5 does."""

    scene: Scene
    members: list[dict[str, Any]] = field(default_factory=list)
    size: int = 3
    faults: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scene.platform.services["members"] = self._give
        self.scene.platform.learn_keys(self.scene.kit.browser().get("/lti/jwks").json)

    def _give(self, heard: Heard) -> Answer:
        if self.faults:
            return self.faults.pop(0)
        query = parse_qs(urlsplit(heard.path).query)
        start = int(query.get("from", ["0"])[0])
        shown, rest = self.members[start : start + self.size], self.members[start + self.size :]
        address = f"{self.scene.platform.site.url}/{self.scene.platform.name}/members?from={start + self.size}"
        link = {"Link": f'<{address}>; rel="next"'} if rest else {}
        container = {"id": heard.path, "context": {"id": "3", "label": "C1"}, "members": shown}
        return Answer(body=json.dumps(container).encode(), content_type=MEDIA, headers=link)

    def member(self, number: int, **changes: Any) -> dict[str, Any]:
        """As Moodle writes them: ids are text, roles short."""
        full = {
            "status": "Active",
            "user_id": f"u{number}",
            "roles": ["Learner"],
            "given_name": f"Given{number}",
            "family_name": f"Family{number}",
            "name": f"Given{number} Family{number}",
            "email": f"u{number}@{self.scene.platform.name}.example",
            **changes,
        }
        entry = {name: value for name, value in full.items() if value is not None}
        self.members.append(entry)
        return entry

    def link(self) -> UUID:
        """Known by the launch of one learner."""
        visit = self.scene.visit()
        visit.accepted(visit.launch())
        with self.scene.kit.session() as session:
            (found,) = session.scalars(sa.select(ResourceLink)).all()
            assert found.memberships_url.endswith("/members")
            return found.id

    def read(self, admin: Browser, link_id: UUID) -> str:
        """Presses the button and lets the job run; the address of the difference."""
        page = admin.get(f"/integrations/lti-1.3/links/{link_id}/roster")
        form = next(form for form in forms_of(page) if form.action.endswith("/roster"))
        shown = form.submit(status=303).location
        self.scene.kit.house.run_jobs()
        return urlsplit(shown).path

    def changes(self) -> dict[str, Change]:
        """Of the newest reading."""
        with self.scene.kit.session() as session:
            pull = session.scalars(sa.select(RosterPull).order_by(RosterPull.started_at.desc())).first()
            assert pull is not None
            assert pull.state in (PullState.READY, PullState.DONE), pull.cause
            found = session.scalars(sa.select(RosterEntry).where(RosterEntry.pull_id == pull.id))
            return {each.sub: each.change for each in found}

    def counts(self) -> Counter[str]:
        with self.scene.kit.session() as session:
            tables = (Person, Identity, Enrolment, Participant)
            return Counter(
                {each.__tablename__: session.scalar(sa.select(sa.func.count(each.id))) or 0 for each in tables}
            )


@pytest.fixture
def course(own_scene: Scene) -> Course:
    return Course(own_scene)


@pytest.fixture
def admin(course: Course) -> Browser:
    return course.scene.kit.signed_in(Role.ADMIN)


def enrol(course: Course, admin: Browser, address: str) -> str:
    form = next(form for form in forms_of(admin.get(address)) if form.action.endswith(urlsplit(address).path))
    form.submit(status=303)
    course.scene.kit.house.run_jobs()
    return words(admin.get(address))


@pytest.mark.case("NC-001")
def test_every_page_of_a_roster_is_read_and_enrolled(course: Course, admin: Browser) -> None:
    link_id = course.link()
    for number in range(8):
        course.member(number)
    course.member(8, roles=["Instructor"])
    before = course.counts()
    address = course.read(admin, link_id)
    assert course.counts() == before, "reading changes nothing"
    said = words(admin.get(address))
    assert "8 people can be enrolled" in said
    assert "Given7 Family7" in said
    asked = [heard for heard in course.scene.platform.heard if "/members" in heard.path]
    assert len(asked) == 3
    assert all(heard.headers["accept"] == MEDIA for heard in asked)
    assert course.changes() == {**{f"u{number}": Change.CREATE for number in range(8)}, "u8": Change.STAFF}
    assert "Everybody who could be enrolled is enrolled" in enrol(course, admin, address)
    after = course.counts()
    assert {name: after[name] - before[name] for name in after} == dict.fromkeys(after, 8)
    course.read(admin, link_id)
    assert set(course.changes().values()) == {Change.ENROLLED, Change.STAFF}


@pytest.mark.case("NC-001")
def test_who_was_enrolled_by_the_roster_comes_as_the_same_person(course: Course, admin: Browser) -> None:
    link_id = course.link()
    course.member(1)
    enrol(course, admin, course.read(admin, link_id))
    person = course.scene.person_of(course.scene.platform.issuer, "u1")
    visit = course.scene.visit(sub="u1")
    assert visit.accepted(visit.launch()).person_id == person


@pytest.mark.case("NC-002")
def test_inactive_and_deleted_members_are_not_enrolled(course: Course, admin: Browser) -> None:
    link_id = course.link()
    course.member(1, status="Inactive")
    course.member(2, status="Deleted")
    course.member(3, status=None)
    course.member(4, status="http://purl.imsglobal.org/vocab/lis/v2/status#Active")
    enrol(course, admin, course.read(admin, link_id))
    people = [course.scene.person_of(course.scene.platform.issuer, f"u{number}") for number in (1, 2, 3, 4)]
    assert [person is not None for person in people] == [False, False, True, True]


@pytest.mark.case("NC-003")
def test_without_an_address_nobody_is_matched(course: Course, admin: Browser) -> None:
    """Somebody known by their id is enrolled; a stranger is known from their first launch on."""
    scene, link_id = course.scene, course.link()
    known = scene.visit(sub="u1")
    known.accepted(known.launch())
    with scene.kit.session() as session:
        session.execute(sa.delete(Enrolment))
    course.member(1, email=None)
    course.member(2, email=None)
    course.member(3, email="")
    course.member(4, email="null")
    address = course.read(admin, link_id)
    nothing = dict.fromkeys(("u2", "u3", "u4"), Change.WITHOUT_EMAIL)
    assert course.changes() == {"u1": Change.ENROL, **nothing}
    before = course.counts()
    enrol(course, admin, address)
    after = course.counts()
    assert after["enrolment"] == before["enrolment"] + 1
    assert after["person"] == before["person"]


@pytest.mark.case("NC-003")
def test_an_address_matches_learners_only_and_one_person_once(course: Course, admin: Browser) -> None:
    kit, link_id = course.scene.kit, course.link()
    learner = kit.person(Role.LEARNER, "learner@x.example")
    kit.person(Role.AUTHOR, "author@x.example")
    course.member(1, email="Learner@X.example")
    course.member(2, email="author@x.example")
    course.member(3, email="learner@x.example")
    course.member(4, email="same@x.example")
    course.member(5, email="same@x.example")
    address = course.read(admin, link_id)
    assert course.changes() == {
        "u1": Change.MATCH, "u2": Change.CLOSED, "u3": Change.CONFLICT, "u4": Change.CREATE, "u5": Change.CONFLICT,
    }  # fmt: skip
    enrol(course, admin, address)
    issuer = course.scene.platform.issuer
    assert course.scene.person_of(issuer, "u1") == learner.id
    assert [course.scene.person_of(issuer, each) for each in ("u2", "u3", "u5")] == [None] * 3


@pytest.mark.case("NC-004")
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(500, b"oops"), "NRPS_REFUSED"),
        (Answer(403, b'{"error": "no"}'), "NRPS_FORBIDDEN"),
        (Answer(200, b"<html>Sign in</html>", "text/html"), "NRPS_ODD_ANSWER"),
        (Answer(200, b"{}"), "NRPS_ODD_ANSWER"),
        (Answer(200, b'{"members": "none"}'), "NRPS_ODD_ANSWER"),
    ],
    ids=["500", "403", "a web page", "no members", "members that are none"],
)
def test_an_answer_that_is_no_roster_changes_nothing(course: Course, admin: Browser, answer: Answer, code: str) -> None:
    link_id = course.link()
    course.member(1)
    course.faults.append(answer)
    before = course.counts()
    page = admin.get(course.read(admin, link_id))
    assert code in page
    assert "Nobody was enrolled, changed or removed" in words(page)
    assert course.counts() == before
    course.read(admin, link_id)
    assert course.changes() == {"u1": Change.CREATE}, "it can be read again"


@pytest.mark.case("NC-004")
def test_a_failure_on_a_later_page_enrols_nobody(course: Course, admin: Browser) -> None:
    link_id = course.link()
    for number in range(5):
        course.member(number)
    give, asked = course.scene.platform.services["members"], []

    def second_fails(heard: Heard) -> Answer:
        asked.append(heard)
        return give(heard) if len(asked) == 1 else Answer(502, b"")

    course.scene.platform.services["members"] = second_fails
    before = course.counts()
    address = course.read(admin, link_id)
    assert "NRPS_REFUSED" in admin.get(address)
    assert "WEB_CONFLICT" in admin.post(address, status="*")
    course.scene.kit.house.run_jobs()
    assert course.counts() == before


@pytest.mark.case("NC-004")
def test_an_empty_roster_removes_nobody(course: Course, admin: Browser) -> None:
    link_id = course.link()
    before = course.counts()
    said = words(admin.get(course.read(admin, link_id)))
    assert "nobody is in the course" in said
    assert "One person who came over this link is not in the roster" in said
    assert course.counts() == before


def test_a_token_that_was_refused_is_asked_for_once_more(course: Course, admin: Browser) -> None:
    link_id = course.link()
    course.member(1)
    course.read(admin, link_id)
    course.faults.append(Answer(401, b""))
    course.read(admin, link_id)
    assert course.changes() == {"u1": Change.CREATE}
    assert len(course.scene.platform.token_requests) == 2


def test_the_page_asks_again_until_the_roster_is_there(course: Course, admin: Browser) -> None:
    link_id = course.link()
    page = admin.get(f"/integrations/lti-1.3/links/{link_id}/roster")
    form = next(form for form in forms_of(page) if form.action.endswith("/roster"))
    path = urlsplit(form.submit(status=303).location).path
    htmx = {"HX-Request": "true"}
    assert "hx-get" in admin.get(path)
    assert admin.app.get(path, headers=htmx).status_int == 200
    course.scene.kit.house.run_jobs()
    assert admin.app.get(path, headers=htmx, status=286).status_int == 286


@pytest.mark.parametrize("house", ["sqlite"], indirect=True)
def test_memory_does_not_grow_with_the_roster(house: House, site: Site) -> None:
    """Of ten thousand members as little is held at a time as of one page."""
    course = Course(Scene.set(house.academy(), site.open()), size=200)
    link_id = course.link()
    peaks = []
    for total in (1_000, 10_000):
        for number in range(len(course.members), total):
            course.member(number)
        with course.scene.kit.session() as session:
            pull_id = Rosters(session).start(Rosters(session).link(link_id), "test").id
        tracemalloc.start()
        reader(course).read(pull_id)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(course.changes()) == total
    assert peaks[1] < peaks[0] * 2 + 1_000_000, peaks


def reader(course: Course) -> RosterReader:
    runtime = course.scene.kit.runtime
    tokens = Tokens(runtime.secrets, runtime.outbound, runtime.part(KeyRing))
    return RosterReader(runtime, course.scene.kit.academy, tokens)


@pytest.mark.case("NC-003")
@pytest.mark.parametrize(
    ("policy", "learner", "nobody", "known"),
    [
        ({"newcomers": Newcomers.ASK}, Change.ASKS, Change.ASKS, False),
        ({"newcomers": Newcomers.EXISTING}, Change.MATCH, Change.UNKNOWN, True),
        ({"match_domains": ["other.example"]}, Change.ASKS, Change.CREATE, False),
        ({"newcomers": Newcomers.CREATE}, Change.CREATE, Change.CREATE, False),
    ],
    ids=["ask", "existing", "domains", "create"],
)
def test_the_policy_of_the_platform_counts_for_rosters(
    course: Course, admin: Browser, policy: dict[str, Any], learner: Change, nobody: Change, known: bool
) -> None:
    """The difference says so before, and enrolling keeps to it: nobody is linked whom a launch would not link."""
    scene, link_id = course.scene, course.link()
    here = scene.kit.person(Role.LEARNER, "learner@x.example")
    scene.set_policy(**policy)
    course.member(1, email="learner@x.example")
    course.member(2)
    address = course.read(admin, link_id)
    assert course.changes() == {"u1": learner, "u2": nobody}
    if {learner, nobody} & {Change.MATCH, Change.CREATE}:
        enrol(course, admin, address)
    issuer = scene.platform.issuer
    assert (scene.person_of(issuer, "u1") == here.id) is known
    assert (scene.person_of(issuer, "u2") is not None) is (nobody is Change.CREATE)


@pytest.mark.case("NC-003")
def test_an_address_nobody_verified_or_another_spelling_is_asked_about(course: Course, admin: Browser) -> None:
    scene, link_id = course.scene, course.link()
    for email in ("learner@x.example", "strauss@x.example"):
        scene.kit.person(Role.LEARNER, email)
    course.member(1, email="learner@x.example", email_verified=False)
    course.member(2, email="strau\u00df@x.example")
    course.read(admin, link_id)
    assert course.changes() == {"u1": Change.ASKS, "u2": Change.ASKS}


@pytest.mark.case("NC-003")
def test_an_address_many_members_have_makes_no_account(course: Course, admin: Browser) -> None:
    scene, link_id = course.scene, course.link()
    for number in (1, 2, 3):
        course.member(number, email="student@lms.example")
    course.member(4)
    enrol(course, admin, course.read(admin, link_id))
    issuer = scene.platform.issuer
    assert [scene.person_of(issuer, f"u{number}") is not None for number in (1, 2, 3, 4)] == [False] * 3 + [True]
    with scene.kit.session() as session:
        (case,) = session.scalars(sa.select(PersonCase)).all()
        assert (case.kind, case.person_id) == (CaseKind.PLACEHOLDER, None)
    visit = scene.visit(sub="u2")
    before = scene.written()
    scene.refused(visit.launch(email="student@lms.example"), "LTI_PERSON_PLACEHOLDER", "person", before)
    course.read(admin, link_id)
    assert course.changes()["u1"] is Change.PLACEHOLDER


def test_a_playlist_is_enrolled_in_with_what_it_contains(course: Course, admin: Browser) -> None:
    """By the same service as a launch."""
    scene, link_id = course.scene, course.link()
    with scene.kit.session() as session:
        link = session.get_one(ResourceLink, link_id)
        part = session.get_one(Activity, link.activity_id)
        playlist = Catalog(session).create_activity(
            session.get_one(CourseHere, part.course_id), "A playlist", "", 5, ActivityType.PLAYLIST
        )
        Playlists(session).add(playlist, part)
        link.activity_id = playlist.id
        part_id, playlist_id = part.id, playlist.id
    course.member(1)
    enrol(course, admin, course.read(admin, link_id))
    with scene.kit.session() as session:
        theirs = sa.select(Enrolment.activity_id).join(Identity, Identity.person_id == Enrolment.person_id)
        assert set(session.scalars(theirs.where(Identity.sub == "u1"))) == {part_id, playlist_id}
