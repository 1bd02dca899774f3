"""The operator on the bare host: academies made, closed and opened, and what is switched on for them."""

import threading

import pytest
import sqlalchemy as sa

from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.models import OPERATOR
from tenants.access import Role
from tenants.audit.models import AuditEntry
from tests.features.pages import faults, one_time_path, words
from tests.house import HOST, Browser, House, forms_of

REASON = {"reason": "as agreed"}


def slugs(house: House) -> set[str]:
    with house.runtime.database.shell(write=False) as session:
        return {each.slug for each in Lifecycle(session, house.runtime.settings.web).all()}


def test_an_academy_is_made_and_its_admin_let_in(house: House) -> None:
    operator = house.operator()
    fields = {
        "name": " Harbour \u200b School ",
        "slug": f"harbour{len(slugs(house))}",
        "admin_email": "ada@harbour.example",
    }
    page = operator.post("/academies/new", fields, status=200)
    assert "Harbour School" in page
    host = f"{fields['slug']}.{HOST}"
    link = one_time_path(page)
    admin = house.browser(host)
    admin.get(link, status=303)
    admin.get("/people", status=200)
    assert "Harbour School" in operator.get("/")
    operator.get(f"/academies/{fields['slug']}", status=200)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", " \u200b", "Enter the academy"),
        ("slug", "Under_score", "A short name has 2 to 40 characters"),
        ("slug", "9lives", "A short name has 2 to 40 characters"),
        ("slug", "", "Enter a short name"),
        ("admin_email", "nobody", "An address looks like"),
        ("host", "https://school.example/", "A host name has letters"),
        ("host", HOST, "A host name has letters"),
    ],
)
def test_a_faulty_form_makes_nothing(house: House, field: str, value: str, said: str) -> None:
    before = slugs(house)
    good = {"name": "School", "slug": f"new{len(before)}", "admin_email": "ada@school.example", "host": ""}
    page = house.operator().post("/academies/new", {**good, field: value}, status=422)
    assert said in page
    assert f'id="{field}-error"' in page, "the fault stands at its field"
    assert slugs(house) == before


def test_names_and_hosts_in_use_are_refused(house: House) -> None:
    there, operator = house.academy(), house.operator()
    before = slugs(house)
    fields = {"name": "School", "slug": there.academy.slug, "admin_email": "a@school.example"}
    assert "Another academy has this short name" in operator.post("/academies/new", fields, status=422)
    fields = {**fields, "slug": f"other{len(before)}", "host": there.host}
    assert "Another academy answers at this host name" in operator.post("/academies/new", fields, status=422)
    assert slugs(house) == before


def test_lti_is_switched_off_and_on_at_once(house: House) -> None:
    kit = house.academy(lti=False)
    operator, admin = house.operator(), kit.signed_in(Role.ADMIN)
    address = f"/academies/{kit.academy.slug}/features/lti"
    assert "LTI_OFF" in admin.get("/integrations/lti-1.3", status=403)
    operator.post(address, {"on": "1", **REASON}, status=303)
    assert "Saved" in operator.get(f"/academies/{kit.academy.slug}")
    admin.get("/integrations/lti-1.3", status=200)
    operator.post(address, {"on": "", **REASON}, status=303)
    assert "LTI_OFF" in admin.get("/integrations/lti-1.3", status=403)


def test_a_switch_needs_a_reason_and_a_known_name(house: House) -> None:
    kit, operator = house.academy(lti=False), house.operator()
    page = operator.post(f"/academies/{kit.academy.slug}/features/lti", {"on": "1", "reason": " "}, status=422)
    assert 'id="reason-lti-error"' in page
    page = operator.post(f"/academies/{kit.academy.slug}/features/time-travel", {"on": "1", **REASON}, status=422)
    assert "FEATURE_UNKNOWN" in page
    page = operator.post("/academies/nowhere/features/lti", {"on": "1", **REASON}, status=404)
    assert "TENANT_UNKNOWN" in page
    assert "LTI_OFF" in kit.signed_in(Role.ADMIN).get("/integrations/lti-1.3", status=403)


def test_a_suspended_academy_is_closed_and_opened_again_with_everything_in_it(house: House) -> None:
    kit, operator = house.academy(), house.operator()
    activity, learner = kit.activity(), kit.signed_in()
    operator.post(f"/academies/{kit.academy.slug}/status", {"active": ""}, status=303)
    closed = learner.get(f"/activities/{activity.id}", status=403)
    assert "TENANT_SUSPENDED" in closed
    assert activity.title not in closed
    assert "TENANT_SUSPENDED" in kit.browser().get("/sign-in", status=403)
    operator.post(f"/academies/{kit.academy.slug}/status", {"active": "1"}, status=303)
    assert activity.title in learner.get(f"/activities/{activity.id}", status=200)


def audited(house: House, tenant_id: int, action: str) -> list[tuple[str, str, dict[str, object]]]:
    """Actor, subject and about of these lines, newest last."""
    with house.runtime.database.transaction(tenant_id) as session:
        query = sa.select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.at, AuditEntry.id)
        return [(each.actor, each.subject, each.about) for each in session.scalars(query)]


def test_an_admin_asks_for_lti_and_the_operator_grants_it(house: House) -> None:
    kit, operator = house.academy(lti=False), house.operator()
    admin, slug = kit.signed_in(Role.ADMIN), kit.academy.slug
    assert "Not enabled" in words(admin.get("/integrations"))
    kit.signed_in(Role.AUTHOR).post("/integrations/request", {"message": "mine"}, status=403)
    admin.post("/integrations/request", {"message": "Our partner <b>waits</b>"}, status=303)
    waiting = admin.get("/integrations")
    assert "The operator has not answered yet" in words(waiting)
    assert "Ask for LTI" not in words(waiting)
    admin.post("/integrations/request", {"message": "again"}, status=303)
    listed = operator.get("/")
    assert words(listed).count(f"LTI for {kit.academy.name}") == 1
    assert "Our partner <b>waits</b>" in words(listed)
    grant = next(form for form in forms_of(listed) if f"/{slug}/features/lti" in form.action)
    assert "Requested by Test Admin" in grant["reason"].value
    grant.submit(status=303)
    assert f"LTI for {kit.academy.name}" not in words(operator.get("/"))
    admin.get("/integrations/lti-1.3", status=200)
    assert "the operator switched LTI on: Requested by Test Admin" in words(admin.get("/integrations"))
    assert [about["message"] for _actor, _subject, about in audited(house, kit.academy.id, "lti.requested")] == [
        "Our partner <b>waits</b>"
    ]
    mine = ("Olga Operator", slug, {"reason": "Requested by Test Admin"})
    assert audited(house, kit.academy.id, "lti.on")[-1] == mine
    assert mine in audited(house, OPERATOR, "lti.on")


def test_a_declined_request_says_why_and_may_be_made_again(house: House) -> None:
    kit, operator = house.academy(lti=False), house.operator()
    admin, slug = kit.signed_in(Role.ADMIN), kit.academy.slug
    address = f"/academies/{slug}/features/lti/decline"
    assert "REQUEST_ANSWERED" in operator.post(address, REASON, status=409)
    admin.post("/integrations/request", {}, status=303)
    assert "Test Admin asks for it" in words(operator.get(f"/academies/{slug}"))
    assert 'id="reason-lti-error"' in operator.post(address, {"reason": ""}, status=422)
    operator.post(address, {"reason": "Not in your contract"}, status=303)
    assert "declined by Olga Operator: Not in your contract" in words(operator.get(f"/academies/{slug}"))
    assert "The operator declined: Not in your contract" in words(admin.get("/integrations"))
    assert audited(house, kit.academy.id, "lti.declined") == [
        ("Olga Operator", slug, {"reason": "Not in your contract"})
    ]
    admin.post("/integrations/request", {"message": "Now it is"}, status=303)
    assert "Now it is" in words(operator.get("/"))
    operator.post(f"/academies/{slug}/features/lti", {"on": "1", **REASON}, status=303)
    operator.post(f"/academies/{slug}/features/lti", {"on": "", "reason": "unpaid"}, status=303)
    assert "switched LTI off again" in words(admin.get("/integrations"))
    assert audited(house, kit.academy.id, "lti.off")[-1][2] == {"reason": "unpaid"}


def test_a_request_too_long_is_marked_and_an_academy_sees_only_its_own(house: House) -> None:
    kit, other = house.academy(lti=False), house.academy(lti=False)
    admin = kit.signed_in(Role.ADMIN)
    page = admin.post("/integrations/request", {"message": "x" * 2001}, status=422)
    assert faults(page) == {"message"}
    admin.post("/integrations/request", {"message": "Quicksilver"}, status=303)
    assert "Quicksilver" not in other.signed_in(Role.ADMIN).get("/integrations")


def test_two_admins_at_once_ask_once(house: House) -> None:
    kit = house.academy(lti=False)
    gate, browsers = threading.Barrier(2), [kit.signed_in(Role.ADMIN) for _ in range(2)]

    def ask(browser: Browser) -> None:
        gate.wait(10)
        browser.post("/integrations/request", {"message": "please"}, status=303)

    threads = [threading.Thread(target=ask, args=(browser,)) for browser in browsers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(audited(house, kit.academy.id, "lti.requested")) == 1
    assert words(house.operator().get("/")).count(f"LTI for {kit.academy.name}") == 1
