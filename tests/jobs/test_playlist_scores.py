"""A playlist as a link in another LMS: who comes is enrolled in all of it, and its own score goes there; and a microlearning."""

from uuid import UUID

import sqlalchemy as sa

from tenants.catalog.models import Activity, ActivityType
from tenants.learning.models import EnrolledBy, Enrolment
from tenants.learning.services import Learning
from tenants.lti.tool.addresses import resource_url
from tests.jobs.school import School
from tests.peers.lms.client import Link, Resource

TITLE = "The whole way"


def placed(school: School, activity: Activity) -> Link:
    """It as a second link of the course there."""
    resource = Resource(TITLE, resource_url(school.kit.academy, activity.id))
    return school.lms.place(school.registered.client_id, resource)


def enrolments(school: School, person_id: UUID) -> dict[UUID, EnrolledBy]:
    with school.kit.session() as session:
        query = sa.select(Enrolment.activity_id, Enrolment.enrolled_by).where(Enrolment.person_id == person_id)
        return dict(session.execute(query).all())


def study(school: School, person_id: UUID, activity: Activity, *answers: str) -> None:
    with school.kit.session() as session:
        learning, mine = Learning(session, person_id), session.get_one(Activity, activity.id)
        learning.open_attempt(mine)
        for chapter, answer in zip(mine.chapters, answers, strict=True):
            learning.answer(mine, chapter.blocks[-1], [answer])
            learning.finish_chapter(mine, chapter)


def test_a_launch_onto_a_playlist_enrols_in_all_of_it_and_its_score_is_told(school: School) -> None:
    kit = school.kit
    one, two, extra = kit.activity("One"), kit.activity("Two"), kit.activity("Extra")
    inner = kit.playlist(two, extra, title="Inner", optional=[extra])
    playlist = kit.playlist(one, inner, title=TITLE)
    link = placed(school, playlist)
    anna, bruno = school.arrive("anna", link), school.arrive("bruno", link)
    for person in (anna, bruno):
        assert enrolments(school, person) == {
            playlist.id: EnrolledBy.LTI,
            **dict.fromkeys((one.id, inner.id, two.id, extra.id), EnrolledBy.PLAYLIST),
        }
    study(school, anna, one, "0", "4.2")
    school.work()
    score = school.lms.score("anna", title=TITLE)
    assert score is not None
    assert (score.given, score.activity_progress) == (None, "InProgress")
    study(school, anna, two, "0", "1")
    school.work()
    score = school.lms.score("anna", title=TITLE)
    assert score is not None
    assert (score.given, score.activity_progress) == (75, "Completed")
    assert school.lms.score("bruno", title=TITLE) is None
    assert school.arrive("anna", link) == anna, "known, and nothing is done twice"
    assert len(enrolments(school, anna)) == 5


def test_what_was_reached_before_the_launch_is_told_after_it(school: School) -> None:
    kit = school.kit
    one = kit.activity("One")
    anna = school.arrive("anna")
    study(school, anna, one, "0", "4.2")
    link = placed(school, kit.playlist(one, title=TITLE))
    school.work()
    school.arrive("anna", link)
    school.work()
    score = school.lms.score("anna", title=TITLE)
    assert score is not None
    assert score.given == 100


def test_a_microlearning_is_launched_and_its_score_is_told(school: School) -> None:
    micro = school.kit.activity("Five signs", type_=ActivityType.MICROLEARNING)
    link = placed(school, micro)
    anna = school.arrive("anna", link)
    assert enrolments(school, anna) == {micro.id: EnrolledBy.LTI}
    study(school, anna, micro, "0", "1")
    school.work()
    score = school.lms.score("anna", title=TITLE)
    assert score is not None
    assert (score.given, score.maximum, score.activity_progress) == (50, 100, "Completed")
