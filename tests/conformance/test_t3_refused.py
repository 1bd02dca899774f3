"""T3-020 to T3-060: launches that must not be believed, through the whole application.

What a token says wrongly is a table; what needs two visits, two platforms or another clock is a test below it.
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from saas import clock
from tenants.access import Role
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.lti.launches.models import Launch
from tenants.lti.tool.keysets import KeySets
from tests.conformance.platform import CLAIM, Answer, Key, Site, elliptic, rsa
from tests.conformance.visits import Scene, Visit, register

Sign = Callable[[Visit, dict[str, Any]], str]


def segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(alg: str, signature: str) -> Sign:
    """A token made by hand, as an attacker makes it."""

    def sign(visit: Visit, claims: dict[str, Any]) -> str:
        header = {"alg": alg, "typ": "JWT", "kid": visit.platform.signer.kid}
        return f"{segment(json.dumps(header).encode())}.{segment(json.dumps(claims).encode())}.{signature}"

    return sign


def with_public_key(visit: Visit, claims: dict[str, Any]) -> str:
    """RS256 turned into HS256: our verifier must not take a public key for a shared secret."""
    pem = visit.platform.signer.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    start = unsigned("HS256", "")(visit, claims).rstrip(".")
    return f"{start}.{segment(hmac.new(pem, start.encode(), hashlib.sha256).digest())}"


def forged(**header: Any) -> Sign:
    """Signed by an attacker's key under the platform's kid."""
    return lambda visit, claims: visit.platform.sign(claims, key=rsa(99), **header)


def honest(**header: Any) -> Sign:
    return lambda visit, claims: visit.platform.sign(claims, **header)


@dataclass(frozen=True)
class Wrong:
    """A launch with one thing wrong. Dates are seconds from now; ``seen`` must stand in the failed check."""

    code: str
    step: str
    left_out: tuple[str, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    dates: dict[str, Any] = field(default_factory=dict)
    sign: Sign = field(default=honest())
    seen: str = ""

    def token(self, visit: Visit) -> str:
        now = time.time()
        dates = {name: now + value if isinstance(value, int | float) else value for name, value in self.dates.items()}
        changes = {name: value(visit) if callable(value) else value for name, value in self.changes.items()}
        return self.sign(visit, visit.claims(*self.left_out, **changes, **dates))


def ours(visit: Visit) -> str:
    return visit.platform.client_id


def ours_and_another(visit: Visit) -> list[str]:
    return [visit.platform.client_id, "somebody-else"]


EVERYTHING = ("iss", "aud", "sub", "deployment_id", "roles")
ATTACKER = Key("key-0", rsa(99))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(Wrong("LTI13_KID", "kid", sign=honest(kid=None)), marks=pytest.mark.case("T3-020"), id="no kid"),
        pytest.param(Wrong("LTI13_KID", "kid", sign=honest(kid="")), marks=pytest.mark.case("T3-020"), id="empty kid"),
        pytest.param(
            Wrong("LTI13_VERSION", "version", changes={"version": "11.3"}, seen="11.3"),
            marks=pytest.mark.case("T3-022"),
            id="version 11.3",
        ),
        pytest.param(
            Wrong("LTI13_VERSION", "version", changes={"version": "1.2.0"}),
            marks=pytest.mark.case("T3-022"),
            id="version 1.2.0",
        ),
        pytest.param(
            Wrong("LTI13_VERSION", "version", ("version",), seen="nothing"),
            marks=pytest.mark.case("T3-022"),
            id="no version",
        ),
        pytest.param(
            Wrong("LTI13_REGISTRATION_MISMATCH", "registration", EVERYTHING),
            marks=pytest.mark.case("T3-024"),
            id="everything missing",
        ),
        pytest.param(
            Wrong("LTI13_EXPIRED", "expiry", changes={"iat": 11111, "exp": 22222}, seen="1970-01-01"),
            marks=pytest.mark.case("T3-025"),
            id="dates of 1970",
        ),
        pytest.param(
            Wrong("LTI13_EXPIRED", "expiry", dates={"iat": -130, "exp": -70}),
            marks=pytest.mark.case("T3-025"),
            id="expired beyond the leeway",
        ),
        pytest.param(
            Wrong("LTI13_MESSAGE_TYPE", "message_type", ("message_type",)),
            marks=pytest.mark.case("T3-026"),
            id="no message type",
        ),
        pytest.param(
            Wrong("LTI13_MESSAGE_TYPE", "message_type", changes={"message_type": "LtiPartyInvitation"}),
            marks=pytest.mark.case("T3-026"),
            id="unknown message type",
        ),
        pytest.param(Wrong("LTI13_ROLES", "roles", ("roles",)), marks=pytest.mark.case("T3-027"), id="no roles"),
        pytest.param(
            Wrong("LTI13_ROLES", "roles", changes={"roles": "Learner"}),
            marks=pytest.mark.case("T3-027"),
            id="roles as text",
        ),
        pytest.param(
            Wrong("LTI13_DEPLOYMENT", "deployment", ("deployment_id",), seen="missing"),
            marks=pytest.mark.case("T3-028"),
            id="no deployment",
        ),
        pytest.param(Wrong("LTI13_ANONYMOUS", "subject", ("sub",)), marks=pytest.mark.case("T3-030"), id="nobody"),
        pytest.param(
            Wrong("LTI13_ANONYMOUS", "subject", changes={"sub": ""}), marks=pytest.mark.case("T3-030"), id="empty sub"
        ),
        pytest.param(
            Wrong("LTI13_AUD", "audience", changes={"aud": "another-tool"}, seen="another-tool"),
            marks=pytest.mark.case("T3-031"),
            id="another audience",
        ),
        pytest.param(
            Wrong("LTI13_AUD", "audience", changes={"aud": ["another-tool", "and-another"]}),
            marks=pytest.mark.case("T3-031"),
            id="a list without us",
        ),
        pytest.param(Wrong("LTI13_AUD", "audience", ("aud",)), marks=pytest.mark.case("T3-031"), id="no audience"),
        pytest.param(
            Wrong("LTI13_AZP", "authorized_party", changes={"aud": ours_and_another, "azp": "somebody-else"}),
            marks=pytest.mark.case("T3-032"),
            id="several, wrong azp",
        ),
        pytest.param(
            Wrong("LTI13_AZP", "authorized_party", changes={"aud": ours_and_another}),
            marks=pytest.mark.case("T3-033"),
            id="several, no azp",
        ),
        pytest.param(
            Wrong("LTI13_AZP", "authorized_party", changes={"aud": ours, "azp": "somebody-else"}),
            marks=pytest.mark.case("T3-034"),
            id="one, wrong azp",
        ),
        pytest.param(
            Wrong("LTI13_ALG", "algorithm", sign=unsigned("none", "")), marks=pytest.mark.case("T3-036"), id="alg none"
        ),
        pytest.param(
            Wrong("LTI13_ALG", "algorithm", sign=unsigned("None", "AAAA")),
            marks=pytest.mark.case("T3-036"),
            id="alg None with something",
        ),
        pytest.param(
            Wrong("LTI13_ALG", "algorithm", sign=with_public_key), marks=pytest.mark.case("T3-037"), id="HS256"
        ),
        pytest.param(
            Wrong("LTI13_SIGNATURE", "signature", sign=forged()), marks=pytest.mark.case("T3-038"), id="another key"
        ),
        pytest.param(
            Wrong("LTI13_SIGNATURE", "signature", sign=unsigned("RS256", segment(b"\x07" * 256))),
            marks=pytest.mark.case("T3-038"),
            id="random signature",
        ),
        pytest.param(
            Wrong("LTI13_SIGNATURE", "signature", sign=forged(jwk=ATTACKER.jwk())),
            marks=pytest.mark.case("T3-039"),
            id="a key in the header",
        ),
        pytest.param(
            Wrong(
                "LTI13_SIGNATURE", "signature", sign=forged(jku="http://127.0.0.1:9/jwks", x5u="http://127.0.0.1:9/c")
            ),
            marks=pytest.mark.case("T3-039"),
            id="a key's address in the header",
        ),
        pytest.param(
            Wrong("LTI13_NOT_YET_VALID", "start", dates={"iat": 120, "exp": 180}, seen="s ahead"),
            marks=pytest.mark.case("T3-042"),
            id="issued in two minutes",
        ),
        pytest.param(
            Wrong("LTI13_NOT_YET_VALID", "start", dates={"nbf": 120}),
            marks=pytest.mark.case("T3-042"),
            id="valid in two minutes",
        ),
        pytest.param(
            Wrong("LTI13_TOO_OLD", "age", dates={"iat": -660, "exp": 3000}, seen="660 s ago"),
            marks=pytest.mark.case("T3-043"),
            id="eleven minutes old",
        ),
        pytest.param(
            Wrong("LTI13_CLAIM", "dates", dates={"iat": 0, "exp": -5}, seen="exp: before iat"),
            marks=pytest.mark.case("T3-044"),
            id="exp before iat",
        ),
        pytest.param(
            Wrong("LTI13_CLAIM", "dates", ("exp",), seen="exp: missing"), marks=pytest.mark.case("T3-044"), id="no exp"
        ),
        pytest.param(
            Wrong("LTI13_CLAIM", "dates", ("iat",), seen="iat: missing"), marks=pytest.mark.case("T3-044"), id="no iat"
        ),
        pytest.param(
            Wrong("LTI13_CLAIM", "dates", changes={"exp": "tomorrow"}, seen="exp: tomorrow"),
            marks=pytest.mark.case("T3-044"),
            id="exp in words",
        ),
        pytest.param(
            Wrong("LTI13_CLAIM", "dates", dates={"iat": 0, "exp": 365 * 86400}),
            marks=pytest.mark.case("T3-044"),
            id="valid for a year",
        ),
        pytest.param(
            Wrong("LTI13_DEPLOYMENT", "deployment", changes={"deployment_id": 1}, seen="the number 1"),
            marks=pytest.mark.case("T3-052"),
            id="deployment as a number",
        ),
        pytest.param(
            Wrong("LTI13_DEPLOYMENT", "deployment", changes={"deployment_id": "d" * 300}, seen="300 characters"),
            marks=pytest.mark.case("T3-052"),
            id="deployment of 300 characters",
        ),
        pytest.param(
            Wrong("LTI13_CLAIM", "claims", ("target_link_uri",), seen="target_link_uri: missing"),
            marks=pytest.mark.case("T3-054"),
            id="no target",
        ),
        pytest.param(
            Wrong("LTI13_NONCE", "nonce", changes={"nonce": "another"}, seen="another one"), id="another nonce"
        ),
        pytest.param(Wrong("LTI13_NONCE", "nonce", ("nonce",), seen="none"), id="no nonce"),
        pytest.param(Wrong("LTI13_CLAIM", "claims", ("resource_link",)), id="no resource link"),
        pytest.param(Wrong("LTI13_JWT_FORMAT", "format", sign=lambda *_: "not.a.token"), id="no token at all"),
        pytest.param(Wrong("LTI13_JWT_FORMAT", "format", sign=honest(crit=["exp"])), id="critical extension"),
    ],
)
def test_a_wrong_token_is_refused(scene: Scene, wrong: Wrong) -> None:
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    row = scene.refused(visit.answer(wrong.token(visit)), wrong.code, wrong.step, before)
    assert wrong.seen in row.checks["launch"][-1][2]
    assert row.platform_id == scene.platform_id
    _shows_no_secret(row, visit)


def _shows_no_secret(row: Launch, visit: Visit) -> None:
    kept = json.dumps([row.checks, row.claims, row.login_shown], ensure_ascii=False)
    assert visit.asked["nonce"] not in kept
    assert visit.asked["state"] not in kept


@pytest.mark.case("T3-025", "T3-042")
def test_a_refusal_for_its_dates_shows_both_clocks(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    response = visit.answer(visit.platform.sign(visit.claims(iat=time.time() + 120, exp=time.time() + 180)))
    row = scene.refused(response, "LTI13_NOT_YET_VALID", "start", before)
    _, _, seen, wanted, _ = row.checks["launch"][-1]
    assert seen.startswith("from 20")
    assert wanted.startswith("our clock says 20")


@pytest.mark.case("T3-021")
def test_an_unknown_kid_makes_us_look_once_more(own_scene: Scene) -> None:
    first = own_scene.visit()
    first.accepted(first.launch())
    assert own_scene.platform.looks == 1
    before, visit = own_scene.written(), own_scene.visit()
    visit.begin()
    response = visit.answer(visit.platform.sign(visit.claims(), kid="never-seen"))
    row = own_scene.refused(response, "LTI13_KEY_NOT_FOUND", "key", before)
    assert row.checks["launch"][-1][2] == "never-seen, the platform publishes: key-0"
    assert own_scene.platform.looks == 2


@pytest.mark.case("T3-040")
def test_a_key_too_short_is_not_used(own_scene: Scene) -> None:
    short = Key("short", rsa(1, 1024))
    own_scene.platform.published = [short.jwk(alg=None)]
    visit = own_scene.visit()
    visit.begin()
    before = own_scene.written()
    claims = json.dumps(visit.claims()).encode()
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        token = jwt.PyJWS().encode(claims, short.private, "RS256", headers={"kid": "short"})
    row = own_scene.refused(visit.answer(token), "LTI13_KEY_NOT_FOUND", "key", before)
    assert "an RSA key of 1024 bits" in row.checks["launch"][-1][2]


@pytest.mark.case("T3-057")
def test_an_empty_key_set(own_scene: Scene) -> None:
    own_scene.platform.published = []
    before, visit = own_scene.written(), own_scene.visit()
    row = own_scene.refused(visit.launch(), "LTI13_KEY_NOT_FOUND", "key", before)
    assert "the platform publishes: none" in row.checks["launch"][-1][2]


@pytest.mark.case("T3-058")
def test_an_elliptic_key_does_not_serve_rs256(own_scene: Scene) -> None:
    curved = Key("key-0", elliptic())
    own_scene.platform.published = [curved.jwk()]
    before, visit = own_scene.written(), own_scene.visit()
    row = own_scene.refused(visit.launch(), "LTI13_KEY_NOT_FOUND", "key", before)
    assert row.checks["launch"][-1][2].endswith("it does not fit RS256")


@pytest.mark.case("T3-049")
def test_a_token_for_another_registration_of_the_same_issuer(own_scene: Scene) -> None:
    twin = own_scene.platform.sibling()
    register(own_scene.kit, twin)
    visit = own_scene.visit()
    visit.begin()
    before = own_scene.written()
    response = visit.answer(twin.sign(visit.claims(aud=twin.client_id)))
    row = own_scene.refused(response, "LTI13_REGISTRATION_MISMATCH", "registration", before)
    assert (own_scene.platform.looks, twin.looks) == (0, 0)
    assert twin.client_id in row.checks["launch"][-1][2]


@pytest.mark.case("T3-049")
def test_a_token_of_another_platform_of_the_academy(own_scene: Scene, site: Site) -> None:
    other = site.open()
    register(own_scene.kit, other)
    visit = own_scene.visit()
    visit.begin()
    before = own_scene.written()
    response = visit.answer(other.sign(visit.claims(iss=other.issuer, aud=other.client_id)))
    assert own_scene.refused(response, "LTI13_REGISTRATION_MISMATCH", "registration", before).outcome == "refused"


@pytest.mark.case("T3-050")
def test_a_token_of_another_academys_platform(scene: Scene, site: Site) -> None:
    elsewhere = Scene.set(scene.kit.house.academy(), site.open())
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    claims = visit.claims(iss=elsewhere.platform.issuer, aud=elsewhere.platform.client_id)
    response = visit.answer(elsewhere.platform.sign(claims))
    assert scene.refused(response, "LTI13_REGISTRATION_MISMATCH", "registration", before).outcome == "refused"


@pytest.mark.case("T3-050")
def test_a_launch_posted_to_another_academy(scene: Scene, site: Site) -> None:
    """The same LMS, registered there under the same names, does not help either."""
    elsewhere = Scene.set(scene.kit.house.academy(), scene.platform)
    visit = scene.visit()
    visit.begin()
    before = elsewhere.written()
    stray = elsewhere.visit(asked=visit.asked)
    stray.browser.app.set_cookie("lti-stray", visit.asked["state"])
    response = stray.answer(visit.platform.sign(visit.claims(target=elsewhere.target)))
    elsewhere.refused(response, "LTI13_STATE", "state", before)
    assert visit.accepted(visit.answer(visit.platform.sign(visit.claims()))).outcome == "accepted"


@pytest.mark.case("T3-051")
def test_a_deployment_nobody_listed(scene: Scene) -> None:
    before, visit = scene.written(), scene.visit()
    visit.begin("lti_deployment_id")
    response = visit.answer(visit.platform.sign(visit.claims(deployment_id="77")))
    row = scene.refused(response, "LTI13_DEPLOYMENT", "deployment", before)
    assert row.checks["launch"][-1][2:4] == ["77", "1"]


@pytest.mark.case("T3-051")
def test_a_deployment_that_is_not_the_one_of_the_login(house: Any, site: Site) -> None:
    scene = Scene.set(house.academy(), site.open(), deployment_ids=("1", "2"))
    before, visit = scene.written(), scene.visit()
    visit.begin(lti_deployment_id="1")
    response = visit.answer(visit.platform.sign(visit.claims(deployment_id="2")))
    row = scene.refused(response, "LTI13_DEPLOYMENT", "deployment", before)
    assert "which the platform named at login" in row.checks["launch"][-1][3]


@pytest.mark.case("T3-051")
def test_a_new_deployment_where_new_ones_are_welcome(house: Any, site: Site) -> None:
    scene = Scene.set(house.academy(), site.open(), accept_new_deployments=True)
    visit = scene.visit()
    visit.begin(lti_deployment_id="77")
    refused = visit.answer(visit.platform.sign(visit.claims("email", deployment_id="77")))
    scene.refused(refused, "LTI_PERSON_EMAIL", "person", scene.written())
    assert scene.written()["lti_deployment"] == 1
    for _ in range(2):
        visit.begin(lti_deployment_id="77")
        visit.accepted(visit.answer(visit.platform.sign(visit.claims(deployment_id="77"))))
        assert scene.written()["lti_deployment"] == 2


@pytest.mark.case("T3-054")
@pytest.mark.parametrize(
    ("target", "code", "step"),
    [
        ("another activity", "LTI13_TARGET", "target"),
        ("another academy's activity", "LTI13_TARGET", "target"),
        ("the same path elsewhere", "LTI13_TARGET", "target"),
        ("the home page", "LTI13_TARGET", "target"),
        ("not an address", "LTI13_CLAIM", "claims"),
        ("a draft", "LTI_NOT_AVAILABLE", "available"),
        ("an activity not shared", "LTI_NOT_AVAILABLE", "available"),
    ],
)
def test_the_signed_target_decides(scene: Scene, target: str, code: str, step: str) -> None:
    kit, path = scene.kit, "/lti/activities"
    addresses: dict[str, Callable[[], str]] = {
        "another activity": lambda: f"{kit.academy.url}{path}/{uuid4()}",
        "another academy's activity": lambda: f"{kit.academy.url}{path}/{kit.house.academy().activity().id}",
        "the same path elsewhere": lambda: f"https://elsewhere.example{path}/{scene.activity_id}",
        "the home page": lambda: kit.academy.url,
        "not an address": lambda: "javascript:alert(1)",
        "a draft": lambda: f"{kit.academy.url}{path}/{kit.activity(published=False).id}",
        "an activity not shared": lambda: f"{kit.academy.url}{path}/{kit.activity(shared=False).id}",
    }
    visit = scene.visit()
    visit.begin()
    before = scene.written()
    response = visit.answer(visit.platform.sign(visit.claims(target=addresses[target]())))
    assert scene.refused(response, code, step, before).outcome == "refused"


@pytest.mark.case("T3-054")
def test_an_activity_no_longer_shared_and_shared_again(own_scene: Scene) -> None:
    """Registration and link are kept: sharing again is enough."""
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    _share(own_scene, on=False)
    before = own_scene.written()
    own_scene.refused(visit.launch(), "LTI_NOT_AVAILABLE", "available", before)
    _share(own_scene, on=True)
    assert visit.accepted(visit.launch()).outcome == "accepted"


def _share(scene: Scene, *, on: bool) -> None:
    with scene.kit.session() as session:
        Catalog(session).share(session.get_one(Activity, scene.activity_id), on=on)


@pytest.mark.case("T3-060")
def test_a_launch_by_get(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    token = visit.platform.sign(visit.claims())
    answer = visit.browser.get("/lti/launch", params={"id_token": token, "state": visit.asked["state"]}, status=405)
    assert answer.headers["Allow"] == "POST"
    assert "WEB_METHOD" in answer
    visit.accepted(visit.answer(token))


BROKEN = {
    "500": Answer(500, b"{}"),
    "a web page": Answer(200, b"<html><body>Please sign in, canary-7c1</body></html>", "text/html"),
    "a redirect": Answer(302, b""),
    "no answer in time": Answer(delay=20),
    "10 MB": Answer(200, b'{"keys": [' + b" " * 10_000_000 + b"]}"),
    "keys that are no list": Answer(200, b'{"keys": {"a": 1}}'),
}


@pytest.mark.case("T3-056")
@pytest.mark.parametrize("how", BROKEN)
def test_a_key_set_that_cannot_be_read(own_scene: Scene, how: str) -> None:
    """Without a copy nobody comes in; once the server is well again everybody does."""
    own_scene.platform.faults.append(BROKEN[how])
    before, visit = own_scene.written(), own_scene.visit()
    row = own_scene.refused(visit.launch(), "LTI13_JWKS_UNREACHABLE", "key", before)
    reason = row.checks["launch"][-1][2]
    assert reason
    assert "canary" not in json.dumps(row.checks)
    row = own_scene.refused(visit.launch(), "LTI13_JWKS_UNREACHABLE", "key", before)
    assert row.checks["launch"][-1][2] == reason
    assert own_scene.platform.looks == 1
    with time_machine.travel(clock.now() + timedelta(seconds=31)):
        visit.accepted(visit.launch())
    assert own_scene.platform.looks == 2


@pytest.mark.case("T3-056")
@pytest.mark.parametrize("how", BROKEN)
def test_a_copy_of_the_key_set_serves_for_a_day(own_scene: Scene, how: str) -> None:
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    own_scene.platform.faults.append(BROKEN[how])
    with time_machine.travel(clock.now() + timedelta(hours=23, minutes=59)):
        again = own_scene.visit()
        again.accepted(again.launch())
    assert own_scene.platform.looks == 2


@pytest.mark.case("T3-056")
def test_a_copy_of_the_key_set_serves_for_no_more_than_a_day(own_scene: Scene) -> None:
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    own_scene.platform.faults.extend([BROKEN["500"]] * 2)
    with time_machine.travel(clock.now() + timedelta(hours=24, minutes=1)):
        before, again = own_scene.written(), own_scene.visit()
        assert own_scene.refused(again.launch(), "LTI13_JWKS_UNREACHABLE", "key", before).outcome == "refused"


@pytest.mark.case("T3-056")
def test_another_process_finds_the_copy_in_the_database(own_scene: Scene) -> None:
    """A process that starts while the platform is away uses what another one fetched."""
    visit = own_scene.visit()
    visit.accepted(visit.launch())
    runtime = own_scene.kit.runtime
    kept, runtime.parts[KeySets] = runtime.parts[KeySets], KeySets(runtime.database, runtime.outbound)
    try:
        own_scene.platform.faults.append(BROKEN["500"])
        with time_machine.travel(clock.now() + timedelta(hours=1)):
            assert visit.accepted(visit.launch()).outcome == "accepted"
    finally:
        runtime.parts[KeySets] = kept


def test_the_launch_log_keeps_what_came(scene: Scene) -> None:
    """Claims as text, whatever they hold; the page of the log escapes them."""
    visit = scene.visit()
    visit.begin()
    nasty = "<script>alert(1)</script>"
    claims = visit.claims(version="9", name=nasty, context={"id": "1", "title": nasty})
    before = scene.written()
    row = scene.refused(visit.answer(visit.platform.sign(claims)), "LTI13_VERSION", "version", before)
    assert row.person_name == nasty
    assert row.claims[CLAIM + "context"]["title"] == nasty
    admin = scene.kit.signed_in(Role.ADMIN)
    for path in ("/integrations/launches", f"/integrations/launches/{row.id}"):
        page = admin.get(path)
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
