"""A learner's way through an e-learning, page by page."""

import re

from tenants.access import Role
from tests.house import House, Kit, forms_of


def test_a_learner_finishes_an_e_learning(house: House) -> None:
    kit: Kit = house.academy()
    activity = kit.activity()
    browser = kit.signed_in(Role.LEARNER)
    page = browser.get(f"/activities/{activity.id}")
    chapter = forms_of(page)[-1].submit().follow().follow()
    assert "Chapter 1" in chapter
    assert "right one" in chapter
    question = next(form for form in forms_of(chapter) if form.action.count("/") == 4)
    name = next(field for field in question.fields if field and field.startswith("a-"))
    question[name] = "0"
    answered = question.submit().follow()
    assert "Right." in answered
    second = forms_of(answered)[-1].submit().follow()
    assert "Chapter 2" in second
    blocked = forms_of(second)[-1].submit(status=422)
    assert "Answer this question first" in blocked
    question = next(form for form in forms_of(second) if form.action.count("/") == 4)
    name = next(field for field in question.fields if field and field.startswith("a-"))
    question[name] = "4,25"
    done = forms_of(question.submit().follow())[-1].submit().follow()
    assert re.search(r"100\s%", done.text)
    assert "Completed" in done
