"""T1: launches of LTI 1.2 that must land on the activity, through the whole application."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine

from saas import clock
from saas.tenancy.models import Domain
from tenants.access import Role
from tenants.accounts.models import MadeBy
from tenants.catalog.models import Activity
from tenants.lti.tool.consumers import Consumers
from tenants.lti.wire import oauth1
from tests.conformance.visits import perform
from tests.conformance.visits11 import FormScene, FormVisit, new_key

WEIRD = "100% a+b c&d=e ~f 'g' \"h\" 😀 é\r\nnext"


@pytest.mark.case("T1-001", "T1-045")
def test_a_full_launch(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    row = visit.accepted(visit.launch())
    person = form_scene.person(visit.sub)
    assert (person.given_name, person.family_name, person.role) == ("Ada", "Lovelace", Role.LEARNER)
    assert (person.made_by, person.external_id) == (MadeBy.LTI, visit.sub)
    assert (row.person_name, row.platform_name) == ("Ada Lovelace", f"School {form_scene.consumer.name}")
    assert row.claims["oauth_signature"] == row.claims["oauth_nonce"] == "(hidden)"
    assert form_scene.consumer.secret not in str(row.claims)
    key = form_scene.key()
    assert (key.product, key.origin) == ("moodle", f"https://{form_scene.consumer.name}.example:443")
    assert key.last_used_at is not None
    back = visit.browser.get(f"/activities/{row.activity_id}").html.find("a", class_="back")
    assert back["href"] == form_scene.consumer.return_url
    assert back.get_text(strip=True) == f"Back to School {form_scene.consumer.name}"
    again = visit.accepted(visit.launch())
    assert again.person_id == row.person_id
    assert next(check[2] for check in again.checks["launch"] if check[0] == "person") == "known as Ada Lovelace"


@pytest.mark.case("T1-003")
def test_nonces_belong_to_their_key(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch(how={"nonce": "one"}))
    form_scene.consumer_id = new_key(form_scene.kit, form_scene.activity_id, form_scene.consumer)
    other = form_scene.visit()
    other.accepted(other.launch(how={"nonce": "one"}))
    assert form_scene.nonces() == 2


@pytest.mark.case("T1-007")
@pytest.mark.parametrize("seconds", [-298, 298])
def test_clocks_may_differ_a_little(form_scene: FormScene, seconds: int) -> None:
    visit = form_scene.visit()
    assert visit.accepted(visit.launch(how={"at": int(clock.now().timestamp()) + seconds})).outcome == "accepted"


@pytest.mark.case("T1-017")
def test_a_launch_that_does_not_name_the_version_of_oauth(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    pairs = [(n, v) for n, v in visit.sign() if n not in ("oauth_version", "oauth_signature")]
    signature = oauth1.sign(oauth1.base_string("POST", form_scene.url, pairs), form_scene.consumer.secret)
    assert visit.accepted(visit.post([*pairs, ("oauth_signature", signature)])).outcome == "accepted"


@pytest.mark.case("T1-019")
def test_sha256_only_where_it_is_switched_on(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.refused("LTI11_SIGNATURE_METHOD", "signature_method", how={"method": "HMAC-SHA256"})
    form_scene.set(allow_sha256=True)
    visit.accepted(visit.launch(how={"method": "HMAC-SHA256"}))
    assert visit.accepted(visit.launch()).outcome == "accepted"


@pytest.mark.case("T1-024")
@pytest.mark.parametrize("version", ["LTI-1p1", "LTI-1p2"])
def test_versions_as_vendors_call_them(form_scene: FormScene, version: str) -> None:
    visit = form_scene.visit()
    row = visit.accepted(visit.launch(lti_version=version))
    assert ["version", True, f"{version}, taken as LTI-1p0", "LTI-1p0", ""] in row.checks["launch"]


@pytest.mark.case("T1-036")
def test_the_address_is_compared_as_the_standard_says(form_scene: FormScene) -> None:
    """RFC 5849 §3.4.1.2: case of the host and the port that goes without saying do not matter."""
    visit, address = form_scene.visit(), urlsplit(form_scene.url)
    for url in (
        f"https://{address.hostname}:443{address.path}",
        f"https://{str(address.hostname).upper()}{address.path}",
        f"HTTPS://{address.hostname}{address.path}",
    ):
        assert visit.accepted(visit.launch(how={"url": url})).outcome == "accepted"


@pytest.mark.case("T1-037")
def test_a_query_that_was_signed(form_scene: FormScene) -> None:
    visit, url = form_scene.visit(), f"{form_scene.url}?lang=nl&x=a%20b"
    assert visit.accepted(visit.post(visit.sign(how={"url": url}), to=url)).outcome == "accepted"


@pytest.mark.case("T1-038")
def test_a_query_that_joined_after_signing(form_scene: FormScene) -> None:
    visit, url, before = form_scene.visit(), f"{form_scene.url}?display=borderless", form_scene.written()
    row = form_scene.refused(visit.post(visit.sign(), to=url), "LTI11_SIGNATURE", "signature", before)
    assert row.checks["launch"][-1][2] == "matches without the query"
    form_scene.set(tolerate_query=True)
    visit.accepted(visit.post(visit.sign(), to=url))
    overruled = f"{form_scene.url}?user_id=somebody-else"
    before = form_scene.written()
    answer = visit.post(visit.sign(), to=overruled)
    form_scene.refused(answer, "LTI11_DUPLICATE_PARAM", "parameters", before)


@pytest.mark.case("T1-039")
def test_any_text_can_be_signed(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    row = visit.accepted(visit.launch(custom_words=WEIRD, resource_link_title=WEIRD, lis_person_name_given="Zoë 😀"))
    assert row.person_name == "Zoë 😀 Lovelace"


@pytest.mark.case("T1-041")
def test_a_custom_parameter_may_come_twice_and_a_user_not(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    twice = [*visit.fields().items(), ("custom_chapter", "3")]
    visit.accepted(visit.post(form_scene.consumer.sign(form_scene.url, twice)))
    before = form_scene.written()
    users = [*visit.fields().items(), ("user_id", "somebody-else")]
    answer = visit.post(form_scene.consumer.sign(form_scene.url, users))
    assert form_scene.refused(answer, "LTI11_DUPLICATE_PARAM", "parameters", before).outcome == "refused"


def role_given(visit: FormVisit, roles: dict[str, str], *left_out: str) -> Role:
    """What the roles made of the person here; the integrations stay closed."""
    visit.accepted(visit.launch(*left_out, **roles))
    assert visit.browser.get("/integrations/launches", status="*").status_int == 403
    return visit.scene.person(visit.sub).role


@pytest.mark.case("T1-042")
@pytest.mark.parametrize(
    "role", ["urn:lti:role:ims/lis/Instructor", "Instructor,Learner", "urn:lti:instrole:ims/lis/Faculty,Instructor"]
)
def test_a_teacher_gets_no_rights_here_and_no_grade(form_scene: FormScene, role: str) -> None:
    visit = form_scene.visit()
    assert role_given(visit, {"roles": role}) is Role.LEARNER
    assert visit.scene.routes(visit.sub) == []


@pytest.mark.case("T1-043")
@pytest.mark.parametrize("changes", [{}, {"roles": ""}, {"roles": "Wizard,urn:lti:role:ims/lis/Wizard"}])
def test_roles_nobody_knows_are_a_learners(form_scene: FormScene, changes: dict[str, str]) -> None:
    visit = form_scene.visit()
    assert role_given(visit, changes, *(() if changes else ("roles",))) is Role.LEARNER
    assert len(visit.scene.routes(visit.sub)) == 1


@pytest.mark.case("T1-043")
def test_an_administrator_of_the_lms_is_none_here(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch(roles="urn:lti:sysrole:ims/lis/Administrator"))
    assert form_scene.person(visit.sub).role is Role.LEARNER


@pytest.mark.case("T1-032")
@pytest.mark.parametrize(
    ("full", "expected"),
    [("Grace Brewster Hopper", ("Grace Brewster", "Hopper")), ("Hopper, Grace", ("Grace", "Hopper"))],
)
def test_a_full_name_is_enough(form_scene: FormScene, full: str, expected: tuple[str, str]) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch("lis_person_name_given", "lis_person_name_family", lis_person_name_full=full))
    person = form_scene.person(visit.sub)
    assert (person.given_name, person.family_name) == expected


@pytest.mark.case("T1-048")
def test_names_follow_on_accounts_an_lms_made(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch())
    visit.accepted(visit.launch(lis_person_name_family="King", lis_person_contact_email_primary="king@new.example"))
    person = form_scene.person(visit.sub)
    assert (person.family_name, person.email) == ("King", "king@new.example")


@pytest.mark.case("T1-048")
def test_names_of_our_own_accounts_stay(form_scene: FormScene) -> None:
    own = form_scene.kit.person()
    visit = form_scene.visit()
    visit.accepted(visit.launch(lis_person_contact_email_primary=str(own.email).upper()))
    visit.accepted(visit.launch(lis_person_name_family="King"))
    person = form_scene.person(visit.sub)
    assert (person.id, person.family_name) == (own.id, own.family_name)


def test_an_alias_of_the_academy_is_as_good(own_form_scene: FormScene) -> None:
    kit, alias = own_form_scene.kit, f"alias-{own_form_scene.kit.academy.slug}.example"
    with kit.runtime.database.shell() as shell:
        shell.add(Domain(tenant_id=kit.academy.id, host=alias))
    kit.runtime.tenants.forget()
    visit = own_form_scene.visit()
    assert (
        visit.accepted(visit.launch(how={"url": f"https://{alias}{urlsplit(own_form_scene.url).path}"})).outcome
        == "accepted"
    )


def test_the_previous_secret_is_good_for_a_week(own_form_scene: FormScene) -> None:
    kit, visit = own_form_scene.kit, own_form_scene.visit()
    with kit.session() as session:
        consumers = Consumers(session, kit.runtime.secrets)
        key = consumers.get(own_form_scene.consumer_id)
        consumers.rotate(key)
        consumers.rotate(key)
        newest = consumers.reveal(key)
    row = visit.accepted(visit.launch())
    assert any("the previous secret, still good" in check[2] for check in row.checks["launch"])
    visit.accepted(visit.launch(how={"secret": newest}))
    with time_machine.travel(clock.now() + timedelta(days=8)):
        visit.refused("LTI11_SIGNATURE", "signature")
        visit.accepted(visit.launch(how={"secret": newest}))


def test_a_key_switched_off_opens_nothing(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch())
    form_scene.set(is_active=False)
    row = visit.refused("LTI11_UNKNOWN_KEY", "key")
    assert row.checks["launch"][-1][2].endswith("switched off here")


def test_used_nonces_are_forgotten_when_they_cannot_come_again(own_form_scene: FormScene) -> None:
    visit = own_form_scene.visit()
    visit.accepted(visit.launch())
    perform(own_form_scene.kit, "lti.purge_launches")
    assert own_form_scene.nonces() == 1
    with time_machine.travel(clock.now() + timedelta(seconds=700)):
        perform(own_form_scene.kit, "lti.purge_launches")
    assert own_form_scene.nonces() == 0


def test_the_key_goes_with_the_activity(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.accepted(visit.launch())
    with form_scene.kit.session() as session:
        session.delete(session.get_one(Activity, form_scene.activity_id))
    before = form_scene.written()
    assert form_scene.refused(visit.launch(), "LTI11_UNKNOWN_KEY", "key", before).outcome == "refused"
