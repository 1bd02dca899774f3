"""What people see of a delivery: the admin's list, every attempt with its cause, "Send again"; the learner's one line."""

import re
from uuid import UUID

import pytest

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.grades.models import ScoreDelivery
from tenants.grades.services import Channels, Ledger
from tests.house import Browser, forms_of
from tests.jobs.school import School

LIST = "/integrations/results"


def learner(school: School, person_id: UUID) -> Browser:
    with school.kit.session() as session:
        person = session.get_one(Person, person_id)
        session.expunge(person)
    return school.kit.signed_in(person=person)


def test_a_dead_delivery_is_understood_and_sent_again(school: School) -> None:
    anna = school.arrive()
    school.lms.enrol("anna", enrolled=False)
    school.reach(anna, "66.67")
    school.work()
    admin = school.kit.signed_in(Role.ADMIN)
    assert "1 result could not be sent" in admin.get("/integrations")
    listed = admin.get(f"{LIST}?state=dead")
    for words in ("Anna Åkesson", "An e-learning", "66.67 %", "School", "Arbejdsmiljø", "Not delivered"):
        assert words in listed
    assert "Anna" not in admin.get(f"{LIST}?state=sent")
    page = listed.click(href=r"/integrations/results/[0-9a-f-]{36}$")
    for words in (
        "The grade column is there",
        "AGS_NOT_ENROLLED",
        "Who can fix it",
        "HTTP 404",
        "Access token",
        "Send result",
    ):
        assert words in page
    school.lms.enrol("anna")
    again = next(form for form in forms_of(page) if form.action.endswith("/again"))
    waiting = again.submit().follow()
    assert "It is on its way again" in waiting
    assert "every 3s" in waiting
    school.work()
    done = admin.get(waiting.request.path)
    assert "Sent" in done
    assert done.text.count("HTTP 404") == 1, "the old attempts stay on show"
    assert "HTTP 204" in done
    fragment = admin.get(waiting.request.path, headers={"HX-Request": "true"}, status=286)
    assert "<html" not in fragment
    held = school.score()
    assert held is not None
    assert held.given == pytest.approx(66.67)


def test_a_waiting_delivery_says_why_and_when_and_can_be_tried_now(school: School) -> None:
    anna = school.arrive()
    school.lms.fail("scores", {"status": 429, "headers": {"Retry-After": "7200"}})
    school.reach(anna, 50)
    admin = school.kit.signed_in(Role.ADMIN)
    fresh = admin.get(f"{LIST}/{school.last().id}")
    assert "Not tried yet" in fresh
    assert "Try now" not in fresh
    school.work()
    page = admin.get(f"{LIST}/{school.last().id}")
    for words in ("On its way", "next try", "asks us to send less often", "AGS_BUSY"):
        assert words in page
    next(form for form in forms_of(page) if form.action.endswith("/again")).submit().follow()
    school.work()
    assert school.states() == ["sent"]


def test_a_fault_of_our_own_says_whom_to_ask(school: School) -> None:
    school.reach(school.arrive(), 50)
    with school.kit.session() as session:
        delivery = session.get_one(ScoreDelivery, school.last().id)
        Ledger(session, school.kit.runtime.part(Channels)).stumble(delivery, "a fault in the program (KeyError)", None)
    page = school.kit.signed_in(Role.ADMIN).get(f"{LIST}/{school.last().id}")
    for words in ("A fault of our own", "Our own program", "a fault in the program (KeyError)", "operator"):
        assert words in page


def test_only_admins_of_this_academy_see_deliveries(school: School) -> None:
    school.reach(school.arrive(), 50)
    address = f"{LIST}/{school.last().id}"
    for role in (Role.LEARNER, Role.AUTHOR):
        school.kit.signed_in(role).get(address, status=403)
    foreign = school.kit.house.academy()
    foreign.signed_in(Role.ADMIN).get(address, status=404)
    foreign.signed_in(Role.ADMIN).post(f"{address}/again", status=404)


def test_the_learner_reads_where_the_result_went(school: School) -> None:
    anna = school.arrive()
    browser = learner(school, anna)
    school.reach(anna, 50)
    address = f"/activities/{school.activity.id}"
    status = f"{address}/sent"
    assert "On its way to School" in browser.get(address)
    hurried = browser.get(status, headers={"HX-Request": "true"})
    assert hurried.status_int == 200
    assert "hx-trigger" in hurried
    school.lms.fail("scores", {"status": 503})
    school.work_once()
    assert "School did not take it yet; we try again by ourselves" in browser.get(address)
    school.work()
    page = browser.get(address)
    assert re.search(r"Sent to School at \d{1,2}:\d\d", page.text)
    school.confirm()
    ended = browser.get(status, headers={"HX-Request": "true"}, status=286)
    assert "confirmed" in ended
    assert "hx-trigger" not in ended
    assert browser.get(status).status_int == 303


def test_the_learner_is_told_when_it_could_not_be_sent(school: School) -> None:
    anna = school.arrive()
    school.lms.fail("scores", {"status": 403})
    school.reach(anna, 50)
    school.work()
    assert "School did not take it. Your academy's admin can see why" in _text(learner(school, anna), school)


def _text(browser: Browser, school: School) -> str:
    return str(browser.get(f"/activities/{school.activity.id}").text).replace("&#39;", "'")
