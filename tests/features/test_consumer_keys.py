"""Keys of LTI 1.2 in the settings of an activity: what is shown to whom, and what the audit log keeps of it."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from tenants.access import Role
from tenants.audit.models import AuditEntry
from tenants.catalog.models import ActivityType
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models11 import ConsumerKey
from tests.features.pages import words
from tests.house import Browser, House, Kit, forms_of

HTMX = {"HX-Request": "true"}


class Desk:
    """An admin at the settings of one activity that is shared already."""

    def __init__(self, house: House, role: Role = Role.ADMIN) -> None:
        self.kit: Kit = house.academy()
        self.activity_id = self.kit.activity(shared=False).id
        self.browser: Browser = self.kit.signed_in(role)
        self.settings = f"/activities/{self.activity_id}/settings"
        self.switch(on=True)

    def switch(self, *, on: bool) -> None:
        self.browser.post(f"/activities/{self.activity_id}/lti", {"on": "1" if on else ""}, status=303)

    def page(self) -> TestResponse:
        return self.browser.get(self.settings)

    def made(self) -> list[ConsumerKey]:
        with self.kit.session() as session:
            rows = list(Consumers(session, self.kit.runtime.secrets).of_activity(self.activity_id))
            session.expunge_all()
            return rows

    def secret(self, key_id: UUID) -> str:
        with self.kit.session() as session:
            consumers = Consumers(session, self.kit.runtime.secrets)
            return consumers.reveal(consumers.get(key_id))

    def address(self, place: str = "", number: int = 0) -> str:
        return f"/activities/{self.activity_id}/lti/keys/{self.made()[number].id}{place}"

    def audit(self) -> list[AuditEntry]:
        with self.kit.session() as session:
            rows = list(session.scalars(sa.select(AuditEntry).where(AuditEntry.action.startswith("lti.consumer"))))
            session.expunge_all()
            return rows


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def test_switching_on_shows_key_secret_and_launch_url(desk: Desk) -> None:
    (key,) = desk.made()
    page, said = desk.page(), words(desk.page())
    for label in ("LTI 1.2 Key", "LTI 1.2 Secret", "LTI 1.2 Launch URL", "Legacy"):
        assert label in said
    assert key.key in page
    assert f"{desk.kit.academy.url}/lti/launch/{desk.activity_id}" in page
    assert desk.secret(key.id) not in page
    assert len(page.html.find_all("button", attrs={"data-copy": True})) >= 3
    assert "Never" in said


#: A meeting is not shared: it is for the academy's own people.
SHARED = [each for each in ActivityType if each is not ActivityType.MEETING]


@pytest.mark.parametrize("type_", SHARED, ids=lambda each: each.value)
def test_every_type_is_shared_by_a_switch_of_its_own(house: House, type_: ActivityType) -> None:
    kit = house.academy()
    inner = kit.activity("Inner", shared=False)
    if type_ is ActivityType.EXAM:
        activity, _link = kit.outside(exam=True)
    else:
        is_playlist = type_ is ActivityType.PLAYLIST
        activity = kit.playlist(inner) if is_playlist else kit.activity("Shared", shared=False, type_=type_)
    author = kit.signed_in(Role.AUTHOR)
    settings, labels = (
        f"/activities/{activity.id}/settings",
        ("LTI 1.3 Resource URL", "LTI 1.2 Key", "LTI 1.2 Launch URL"),
    )
    for on in ("", "1"):
        author.post(f"/activities/{activity.id}/lti", {"on": on}, status=303)
        page = author.get(settings)
        assert "Available for LTI" in words(page)
        assert [label in words(page) for label in labels] == [bool(on)] * len(labels)
    assert f"{kit.academy.url}/lti/activities/{activity.id}" in page
    assert f"{kit.academy.url}/lti/launch/{activity.id}" in page
    assert "LTI 1.3 Resource URL" not in words(author.get(f"/activities/{inner.id}/settings")), "nothing else with it"


def test_off_and_on_again_keeps_the_key(desk: Desk) -> None:
    before = desk.made()[0].key
    desk.switch(on=False)
    assert before not in desk.page()
    desk.switch(on=True)
    assert [each.key for each in desk.made()] == [before]


def test_an_activity_shared_before_there_were_keys_gets_one_by_a_button(house: House) -> None:
    kit = house.academy()
    activity = kit.activity()
    browser = kit.signed_in(Role.AUTHOR)
    page = browser.get(f"/activities/{activity.id}/settings")
    form = next(form for form in forms_of(page) if form.action.endswith("/lti/keys"))
    form["name"] = "Moodle of School X"
    shown = form.submit(status=303).follow()
    assert "Moodle of School X" in shown
    assert "LTI 1.2 Key" in shown


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_the_secret_is_shown_on_demand_and_kept_by_no_cache(desk: Desk, headers: dict[str, str]) -> None:
    secret = desk.secret(desk.made()[0].id)
    shown = desk.browser.post(desk.address("/reveal"), status=200, headers=headers)
    assert secret in shown
    assert shown.headers["Cache-Control"] == "no-store"
    assert ("<html" in shown) is not bool(headers)
    assert f'href="{desk.address()}"' in shown, "the way to hide it again"
    assert desk.browser.get(desk.address("/reveal"), status="*").status_int == 405
    assert secret not in desk.browser.get(desk.address())
    revealed = desk.audit()[-1]
    assert (revealed.action, revealed.about["key"]) == ("lti.consumer.revealed", desk.made()[0].key)
    assert secret not in str([entry.about for entry in desk.audit()])


def test_an_author_shares_and_an_admin_reveals(house: House) -> None:
    """Whoever knows the secret can sign a launch as any learner."""
    desk = Desk(house, Role.AUTHOR)
    assert "Your academy's admin can reveal it." in words(desk.page())
    assert "Reveal" not in words(desk.page())
    assert desk.browser.post(desk.address("/reveal"), status=403)
    assert desk.kit.signed_in(Role.ADMIN).post(desk.address("/reveal"), status=200)


def test_no_list_has_a_secret(desk: Desk) -> None:
    secret = desk.secret(desk.made()[0].id)
    admin = desk.kit.signed_in(Role.ADMIN)
    for path in ("/integrations", "/integrations/lti-1.2", "/integrations/launches", desk.settings, desk.address()):
        page = admin.get(path, status=200)
        assert secret not in page
    with desk.kit.session() as session:
        row = session.scalar(sa.select(ConsumerKey))
        assert row is not None
        assert secret not in str(vars(row))


def test_rotation_asks_first_and_keeps_the_old_secret_for_a_week(desk: Desk) -> None:
    old = desk.secret(desk.made()[0].id)
    page = desk.browser.get(desk.address("/rotate"))
    assert "7 days" in words(page)
    gentle, at_once = (form for form in forms_of(page) if form.action.endswith("/rotate"))
    said = gentle.submit(status=303).follow()
    assert "There is a new secret" in said
    assert "good until" in words(said)
    (key,) = desk.made()
    assert key.previous_until is not None
    assert desk.secret(key.id) != old
    at_once.submit(status=303)
    (key,) = desk.made()
    assert (key.sealed_previous, key.previous_until) == (None, None)
    assert [each.about.get("at_once") for each in desk.audit() if each.action == "lti.consumer.rotated"] == [
        False,
        True,
    ]


def test_a_key_for_each_consumer(desk: Desk) -> None:
    desk.browser.post(f"/activities/{desk.activity_id}/lti/keys", {"name": " School\u200b X "}, status=303)
    first, second = desk.made()
    assert (first.name, second.name) == ("", "School X")
    assert first.key != second.key
    page = desk.page()
    assert first.key in page
    assert second.key in page


def test_options_and_switch(desk: Desk) -> None:
    form: Any = next(form for form in forms_of(desk.browser.get(desk.address())) if "tolerate_query" in form.fields)
    form["name"], form["tolerate_query"] = "School X", True
    assert "School X" in form.submit(status=303).follow()
    (key,) = desk.made()
    assert (key.name, key.tolerate_query, key.allow_sha256) == ("School X", True, False)
    desk.browser.post(desk.address("/switch"), {"on": ""}, status=303)
    assert not desk.made()[0].is_active
    assert "opens nothing" in desk.browser.get(desk.address())
    desk.browser.post(desk.address("/switch"), {"on": "1"}, status=303)
    assert desk.made()[0].is_active
    assert [each.action for each in desk.audit()][-3:] == [
        "lti.consumer.changed",
        "lti.consumer.paused",
        "lti.consumer.activated",
    ]


def test_a_key_is_found_under_its_own_activity_only(desk: Desk) -> None:
    other = desk.kit.activity().id
    path = f"/activities/{other}/lti/keys/{desk.made()[0].id}"
    assert desk.browser.get(path, status="*").status_int == 404
    assert desk.browser.post(f"{path}/reveal", status="*").status_int == 404
