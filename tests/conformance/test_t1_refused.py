"""T1: launches of LTI 1.2 that must be refused, each at its step, through the whole application."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tenants.accounts.models import Person, PersonStatus
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.lti.wire import oauth1
from tests.conformance.visits11 import FormScene, FormVisit, new_key


def now() -> int:
    return int(clock.now().timestamp())


@pytest.mark.case("T1-002")
def test_the_same_launch_again(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    form = visit.sign()
    visit.accepted(visit.post(form))
    before = form_scene.written()
    assert form_scene.refused(visit.post(form), "LTI11_NONCE", "nonce", before).outcome == "refused"


@pytest.mark.case("T1-047")
def test_twenty_at_the_same_moment(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    form = visit.sign()
    visits = [replace(visit, browser=form_scene.kit.browser()) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda each: each.post(form), visits))
    assert sorted(answer.status_int for answer in answers) == [303, *[401] * 19]
    assert [row.code for row in form_scene.rows() if row.consumer_key_id == form_scene.consumer_id].count(
        "LTI11_NONCE"
    ) == 19
    assert form_scene.nonces() == 1


@pytest.mark.case("T1-047")
def test_a_forged_launch_burns_no_nonce(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.refused("LTI11_SIGNATURE", "signature", how={"nonce": "one", "secret": "guessed"})
    assert form_scene.nonces() == 0
    visit.accepted(visit.launch(how={"nonce": "one"}))


@pytest.mark.case("T1-005", "T1-006")
@pytest.mark.parametrize(("seconds", "word"), [(-303, "behind"), (303, "ahead")])
def test_too_far_from_our_clock(form_scene: FormScene, seconds: int, word: str) -> None:
    row = form_scene.visit().refused("LTI11_TIMESTAMP", "timestamp", how={"at": now() + seconds})
    check = row.checks["launch"][-1]
    assert word in check[2]
    assert "our clock says" in check[3]


def test_ten_thousand_parameters(form_scene: FormScene) -> None:
    """Product case 16: refused for their number, before any of them is looked at."""
    visit, before = form_scene.visit(), form_scene.written()
    answer = visit.post([(f"x{number}", "1") for number in range(10_000)])
    row = form_scene.refused(answer, "LTI11_DUPLICATE_PARAM", "parameters", before)
    assert row.checks["launch"][-1][2] == "more than 1000"


@pytest.mark.case("T1-008")
@pytest.mark.parametrize("at", ["abc", "", "-1800000000", "1800000000000", "1.8e9"])
def test_a_timestamp_that_is_none(form_scene: FormScene, at: str) -> None:
    assert form_scene.visit().refused("LTI11_OAUTH_PARAM", "oauth", how={"at": at}).outcome == "refused"


@pytest.mark.case("T1-008", "T1-018")
@pytest.mark.parametrize(
    "name", ["oauth_consumer_key", "oauth_nonce", "oauth_timestamp", "oauth_signature", "oauth_signature_method"]
)
def test_a_part_of_the_signature_is_missing(form_scene: FormScene, name: str) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    answer = visit.post([(each, value) for each, value in visit.sign() if each != name])
    row = form_scene.refused(answer, "LTI11_OAUTH_PARAM", "oauth", before)
    assert row.checks["launch"][-1][2] == f"{name}: missing"


@pytest.mark.case("T1-018")
def test_oauth_2(form_scene: FormScene) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    form = [(name, "2.0" if name == "oauth_version" else value) for name, value in visit.sign()]
    assert form_scene.refused(visit.post(form), "LTI11_OAUTH_PARAM", "oauth", before).outcome == "refused"


@pytest.mark.case("T1-009")
@pytest.mark.parametrize("secret", ["another", ""])
def test_another_secret(form_scene: FormScene, secret: str) -> None:
    row = form_scene.visit().refused("LTI11_SIGNATURE", "signature", how={"secret": secret})
    assert row.checks["launch"][-1][2].startswith("matches neither")


@pytest.mark.case("T1-009")
def test_a_space_was_copied_with_the_secret(form_scene: FormScene) -> None:
    secret = f"{form_scene.consumer.secret} "
    row = form_scene.visit().refused("LTI11_SIGNATURE", "signature", how={"secret": secret})
    assert row.checks["launch"][-1][2] == "matches with a space after the secret"


@pytest.mark.case("T1-011")
def test_a_key_nobody_has(form_scene: FormScene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told apart by nothing but the log: the work of one verification is spent on it, too."""
    spent: list[str] = []
    matches = oauth1._matches

    def counted(*arguments: Any) -> bool:
        spent.append("hmac")
        return matches(*arguments)

    monkeypatch.setattr(oauth1, "_matches", counted)
    form_scene.visit().refused("LTI11_UNKNOWN_KEY", "key", how={"key": "nobody"})
    assert spent == ["hmac"]
    form_scene.set(is_active=False)
    form_scene.visit().refused("LTI11_UNKNOWN_KEY", "key")
    assert spent == ["hmac", "hmac"]


@pytest.mark.case("T1-012")
def test_the_key_of_another_activity(form_scene: FormScene) -> None:
    other = form_scene.kit.activity()
    visit, url = form_scene.visit(), form_scene.url
    new_key(form_scene.kit, other.id, form_scene.consumer)
    before = form_scene.written()
    answer = visit.post(visit.sign(how={"url": url}), to=url)
    assert form_scene.refused(answer, "LTI11_KEY_ACTIVITY", "activity", before).outcome == "refused"


@pytest.mark.case("T1-013")
def test_the_key_of_another_academy(form_scene: FormScene) -> None:
    elsewhere = FormScene(form_scene.kit.house.academy(), form_scene.consumer.services.open())
    how = {"key": elsewhere.consumer.key, "secret": elsewhere.consumer.secret}
    form_scene.visit().refused("LTI11_UNKNOWN_KEY", "key", how=how)
    visit = form_scene.visit()
    before = elsewhere.written()
    moved = FormVisit(elsewhere, elsewhere.kit.browser(), visit.sub)
    assert (
        elsewhere.refused(moved.post(visit.sign(), to=elsewhere.url), "LTI11_UNKNOWN_KEY", "key", before).outcome
        == "refused"
    )


@pytest.mark.case("T1-014", "T1-015")
@pytest.mark.parametrize("change", [{"roles": "Administrator"}, {"user_id": "1"}, {"custom_more": "1"}, {"roles": ""}])
def test_changed_on_the_way(form_scene: FormScene, change: dict[str, str]) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    form = [*((name, value) for name, value in visit.sign() if name not in change), *change.items()]
    assert form_scene.refused(visit.post(form), "LTI11_SIGNATURE", "signature", before).outcome == "refused"


@pytest.mark.case("T1-020")
@pytest.mark.parametrize("method", ["PLAINTEXT", "RSA-SHA1", "hmac-sha1", "HMAC-SHA512"])
def test_ways_of_signing_that_are_never_taken(form_scene: FormScene, method: str) -> None:
    form_scene.set(allow_sha256=True)
    visit, before = form_scene.visit(), form_scene.written()
    form = [(name, method if name == "oauth_signature_method" else value) for name, value in visit.sign()]
    assert (
        form_scene.refused(visit.post(form), "LTI11_SIGNATURE_METHOD", "signature_method", before).outcome == "refused"
    )


@pytest.mark.case("T1-021")
def test_opened_like_a_page(form_scene: FormScene) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    answer = visit.browser.get(urlsplit(form_scene.url).path, params=visit.sign(), expect_errors=True)
    form_scene.refused(answer, "LTI11_METHOD", "method", before)
    assert visit.browser.app.put(urlsplit(form_scene.url).path, status="*").status_int == 405


@pytest.mark.case("T1-021")
@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_posted_as_something_else(form_scene: FormScene, content_type: str) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    assert (
        form_scene.refused(
            visit.post(visit.sign(), content_type=content_type), "LTI11_METHOD", "method", before
        ).outcome
        == "refused"
    )


@pytest.mark.case("T1-041")
@pytest.mark.parametrize("body", ["custom_x=" + "x" * 300_000, "custom_x=%ff%fe", "custom_x=a%00b"])
def test_no_form_we_read(form_scene: FormScene, body: str) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    path = urlsplit(form_scene.url).path
    answer = visit.browser.app.post(path, body, content_type="application/x-www-form-urlencoded", status="*")
    assert form_scene.refused(answer, "LTI11_DUPLICATE_PARAM", "parameters", before).outcome == "refused"


@pytest.mark.case("T1-023")
@pytest.mark.parametrize(
    ("version", "code"), [(None, "LTI11_VERSION"), ("1.3.0", "LTI11_VERSION"), ("LTI-2p0", "LTI11_VERSION_2")]
)
def test_other_versions(form_scene: FormScene, version: str | None, code: str) -> None:
    left_out, changes = ((), {"lti_version": version}) if version else (("lti_version",), {})
    assert form_scene.visit().refused(code, "version", *left_out, **changes).outcome == "refused"


@pytest.mark.case("T1-025")
@pytest.mark.parametrize("kind", [None, "foo", "basic-lti-launch-request "])
def test_other_messages(form_scene: FormScene, kind: str | None) -> None:
    left_out, changes = ((), {"lti_message_type": kind}) if kind else (("lti_message_type",), {})
    assert form_scene.visit().refused("LTI11_MESSAGE_TYPE", "message_type", *left_out, **changes).outcome == "refused"


@pytest.mark.case("T1-026")
@pytest.mark.parametrize("link", [None, "", "x" * 256])
def test_no_link(form_scene: FormScene, link: str | None) -> None:
    left_out, changes = (("resource_link_id",), {}) if link is None else ((), {"resource_link_id": link})
    assert form_scene.visit().refused("LTI11_RESOURCE_LINK", "resource_link", *left_out, **changes).outcome == "refused"


def way_back(answer: Any) -> str:
    links = [a["href"] for a in answer.html.find_all("a") if "Back to your course" in a.get_text()]
    assert len(links) <= 1
    return links[0] if links else ""


@pytest.mark.case("T1-027")
def test_a_way_back_once_the_signature_is_proven(form_scene: FormScene) -> None:
    answer = form_scene.visit().launch("resource_link_id")
    back = urlsplit(way_back(answer))
    query = parse_qs(back.query)
    assert f"{back.scheme}://{back.netloc}{back.path}" == form_scene.consumer.return_url.partition("?")[0]
    assert query["course"] == ["3"]
    assert "no id" in query["lti_errormsg"][0]
    assert query["lti_errorlog"][0].startswith("LTI11_RESOURCE_LINK")


@pytest.mark.case("T1-027")
@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://x.example/", "//x.example", ""])
def test_no_way_back_to_what_is_no_web_address(form_scene: FormScene, url: str) -> None:
    answer = form_scene.visit().launch("resource_link_id", launch_presentation_return_url=url)
    assert way_back(answer) == ""
    assert "javascript:" not in answer.text


@pytest.mark.case("T1-029")
@pytest.mark.parametrize("how", [{"secret": "guessed"}, {"key": "nobody"}, {"at": "1"}])
def test_no_way_back_before_the_signature_is_proven(form_scene: FormScene, how: dict[str, str]) -> None:
    answer = form_scene.visit().launch(how=how)
    assert answer.status_int == 401
    assert form_scene.consumer.name not in answer.text


@pytest.mark.case("T1-030")
@pytest.mark.parametrize("given", [None, "", "x" * 256])
def test_nobody_comes(form_scene: FormScene, given: str | None) -> None:
    left_out, changes = (("user_id",), {}) if given is None else ((), {"user_id": given})
    row = form_scene.visit().refused("LTI11_USER_ID", "user", *left_out, **changes)
    assert "Moodle" in row.checks["launch"][-1][3]


@pytest.mark.case("T1-031")
@pytest.mark.parametrize("email", [None, "", "ada", "ada@", "a b@school.example", "null"])
def test_no_address_of_somebody_unknown(form_scene: FormScene, email: str | None) -> None:
    name = "lis_person_contact_email_primary"
    left_out, changes = ((name,), {}) if email is None else ((), {name: email})
    row = form_scene.visit().refused("LTI11_EMAIL", "email", *left_out, **changes)
    assert row.checks["launch"][-1][3] == (
        f"{name}; Moodle: External tool, Privacy: set “Share launcher's email with tool” to Always"
    )


NAMES = ("lis_person_name_given", "lis_person_name_family", "lis_person_name_full")


@pytest.mark.case("T1-033")
@pytest.mark.parametrize("product", ["canvas", "blackboardlearn", "desire2learn", "sakai", "moodle"])
def test_no_name_of_somebody_unknown(form_scene: FormScene, product: str) -> None:
    family = {"tool_consumer_info_product_family_code": product}
    row = form_scene.visit().refused("LTI11_NAME", "name", *NAMES, **family)
    seen, wanted = row.checks["launch"][-1][2:4]
    assert seen == "lis_person_name_given: missing, lis_person_name_family: missing"
    assert wanted.split(";")[1].strip().split(":")[0].lower()[:6] in (product[:6], "bright")


@pytest.mark.case("T1-033")
def test_no_name_of_somebody_known(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    first = visit.accepted(visit.launch())
    again = visit.accepted(visit.launch(*NAMES, "lis_person_contact_email_primary"))
    assert again.person_id == first.person_id
    own = form_scene.kit.person()
    found = form_scene.visit()
    row = found.accepted(found.launch(*NAMES, lis_person_contact_email_primary=str(own.email)))
    assert row.person_id == own.id


@pytest.mark.case("T1-035")
def test_signed_over_another_address(form_scene: FormScene) -> None:
    address = urlsplit(form_scene.url)
    cases = {
        f"http://{address.netloc}{address.path}": "matches with http instead of https",
        f"{form_scene.url}/": "matches with a slash at the end",
        f"https://{address.netloc}:8443{address.path}": "matches with port 8443",
        f"http://{address.netloc}:8080{address.path}": "matches with http instead of https, with port 8080",
        f"https://www.{address.netloc}{address.path}": "matches with www. in front",
    }
    for url, words in cases.items():
        row = form_scene.visit().refused("LTI11_SIGNATURE", "signature", how={"url": url})
        assert row.checks["launch"][-1][2] == words
        assert row.checks["launch"][-1][3] == f"POST {form_scene.url}, signed with our secret"


@pytest.mark.case("T1-035")
def test_a_slash_too_much_is_told_not_lost(form_scene: FormScene) -> None:
    visit, url, before = form_scene.visit(), f"{form_scene.url}/", form_scene.written()
    row = form_scene.refused(visit.post(visit.sign(how={"url": url}), to=url), "LTI11_SIGNATURE", "signature", before)
    assert row.checks["launch"][-1][2] == "matches with a slash at the end"


@pytest.mark.case("T1-035")
@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"])
def test_headers_change_nothing(form_scene: FormScene, header: str) -> None:
    visit = form_scene.visit()
    assert visit.accepted(visit.post(visit.sign(), headers={header: "evil.example"})).outcome == "accepted"


def close(scene: FormScene, how: str) -> None:
    with scene.kit.session() as session:
        activity = session.get_one(Activity, scene.activity_id)
        if how == "draft":
            Catalog(session).publish(activity, on=False)
        elif how == "not shared":
            Catalog(session).share(activity, on=False)
    if how == "LTI off":
        with scene.kit.runtime.database.shell() as shell:
            Lifecycle(shell, scene.kit.runtime.settings.web).switch(
                scene.kit.academy.slug, "lti", on=False, reason="test"
            )
        scene.kit.runtime.tenants.forget()


@pytest.mark.case("T1-044", "T1-059")
@pytest.mark.parametrize("how", ["draft", "not shared", "LTI off"])
def test_not_open(own_form_scene: FormScene, how: str) -> None:
    """Also for somebody who was here before; the way back is offered to both."""
    known = own_form_scene.visit()
    known.accepted(known.launch())
    close(own_form_scene, how)
    for visit in (known, own_form_scene.visit()):
        before = own_form_scene.written()
        answer = visit.launch()
        own_form_scene.refused(answer, "LTI_NOT_AVAILABLE", "available", before)
        assert answer.status_int == 403
        assert "lti_errormsg" in way_back(answer)


@pytest.mark.case("T1-059")
def test_somebody_suspended(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    row = visit.accepted(visit.launch())
    with form_scene.kit.session() as session:
        session.get_one(Person, row.person_id).status = PersonStatus.SUSPENDED
    assert visit.refused("LTI_PERSON_SUSPENDED", "person").outcome == "refused"


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.ADMIN])
def test_never_onto_staff(form_scene: FormScene, role: Role) -> None:
    staff = form_scene.kit.person(role)
    assert (
        form_scene.visit()
        .refused("LTI_PERSON_STAFF", "person", lis_person_contact_email_primary=str(staff.email))
        .outcome
        == "refused"
    )


def test_a_second_id_with_the_same_address(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch())
    same = {"lis_person_contact_email_primary": f"{visit.sub}@{form_scene.consumer.name}.example"}
    assert form_scene.visit().refused("LTI_PERSON_CONFLICT", "person", **same).outcome == "refused"


def test_an_activity_that_does_not_exist(form_scene: FormScene) -> None:
    visit, before = form_scene.visit(), form_scene.written()
    url = form_scene.url.replace(str(form_scene.activity_id), str(uuid4()))
    answer = visit.post(visit.sign(how={"url": url}), to=url)
    assert form_scene.refused(answer, "LTI11_KEY_ACTIVITY", "activity", before).outcome == "refused"
