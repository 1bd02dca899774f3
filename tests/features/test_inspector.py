"""The launch log searched, shared without a person in it, judged again, told to the other admin, and forgotten."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from saas.sessions import hash_token
from tenants.access import Role
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity
from tenants.lti.entered import new_version
from tenants.lti.launches.models import Launch, LaunchShare, Outcome, Protocol
from tenants.lti.launches.services import PAGE
from tenants.lti.selftest.again import Again, judge_again
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.platforms import accept_deployment
from tests.conformance.platform import CLAIM, Key, rsa
from tests.conformance.visits import Scene, perform
from tests.conformance.visits11 import FormScene
from tests.features.pages import words
from tests.features.test_selftest import counts
from tests.house import House, Kit

LOG = "/integrations/launches"
#: What no stranger may read on a shared page, in any spelling the launch had.
PERSONAL = {
    "given_name": "Quirinella",
    "family_name": "Zyx-Pfeil",
    "email": "q.zyx@people.example",
    "name": "Quirinella Zyx-Pfeil",
}


def logged(kit: Kit, **values: Any) -> str:
    with kit.session() as session:
        launch = Launch(checks={}, **values)
        session.add(launch)
        session.flush()
        return str(launch.id)


def listed(page: Any) -> list[str]:
    return re.findall(rf"{LOG}/([0-9a-f-]{{36}})\"", page.text)


def test_the_log_is_narrowed_by_everything_it_shows(scene: Scene) -> None:
    kit = scene.kit
    with kit.session() as session:
        key = ConsumerKey(activity_id=scene.activity_id, key="k", sealed_secret="s")
        session.add(key)
        session.flush()
        key_id = key.id
    now = clock.now()
    old = {"outcome": Outcome.ACCEPTED, "started_at": now - timedelta(days=10), "platform_name": "Old"}
    rows = {
        "old": logged(kit, **old),
        "ada": logged(kit, outcome=Outcome.ACCEPTED, person_name="Ada 100% King", platform_id=scene.platform_id),
        "nonce": logged(kit, outcome=Outcome.REFUSED, code="LTI13_NONCE", platform_id=scene.platform_id),
        "form": logged(kit, outcome=Outcome.REFUSED, code="LTI11_EMAIL", protocol="1.2", consumer_key_id=key_id),
    }
    admin = kit.signed_in(Role.ADMIN)
    today = f"{now:%Y-%m-%d}"
    for query, wanted in (
        ("person=ada+100%25", ["ada"]),
        ("person=%25", ["ada"]),
        (f"connection=platform:{scene.platform_id}", ["nonce", "ada"]),
        (f"connection=key:{key_id}", ["form"]),
        ("protocol=1.2", ["form"]),
        ("outcome=refused", ["form", "nonce"]),
        ("code=lti13_nonce", ["nonce"]),
        (f"since={now - timedelta(days=1):%Y-%m-%d}", ["form", "nonce", "ada"]),
        (f"until={now - timedelta(days=5):%Y-%m-%d}", ["old"]),
        (f"since=9999-12-31&until={today}x&protocol=2&connection=platform:x&before=x_y", []),
        ("outcome=refused&protocol=1.3&person=", ["nonce"]),
    ):
        page = admin.get(f"{LOG}?{query}", headers={"HX-Request": "true"})
        assert listed(page) == [rows[name] for name in wanted], query
    assert listed(admin.get(f"{LOG}?since=0001-01-01&until=9999-12-31")) == [
        rows[n] for n in ("form", "nonce", "ada", "old")
    ]


def test_pages_lose_nothing_of_launches_of_one_moment(house: House) -> None:
    kit, at = house.academy(), clock.now()
    made = {logged(kit, outcome=Outcome.REFUSED, code="LTI13_NONCE", started_at=at) for _ in range(PAGE + 5)}
    logged(kit, outcome=Outcome.ACCEPTED, started_at=at)
    admin = kit.signed_in(Role.ADMIN)
    first = admin.get(f"{LOG}?outcome=refused")
    older = first.html.find("a", string=re.compile("Older"))["href"]
    assert "outcome=refused" in older
    second = admin.get(older)
    assert (len(listed(first)), len(listed(second))) == (PAGE, 5)
    assert {*listed(first), *listed(second)} == made
    assert "Older" not in second


def refused(scene: Scene, *left_out: str, **changes: Any) -> Launch:
    scene.visit().launch(*left_out, **changes)
    return scene.rows(1)[0]


def shared(kit: Kit, launch: Launch) -> tuple[Any, str]:
    """The admin makes a link; a stranger opens it. The page and its path."""
    made = kit.signed_in(Role.ADMIN).post(f"{LOG}/{launch.id}/links", status=200)
    path = re.search(r"/lti/shared-launches/[\w-]{43}", made.text)
    assert path
    return kit.browser().get(path[0]), path[0]


def test_a_shared_launch_speaks_of_no_person(scene: Scene) -> None:
    ids = {"login_hint": "quirinella-hint"}
    visit = scene.visit(sub="sub-of-quirinella")
    visit.begin(**ids)
    claims = visit.claims(**PERSONAL, custom={"student": "Quirinella"}, lis={"person_sourcedid": "sis-4711"})
    visit.accepted(visit.answer(visit.platform.sign(claims)))
    page, _path = shared(scene.kit, scene.rows(1)[0])
    for text in (
        *PERSONAL.values(),
        "sub-of-quirinella",
        "quirinella-hint",
        "sis-4711",
        "Course one",
        "Quirinella",
        "q.zyx",
    ):
        assert text.lower() not in page.text.lower(), text
    said = words(page)
    for text in ("The signature is genuine", "given_name", scene.platform.client_id, scene.platform.issuer, "1.3.0"):
        assert text in said
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_a_shared_refusal_shows_what_is_missing_and_no_more(form_scene: FormScene) -> None:
    visit = form_scene.visit(sub="sub-of-quirinella")
    gone = "lis_person_contact_email_primary"
    visit.post(visit.sign(gone, lis_person_name_given="Quirinella", lis_person_name_family="Zyx", roles="Learner"))
    launch = form_scene.rows(1)[0]
    assert launch.code == "LTI11_EMAIL"
    page, _path = shared(form_scene.kit, launch)
    said = words(page)
    assert f"{gone}: missing" in said
    assert form_scene.consumer.key in said
    assert "quirinella" not in said.lower()


def test_a_person_quoted_by_a_step_is_taken_out(scene: Scene) -> None:
    """Whatever a platform puts where no person belongs."""
    launch = refused(scene, **PERSONAL, version="for Quirinella Zyx-Pfeil, Q.ZYX@people.example")
    assert launch.code == "LTI13_VERSION"
    page, _path = shared(scene.kit, launch)
    assert not re.search("quirinella|zyx", page.text, re.IGNORECASE)


def test_a_shared_link_ends(scene: Scene, house: House) -> None:
    launch = refused(scene, version="1.1")
    _page, path = shared(scene.kit, launch)
    assert path.rpartition("/")[2] not in str(_everything(scene.kit, LaunchShare))
    assert "LTI_SHARE_OVER" in house.academy().browser().get(path, status=410)
    with time_machine.travel(clock.now() + timedelta(days=6, hours=23)):
        assert scene.kit.browser().get(path).status_int == 200
    with time_machine.travel(clock.now() + timedelta(days=7, minutes=1)):
        assert "LTI_SHARE_OVER" in scene.kit.browser().get(path, status=410)
        perform(scene.kit, "lti.forget_inspection")
        assert _everything(scene.kit, LaunchShare) == []


def _everything(kit: Kit, model: Any) -> list[dict[str, Any]]:
    with kit.session() as session:
        return [
            {column.key: getattr(row, column.key) for column in sa.inspect(model).columns}
            for row in session.scalars(sa.select(model))
        ]


def test_a_shared_link_is_revoked(scene: Scene) -> None:
    launch = refused(scene, version="1.1")
    _page, path = shared(scene.kit, launch)
    (share,) = _everything(scene.kit, LaunchShare)
    assert share["token_hash"] == hash_token(path.rpartition("/")[2])
    admin = scene.kit.signed_in(Role.ADMIN)
    assert "Revoke link" in admin.get(f"{LOG}/{launch.id}")
    admin.post(f"{LOG}/links/{share['id']}/revoke", status=303)
    assert "LTI_SHARE_OVER" in scene.kit.browser().get(path, status=410)
    actions = [row["action"] for row in _everything(scene.kit, AuditEntry)]
    assert {"lti.launch.shared", "lti.launch.unshared"} <= set(actions)
    assert "WEB_FORBIDDEN" in scene.kit.signed_in(Role.AUTHOR).post(f"{LOG}/{launch.id}/links", status=403)


def again(kit: Kit, launch: Launch) -> Again:
    before = counts(kit)
    found = judge_again(kit.runtime, kit.academy, launch)
    assert counts(kit) == before, "nothing is written"
    return found


def test_it_passes_once_the_settings_are_mended(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin("lti_deployment_id")
    visit.answer(visit.platform.sign(visit.claims(deployment_id="2")))
    launch = scene.rows(1)[0]
    assert (again(scene.kit, launch).verdict, again(scene.kit, launch).code) == ("refused", "LTI13_DEPLOYMENT")
    with scene.kit.session() as session:
        accept_deployment(session, session.get_one(Platform, scene.platform_id), "2")
    found = again(scene.kit, launch)
    assert found.verdict == "passes"
    by_name = {step.check.name: step for step in found.steps if step.part == "launch"}
    assert (by_name["deployment"].judged, by_name["deployment"].check.passed) == (True, True)
    assert (by_name["signature"].judged, by_name["signature"].check.passed) == (False, True)
    assert by_name["person"].judged


def test_an_activity_shared_meanwhile_lets_it_pass(scene: Scene) -> None:
    with scene.kit.session() as session:
        session.get_one(Activity, scene.activity_id).lti_available = False
    launch = refused(scene)
    assert again(scene.kit, launch).code == "LTI_NOT_AVAILABLE"
    with scene.kit.session() as session:
        session.get_one(Activity, scene.activity_id).lti_available = True
    assert again(scene.kit, launch).verdict == "passes"


def test_a_login_that_was_refused_is_judged_as_far_as_it_came(scene: Scene) -> None:
    assert "LTI13_NO_REGISTRATION" in scene.visit().begin(iss=f"{scene.platform.issuer}/")
    launch = scene.rows(1)[0]
    assert again(scene.kit, launch).code == "LTI13_NO_REGISTRATION"
    with scene.kit.session() as session:
        platform = session.get_one(Platform, scene.platform_id)
        platform.issuer = f"{platform.issuer}/"
        new_version(platform)
    assert again(scene.kit, launch).verdict == "open"


@pytest.mark.parametrize(
    ("changes", "code"), [({"iat": 1, "exp": 2}, "LTI13_EXPIRED"), ({"nonce": "x"}, "LTI13_NONCE")]
)
def test_what_only_a_new_launch_can_tell_is_said_so(scene: Scene, changes: dict[str, Any], code: str) -> None:
    launch = refused(scene, **changes)
    assert launch.code == code
    assert again(scene.kit, launch).verdict == "open"
    page = scene.kit.signed_in(Role.ADMIN).get(f"{LOG}/{launch.id}/again")
    assert "only a new launch can tell" in words(page)


def test_a_signature_is_not_judged_again(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    visit.answer(visit.platform.sign(visit.claims(), key=rsa(5)))
    launch = scene.rows(1)[0]
    assert launch.code == "LTI13_SIGNATURE"
    found = again(scene.kit, launch)
    assert found.verdict == "open"
    signature = next(step for step in found.steps if step.check.name == "signature")
    assert (signature.judged, signature.check.passed) == (False, False)


def test_a_key_published_meanwhile_lets_it_pass(scene: Scene) -> None:
    visit = scene.visit()
    visit.accepted(visit.launch())
    scene.platform.signer = Key("key-9", rsa(3))
    launch = refused(scene)
    assert launch.code == "LTI13_KEY_NOT_FOUND"
    assert again(scene.kit, launch).code == "LTI13_KEY_NOT_FOUND"
    scene.platform.published.append(scene.platform.signer.jwk())
    with time_machine.travel(clock.now() + timedelta(minutes=6)):
        visit.accepted(visit.launch())
        assert again(scene.kit, launch).verdict == "passes"


def test_a_stranger_s_launch_cannot_be_judged(scene: Scene) -> None:
    scene.kit.browser().app.post("/lti/launch", {"state": "nobody's", "id_token": "x.y.z"}, status="*")
    launch = scene.rows(1)[0]
    assert launch.code == "LTI13_STATE"
    assert again(scene.kit, launch).verdict == "unknown"


def test_a_launch_of_1_2_is_judged_again(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    form_scene.set(is_active=False)
    visit.post(visit.sign())
    launch = form_scene.rows(1)[0]
    assert (launch.code, launch.protocol) == ("LTI11_UNKNOWN_KEY", Protocol.LTI_12)
    assert again(form_scene.kit, launch).code == "LTI11_UNKNOWN_KEY"
    form_scene.set(is_active=True)
    assert again(form_scene.kit, launch).verdict == "passes"
    with form_scene.kit.session() as session:
        session.delete(session.get_one(ConsumerKey, form_scene.consumer_id))
    assert again(form_scene.kit, launch).code == "LTI11_UNKNOWN_KEY"


def test_a_signature_of_1_2_is_not_judged_again(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.post(visit.sign(how={"url": form_scene.url + "/"}))
    launch = form_scene.rows(1)[0]
    assert launch.code == "LTI11_SIGNATURE"
    assert again(form_scene.kit, launch).verdict == "open"
    visit.post(visit.sign("user_id"))
    launch = form_scene.rows(1)[0]
    assert again(form_scene.kit, launch).code == "LTI11_USER_ID"


def letter(kit: Kit, launch_id: UUID) -> str:
    page = kit.signed_in(Role.ADMIN).get(f"{LOG}/{launch_id}")
    return str(page.html.find(id="message").get_text())


def test_the_letter_names_their_field(scene: Scene) -> None:
    moodle = {"tool_platform": {"product_family_code": "moodle", "guid": "g"}}
    text = letter(scene.kit, refused(scene, aud="client-typo", **moodle).id)
    problem = scene.kit.runtime.problems["LTI13_AUD"]
    for part in (problem.cause, problem.remedy, "Manage tools", "Field: “Client ID”", scene.platform.client_id):
        assert part in text
    assert "Received: client-typo" in text
    assert f"Expected: {scene.platform.client_id}" in text
    canvas = {"tool_platform": {"product_family_code": "canvas", "guid": "g"}}
    text = letter(scene.kit, refused(scene, target_link_uri="https://x.example/", **canvas).id)
    assert "Field: “Target Link URI” – must be there: " in text
    text = letter(scene.kit, refused(scene, "email", sub="m", **moodle).id)
    assert "Share launcher's email with tool" in text


def test_the_letter_of_1_2_names_their_field(form_scene: FormScene) -> None:
    visit = form_scene.visit()
    visit.post(visit.sign(how={"url": form_scene.url + "/"}, tool_consumer_info_product_family_code="sakai"))
    text = letter(form_scene.kit, form_scene.rows(1)[0].id)
    assert "Field: “Launch Secret”" in text
    assert f"Field: “Launch URL” – must be there: {form_scene.url}" in text
    assert form_scene.consumer.secret not in text


def test_the_log_is_kept_sixty_days(scene: Scene) -> None:
    launch = refused(scene, version="1.1")
    shared(scene.kit, launch)
    with time_machine.travel(clock.now() + timedelta(days=59, hours=23)):
        perform(scene.kit, "lti.purge_launches")
        assert [row.id for row in scene.rows()] == [launch.id]
    with time_machine.travel(clock.now() + timedelta(days=60, minutes=1)):
        perform(scene.kit, "lti.purge_launches")
        assert scene.rows() == []
    assert _everything(scene.kit, LaunchShare) == [], "a link goes with its launch"


def test_claims_of_lti_are_listed_by_their_full_names(scene: Scene) -> None:
    page, _path = shared(scene.kit, refused(scene, version="1.1"))
    assert f"{CLAIM}deployment_id" in words(page)
