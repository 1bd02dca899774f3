"""Authors make courses: created, edited, ordered, published; a faulty form is marked field by field and writes nothing."""

import io
import re
from typing import Any

import pytest
import sqlalchemy as sa
from PIL import Image
from sqlalchemy.orm.exc import StaleDataError

from tenants.access import Role
from tenants.catalog import chapter_views
from tenants.catalog.models import Activity, Block, Chapter, Course, Media
from tenants.catalog.pictures import store_picture
from tests.features.pages import faults, words
from tests.house import Browser, House, Kit

KINDS = (Course, Activity, Chapter, Block, Media)


def counts(kit: Kit) -> list[int]:
    with kit.session() as session:
        return [session.scalar(sa.select(sa.func.count()).select_from(kind)) or 0 for kind in KINDS]


def ids(kit: Kit, kind: type[Any]) -> list[str]:
    with kit.session() as session:
        order = kind.position if hasattr(kind, "position") else kind.id
        return [str(each) for each in session.scalars(sa.select(kind.id).order_by(order, kind.id))]


def picture(size: int = 2) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((size, size), 50).save(out, "PNG")
    return out.getvalue()


def upload(browser: Browser, address: str, fields: dict[str, str], content: bytes, status: int) -> Any:
    token = _token(browser)
    files = [("picture", "p.png", content)]
    return browser.app.post(address, {**fields, "csrf_token": token}, upload_files=files, status=status)


def _token(browser: Browser) -> str:
    form = next(form for form in browser.get("/profile").forms.values() if "csrf_token" in form.fields)
    return str(form["csrf_token"].value)


def test_a_course_from_nothing_to_learners(house: House) -> None:
    kit = house.academy()
    author, learner = kit.signed_in(Role.AUTHOR), kit.signed_in()
    author.post("/courses/new", {"title": " Sea \u200b rescue ", "summary": "How to"}, status=303)
    (course,) = ids(kit, Course)
    assert "Sea rescue" in author.get("/courses")
    assert "Sea rescue" not in learner.get("/courses")
    assert learner.get(f"/courses/{course}", status=404)
    author.post(f"/courses/{course}/activities/new/e-learning", {"title": "First", "duration_minutes": "5"}, status=303)
    (activity,) = ids(kit, Activity)
    assert "ACTIVITY_EMPTY" in author.post(f"/activities/{activity}/publish", {"on": "1"}, status=409)
    author.post(f"/activities/{activity}/content", {"title": "One"}, status=303)
    (chapter,) = ids(kit, Chapter)
    author.post(f"/chapters/{chapter}/blocks/new/text", {"markdown": "Read **this**"}, status=303)
    author.post(f"/activities/{activity}/publish", {"on": "1"}, status=303)
    author.post(f"/courses/{course}/publish", {"on": "1"}, status=303)
    assert "Sea rescue" in learner.get("/courses?q=SEA")
    assert "Sea rescue" not in learner.get("/courses?q=harbour")
    assert "First" in learner.get(f"/courses/{course}")
    author.post(f"/courses/{course}/edit", {"title": "Sea", "summary": ""}, status=303)
    assert "Sea rescue" not in learner.get("/courses")
    author.post(f"/activities/{activity}/publish", {}, status=303)
    assert "ACTIVITY_CLOSED" in learner.get(f"/activities/{activity}", status=403)
    author.post(f"/courses/{course}/delete", status=303)
    assert counts(kit) == [0, 0, 0, 0, 0]


def test_order_is_changed_one_place_at_a_time(house: House) -> None:
    kit = house.academy()
    activity, author = kit.activity(), kit.signed_in(Role.AUTHOR)
    first, second = (str(each.id) for each in activity.chapters)
    author.post(f"/chapters/{second}/move/up", status=303)
    assert ids(kit, Chapter) == [second, first]
    author.post(f"/chapters/{second}/move/up", status=303)
    assert ids(kit, Chapter) == [second, first], "the first stays first"
    blocks = [str(each.id) for each in activity.chapters[0].blocks]
    author.post(f"/blocks/{blocks[0]}/move/down", status=303)
    with kit.session() as session:
        chapter = session.get_one(Chapter, activity.chapters[0].id)
        assert [str(each.id) for each in chapter.blocks] == blocks[::-1]


def test_activities_of_a_course_are_ordered_and_learners_see_them_so(house: House) -> None:
    kit = house.academy()
    author, learner = kit.signed_in(Role.AUTHOR), kit.signed_in()
    first = kit.activity("First")
    author.post(f"/courses/{first.course_id}/activities/new/e-learning", {"title": "Second"}, status=303)
    second = next(each for each in ids(kit, Activity) if each != str(first.id))
    author.post(f"/activities/{second}/content", {"title": "One"}, status=303)
    chapter = next(each for each in ids(kit, Chapter) if each not in {str(one.id) for one in first.chapters})
    author.post(f"/chapters/{chapter}/blocks/new/text", {"markdown": "Read"}, status=303)
    author.post(f"/activities/{second}/publish", {"on": "1"}, status=303)

    def order() -> list[str]:
        said = words(learner.get(f"/courses/{first.course_id}"))
        return sorted(("First", "Second"), key=said.index)

    assert order() == ["First", "Second"]
    author.post(f"/activities/{second}/move/up", status=303)
    assert order() == ["Second", "First"]
    author.post(f"/activities/{second}/move/down", status=303)
    assert order() == ["First", "Second"]
    learner.post(f"/activities/{second}/move/up", status=403)


FORMS = {
    "course": ("/courses/new", {"title": "T", "summary": ""}),
    "activity": (
        "/courses/{course}/activities/new/e-learning",
        {"title": "T", "description": "", "duration_minutes": ""},
    ),
    "microlearning": ("/courses/{course}/activities/new/microlearning", {"title": "T", "duration_minutes": "5"}),
    "playlist": ("/courses/{course}/activities/new/learning-playlist", {"title": "T", "duration_minutes": ""}),
    "chapter": ("/activities/{activity}/content", {"title": "T"}),
    "text": ("/chapters/{chapter}/blocks/new/text", {"markdown": "T"}),
    "question": (
        "/chapters/{chapter}/blocks/new/question",
        {"kind": "single", "prompt": "Q", "choices-0-text": "a", "choices-0-correct": "y", "choices-1-text": "b"},
    ),
    "number": ("/chapters/{chapter}/blocks/new/question", {"kind": "number", "prompt": "Q", "number": "4,2"}),
}
#: Form, what is wrong, and the field that is marked; empty: it concerns several and stands above the form.
FAULTS = [
    ("course", {"title": ""}, "title"),
    ("course", {"title": "\u200b \ufeff"}, "title"),
    ("course", {"title": "x" * 201}, "title"),
    ("course", {"summary": "x" * 5001}, "summary"),
    ("activity", {"title": "\t"}, "title"),
    ("activity", {"duration_minutes": "0"}, "duration_minutes"),
    ("activity", {"duration_minutes": "1.5"}, "duration_minutes"),
    ("activity", {"duration_minutes": "9" * 30}, "duration_minutes"),
    ("microlearning", {"duration_minutes": "4"}, "duration_minutes"),
    ("microlearning", {"duration_minutes": "11"}, "duration_minutes"),
    ("playlist", {"title": "\u200b"}, "title"),
    ("chapter", {"title": ""}, "title"),
    ("text", {"markdown": "  \n "}, "markdown"),
    ("text", {"markdown": "x" * 20_001}, "markdown"),
    ("question", {"prompt": ""}, "prompt"),
    ("question", {"kind": "guess"}, "kind"),
    ("question", {"choices-1-text": ""}, ""),
    ("question", {"choices-0-correct": ""}, ""),
    ("question", {"choices-1-correct": "y"}, ""),
    ("number", {"number": ""}, ""),
    ("number", {"number": "1e309"}, ""),
    ("number", {"number": "many"}, ""),
    ("number", {"tolerance": "-1"}, ""),
    ("number", {"tolerance": "wide"}, ""),
]


@pytest.mark.parametrize("form", list(FORMS))
def test_a_faulty_form_is_marked_and_writes_nothing_and_the_right_one_is_taken(house: House, form: str) -> None:
    kit = house.academy()
    activity, author = kit.activity(), kit.signed_in(Role.AUTHOR)
    address, good = FORMS[form]
    address = address.format(course=activity.course_id, activity=activity.id, chapter=activity.chapters[0].id)
    before, token = counts(kit), _token(author)
    for changed, field in [(changed, field) for name, changed, field in FAULTS if name == form]:
        page = author.app.post(address, {**good, **changed, "csrf_token": token}, status=422)
        assert counts(kit) == before, changed
        assert faults(page) == ({field} if field else set()), changed
        assert "There is a problem" in words(page) or "Error" in words(page), changed
        for name, value in good.items():
            assert name in changed or value in page, "what was typed stays"
    author.app.post(address, {**good, "csrf_token": token}, status=303)
    assert sum(counts(kit)) == sum(before) + 1


def test_a_picture_is_taken_described_and_shown_to_this_academy_only(house: House) -> None:
    kit = house.academy()
    activity, author = kit.activity(), kit.signed_in(Role.AUTHOR)
    address = f"/chapters/{activity.chapters[0].id}/blocks/new/image"
    before = counts(kit)
    undescribed = upload(author, address, {"alt": ""}, picture(), 422)
    assert "Describe the picture" in words(undescribed)
    for content in (b"", b"<svg onload=alert(1)>", picture()[:30], b"GIF89a" + b"\0" * 50):
        upload(author, address, {"alt": "A boat"}, content, 422)
    assert counts(kit) == before, "nothing half-written"
    upload(author, address, {"alt": "A boat"}, picture(), 303)
    (media,) = ids(kit, Media)
    shown = kit.signed_in().get(f"/media/{media}")
    assert shown.content_type == "image/webp"
    assert "private" in shown.headers["Cache-Control"]
    kit.browser().get(f"/media/{media}", status=303)


def test_a_picture_beyond_the_limit_is_refused_unread(house: House) -> None:
    kit = house.academy()
    activity, author = kit.activity(), kit.signed_in(Role.AUTHOR)
    address = f"/chapters/{activity.chapters[0].id}/blocks/new/image"
    assert "WEB_TOO_LARGE" in upload(author, address, {"alt": "A boat"}, b"x" * 7_000_000, 413)


def test_an_upload_tried_again_after_a_collision_arrives_whole(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The collision is made by hand, because none can be had on demand; the retry is the real one."""
    kit = house.academy()
    activity, author = kit.activity(), kit.signed_in(Role.AUTHOR)
    real, seen = store_picture, []

    def store(session: Any, content: bytes) -> Media:
        seen.append(content)
        if len(seen) == 1:
            raise StaleDataError("somebody else was quicker")
        return real(session, content)

    monkeypatch.setattr(chapter_views, "store_picture", store)
    large = picture(200)
    assert len(large) > 20_000, "beyond what WebOb keeps in memory"
    upload(author, f"/chapters/{activity.chapters[0].id}/blocks/new/image", {"alt": "Noise"}, large, 303)
    assert seen == [large, large]
    assert len(ids(kit, Media)) == 1


def test_text_of_authors_cannot_bring_scripts_or_forms(house: House) -> None:
    kit = house.academy()
    activity, author = kit.activity(questions=False), kit.signed_in(Role.AUTHOR)
    evil = '<script>alert(1)</script><form action=//evil.example><img src=x onerror=alert(1)>[a](javascript:alert(1)) <base href="//evil.example"> <b hx-get="/x" style="position:fixed">b</b>'
    author.post(f"/chapters/{activity.chapters[0].id}/blocks/new/text", {"markdown": evil}, status=303)
    learner = kit.signed_in()
    learner.post(f"/activities/{activity.id}", status=303)
    page = learner.get(f"/learn/{activity.id}").follow()
    tags = " ".join(re.findall(r"<[^>]+>", page.text[page.text.index("<main") : page.text.index("</main>")]))
    for forbidden in ("<script", "evil.example", "<img", "javascript:", "<base", "hx-get", "style="):
        assert forbidden not in tags


def test_learners_cannot_author(house: House) -> None:
    kit = house.academy()
    activity, learner = kit.activity(), kit.signed_in()
    before = counts(kit)
    for address in ("/courses/new", f"/courses/{activity.course_id}/edit", f"/activities/{activity.id}/delete"):
        assert "WEB_FORBIDDEN" in learner.post(address, {"title": "Mine"}, status=403)
    assert counts(kit) == before
