"""Activities whose content is an outside tool: made by authors, set up, published, copied, shared on."""

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity, ActivityType, Content, Status
from tenants.catalog.services import Catalog
from tenants.learning.models import Grading
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.lti.launches.models import Launch, Protocol
from tenants.lti.platform.links import ToolLinks
from tenants.lti.platform.models import OpensIn, ToolLink
from tests.conformance.visits11 import FormScene, new_key
from tests.features.pages import faults, rows_in, words
from tests.house import Browser, House, Kit, forms_of

HTMX = {"HX-Request": "true"}
LEGACY = {
    "lti_version": "1.2", "key": "vendor-key", "secret": "vendor-secret-1", "url": "https://tool.example/launch", "resource_link_id": "anything",
    "custom": "course=7", "opens_in": "iframe", "send_name": "y",
}  # fmt: skip
MODERN = {"lti_version": "1.3", "url": "https://tool.example/course/7", "custom": "", "opens_in": "window"}


class Desk:
    """An author's, or an admin's, with a course."""

    def __init__(self, house: House, role: Role = Role.AUTHOR) -> None:
        self.kit: Kit = house.academy()
        self.browser: Browser = self.kit.signed_in(role)
        with self.kit.session() as session:
            self.course_id = Catalog(session).create_course("A course").id
        self.new = f"/courses/{self.course_id}/activities/new"

    def made(self) -> list[Activity]:
        with self.kit.session() as session:
            rows = list(session.scalars(sa.select(Activity).order_by(Activity.position)))
            session.expunge_all()
            return rows

    def link(self, activity_id: Any = None) -> ToolLink | None:
        with self.kit.session() as session:
            wanted = activity_id or self.made()[0].id
            row = session.scalar(sa.select(ToolLink).where(ToolLink.activity_id == UUID(str(wanted))))
            session.expunge_all()
            return row

    def saved(self, activity_id: Any = None) -> ToolLink:
        """What must be there."""
        link = self.link(activity_id)
        assert link is not None
        return link

    def secrets(self) -> list[str]:
        with self.kit.session() as session:
            link = session.scalars(sa.select(ToolLink)).one()
            return ToolLinks(session, self.kit.runtime.secrets, self.kit.runtime.outbound).secrets_of(link)

    def create(self, kind: str = "e-learning", **more: str) -> str:
        """The address of the new activity."""
        minimum = {"minimum_score": "70"} if kind == "exam" else {}
        answer = self.browser.post(f"{self.new}/{kind}/lti", {"title": "Outside", **minimum, **more}, status=303)
        return answer.headers["Location"].removesuffix("/settings").removeprefix(self.kit.academy.url)

    def save(self, address: str, fields: dict[str, str], status: int = 303) -> TestResponse:
        return self.browser.post(f"{address}/lti-link", fields, status=status)

    def audit(self) -> list[str]:
        with self.kit.session() as session:
            return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.at, AuditEntry.id)))


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def test_an_e_learning_of_lti_12_from_nothing_to_learners(desk: Desk) -> None:
    author = desk.browser
    page = author.get(desk.new)
    assert all(kind in words(page) for kind in ("E-learning", "Microlearning", "Learning Playlist", "Exam"))
    page = page.click("E-learning", index=0)
    assert "Write it here" in words(page)
    form = forms_of(page.click("LTI", index=0))[-1]
    form["title"], form["description"], form["duration_minutes"] = "First aid", "What to do", "30"
    page = form.submit(status=303).follow()
    assert "The activity is made. Now enter its LTI settings." in words(page)
    assert "Not complete" in words(page)
    (activity,) = desk.made()
    assert (activity.content, activity.type, activity.duration_minutes) == (Content.LTI, ActivityType.E_LEARNING, 30)
    address = f"/activities/{activity.id}"
    refused = author.post(f"{address}/publish", {"on": "1"}, status=409)
    assert "LTI_LINK_INCOMPLETE" in refused
    assert refused.click("Enter LTI settings").request.path == f"{address}/settings"
    page = desk.save(address, LEGACY).follow()
    assert "The LTI settings are saved." in words(page)
    assert "vendor-secret-1" not in page
    link = desk.link()
    assert link is not None
    assert (link.lti_version, link.key, link.url) == (Protocol.LTI_12, "vendor-key", LEGACY["url"])
    assert (link.resource_link_id, link.custom, link.opens_in) == ("anything", [["course", "7"]], OpensIn.FRAME)
    assert (link.send_name, link.send_email, link.results_until) == (True, False, None)
    assert desk.secrets() == ["vendor-secret-1"]
    assert "vendor-secret-1" not in link.sealed_secret
    author.post(f"{address}/publish", {"on": "1"}, status=303)
    assert desk.made()[0].status is Status.PUBLISHED
    assert desk.audit()[-2:] == ["lti.link.saved", "activity.published"]


def test_an_e_learning_of_lti_13(desk: Desk) -> None:
    tool = desk.kit.tool(name="Quiz maker")
    resting = desk.kit.tool(name="Old quiz maker", is_active=False)
    address = desk.create()
    page = words(desk.browser.get(f"{address}/settings"))
    assert "Quiz maker" in page
    assert "Old quiz maker (switched off)" in page
    assert faults(desk.save(address, MODERN, 422)) == {"tool_id"}
    assert faults(desk.save(address, {**MODERN, "tool_id": str(desk.made()[0].id)}, 422)) == {"tool_id"}
    desk.save(address, {**MODERN, "tool_id": str(tool.id), "results_until": "2031-05-01"})
    link = desk.link()
    assert link is not None
    assert (link.lti_version, link.tool_id, link.url) == (Protocol.LTI_13, tool.id, MODERN["url"])
    assert (link.opens_in, link.key, link.sealed_secret) == (OpensIn.WINDOW, "", "")
    assert len(link.resource_link_id) >= 32
    assert link.results_until is not None
    assert link.results_until.isoformat().startswith("2031-05-0"), "the end of that day where the academy is"
    desk.save(address, {**MODERN, "tool_id": str(resting.id), "url": ""})
    assert desk.saved().url == resting.target_url, "the tool's own, where none is entered"
    assert "2031-05-01" not in desk.browser.get(f"{address}/settings")
    desk.browser.post(f"{address}/publish", {"on": "1"}, status=303)


def test_a_tool_of_another_academy_cannot_be_chosen(desk: Desk, house: House) -> None:
    foreign = house.academy().tool(name="Not ours")
    address = desk.create()
    assert "Not ours" not in desk.browser.get(f"{address}/settings")
    assert faults(desk.save(address, {**MODERN, "tool_id": str(foreign.id)}, 422)) == {"tool_id"}
    assert desk.link() is None


@pytest.mark.case("AS-043")
def test_an_exam_needs_a_minimum_score_from_1_to_100(desk: Desk) -> None:
    """Case 65 of the product."""
    address = desk.create("exam")
    for place in (f"{desk.new}/exam/lti", f"{address}/settings"):
        for minimum in ("0", "101", "1.5", "", " ", "-1", "70%", "9" * 30, "٧٠"):
            page = desk.browser.post(place, {"title": "Exam", "minimum_score": minimum}, status=422)
            assert faults(page) == {"minimum_score"}, minimum
            assert "Enter a whole number between 1 and 100" in words(page)
        assert faults(desk.browser.post(place, {"title": "Exam"}, status=422)) == {"minimum_score"}
    (only,) = desk.made()
    assert (only.title, only.minimum_score) == ("Outside", 70)


def test_an_exam_has_its_minimum_score_in_the_settings(desk: Desk) -> None:
    page = desk.browser.get(desk.new).click("Exam", index=0)
    assert "Write it here" not in words(page), "an exam is always a tool's"
    form = forms_of(page.click("LTI", index=0))[-1]
    form["title"], form["minimum_score"] = "Exam", "1"
    form.submit(status=303)
    (exam,) = desk.made()
    assert (exam.type, exam.content, exam.minimum_score) == (ActivityType.EXAM, Content.LTI, 1)
    fields = {"title": "Exam", "minimum_score": "100"}
    desk.browser.post(f"/activities/{exam.id}/settings", fields, status=303)
    assert desk.made()[0].minimum_score == 100
    desk.browser.post(f"{desk.new}/exam", {"title": "Exam", "minimum_score": "5"}, status=404)
    desk.browser.post(f"{desk.new}/microlearning/lti", {"title": "Short"}, status=404)


@pytest.mark.case("P1-003")
def test_a_blank_resource_link_is_refused(desk: Desk) -> None:
    address = desk.create()
    shown = forms_of(desk.browser.post(f"{address}/lti-link/fields", {"lti_version": "1.2"}, status=200))
    assert next(form for form in shown if "key" in form.fields)["resource_link_id"].value, "one is made to begin with"
    for blank in ("", " ", "\u200b", "\t\u00a0"):
        assert faults(desk.save(address, {**LEGACY, "resource_link_id": blank}, 422)) == {"resource_link_id"}
    assert desk.link() is None


UNUSABLE = (
    "",
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "ftp://tool.example/launch",
    "http://tool.example/launch",
    "https://user:pass@tool.example/launch",
    "https://user@tool.example/",
    "https://10.0.0.1/launch",
    "https://[::ffff:169.254.169.254]/",
    "//tool.example/launch",
    "tool.example/launch",
    "https://",
    "https://tool.example:99999/",
    "https://tool.example/" + "x" * 3000,
)


@pytest.mark.case("P1-009")
def test_addresses_that_cannot_be_launched_are_refused(desk: Desk) -> None:
    """Case 88 of the product; in either version."""
    address, tool = desk.create(), desk.kit.tool(target_url="")
    for url in UNUSABLE:
        for fields in ({**LEGACY, "url": url}, {**MODERN, "url": url, "tool_id": str(tool.id)}):
            assert faults(desk.save(address, fields, 422)) == {"url"}, url
    assert desk.link() is None


def test_http_is_taken_where_the_installation_allows_it(desk: Desk) -> None:
    address = desk.create()
    desk.save(address, {**LEGACY, "url": "http://localhost:8080/launch"})
    assert desk.saved().url == "http://localhost:8080/launch"


RESERVED = (
    "=no name",
    "lis_result_sourcedid=1",
    "LIS_person_sourcedid=1",
    "oauth_consumer_key=x",
    "lti_version=2",
    "custom_oauth_nonce=x",
    "https://purl.imsglobal.org/spec/lti/claim/roles=admin",
    "sub=1",
    "a=1\na=2",
    "tab\there=1",
    "x=" + "y" * 2001,
    "n" * 256 + "=1",
    "\n".join(f"p{number}=1" for number in range(51)),
)


def test_parameters_that_say_what_only_we_say_are_refused(desk: Desk) -> None:
    """Case 87 of the product."""
    address, tool = desk.create(), desk.kit.tool()
    for custom in RESERVED:
        for fields in ({**LEGACY, "custom": custom}, {**MODERN, "custom": custom, "tool_id": str(tool.id)}):
            assert faults(desk.save(address, fields, 422)) == {"custom"}, custom
    assert desk.link() is None


def test_names_that_become_one_in_lti_12_are_refused_there_only(desk: Desk) -> None:
    address, tool = desk.create(), desk.kit.tool()
    twins = "Chapter.One=1\r\nchapter_one=2"
    assert faults(desk.save(address, {**LEGACY, "custom": twins}, 422)) == {"custom"}
    desk.save(address, {**MODERN, "custom": twins, "tool_id": str(tool.id)})
    assert desk.saved().custom == [["Chapter.One", "1"], ["chapter_one", "2"]]


FAULTY: tuple[tuple[dict[str, str], set[str]], ...] = (
    ({"key": " \u200b"}, {"key"}),
    ({"key": "k" * 256}, {"key"}),
    ({"secret": ""}, {"secret"}),
    ({"secret": "s" * 1001}, {"secret"}),
    ({"resource_link_id": "r" * 256}, {"resource_link_id"}),
    ({"opens_in": "popup"}, {"opens_in"}),
    ({"results_until": "soon"}, {"results_until"}),
    ({"results_until": "9999-12-31"}, {"results_until"}),
    ({"results_until": "0001-01-01"}, {"results_until"}),
)


def test_faults_stand_at_their_fields_and_nothing_is_kept(desk: Desk) -> None:
    address = desk.create()
    for changed, marked in FAULTY:
        page = desk.save(address, {**LEGACY, **changed}, 422)
        assert faults(page) == marked, changed
        assert LEGACY["url"] in page, "what was typed stays"
    assert desk.link() is None


def test_a_resource_link_names_one_activity(desk: Desk, house: House) -> None:
    first, second = desk.create(title="First"), desk.create(title="Second")
    desk.save(first, LEGACY)
    page = desk.save(second, LEGACY, 422)
    assert faults(page) == {"resource_link_id"}
    assert "“First” has this resource link already" in words(page)
    desk.save(first, {**LEGACY, "secret": ""})
    elsewhere = Desk(house)
    elsewhere.save(elsewhere.create(), LEGACY)
    assert elsewhere.saved().resource_link_id == desk.saved().resource_link_id


def test_a_new_secret_leaves_the_old_one_good_for_results(desk: Desk) -> None:
    address = desk.create()
    desk.save(address, LEGACY)
    desk.save(address, {**LEGACY, "secret": ""})
    assert desk.secrets() == ["vendor-secret-1"], "an empty field keeps it"
    page = desk.save(address, {**LEGACY, "secret": "vendor-secret-2"}).follow()
    assert desk.secrets() == ["vendor-secret-2", "vendor-secret-1"]
    assert "Results signed with the old secret are still taken." in words(page)
    desk.save(address, {**LEGACY, "secret": "vendor-secret-2"})
    assert desk.secrets() == ["vendor-secret-2", "vendor-secret-1"], "the same again is no change"
    desk.browser.post(f"{address}/lti-link/end-previous", status=303)
    assert desk.secrets() == ["vendor-secret-2"]
    desk.save(address, {**LEGACY, "secret": "vendor-secret-3", "key": "another"})
    assert desk.secrets() == ["vendor-secret-3"], "the secret of another key is nobody's any more"
    desk.save(address, {**MODERN, "tool_id": str(desk.kit.tool().id)})
    assert desk.secrets() == []


def test_the_secret_is_shown_to_admins_on_demand_only(desk: Desk) -> None:
    address = desk.create()
    desk.save(address, LEGACY)
    admin = desk.kit.signed_in(Role.ADMIN)
    for browser in (desk.browser, admin):
        for path in (f"{address}/settings", f"{address}/content"):
            assert "vendor-secret-1" not in browser.get(path)
    desk.browser.post(f"{address}/lti-link/reveal", status=403)
    shown = admin.post(f"{address}/lti-link/reveal", status=200)
    assert "vendor-secret-1" in shown
    assert shown.headers["Cache-Control"] == "no-store"
    assert "vendor-secret-1" in admin.post(f"{address}/lti-link/reveal", headers=HTMX, status=200)
    assert desk.audit().count("lti.link.revealed") == 2
    admin.post(f"{desk.create()}/lti-link/reveal", status=404)


def test_the_version_swaps_the_fields_and_keeps_what_was_typed(desk: Desk) -> None:
    tool, address = desk.kit.tool(name="Quiz maker"), desk.create()
    typed = {"lti_version": "1.2", "url": "https://tool.example/typed", "custom": "a=1", "tool_id": str(tool.id)}
    part = desk.browser.post(f"{address}/lti-link/fields", typed, headers=HTMX, status=200)
    assert "<html" not in part
    assert re.search(r'<input[^>]+checked[^>]+name="lti_version"[^>]+value="1.2"', part.text)
    assert all(label in words(part) for label in ("Key", "Secret", "Launch-URL", "Resource-link"))
    assert "https://tool.example/typed" in part
    whole = desk.browser.post(f"{address}/lti-link/fields", {**typed, "lti_version": "1.3"}, status=200)
    assert "<html" in whole
    assert f'selected value="{tool.id}"' in whole
    assert "Launch-URL" not in words(whole)
    assert desk.link() is None
    assert "$Person.name.full" in words(whole)
    assert "WEB_BAD_REQUEST" in desk.browser.post(f"{address}/lti-link/fields", {"lti_version": "2.0"}, status=400)


def test_a_vendors_e_mail_fills_the_fields_for_review(desk: Desk) -> None:
    address = desk.create()
    mail = "> Consumer key: k-17\n> Shared secret: s3cret-42\n> Launch URL: https://vendor.example/lti?course=9\n> custom_level=3"
    page = desk.browser.post(f"{address}/lti-link/mail", {"mail": mail}, status=200)
    assert "Nothing is saved yet." in words(page)
    assert desk.link() is None
    form = next(form for form in forms_of(page) if "key" in form.fields)
    assert (form["key"].value, form["secret"].value, rows_in(form)) == ("k-17", "s3cret-42", [("level", "3")])
    form.submit(status=303)
    assert desk.secrets() == ["s3cret-42"]
    assert desk.saved().url == "https://vendor.example/lti?course=9"
    empty = desk.browser.post(f"{address}/lti-link/mail", {"mail": "Hello, see OIDC URL below"}, status=200)
    assert "Nothing was found in this e-mail It is about LTI 1.3" in words(empty)
    assert "Add new Tool" not in empty, "only admins can"
    admin = desk.kit.signed_in(Role.ADMIN)
    page = admin.post(f"{address}/lti-link/mail", {"mail": "Hello, see OIDC URL below"}, status=200)
    assert page.click("Add new Tool").request.path == "/integrations/lti-1.3/tools/new"
    kept = next(form for form in forms_of(empty) if "key" in form.fields)
    assert (kept["key"].value, kept["secret"].value) == ("k-17", ""), "what the mail does not say stays"
    assert faults(desk.browser.post(f"{address}/lti-link/mail", {"mail": "x" * 100_001}, status=422)) == {"mail"}


def test_pasted_credentials_are_cleaned_and_the_page_says_which(desk: Desk) -> None:
    address = desk.create()
    pasted = {**LEGACY, "key": " vendor-key\u200b", "secret": "vendor-secret-1\ufeff "}
    page = words(desk.save(address, pasted).follow())
    assert "Spaces or invisible characters were removed from: Key, Secret" in page
    assert desk.secrets() == ["vendor-secret-1"]


def test_what_stands_in_the_form_can_be_previewed_unsaved(desk: Desk) -> None:
    address = desk.create()
    page = desk.browser.post(f"{address}/lti-link/fields", {"lti_version": "1.2"}, status=200)
    (button,) = page.html.select("#lti-link button[formaction$=preview]")
    assert button.text.strip() == "Preview"
    shown = desk.browser.post(button["formaction"], {**LEGACY, "custom": "seen=yes"}, status=200)
    message = shown.html.select_one("#preview pre").text
    assert "custom_seen" in message
    assert "vendor-secret-1" not in message
    assert desk.link() is None
    assert shown.html.select_one("#preview button")["form"] == shown.html.find("form", id="lti-link-form")["id"]
    form = next(form for form in forms_of(shown) if "key" in form.fields)
    form.submit(status=303)
    assert desk.secrets() == ["vendor-secret-1"], "nothing has to be entered twice"


def test_what_cannot_be_previewed_is_marked_at_its_field(desk: Desk) -> None:
    address = desk.create()
    for changed, marked in FAULTY:
        if marked == {"secret"} and not changed["secret"]:
            continue  # it is not needed to look
        page = desk.browser.post(f"{address}/tool-preview", {**LEGACY, **changed}, status="*")
        assert (faults(page), page.status_int) == ((set(), 200) if marked == {"secret"} else (marked, 422)), changed
        assert LEGACY["url"] in page, "what was typed stays"
    page = desk.browser.post(f"{address}/tool-preview", MODERN, status=422)
    assert (faults(page), page.html.find(id="preview")) == ({"tool_id"}, None)
    assert desk.link() is None


def test_the_old_secret_is_ended_by_who_was_asked(desk: Desk) -> None:
    address = desk.create()
    desk.save(address, LEGACY)
    end = f"{address}/lti-link/end-previous"
    assert desk.browser.get(end, status=303).location.endswith(f"{address}/settings#lti-link"), "there is no old one"
    page = desk.save(address, {**LEGACY, "secret": "vendor-secret-2"}).follow().click("End the old secret now")
    assert "Results signed with it are refused from then on." in words(page)
    assert desk.secrets() == ["vendor-secret-2", "vendor-secret-1"]
    form = next(form for form in forms_of(page) if form.action.endswith("/end-previous"))
    page = form.submit(status=303).follow()
    assert "The old secret has ended." in words(page)
    assert desk.secrets() == ["vendor-secret-2"]


def test_who_changes_to_lti_13_is_told_what_is_forgotten(desk: Desk) -> None:
    address = desk.create()
    told = "the key and the secret of LTI 1.2 are forgotten"
    for saved in (False, True):
        part = desk.browser.post(f"{address}/lti-link/fields", {"lti_version": "1.3"}, headers=HTMX, status=200)
        assert (told in words(part)) is saved
        desk.save(address, LEGACY)


@pytest.mark.case("P3-024")
def test_a_copy_has_a_resource_link_of_its_own(desk: Desk) -> None:
    tool = desk.kit.tool()
    address = desk.create("exam")
    desk.save(address, {**MODERN, "tool_id": str(tool.id), "custom": "a=1"})
    desk.browser.post(f"{address}/publish", {"on": "1"}, status=303)
    desk.browser.post(f"{address}/lti-link/copy", status=303)
    first, second = desk.made()
    one, other = desk.link(first.id), desk.link(second.id)
    assert one is not None
    assert other is not None
    assert one.resource_link_id != other.resource_link_id
    assert (other.tool_id, other.url, other.custom) == (tool.id, one.url, [["a", "1"]])
    assert (second.title, second.type, second.minimum_score) == ("Copy of Outside", ActivityType.EXAM, 70)
    assert (first.status, second.status) == (Status.PUBLISHED, Status.DRAFT)


def test_a_copy_of_lti_12_lacks_the_secret(desk: Desk) -> None:
    address = desk.create(title="T" * 200)
    desk.save(address, LEGACY)
    copied = desk.browser.post(f"{address}/lti-link/copy", status=303).headers["Location"].removesuffix("/settings")
    second = desk.made()[1]
    link = desk.link(second.id)
    assert link is not None
    assert (link.key, link.sealed_secret, link.sealed_previous) == ("vendor-key", "", None)
    assert link.resource_link_id != "anything"
    assert "LTI_LINK_INCOMPLETE" in desk.browser.post(f"{copied}/publish", {"on": "1"}, status=409)
    fields = {**LEGACY, "resource_link_id": link.resource_link_id}
    desk.browser.post(f"{copied}/lti-link", fields, status=303)
    desk.browser.post(f"{copied}/publish", {"on": "1"}, status=303)


def test_the_content_tab_shows_the_link(desk: Desk) -> None:
    address = desk.create()
    assert "Nothing to open yet" in words(desk.browser.get(f"{address}/content"))
    tool = desk.kit.tool(name="Quiz maker")
    desk.save(address, {**MODERN, "tool_id": str(tool.id)})
    page = words(desk.browser.get(f"{address}/content"))
    assert all(part in page for part in ("LTI 1.3", "Complete", "Quiz maker", MODERN["url"], "A new window"))
    assert "New chapter" not in page
    desk.browser.post(f"{address}/content", {"title": "A chapter"}, status=404)


def test_an_activity_written_here_has_no_such_settings(desk: Desk) -> None:
    desk.browser.post(f"{desk.new}/e-learning", {"title": "Own"}, status=303)
    address = f"/activities/{desk.made()[0].id}"
    assert 'id="lti-link"' not in desk.browser.get(f"{address}/settings")
    for path in ("lti-link", "lti-link/fields", "lti-link/mail", "lti-link/copy", "lti-link/end-previous"):
        desk.browser.post(f"{address}/{path}", LEGACY, status=404)
    assert [each.title for each in desk.made()] == ["Own"]


def test_without_lti_the_choice_is_locked_with_the_way_to_integrations(house: House) -> None:
    desk = Desk(house, Role.ADMIN)
    address = desk.create()
    slug = desk.kit.academy.slug
    with desk.kit.runtime.database.shell() as session:
        Lifecycle(session, desk.kit.runtime.settings.web).switch(slug, "lti", on=False, reason="test")
    desk.kit.runtime.tenants.forget()
    for kind in ("e-learning", "exam"):
        page = desk.browser.get(f"{desk.new}/{kind}/content")
        assert "Not enabled" in words(page)
        assert page.html.select("main .card-locked a[href='/integrations']")
        assert "LTI_OFF" in desk.browser.get(f"{desk.new}/{kind}/lti", status=403)
        assert "LTI_OFF" in desk.browser.post(f"{desk.new}/{kind}/lti", {"title": "T"}, status=403)
    assert "Not enabled" in words(desk.browser.get(f"{address}/settings"))
    assert "LTI_OFF" in desk.save(address, LEGACY, 403)
    assert "LTI_OFF" in desk.browser.get(f"{address}/tool-preview", status=403)
    assert len(desk.made()) == 1


@pytest.mark.parametrize("exam", [False, True])
def test_learners_neither_open_a_draft_nor_change_anything(house: House, exam: bool) -> None:
    """Case 85 of the product: refused before anything is signed."""
    kit = house.academy()
    activity, _link = kit.outside(exam=exam)
    with kit.session() as session:
        session.get_one(Activity, activity.id).status = Status.DRAFT
    learner = kit.signed_in()
    tool = f"/learn/{activity.id}/tool"
    for ask, path in ((learner.get, tool), (learner.post, tool), (learner.post, f"{tool}/launch")):
        assert "ACTIVITY_CLOSED" in ask(path, status=403)
    assert "ACTIVITY_CLOSED" in learner.get(f"/activities/{activity.id}", status=403)
    with kit.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Launch)) == 0
    for path in (
        "lti-link",
        "lti-link/fields",
        "lti-link/mail",
        "lti-link/copy",
        "lti-link/reveal",
        "lti-link/end-previous",
    ):
        assert "WEB_FORBIDDEN" in learner.post(f"/activities/{activity.id}/{path}", LEGACY, status=403)
    assert "WEB_FORBIDDEN" in learner.get(f"/courses/{activity.course_id}/activities/new/exam/lti", status=403)


@pytest.mark.parametrize("kind", ["e-learning", "exam"])
def test_what_a_tool_has_is_shared_with_other_lmss_as_before(desk: Desk, kind: str) -> None:
    """A tool behind us, an LMS before us."""
    address = desk.create(kind)
    desk.save(address, LEGACY)
    desk.browser.post(f"{address}/lti", {"on": "1"}, status=303)
    page = words(desk.browser.get(f"{address}/settings"))
    assert all(label in page for label in ("LTI 1.3 Resource URL", "LTI 1.2 Key", "LTI 1.2 Launch URL"))
    assert desk.made()[0].lti_available


@pytest.mark.parametrize("exam", [False, True])
def test_an_lms_opens_what_a_tool_has(form_scene: FormScene, exam: bool) -> None:
    """The launch ends on the activity's page, from where the learner goes on to the tool."""
    outside, _link = form_scene.kit.outside(exam=exam, version=Protocol.LTI_12)
    with form_scene.kit.session() as session:
        Catalog(session).share(session.get_one(Activity, outside.id), on=True)
    form_scene.activity_id = outside.id
    form_scene.consumer_id = new_key(form_scene.kit, outside.id, form_scene.consumer)
    visit = form_scene.visit()
    landed = visit.launch()
    assert landed.status_int == 303, landed.text
    assert landed.location.endswith(f"/activities/{outside.id}")
    assert outside.title in visit.browser.get(landed.location, status=200)
    assert f"/learn/{outside.id}" in visit.browser.get(landed.location)
    on = visit.browser.get(f"/learn/{outside.id}", status=303)
    assert on.location.endswith(f"/learn/{outside.id}/tool")
    visit.browser.get(on.location, status=200)


def test_a_minimum_that_changes_verdicts_asks_first(desk: Desk) -> None:
    exam, _link = desk.kit.outside(exam=True, minimum=70)
    learner = desk.kit.person()
    with desk.kit.session() as session:
        said = OutsideScore(
            given=Decimal(60),
            maximum=Decimal(100),
            completed=True,
            grading=Grading.DECIDED,
            at=clock.now(),
            source="Tool",
        )
        OutsideResults(session).take(learner.id, session.get_one(Activity, exam.id), said)
    address = f"/activities/{exam.id}"
    answer = desk.browser.post(f"{address}/settings", {"title": "New title", "minimum_score": "60"}, status=303)
    assert answer.location.endswith(f"{address}/minimum?minimum=60")
    assert "The other settings are saved." in words(answer.follow())
    (kept,) = desk.made()
    assert (kept.title, kept.minimum_score) == ("New title", 70)
    answer = desk.browser.post(f"{address}/settings", {"title": "New title", "minimum_score": "65"}, status=303)
    assert answer.location.endswith(f"{address}/settings")
    assert desk.made()[0].minimum_score == 65
