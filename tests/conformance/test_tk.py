"""TK: access tokens for tools (docs/conformance.md)."""

import base64
import time
from datetime import timedelta
from typing import Any

import jwt
import orjson
import pytest
import sqlalchemy as sa

from saas import clock
from tenants.lti.platform import addresses
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.tools import Tools
from tests.conformance.platform import Answer, Key, Site, rsa
from tests.conformance.tools import AGS, EVERY, LINE_ITEM, SCORE, Tool13, at_once
from tests.house import House


@pytest.fixture
def tool(house: House, toolkits: dict[str, Tool13]) -> Tool13:
    """Shared by the cases of one process that leave it as it is."""
    if house.backend not in toolkits:
        toolkits[house.backend] = Tool13.set(house.academy())
    return toolkits[house.backend]


@pytest.fixture(scope="module")
def toolkits() -> dict[str, Tool13]:
    return {}


def refusal(tool: Tool13, **claims: Any) -> tuple[int, str, str]:
    """Status, error and code of an assertion with these claims; the log has the same, and nobody may store it."""
    answer = tool.ask(tool.form(assertion=tool.sign(tool.claims(**claims))))
    assert answer.headers["Cache-Control"] == "no-store"
    call = tool.calls()[0]
    assert (call.row.service, call.row.code) == ("token", answer.json["code"])
    return answer.status_int, answer.json["error"], answer.json["code"]


@pytest.mark.case("TK-001")
@pytest.mark.parametrize("scopes", [(SCORE,), EVERY], ids=["one", "many"])
def test_a_valid_assertion_gets_a_token(tool: Tool13, scopes: tuple[str, ...]) -> None:
    answer = tool.ask(tool.form(*scopes))
    assert answer.status_int == 200
    assert answer.json["token_type"] == "Bearer"
    assert answer.json["expires_in"] == 3600
    assert answer.json["scope"].split() == list(scopes)
    assert answer.headers["Cache-Control"] == "no-store"
    with tool.kit.session() as session:
        hashes = session.scalars(sa.select(ToolToken.token_hash).where(ToolToken.tool_id == tool.tool.id)).all()
    assert answer.json["access_token"] not in hashes
    call = tool.calls(tool_id=tool.tool.id)[0]
    assert (call.row.service, call.row.status, call.row.code) == ("token", 200, "")


@pytest.mark.case("TK-002")
def test_an_assertion_comes_once(tool: Tool13) -> None:
    form = tool.form()
    assert tool.ask(form).status_int == 200
    again = tool.ask(form)
    assert (again.status_int, again.json["error"], again.json["code"]) == (401, "invalid_client", "CALL_ASSERTION_ID")


@pytest.mark.case("TK-002")
def test_of_an_assertion_sent_many_times_at_once_one_gets_a_token(tool: Tool13) -> None:
    form = tool.form()
    answers = at_once(8, lambda _: tool.ask(form).status_int)
    assert sorted(answers) == [200] + [401] * 7


@pytest.mark.case("TK-002")
def test_an_assertion_whose_scopes_are_refused_is_used_up(tool: Tool13) -> None:
    form = tool.form("https://tool.example/unknown")
    assert tool.ask(form).json["error"] == "invalid_scope"
    assert tool.ask({**form, "scope": SCORE}).json["code"] == "CALL_ASSERTION_ID"


@pytest.mark.case("TK-003")
@pytest.mark.parametrize("jti", [None, "", " ", "x" * 300, ["a"]])
def test_no_jti(tool: Tool13, jti: Any) -> None:
    assert refusal(tool, jti=jti) == (401, "invalid_client", "CALL_ASSERTION_ID")


class FromNow(int):
    """Seconds from the moment the assertion is made."""


@pytest.mark.case("TK-004")
@pytest.mark.parametrize(
    "dates",
    [
        {"iat": FromNow(-4000), "exp": FromNow(-600)},
        {"exp": None},
        {"exp": FromNow(10 * 365 * 86400)},
        {"exp": FromNow(10 * 365 * 86400), "iat": None},
        {"exp": 1e300},
        {"iat": FromNow(1200), "exp": FromNow(1300)},
        {"iat": ["today"]},
        {"nbf": FromNow(1200)},
    ],
    ids=str,
)
def test_the_dates_do_not_fit(tool: Tool13, dates: dict[str, Any]) -> None:
    now = time.time()
    said = {name: now + value if isinstance(value, FromNow) else value for name, value in dates.items()}
    answer = tool.ask(tool.form(assertion=sign_anything(tool, {**tool.claims(), **said})))
    assert (answer.status_int, answer.json["code"]) == (401, "CALL_ASSERTION_DATES")
    assert "our clock says" in tool.calls()[0].row.seen


def sign_anything(tool: Tool13, claims: dict[str, Any]) -> str:
    """PyJWT refuses to write some of these."""
    header = {"alg": "RS256", "typ": "JWT", "kid": tool.key.kid}
    said = {name: value for name, value in claims.items() if value is not None}
    parts = [base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=") for part in (header, said)]
    signature = jwt.get_algorithm_by_name("RS256").sign(b".".join(parts), tool.key.private)
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


@pytest.mark.case("TK-006")
@pytest.mark.parametrize("aud", [None, "https://other.example/token", ["https://other.example"], 7, {}], ids=str)
def test_another_audience(tool: Tool13, aud: Any) -> None:
    answer = tool.ask(tool.form(assertion=sign_anything(tool, {**tool.claims(), "aud": aud})))
    assert (answer.status_int, answer.json["code"]) == (401, "CALL_ASSERTION_AUDIENCE")


@pytest.mark.case("TK-007")
def test_every_spelling_of_our_audience(tool: Tool13) -> None:
    url, issuer = addresses.token_url(tool.kit.academy), addresses.issuer(tool.kit.academy)
    for aud in (url, f"{url}/", issuer, f"{issuer}/", [url], ["https://other.example", issuer]):
        assert tool.ask(tool.form(assertion=tool.sign(tool.claims(aud=aud)))).status_int == 200, aud


@pytest.mark.case("TK-008")
@pytest.mark.parametrize("claims", [{"sub": "somebody"}, {"iss": "somebody"}, {"iss": None}, {"sub": None}], ids=str)
def test_iss_and_sub_differ(tool: Tool13, claims: dict[str, Any]) -> None:
    assert refusal(tool, **claims) == (401, "invalid_client", "CALL_ASSERTION_ISSUER")


@pytest.mark.case("TK-009")
def test_unknown_and_foreign_clients(house: House, tool: Tool13) -> None:
    assert refusal(tool, iss="nobody", sub="nobody") == (401, "invalid_client", "CALL_CLIENT")
    other = Tool13.set(house.academy())
    answer = other.kit.browser().app.post("/lti/token", tool.form(), expect_errors=True)
    assert (answer.status_int, answer.json["code"]) == (401, "CALL_CLIENT")


@pytest.mark.case("TK-009")
def test_an_inactive_tool(house: House) -> None:
    tool = Tool13.set(house.academy(), is_active=False)
    assert refusal(tool) == (401, "invalid_client", "CALL_TOOL_OFF")


@pytest.mark.case("TK-009")
def test_another_key(tool: Tool13) -> None:
    answer = tool.ask(tool.form(assertion=tool.sign(tool.claims(), Key(tool.key.kid, rsa(1)))))
    assert (answer.status_int, answer.json["code"]) == (401, "CALL_ASSERTION_SIGNATURE")


@pytest.mark.case("TK-010")
@pytest.mark.parametrize(
    ("grant", "error"),
    [("password", "unsupported_grant_type"), ("", "invalid_request"), (None, "invalid_request")],
)
def test_another_way_to_ask(tool: Tool13, grant: str | None, error: str) -> None:
    answer = tool.ask(tool.form(grant_type=grant))
    assert (answer.status_int, answer.json["error"]) == (400, error)


@pytest.mark.case("TK-012")
@pytest.mark.parametrize(
    ("scope", "status", "said"),
    [
        (None, 400, "invalid_request"),
        ("", 400, "invalid_request"),
        ("https://tool.example/unknown", 400, "invalid_scope"),
        (f"https://tool.example/unknown {SCORE}", 200, SCORE),
        (f"{SCORE} {SCORE} {AGS}other", 200, SCORE),
    ],
)
def test_scopes(tool: Tool13, scope: str | None, status: int, said: str) -> None:
    answer = tool.ask(tool.form(scope=scope))
    assert (answer.status_int, answer.json["error" if status == 400 else "scope"]) == (status, said)


@pytest.mark.case("TK-012")
def test_no_more_than_was_granted(house: House) -> None:
    tool = Tool13.set(house.academy(), scopes=(SCORE,))
    answer = tool.ask(tool.form(*EVERY))
    assert answer.json["scope"] == SCORE
    assert "not granted" in tool.calls()[0].row.seen


@pytest.mark.case("TK-013")
@pytest.mark.parametrize("assertion", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ä.ö.ü", "." * 70_000])
def test_no_jwt(tool: Tool13, assertion: str) -> None:
    answer = tool.ask(tool.form(assertion=assertion))
    assert (answer.status_int, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.case("TK-014")
def test_a_new_key_is_looked_for(house: House, site: Site) -> None:
    server = site.open()
    tool = Tool13.set(house.academy(), jwks_url=server.jwks_url, key=server.signer)
    assert tool.ask(tool.form()).status_int == 200
    looks = server.looks
    server.rotate(1)
    tool.key = server.signer
    assert tool.ask(tool.form()).status_int == 200
    assert server.looks == looks + 1


@pytest.mark.case("TK-015")
def test_another_shape_of_request(tool: Tool13) -> None:
    app = tool.kit.browser().app
    answer = app.post("/lti/token", orjson.dumps(tool.form()), content_type="application/json", expect_errors=True)
    assert (answer.status_int, answer.json["error"]) == (400, "invalid_request")
    assert app.get("/lti/token", expect_errors=True).status_int == 405
    twice = app.post(
        "/lti/token",
        "grant_type=client_credentials&grant_type=client_credentials",
        content_type="application/x-www-form-urlencoded",
        expect_errors=True,
    )
    assert (twice.status_int, twice.json["error"]) == (400, "invalid_request")


@pytest.mark.case("TK-016")
def test_the_key_set_is_away(house: House, site: Site) -> None:
    server = site.open()
    server.faults.append(Answer(500))
    tool = Tool13.set(house.academy(), jwks_url=server.jwks_url, key=server.signer)
    answer = tool.ask(tool.form())
    assert (answer.status_int, answer.json["error"], answer.json["code"]) == (401, "invalid_client", "CALL_TOOL_KEYS")
    assert "500" in tool.calls(tool_id=tool.tool.id)[0].row.seen


@pytest.mark.case("TK-018")
def test_a_password(tool: Tool13) -> None:
    secret = base64.b64encode(f"{tool.tool.client_id}:secret".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": SCORE}
    answer = tool.ask(form, Authorization=f"Basic {secret}")
    assert (answer.status_int, answer.json["error"]) == (401, "invalid_client")


@pytest.mark.case("TK-019")
def test_a_token_ends_after_an_hour(tool: Tool13) -> None:
    token = tool.token(LINE_ITEM)
    assert tool.call("GET", tool.lineitems, token=token).status_int == 200
    with tool.kit.session() as session:
        for row in session.scalars(sa.select(ToolToken).where(ToolToken.tool_id == tool.tool.id)):
            assert timedelta(minutes=59) < row.expires_at - clock.now() <= timedelta(hours=1)
            row.expires_at -= timedelta(seconds=3601)
    answer = tool.call("GET", tool.lineitems, token=token)
    assert (answer.status_int, answer.json["code"]) == (401, "CALL_TOKEN_UNKNOWN")


@pytest.mark.case("TK-020")
def test_a_paused_tool_has_lost_its_token_at_once(house: House) -> None:
    tool = Tool13.set(house.academy())
    token = tool.token(LINE_ITEM)
    assert tool.call("GET", tool.lineitems, token=token).status_int == 200
    with tool.kit.session() as session:
        tools = Tools(session, tool.kit.runtime.outbound)
        tools.switch(tools.get(tool.tool.id), on=False)
    answer = tool.call("GET", tool.lineitems, token=token)
    assert (answer.status_int, answer.headers["WWW-Authenticate"].split()[0]) == (401, "Bearer")


@pytest.mark.case("TK-020")
def test_even_a_token_that_was_left_is_refused(house: House) -> None:
    tool = Tool13.set(house.academy())
    token = tool.token(LINE_ITEM)
    with tool.kit.session() as session:
        Tools(session, tool.kit.runtime.outbound).get(tool.tool.id).is_active = False
    assert tool.call("GET", tool.lineitems, token=token).json["code"] == "CALL_TOOL_OFF"
