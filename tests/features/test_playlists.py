"""Playlists: how they are put together, opened one after the other, counted, and kept from containing themselves."""

import threading
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType, PlaylistItem, Status
from tenants.catalog.playlists import Playlists
from tenants.catalog.services import Catalog
from tenants.grades.models import Progress, Result
from tenants.learning.models import Attempt, EnrolledBy, Enrolment
from tenants.learning.services import Learning
from tests.features.pages import words
from tests.house import House, Kit

QUESTIONS = (["0"], ["4.2"])


def study(kit: Kit, person: Person, activity: Activity, right: int = 2) -> None:
    """One attempt at an activity of two questions, of which so many are answered right."""
    with kit.session() as session:
        learning, mine = Learning(session, person.id), session.get_one(Activity, activity.id)
        learning.open_attempt(mine, again=True)
        for place, chapter in enumerate(mine.chapters):
            answer = QUESTIONS[place] if place < right else ["1"]
            learning.answer(mine, chapter.blocks[-1], answer)
            learning.finish_chapter(mine, chapter)


def result(kit: Kit, person: Person, activity: Activity) -> tuple[str, Decimal | None] | None:
    with kit.session() as session:
        query = sa.select(Result).where(Result.person_id == person.id, Result.activity_id == activity.id)
        found = session.scalar(query)
        return (found.progress.value, found.score) if found else None


def progress(kit: Kit, person: Person, activity: Activity) -> Decimal | None:
    with kit.session() as session:
        query = sa.select(Attempt.progress).where(Attempt.person_id == person.id, Attempt.activity_id == activity.id)
        return session.scalar(query)


def enrolments(kit: Kit, person: Person) -> dict[UUID, EnrolledBy]:
    with kit.session() as session:
        query = sa.select(Enrolment.activity_id, Enrolment.enrolled_by).where(Enrolment.person_id == person.id)
        return dict(session.execute(query).all())


def test_an_author_puts_a_playlist_together(house: House) -> None:
    kit = house.academy()
    first, second = kit.activity("First steps"), kit.activity("Second steps")
    author = kit.signed_in(Role.AUTHOR)
    kinds = words(author.get(f"/courses/{first.course_id}/activities/new"))
    assert all(kind in kinds for kind in ("E-learning", "Microlearning", "Learning Playlist"))
    made = author.post(f"/courses/{first.course_id}/activities/new/learning-playlist", {"title": "Both"}, status=303)
    page = made.follow().follow()
    playlist = page.request.path
    assert "No activities yet" in page
    assert "PLAYLIST_EMPTY" in author.post(f"/activities/{playlist[11:]}/publish", {"on": "1"}, status=409)
    found = words(author.get(f"{playlist}/add?q=SECOND"))
    assert "Second steps" in found
    assert "First steps" not in found
    for each in (first, second):
        author.post(f"{playlist}/add", {"activity": str(each.id)}, status=303)
    assert "PLAYLIST_TWICE" in author.post(f"{playlist}/add", {"activity": str(second.id)}, status=409)
    author.post(f"{playlist}/add", {"activity": "nonsense"}, status=404)
    with kit.session() as session:
        items = session.scalars(sa.select(PlaylistItem.id).order_by(PlaylistItem.position)).all()
    author.post(f"/playlists/items/{items[1]}/move/up", status=303)
    author.post(f"/playlists/items/{items[0]}", {"opens": "after-previous"}, status=303)
    author.post(f"/playlists/items/{items[0]}", {"opens": "never"}, status=422)
    shown = words(author.get(playlist))
    assert shown.index("Second steps") < shown.index("First steps")
    assert "opens after the previous one" in shown
    assert "Optional" in shown
    author.post(f"/activities/{playlist[11:]}/publish", {"on": "1"}, status=303)
    author.post(f"/playlists/items/{items[1]}/remove", status=303)
    assert "Nobody can complete this playlist" in author.get(playlist)
    assert "PLAYLIST_EMPTY" in author.post(f"/activities/{playlist[11:]}/publish", {"on": "1"}, status=409)
    author.get(f"/activities/{second.id}", status=200)


def test_a_playlist_has_no_chapters_and_an_e_learning_no_items(house: House) -> None:
    kit = house.academy()
    activity = kit.activity()
    playlist, author = kit.playlist(activity), kit.signed_in(Role.AUTHOR)
    author.post(f"/activities/{playlist.id}/content", {"title": "Chapter"}, status=404)
    author.get(f"/playlists/{activity.id}", status=404)
    author.post(f"/playlists/{activity.id}/add", {"activity": str(playlist.id)}, status=404)


def test_results_of_the_mandatory_activities_add_up(house: House) -> None:
    kit = house.academy()
    one, two, extra = kit.activity("One"), kit.activity("Two"), kit.activity("Extra")
    playlist, anna = kit.playlist(one, extra, two, optional=[extra]), kit.person()
    browser = kit.signed_in(person=anna)
    browser.post(f"/activities/{playlist.id}", status=303)
    assert result(kit, anna, playlist) == ("InProgress", None)
    assert enrolments(kit, anna) == {
        playlist.id: EnrolledBy.SELF,
        **dict.fromkeys((one.id, two.id, extra.id), EnrolledBy.PLAYLIST),
    }
    study(kit, anna, one, right=2)
    assert progress(kit, anna, playlist) == 50
    study(kit, anna, extra, right=0)
    assert progress(kit, anna, playlist) == 50
    study(kit, anna, two, right=1)
    assert result(kit, anna, playlist) == ("Completed", Decimal(75))
    study(kit, anna, two, right=0)
    assert result(kit, anna, playlist) == ("Completed", Decimal(75)), "a result never falls"
    study(kit, anna, two, right=2)
    assert result(kit, anna, playlist) == ("Completed", Decimal(100))
    assert "100" in words(browser.get(f"/activities/{playlist.id}"))


def test_every_step_counts_before_an_activity_is_completed(house: House) -> None:
    kit = house.academy()
    one, two = kit.activity("One"), kit.activity("Two")
    playlist, anna = kit.playlist(one, two), kit.person()
    kit.signed_in(person=anna).post(f"/activities/{playlist.id}", status=303)
    with kit.session() as session:
        learning, mine = Learning(session, anna.id), session.get_one(Activity, one.id)
        learning.open_attempt(mine)
        learning.answer(mine, mine.chapters[0].blocks[-1], ["0"])
    assert progress(kit, anna, playlist) == Decimal("12.5")


def test_what_was_reached_before_counts_and_thirds_are_told_once(house: House) -> None:
    kit = house.academy()
    items = [kit.activity(f"Activity {place}") for place in range(3)]
    anna = kit.person()
    for item, right in zip(items, (2, 0, 0), strict=True):
        study(kit, anna, item, right)
    playlist = kit.playlist(*items)
    browser = kit.signed_in(person=anna)
    browser.post(f"/activities/{playlist.id}", status=303)
    found = result(kit, anna, playlist)
    assert found == ("Completed", Decimal("33.33333333"))
    with kit.session() as session:
        before = session.scalar(sa.select(Result.achieved_at).where(Result.activity_id == playlist.id))
    study(kit, anna, items[1], right=0)
    with kit.session() as session:
        assert session.scalar(sa.select(Result.achieved_at).where(Result.activity_id == playlist.id)) == before


def test_an_activity_opens_after_the_previous_one(house: House) -> None:
    kit = house.academy()
    one, two, three = (kit.activity(title) for title in ("One", "Two", "Three"))
    playlist, anna = kit.playlist(one, two, three, in_order=True), kit.person()
    browser = kit.signed_in(person=anna)
    browser.post(f"/activities/{playlist.id}", status=303)
    page = browser.get(f"/activities/{playlist.id}")
    assert "Opens once “One” is completed" in words(page)
    assert f'href="/activities/{two.id}"' not in page
    assert "This opens once you have completed “One”" in words(browser.get(f"/activities/{two.id}"))
    assert "PLAYLIST_LOCKED" in browser.post(f"/activities/{two.id}", status=409)
    study(kit, anna, one)
    assert "Continue with Two" in words(browser.get(f"/activities/{playlist.id}"))
    assert "Next: Two" in words(browser.get(f"/activities/{one.id}"))
    browser.post(f"/activities/{two.id}", status=303)
    browser.post(f"/activities/{three.id}", status=409)
    stranger = kit.signed_in()
    stranger.post(f"/activities/{three.id}", status=303)


def test_a_draft_is_passed_over_and_counts_again_once_published(house: House) -> None:
    kit = house.academy()
    one, two, three = (kit.activity(title) for title in ("One", "Two", "Three"))
    playlist, anna = kit.playlist(one, two, three, in_order=True), kit.person()
    browser, author = kit.signed_in(person=anna), kit.signed_in(Role.AUTHOR)
    browser.post(f"/activities/{playlist.id}", status=303)
    study(kit, anna, one)
    author.post(f"/activities/{two.id}/publish", {}, status=303)
    house.run_jobs()
    assert progress(kit, anna, playlist) == 50
    assert "Two" not in words(browser.get(f"/activities/{playlist.id}"))
    assert "Draft: left out" in author.get(f"/playlists/{playlist.id}")
    browser.post(f"/activities/{three.id}", status=303)
    author.post(f"/activities/{two.id}/publish", {"on": "1"}, status=303)
    house.run_jobs()
    assert progress(kit, anna, playlist) == Decimal("33.33333333")


@pytest.mark.parametrize("how", ["deleted", "its course deleted", "taken back", "taken out", "made optional"])
def test_the_last_missing_activity_goes_and_the_playlist_is_completed(house: House, how: str) -> None:
    kit = house.academy()
    one, two = kit.activity("One"), kit.activity("Two")
    playlist, anna, author = kit.playlist(one, two), kit.person(), kit.signed_in(Role.AUTHOR)
    kit.signed_in(person=anna).post(f"/activities/{playlist.id}", status=303)
    study(kit, anna, one, right=1)
    with kit.session() as session:
        item = session.scalar(sa.select(PlaylistItem.id).where(PlaylistItem.activity_id == two.id))
    address, fields = {
        "deleted": (f"/activities/{two.id}/delete", {}),
        "its course deleted": (f"/courses/{two.course_id}/delete", {}),
        "taken back": (f"/activities/{two.id}/publish", {"on": ""}),
        "taken out": (f"/playlists/items/{item}/remove", {}),
        "made optional": (f"/playlists/items/{item}", {"opens": "at-once"}),
    }[how]
    author.post(address, fields, status=303)
    assert result(kit, anna, playlist) == ("InProgress", None)
    house.run_jobs()
    assert result(kit, anna, playlist) == ("Completed", Decimal(50))


def test_a_new_activity_concerns_who_is_in_and_not_who_is_through(house: House) -> None:
    kit = house.academy()
    one, two = kit.activity("One"), kit.activity("Two")
    playlist, through, within = kit.playlist(one), kit.person(), kit.person()
    for person in (through, within):
        kit.signed_in(person=person).post(f"/activities/{playlist.id}", status=303)
    study(kit, through, one)
    kit.signed_in(Role.AUTHOR).post(f"/playlists/{playlist.id}/add", {"activity": str(two.id)}, status=303)
    house.run_jobs()
    assert enrolments(kit, within)[two.id] is EnrolledBy.PLAYLIST
    study(kit, within, one)
    assert progress(kit, within, playlist) == 50
    assert result(kit, through, playlist) == ("Completed", Decimal(100))


def test_a_playlist_in_a_playlist_counts_as_one_activity(house: House) -> None:
    kit = house.academy()
    one, two, three = (kit.activity(title) for title in ("One", "Two", "Three"))
    inner = kit.playlist(one, two, title="Inner")
    outer, anna = kit.playlist(inner, three, title="Outer"), kit.person()
    kit.signed_in(person=anna).post(f"/activities/{outer.id}", status=303)
    assert set(enrolments(kit, anna)) == {outer.id, inner.id, one.id, two.id, three.id}
    study(kit, anna, one, right=1)
    assert [progress(kit, anna, each) for each in (inner, outer)] == [Decimal(50), Decimal(25)]
    study(kit, anna, two)
    study(kit, anna, three)
    assert result(kit, anna, inner) == ("Completed", Decimal(75))
    assert result(kit, anna, outer) == ("Completed", Decimal("87.5"))


def test_a_playlist_cannot_contain_itself_not_even_through_others(house: House) -> None:
    kit = house.academy()
    activity = kit.activity()
    first = kit.playlist(activity, title="First")
    second = kit.playlist(first, title="Second")
    third = kit.playlist(second, title="Third")
    author = kit.signed_in(Role.AUTHOR)
    for inner in (first, second, third):
        assert "PLAYLIST_CYCLE" in author.post(f"/playlists/{first.id}/add", {"activity": str(inner.id)}, status=409)
    assert words(author.get(f"/playlists/{first.id}/add")).count("Contains this playlist") == 2
    author.post(f"/playlists/{third.id}/add", {"activity": str(first.id)}, status=303)


def test_two_authors_at_once_make_no_circle(house: House) -> None:
    """A chain of several, each author adding the next to the last at the same moment: one of them is refused."""
    kit = house.academy()
    activity = kit.activity()
    ring = [kit.playlist(activity, title=f"Playlist {place}") for place in range(3)]
    gate, outcomes = threading.Barrier(3), []

    def add(place: int) -> None:
        try:
            with kit.session() as session:
                gate.wait(10)
                playlist = session.get_one(Activity, ring[place].id)
                Playlists(session).add(playlist, session.get_one(Activity, ring[(place + 1) % 3].id))
            outcomes.append("added")
        except Refused as refusal:
            outcomes.append(refusal.code)

    threads = [threading.Thread(target=add, args=(place,)) for place in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(outcomes) == ["PLAYLIST_CYCLE", "added", "added"]


def test_two_activities_completed_at_once_complete_the_playlist(house: House) -> None:
    kit = house.academy()
    items = [kit.activity("One"), kit.activity("Two")]
    playlist, anna = kit.playlist(*items), kit.person()
    kit.signed_in(person=anna).post(f"/activities/{playlist.id}", status=303)
    gate = threading.Barrier(2)

    def finish(item: Activity) -> None:
        gate.wait(10)
        study(kit, anna, item)

    threads = [threading.Thread(target=finish, args=(item,)) for item in items]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert result(kit, anna, playlist) == ("Completed", Decimal(100))


def test_a_microlearning_shows_one_card_at_a_time_and_resumes_at_it(house: House) -> None:
    kit = house.academy()
    micro = kit.activity("Five signs", type_=ActivityType.MICROLEARNING)
    anna = kit.person()
    browser = kit.signed_in(person=anna)
    assert "2 cards" in words(browser.get(f"/activities/{micro.id}"))
    browser.post(f"/activities/{micro.id}", status=303)
    first = browser.get(f"/learn/{micro.id}").follow()
    assert "Card 1 of 2" in words(first)
    assert "Chapter 2" not in words(first), "the other cards are not beside it"
    block = micro.chapters[0].blocks[-1]
    browser.post(f"/learn/{micro.id}/{micro.chapters[0].id}/{block.id}", {f"a-{block.id}": "0"}, status=303)
    browser.post(f"/learn/{micro.id}/{micro.chapters[0].id}", status=303)
    again = kit.signed_in(person=anna).get(f"/learn/{micro.id}").follow()
    assert "Card 2 of 2" in words(again)
    study(kit, anna, micro)
    assert result(kit, anna, micro) == (Progress.COMPLETED.value, Decimal(100))


def test_authors_write_cards(house: House) -> None:
    kit = house.academy()
    micro = kit.activity("Five signs", type_=ActivityType.MICROLEARNING)
    author = kit.signed_in(Role.AUTHOR)
    assert "Add card" in words(author.get(f"/activities/{micro.id}/content"))
    author.post(f"/activities/{micro.id}/content", {"title": "Third card"}, status=303)
    author.post(f"/activities/{micro.id}/settings", {"title": "Five", "duration_minutes": "60"}, status=422)
    author.post(f"/activities/{micro.id}/settings", {"title": "Five", "duration_minutes": "6"}, status=303)
    assert "Card title" in words(author.get(f"/chapters/{micro.chapters[0].id}"))


def test_a_published_playlist_whose_activities_are_gone_is_shown_and_never_completed(house: House) -> None:
    kit = house.academy()
    only = kit.activity("Only")
    playlist, anna = kit.playlist(only), kit.person()
    browser = kit.signed_in(person=anna)
    browser.post(f"/activities/{playlist.id}", status=303)
    with kit.session() as session:
        Catalog(session).delete(session.get_one(Activity, only.id))
    house.run_jobs()
    browser.get(f"/activities/{playlist.id}", status=200)
    assert result(kit, anna, playlist) == ("InProgress", None)
    with kit.session() as session:
        assert session.get_one(Activity, playlist.id).status is Status.PUBLISHED


def test_lists_know_the_types(house: House) -> None:
    kit = house.academy()
    micro = kit.activity("Five signs", type_=ActivityType.MICROLEARNING)
    playlist = kit.playlist(micro)
    browser: Any = kit.signed_in()
    assert "Microlearning" in words(browser.get(f"/courses/{micro.course_id}"))
    assert "Learning Playlist" in words(browser.get(f"/courses/{playlist.course_id}"))
    browser.post(f"/activities/{playlist.id}", status=303)
    assert "Learning Playlist" in words(browser.get("/"))
