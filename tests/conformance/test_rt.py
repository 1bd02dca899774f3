"""RT: another LMS registers itself by our one-use link, and waits for our admin; the set-up page does it by hand."""

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.lti.tool.models import Platform
from tenants.lti.tool.sharing_models import Invitation
from tenants.lti.wire.dynamic_registration import PLATFORM_CONFIGURATION, TOOL_CONFIGURATION
from tests.conformance.platform import SCOPE, Answer, Heard, PlatformDouble, Site
from tests.conformance.visits import Scene
from tests.features.pages import words
from tests.house import Browser, House, Kit, forms_of

PLATFORMS = "/integrations/lti-1.3"


@dataclass
class Registrar:
    """The other LMS's side of dynamic registration, as Moodle 4.5 does it (mod/lti/openid-registration.php)."""

    kit: Kit
    platform: PlatformDouble
    admin: Browser
    changes: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    status: int = 200

    def __post_init__(self) -> None:
        self.platform.issuer = self.platform.site.url
        self.platform.services |= {"openid": self._configuration, "register": self._register}

    @property
    def base(self) -> str:
        return f"{self.platform.site.url}/{self.platform.name}"

    def _configuration(self, _heard: Heard) -> Answer:
        document = {
            "issuer": self.platform.issuer,
            "authorization_endpoint": f"{self.base}/auth",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/jwks",
            "registration_endpoint": f"{self.base}/register?tenant=5",
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": [SCOPE + "score", SCOPE + "lineitem"],
            PLATFORM_CONFIGURATION: {
                "product_family_code": "moodle",
                "version": "2024100706",
                "messages_supported": [
                    {"type": "LtiResourceLinkRequest"},
                    {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
                ],
            },
            **self.changes,
        }
        return Answer(body=json.dumps({k: v for k, v in document.items() if v is not None}).encode())

    def _register(self, _heard: Heard) -> Answer:
        if self.status != 200:
            return Answer(self.status, b'{"error": "invalid_client_metadata", "error_description": "no more tools"}')
        said = {
            "client_id": self.platform.client_id,
            "scope": f"{SCOPE}score",
            TOOL_CONFIGURATION: {"deployment_id": self.platform.deployment},
            **self.answer,
        }
        return Answer(body=json.dumps(said).encode())

    def invite(self) -> str:
        """The path of a fresh link, as the page shows it to the admin."""
        page = self.admin.post(f"{PLATFORMS}/invitations", status=200)
        found = re.search(r"/lti/register/[\w-]{43}", page.text)
        assert found
        return found[0]

    def open(self, path: str, configuration: str = "", **more: str) -> TestResponse:
        """The other LMS opens the link in a frame of its admin's page."""
        query = {"openid_configuration": configuration or f"{self.base}/openid", "registration_token": "t0k3n", **more}
        browser = self.kit.browser(HTTP_SEC_FETCH_DEST="iframe")
        return browser.app.get(path, {name: value for name, value in query.items() if value}, status="*")

    def platforms(self) -> list[Platform]:
        with self.kit.session() as session:
            found = list(session.scalars(sa.select(Platform)))
            for each in found:
                assert each.deployments is not None
            session.expunge_all()
            return found


@pytest.fixture
def registrar(house: House, site: Site) -> Registrar:
    kit = house.academy()
    return Registrar(kit, site.open(), kit.signed_in(Role.ADMIN))


@pytest.mark.case("RT-001")
def test_one_link_registers_both_sides(registrar: Registrar) -> None:
    kit = registrar.kit
    page = registrar.open(registrar.invite())
    assert page.status_int == 200, page.text
    assert "org.imsglobal.lti.close" in page
    assert page.html.find("button", {"data-close-messages": True})
    (asked,) = (each for each in registrar.platform.heard if "/register" in each.path)
    assert asked.headers["authorization"] == "Bearer t0k3n"
    assert asked.path.endswith("/register?tenant=5")
    said = json.loads(asked.body)
    tool = said[TOOL_CONFIGURATION]
    assert said["initiate_login_uri"] == f"{kit.academy.url}/lti/login"
    assert said["redirect_uris"] == [f"{kit.academy.url}/lti/launch"]
    assert said["jwks_uri"] == f"{kit.academy.url}/lti/jwks"
    assert set(said["scope"].split()) == {SCOPE + "lineitem", SCOPE + "score"}, "what the platform offers of ours"
    assert tool["domain"] == kit.academy.host
    assert tool["messages"][1] == {
        "type": "LtiDeepLinkingRequest",
        "target_link_uri": f"{kit.academy.url}/lti/pick",
        "label": kit.academy.name,
        "placements": ["ContentArea"],
    }
    (made,) = registrar.platforms()
    assert (made.client_id, made.is_active, made.approved_at) == (registrar.platform.client_id, False, None)
    assert [each.deployment_id for each in made.deployments] == ["1"]


@pytest.mark.case("RT-001")
def test_it_opens_nothing_before_our_admin_says_yes(registrar: Registrar) -> None:
    registrar.open(registrar.invite())
    (made,) = registrar.platforms()
    scene = Scene(registrar.kit, registrar.platform, made.id, registrar.kit.activity().id)
    assert "LTI13_INACTIVE" in scene.visit().begin()
    admin = registrar.admin
    activated = admin.post(f"{PLATFORMS}/platforms/{made.id}/switch", {"on": "1"}, status=409)
    assert "LTI13_NOT_APPROVED" in activated
    assert "May " in words(admin.get(PLATFORMS))
    approved = admin.post(f"{PLATFORMS}/platforms/{made.id}/approve", status=303).follow()
    assert "approved and active" in words(approved)
    visit = scene.visit()
    visit.accepted(visit.launch())


@pytest.mark.case("RT-001")
def test_declined_it_is_gone(registrar: Registrar) -> None:
    path = registrar.invite()
    registrar.open(path)
    (made,) = registrar.platforms()
    registrar.admin.post(f"{PLATFORMS}/platforms/{made.id}/decline", status=303)
    assert registrar.platforms() == []
    assert "declined" in words(registrar.kit.browser().get(path, status=200))


@pytest.mark.case("RT-002")
@pytest.mark.parametrize(
    ("changes", "code", "seen"),
    [
        ({"authorization_endpoint": None}, "LTI13_REG_ENDPOINT", "authorization_endpoint"),
        ({"token_endpoint": None}, "LTI13_REG_ENDPOINT", "token_endpoint"),
        ({"jwks_uri": "ftp://x"}, "LTI13_REG_ENDPOINT", "jwks_uri"),
        ({"registration_endpoint": None}, "LTI13_REG_ENDPOINT", "registration_endpoint"),
        ({"id_token_signing_alg_values_supported": ["HS256"]}, "LTI13_REG_ALG", "HS256"),
        ({"issuer": "https://another.example"}, "LTI13_REG_ISSUER", "another.example"),
        ({"issuer": None}, "LTI13_REG_ISSUER", ""),
    ],
)
def test_a_description_that_will_not_do(registrar: Registrar, changes: dict[str, Any], code: str, seen: str) -> None:
    registrar.changes = changes
    path = registrar.invite()
    refused(registrar, registrar.open(path), code, seen)
    registrar.changes = {}
    assert registrar.open(path).status_int == 200, "nothing came of the first try: the link is still good"


@pytest.mark.case("RT-002")
def test_a_description_that_cannot_be_read(registrar: Registrar) -> None:
    path = registrar.invite()
    answers = [Answer(500, b"oops"), Answer(200, b"<html>Sign in</html>", "text/html"), Answer(200, b"[]")]
    registrar.platform.services["openid"] = lambda _heard: answers.pop()
    while answers:
        refused(registrar, registrar.open(path), "LTI13_REG_CONFIGURATION")
    refused(registrar, registrar.open(path, "http://127.0.0.1:1/openid"), "LTI13_REG_CONFIGURATION", "connections")
    refused(registrar, registrar.open(path, "not an address"), "LTI13_REG_PARAM", "openid_configuration")
    browser = registrar.kit.browser()
    missing = browser.app.get(path, {"registration_token": "x"}, status=400)
    assert "LTI13_REG_PARAM" in missing


@pytest.mark.case("RT-002")
def test_the_lms_refuses_us(registrar: Registrar) -> None:
    registrar.status = 400
    refused(registrar, registrar.open(registrar.invite()), "LTI13_REG_REFUSED", "no more tools")
    assert "LTI13_REG_REFUSED" in registrar.admin.get(PLATFORMS), "the admin sees how the last try went"


@pytest.mark.case("RT-004")
@pytest.mark.parametrize(
    "address",
    [
        "https://10.0.0.8/openid", "https://[::1]/openid", "https://169.254.169.254/latest", "https://192.168.1.1/x",
        "http://lms.example/openid",
    ],
)  # fmt: skip
def test_private_addresses_are_never_called(registrar: Registrar, address: str) -> None:
    """Loopback is exempt in this installation, where the platforms of the tests live; tests/unit/test_outbound.py."""
    response = registrar.open(registrar.invite(), address)
    assert response.status_int in (400, 424), response.text
    assert registrar.platforms() == []


@pytest.mark.case("RT-004")
def test_a_description_cannot_send_us_to_private_addresses(registrar: Registrar) -> None:
    registrar.changes = {"registration_endpoint": "https://10.0.0.8/register"}
    assert refused(registrar, registrar.open(registrar.invite()), "LTI13_REG_ENDPOINT", "private")


@pytest.mark.case("RT-005")
def test_the_same_issuer_and_client_again(registrar: Registrar) -> None:
    registrar.open(registrar.invite())
    refused(registrar, registrar.open(registrar.invite()), "LTI13_REG_CONFLICT", made=1)
    registrar.platform.client_id = "another-client"
    assert registrar.open(registrar.invite()).status_int == 200, "another client of the same issuer is another tool"
    assert len(registrar.platforms()) == 2


@pytest.mark.case("RT-006")
def test_an_answer_without_deployment(registrar: Registrar) -> None:
    registrar.answer = {TOOL_CONFIGURATION: {}}
    page = registrar.open(registrar.invite())
    assert "Waiting for deployment id" in words(page)
    (made,) = registrar.platforms()
    registrar.admin.post(f"{PLATFORMS}/platforms/{made.id}/approve", status=303)
    assert "Waiting for deployment id" in words(registrar.admin.get(PLATFORMS))
    scene = Scene(registrar.kit, registrar.platform, made.id, registrar.kit.activity().id)
    visit = scene.visit()
    assert visit.begin("lti_deployment_id").status_int == 302
    before = scene.written()
    scene.refused(visit.answer(visit.platform.sign(visit.claims())), "LTI13_DEPLOYMENT", "deployment", before)
    question = next(form for form in forms_of(registrar.admin.get(PLATFORMS)) if "/accept" in form.action)
    question.submit(status=303)
    again = scene.visit()
    again.accepted(again.launch())
    assert "Waiting for deployment id" not in words(registrar.admin.get(PLATFORMS))


@pytest.mark.case("RT-007")
def test_the_link_works_once(registrar: Registrar) -> None:
    path = registrar.invite()
    assert registrar.open(path).status_int == 200
    registrar.platform.client_id = "another"
    refused(registrar, registrar.open(path), "LTI13_REG_LINK", made=1)


@pytest.mark.case("RT-007")
def test_the_link_works_for_a_day_and_for_one_academy(registrar: Registrar, house: House) -> None:
    path = registrar.invite()
    other = Registrar(house.academy(), registrar.platform, registrar.admin)
    refused(other, other.open(path), "LTI13_REG_LINK")
    with time_machine.travel(time.time() + 24 * 3600 + 1, tick=True):
        refused(registrar, registrar.open(path), "LTI13_REG_LINK")
        assert "LTI13_REG_LINK" in registrar.kit.browser().get(path, status=403)
    assert registrar.platforms() == []


def test_a_link_can_be_withdrawn_and_is_kept_as_a_hash_only(registrar: Registrar) -> None:
    path = registrar.invite()
    token = path.rpartition("/")[2]
    with registrar.kit.session() as session:
        row = session.scalars(sa.select(Invitation)).one()
        assert token not in str(vars(row))
        assert row.expires_at > clock.now()
    withdraw = next(form for form in forms_of(registrar.admin.get(PLATFORMS)) if "/withdraw" in form.action)
    withdraw.submit(status=303)
    refused(registrar, registrar.open(path), "LTI13_REG_LINK")


def refused(registrar: Registrar, response: TestResponse, code: str, seen: str = "", *, made: int = 0) -> bool:
    """The page says which code; nothing is registered."""
    assert response.status_int == registrar.kit.runtime.problems[code].status, response.text
    assert len(registrar.platforms()) == made
    if seen:
        with registrar.kit.session() as session:
            tried = session.scalars(sa.select(Invitation).order_by(Invitation.created_at.desc())).first()
            assert tried is not None
            assert tried.code == code
            assert seen in json.dumps(tried.checks), tried.checks
    return code in response
