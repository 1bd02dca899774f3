"""A Zoom meeting among a course's activities: what is asked of every activity and means nothing for a meeting."""

from uuid import UUID

import pytest
from markupsafe import Markup

from saas.problems import Refused
from tenants.access import Role
from tenants.catalog.models import Activity, ActivityType, Content, Course, Status
from tenants.catalog.playlists import Playlists
from tenants.catalog.services import Catalog
from tenants.learning.models import Attempt
from tenants.learning.services import Learning
from tenants.lti.tool.consumers import Consumers
from tests.features.pages import words
from tests.house import House, Kit


def meeting(kit: Kit) -> Activity:
    """Published, in a published course."""
    course_id = kit.activity().course_id
    with kit.session() as session:
        made = Catalog(session).create_activity(
            session.get_one(Course, course_id), "Office hour", "Ask anything", 30, ActivityType.MEETING
        )
        made.status = Status.PUBLISHED
        session.flush()
        session.refresh(made)
        session.expunge_all()
        return made


@pytest.fixture
def meetings(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if Zoom were on, whoever says so."""
    monkeypatch.setattr(house.application.registry, "meetings_on", lambda _request: True)


@pytest.mark.usefixtures("meetings")
def test_a_meeting_is_made_like_any_activity(house: House) -> None:
    kit = house.academy()
    course, author = kit.activity().course_id, kit.signed_in(Role.AUTHOR)
    new = f"/courses/{course}/activities/new"
    assert "Zoom meeting" in words(author.get(new))
    assert "New Zoom meeting" in words(author.get(f"{new}/meeting"))
    made = author.post(f"{new}/meeting", {"title": "Office hour", "duration_minutes": "30"}, status=303)
    address = made.headers["Location"].removesuffix("/content")
    with kit.session() as session:
        activity = session.get_one(Activity, UUID(address.rsplit("/", 1)[-1]))
        assert (activity.type, activity.content, activity.is_outside) == (ActivityType.MEETING, Content.ZOOM, False)
    content, settings = author.get(f"{address}/content"), author.get(f"{address}/settings")
    assert "chapter" not in words(content).lower()
    assert "Results" not in [tab.text.strip() for tab in content.html.select(".tabs a")]
    assert "Available for LTI" not in words(settings)
    assert "place in Zoom" in words(settings)
    assert "Zoom meeting" in words(author.get(f"/courses/{course}"))
    author.post(f"{address}/content", {"title": "A chapter"}, status=404)
    author.post(f"{address}/settings", {"title": "Hour", "duration_minutes": "20"}, status=303)
    answer = author.post(f"{address}/publish", {"on": "1"}, expect_errors=True)
    assert answer.status_int < 500
    assert "ACTIVITY_EMPTY" not in answer.text
    assert "LTI_LINK_INCOMPLETE" not in answer.text
    author.post(f"{address}/delete", status=303)


def test_none_is_made_while_zoom_is_off(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.application.registry, "meetings_on", lambda _request: False)
    kit = house.academy()
    new, author = f"/courses/{kit.activity().course_id}/activities/new", kit.signed_in(Role.AUTHOR)
    assert "Zoom meeting" not in words(author.get(new))
    assert "ZOOM_OFF" in author.get(f"{new}/meeting", status=403)
    assert "ZOOM_OFF" in author.post(f"{new}/meeting", {"title": "Office hour"}, status=403)


def test_a_type_stands_only_where_it_can(house: House) -> None:
    kit = house.academy()
    course_id = kit.activity().course_id
    with kit.session() as session:
        catalog = Catalog(session)
        course = catalog.course(course_id)
        for type_, content in (
            (ActivityType.E_LEARNING, Content.ZOOM),
            (ActivityType.MICROLEARNING, Content.LTI),
            (ActivityType.PLAYLIST, Content.ZOOM),
        ):
            with pytest.raises(Refused) as refused:
                catalog.create_activity(course, "Odd", type_=type_, content=content)
            assert refused.value.code == "WEB_BAD_REQUEST"
        made = catalog.create_activity(course, "Hour", type_=ActivityType.MEETING, content=Content.LTI)
        assert made.is_meeting
        assert catalog.copy_activity(made, "Another").is_meeting


def test_learners_open_it_from_its_page_and_have_no_attempt(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    kit = house.academy()
    activity, anna = meeting(kit), kit.person()
    learner = kit.signed_in(person=anna)
    shown = [lambda _request, subject: Markup("<p>Join {}</p>").format(subject.title)]
    monkeypatch.setitem(house.application.registry.panels, "activity.open", shown)
    said = words(learner.get(f"/activities/{activity.id}"))
    assert "Join Office hour" in said
    for word in ("Start", "chapter", "card", "Not started"):
        assert word not in said.partition("Ask anything")[2], word
    monkeypatch.setitem(house.application.registry.panels, "activity.open", [])
    assert "There is no meeting to open yet." in words(learner.get(f"/activities/{activity.id}"))
    course = words(learner.get(f"/courses/{activity.course_id}"))
    assert "Office hour" in course
    assert course.count("Not started") == 1, "the e-learning beside it"
    for path, method in ((f"/activities/{activity.id}", "post"), (f"/learn/{activity.id}", "get")):
        answer = getattr(learner, method)(path, status=303)
        assert answer.headers["Location"].endswith(f"/activities/{activity.id}")
    learner.get(f"/learn/{activity.id}/tool", status=303)
    with kit.session() as session:
        assert Learning(session, anna.id).attempts() == []
        assert session.query(Attempt).count() == 0


def test_other_learning_systems_are_not_offered_it(house: House) -> None:
    kit = house.academy()
    activity, author = meeting(kit), kit.signed_in(Role.AUTHOR)
    assert "MEETING_NOT_SHARED" in author.post(f"/activities/{activity.id}/lti", {"on": "1"}, status=409)
    assert "MEETING_NOT_SHARED" in author.post(f"/activities/{activity.id}/lti/keys", {"name": "LMS"}, status=409)
    author.post(f"/activities/{activity.id}/lti", {}, status=303)
    with kit.session() as session:
        assert not Catalog(session).activity(activity.id).lti_available
        assert Consumers(session, kit.runtime.secrets).of_activity(activity.id) == []


def test_a_playlist_takes_no_meeting(house: House) -> None:
    kit = house.academy()
    activity, playlist = meeting(kit), kit.playlist(kit.activity())
    author = kit.signed_in(Role.AUTHOR)
    assert "Office hour" not in words(author.get(f"/playlists/{playlist.id}/add"))
    refused = author.post(f"/playlists/{playlist.id}/add", {"activity": str(activity.id)}, status=409)
    assert "PLAYLIST_MEETING" in refused
    with kit.session() as session:
        assert len(Playlists(session).playlist(playlist.id).items) == 1


def test_its_gradebook_is_empty_and_the_others_stay_as_they_are(house: House) -> None:
    kit = house.academy()
    activity, author = meeting(kit), kit.signed_in(Role.AUTHOR)
    author.get(f"/activities/{activity.id}/results", status=200)
    author.get(f"/activities/{activity.id}/results.csv", status=200)
