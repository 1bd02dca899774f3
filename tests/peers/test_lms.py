"""The peer LMS itself: a witness is only worth something if it is right and if it breaks only when told to."""

from collections.abc import Iterator
from typing import Any, cast

import httpx
import jwt
import pytest

from tests.peers import toy_tool
from tests.peers.lms.client import LMS, Form, Place, Registered, Resource, RunningLMS
from tests.peers.toy_tool import AGS, ToyTool

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"


@pytest.fixture(scope="module")
def process() -> Iterator[RunningLMS]:
    """One LMS process for this module."""
    with RunningLMS() as running:
        yield running


@pytest.fixture
def lms(process: RunningLMS) -> LMS:
    """The LMS as at the start."""
    process.reset()
    return process


@pytest.fixture(scope="module")
def tool() -> Iterator[ToyTool]:
    """A tool that answers by HTTP."""
    with toy_tool.running() as running:
        yield running


def register(lms: LMS, tool: ToyTool, **more: Any) -> Registered:
    """Register the tool with one activity in course 1."""
    resources = more.pop("resources", [Resource("Forklift", f"{tool.url}/activities/1", description="Læs først")])
    registered = lms.register(
        login_url=f"{tool.url}/login",
        redirect_uris=[f"{tool.url}/launch"],
        jwks_url=f"{tool.url}/jwks",
        resources=resources,
        **more,
    )
    tool.auth_url = registered.auth_url
    return registered


def verified(platform: Registered, token: str) -> dict[str, Any]:
    """The claims of a token that one of the platform's published keys signed."""
    keys = jwt.PyJWKSet.from_dict(httpx.get(platform.jwks_url, trust_env=False).json())
    key = next(key for key in keys.keys if key.key_id == jwt.get_unverified_header(token)["kid"])
    claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=platform.client_id, issuer=platform.issuer)
    return claims


def column(platform: Registered) -> str:
    """The line item of the first link."""
    url = platform.links[0].line_item_url
    assert url
    return url


@pytest.mark.parametrize("via", ["GET", "POST"])
@pytest.mark.parametrize("target", ["window", "iframe"])
def test_launch(lms: LMS, tool: ToyTool, via: str, target: str) -> None:
    platform = register(lms, tool)
    link = platform.links[0]

    answer = lms.launch(link.id, "xiaoli", tool.http, via=via, target=target)

    state, nonce = tool.state_and_nonce
    claims = verified(platform, tool.launches[-1]["id_token"])
    assert answer.text == "launched"
    assert tool.launches[-1]["state"] == state
    assert claims["nonce"] == nonce
    assert (claims["sub"], claims["name"]) == (lms.subject("xiaoli"), "李小丽")
    assert "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner" in claims[CLAIM + "roles"]
    assert claims[CLAIM + "resource_link"] == {"id": link.id, "title": "Forklift", "description": "Læs først"}
    assert claims[CLAIM + "context"]["title"] == "Arbejdsmiljø & sikkerhed"
    assert claims[CLAIM + "target_link_uri"] == f"{tool.url}/activities/1"
    assert claims[CLAIM + "launch_presentation"]["document_target"] == target
    assert claims[ENDPOINT]["lineitem"] == link.line_item_url
    assert set(claims[ENDPOINT]["scope"]) == set(toy_tool.ALL)
    assert tool.logins[-1]["lti_deployment_id"] == "1"
    assert tool.logins[-1]["target_link_uri"] == link.url


def test_login_url_keeps_its_query(lms: LMS, tool: ToyTool) -> None:
    platform = lms.register(login_url=f"{tool.url}/login?r=7", resources=[Resource("A", f"{tool.url}/a")])
    lms.change(platform.client_id, quirks={"omit_client_id": True})
    start = lms.http.get(f"/launch/{platform.links[0].id}?as=anna")
    query = httpx.URL(start.headers["Location"]).params
    assert (query["r"], query["iss"]) == ("7", platform.issuer)
    assert "client_id" not in query


def test_pages_for_a_browser(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool, storage=True)
    course = lms.http.get(lms.course_url("layla", frame=True))
    assert "ليلى الحداد" in course.text
    assert f'href="/launch/{platform.links[0].id}?as=layla&amp;in=frame">Forklift</a>' in course.text
    frame = lms.http.get(f"/launch/{platform.links[0].id}?as=layla&in=frame")
    assert f'src="/launch/{platform.links[0].id}?as=layla&amp;in=iframe"' in frame.text
    assert f'data-origin="{tool.url}"' in frame.text
    assert "lti.put_data" in frame.text
    assert lms.http.get(lms.course_url("oskar")).status_code == 403
    assert lms.http.get(lms.course_url("nobody")).status_code == 404


def test_redirect_uri_must_be_registered(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    lms.change(platform.client_id, redirect_uris=[f"{tool.url}/launch/"])
    login = tool.http.get(lms.http.get(f"/launch/{platform.links[0].id}?as=anna").headers["Location"])
    page = lms.http.get(login.headers["Location"])
    assert page.status_code == 400
    assert f"redirect_uri {tool.url}/launch is not one of {tool.url}/launch/." in page.text
    assert "<form" not in page.text


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_mode": "query"}, "invalid_request"),
        ({"response_type": "code"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"prompt": "login"}, "invalid_request"),
        ({"nonce": ""}, "invalid_request"),
        ({"lti_message_hint": "made-up"}, "invalid_request"),
        ({"login_hint": "u-somebody-else"}, "access_denied"),
    ],
)
def test_authentication_request_is_checked(lms: LMS, tool: ToyTool, changed: dict[str, str], error: str) -> None:
    platform = register(lms, tool)
    login = tool.http.get(lms.http.get(f"/launch/{platform.links[0].id}?as=anna").headers["Location"])
    asked = dict(httpx.URL(login.headers["Location"]).params)
    form = Form.of(lms.http.post("/lti/auth", data={**asked, **changed}))
    assert (form.action, form.fields["error"]) == (asked["redirect_uri"], error)
    assert form.fields["state"] == asked["state"]


def test_authorization_error_to_order(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool, quirks={"auth_error": "login_required"})
    lms.launch(platform.links[0].id, "anna", tool.http)
    assert tool.launches[-1]["error"] == "login_required"
    assert "id_token" not in tool.launches[-1]


@pytest.mark.parametrize(
    ("ags", "members"), [("both", {"lineitems", "lineitem"}), ("lineitem", {"lineitem"}), ("lineitems", {"lineitems"})]
)
def test_what_the_launch_says_of_grades(lms: LMS, tool: ToyTool, ags: str, members: set[str]) -> None:
    platform = register(lms, tool, ags=ags, scopes=[AGS + "score"])
    claims = verified(platform, lms.mint(platform.links[0].id, "anna")["id_token"])
    assert set(claims[ENDPOINT]) == members | {"scope"}
    assert claims[ENDPOINT]["scope"] == [AGS + "score"]
    assert len(lms.gradebook()) == (ags != "lineitems")


def test_launch_without_grades(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool, ags="none")
    assert ENDPOINT not in verified(platform, lms.mint(platform.links[0].id, "tilda")["id_token"])


def test_many_registrations_of_one_issuer(lms: LMS, tool: ToyTool) -> None:
    first, second = register(lms, tool), register(lms, tool, client_id="chosen", deployment_ids=["a", "b"])
    again = lms.place("chosen", Resource("Again", f"{tool.url}/activities/2", course_id="2"), deployment_id="b")
    assert first.issuer == second.issuer
    assert second.client_id == "chosen"
    claims = verified(second, lms.mint(again.id, "oskar")["id_token"])
    assert (claims[CLAIM + "deployment_id"], claims[CLAIM + "context"]["id"]) == ("b", "2")
    bearer = tool.bearer(second)
    assert tool.http.get(column(first), headers=bearer).status_code == 404
    assert tool.http.get(column(second), headers=bearer).status_code == 200


def test_token(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool, scopes=[AGS + "score"])
    answer = tool.ask_token(platform)
    assert answer.status_code == 200
    assert answer.json()["scope"] == AGS + "score"
    assert (answer.json()["expires_in"], answer.headers["Cache-Control"]) == (3600, "no-store")
    assert tool.ask_token(platform, [AGS + "lineitem"]).json()["error"] == "invalid_scope"


def test_client_assertion_is_verified(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    stranger = ToyTool()
    assert tool.ask_token(platform, jti="once").status_code == 200
    for wrong in (
        {"key": stranger.key},
        {"aud": "http://elsewhere.example/token"},
        {"jti": "once"},
        {"jti": ""},
        {"exp": 1},
        {"exp": 99999999999},
        {"sub": "somebody"},
        {"iss": "nobody"},
    ):
        answer = tool.ask_token(platform, **wrong)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), wrong
    empty = tool.http.post(platform.token_url, data={})
    assert (empty.status_code, empty.json()["error"]) == (400, "invalid_request")


def test_score_and_result(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    anna, bearer = lms.subject("anna"), tool.bearer(platform)

    sent = tool.send_score(column(platform), bearer, anna, comment="Godt gået, 好")

    assert sent.status_code == 204
    read = tool.http.get(f"{column(platform)}/results?user_id={anna}", headers=bearer)
    assert read.headers["Content-Type"].startswith("application/vnd.ims.lis.v2.resultcontainer+json")
    result = read.json()[0]
    assert (result["userId"], result["resultScore"], result["resultMaximum"]) == (anna, 80.625, 100)
    assert (result["scoreOf"], result["comment"]) == (column(platform), "Godt gået, 好")
    assert tool.http.get(f"{column(platform)}/results?user_id=stranger", headers=bearer).json() == []
    score = lms.score("anna", title="Forklift")
    assert score
    assert (score.given, score.maximum, score.activity_progress) == (64.5, 80, "Completed")
    assert (score.timestamp, score.accepted) == ("2026-03-01T10:00:00.000Z", 1)
    assert "64.5 / 80, Completed, FullyGraded" in lms.http.get("/courses/1/gradebook").text


def test_only_a_newer_score_counts(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    anna, bearer = lms.subject("anna"), tool.bearer(platform)
    stamps = ["2026-03-01T10:00:00.000Z", "2026-03-01T10:00:00.000+00:00", "2026-03-01T09:59:59.999Z"]
    statuses = [tool.send_score(column(platform), bearer, anna, timestamp=stamp).status_code for stamp in stamps]
    assert statuses == [204, 409, 409]
    newer = tool.send_score(column(platform), bearer, anna, timestamp="2026-03-01T10:00:00.001Z", scoreGiven=70)
    assert newer.status_code == 204
    score = lms.score("anna", title="Forklift")
    assert score
    assert (score.given, score.accepted) == (70, 2)
    lms.change(platform.client_id, quirks={"stale_status": 400})
    assert tool.send_score(column(platform), bearer, anna).status_code == 400


@pytest.mark.parametrize(
    "members",
    [
        {"scoreGiven": "64.5"},
        {"scoreGiven": -1},
        {"scoreGiven": True},
        {"scoreMaximum": 0},
        {"scoreMaximum": None},
        {"activityProgress": "Done"},
        {"gradingProgress": None},
        {"timestamp": "2026-03-01T10:00:00"},
        {"timestamp": "yesterday Z"},
        {"timestamp": "2999-01-01T00:00:00Z"},
        {"userId": 7},
    ],
)
def test_a_malformed_score_is_refused(lms: LMS, tool: ToyTool, members: dict[str, Any]) -> None:
    platform = register(lms, tool)
    sent = tool.send_score(column(platform), tool.bearer(platform), **{"user_id": lms.subject("anna"), **members})
    assert sent.status_code == 400
    assert lms.score("anna", title="Forklift") is None


@pytest.mark.parametrize(
    ("like", "status", "text"),
    [
        ("", 404, "no learner"),
        ("blackboard", 400, "User could not be found:"),
        ("d2l", 403, "User in requested score is not enrolled in the org unit"),
        ("d2l-unknown", 404, "User in requested score does not exist"),
    ],
)
def test_score_for_somebody_not_enrolled(lms: LMS, tool: ToyTool, like: str, status: int, text: str) -> None:
    platform = register(lms, tool, quirks={"not_enrolled": like})
    bearer = tool.bearer(platform)
    for user_id in (lms.subject("oskar"), lms.subject("tilda"), "stranger"):
        sent = tool.send_score(column(platform), bearer, user_id)
        assert (sent.status_code, text in sent.text) == (status, True)
    lms.enrol("oskar")
    assert tool.send_score(column(platform), bearer, lms.subject("oskar")).status_code == 204


def test_services_need_a_token_with_the_scope(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    anna, url = lms.subject("anna"), column(platform)
    assert tool.send_score(url, {}, anna).status_code == 401
    assert tool.send_score(url, {"Authorization": "Bearer made.up.token"}, anna).status_code == 401
    reader = tool.bearer(platform, "result.readonly", "lineitem.readonly")
    denied = tool.send_score(url, reader, anna)
    assert (denied.status_code, "insufficient_scope" in denied.headers["WWW-Authenticate"]) == (403, True)
    assert tool.http.get(url, headers=reader).status_code == 200
    assert tool.http.put(url, headers=reader, json={"label": "x", "scoreMaximum": 1}).status_code == 403
    assert tool.send_score(url, tool.bearer(platform, "score"), anna, media_type="text/plain").status_code == 415


def test_line_items(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool, ags="lineitems")
    bearer, link = tool.bearer(platform), platform.links[0].id
    order = {"label": "Test 1", "scoreMaximum": 50, "resourceId": "r1", "resourceLinkId": link, "tag": "grade"}
    made = tool.http.post(platform.lineitems_url, headers=bearer, json=order)
    assert made.status_code == 201
    assert made.json() == {**order, "id": made.json()["id"]}
    assert tool.http.post(platform.lineitems_url, headers=bearer, json={**order, "label": " "}).status_code == 400
    assert tool.http.post(platform.lineitems_url, headers=bearer, json={**order, "scoreMaximum": 0}).status_code == 400
    foreign = {**order, "resourceLinkId": "link-of-others"}
    assert tool.http.post(platform.lineitems_url, headers=bearer, json=foreign).status_code == 404
    for query, found in ((f"resource_link_id={link}", 1), ("resource_id=r1&tag=grade", 1), ("tag=other", 0)):
        answer = tool.http.get(f"{platform.lineitems_url}?{query}", headers=bearer)
        assert answer.headers["Content-Type"].startswith("application/vnd.ims.lis.v2.lineitemcontainer+json")
        assert len(answer.json()) == found
    changed = tool.http.put(made.json()["id"], headers=bearer, json={"label": "Test 2", "scoreMaximum": 60})
    assert (changed.status_code, changed.json()["label"], changed.json()["resourceLinkId"]) == (200, "Test 2", link)
    assert tool.http.delete(made.json()["id"], headers=bearer).status_code == 204
    assert tool.http.get(made.json()["id"], headers=bearer).status_code == 404


def test_the_coupled_line_item_stays(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    assert tool.http.delete(column(platform), headers=tool.bearer(platform)).status_code == 405
    assert len(lms.gradebook()) == 1


def test_paging(lms: LMS, tool: ToyTool) -> None:
    names = [f"Activity {number}" for number in range(5)]
    platform = register(lms, tool, resources=[Resource(name, f"{tool.url}/a") for name in names])
    bearer, url, labels = tool.bearer(platform), f"{platform.lineitems_url}?limit=2", []
    while url:
        answer = tool.http.get(url, headers=bearer)
        labels.append([item["label"] for item in answer.json()])
        url = answer.links.get("next", {}).get("url", "")
    assert labels == [names[:2], names[2:4], names[4:]]
    lms.change(platform.client_id, quirks={"page_size": 3})
    assert len(tool.http.get(platform.lineitems_url, headers=bearer).json()) == 3


def test_moodles_link_header(lms: LMS, tool: ToyTool) -> None:
    resources = [Resource(f"Activity {number}", f"{tool.url}/a") for number in range(3)]
    quirks = {"moodle_links": True, "moodle_urls": True}
    platform = register(lms, tool, resources=resources, quirks=quirks)
    bearer = tool.bearer(platform)
    assert platform.lineitems_url.endswith("/lineitems?type_id=1")
    raw = dict(tool.http.get(f"{platform.lineitems_url}&limit=2", headers=bearer).headers.raw)[b"Link"].decode()
    base = platform.lineitems_url
    assert f"<{base}&amp;limit=2&amp;page=2>; rel=“next”" in raw
    assert tool.http.get(base.partition("?")[0], headers=bearer).status_code == 404
    assert tool.send_score(column(platform), bearer, lms.subject("anna")).status_code == 204
    result = tool.http.get(f"{column(platform).replace('?', '/results?')}", headers=bearer).json()[0]
    assert result["scoreOf"] == column(platform)


def test_other_quirks(lms: LMS, tool: ToyTool) -> None:
    quirks = {"refuse_json": True, "token_status": 201, "expires_in_string": True}
    platform = register(lms, tool, quirks=quirks)
    token = tool.ask_token(platform)
    assert (token.status_code, token.json()["expires_in"]) == (201, "3600")
    bearer, anna = {"Authorization": f"Bearer {token.json()['access_token']}"}, lms.subject("anna")
    assert tool.send_score(column(platform), bearer, anna, media_type="application/json").status_code == 400
    assert tool.send_score(column(platform), bearer, anna).status_code == 204


def test_faults_come_in_order_and_end(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    anna, bearer, url = lms.subject("anna"), tool.bearer(platform), column(platform)
    lms.fail("scores", {"status": 503, "body": "busy", "headers": {"Retry-After": "1"}}, times=2)
    lms.fail("token", {"status": 200, "body": "<html>", "content_type": "text/html"}, {"delay": 0.3})
    busy = [tool.send_score(url, bearer, anna) for _ in range(2)]
    assert [(one.status_code, one.text, one.headers["Retry-After"]) for one in busy] == [(503, "busy", "1")] * 2
    assert lms.score("anna", title="Forklift") is None
    assert tool.send_score(url, bearer, anna).status_code == 204
    assert tool.ask_token(platform).headers["Content-Type"] == "text/html"
    assert lms.pending_faults() == {"token": 1}
    assert tool.ask_token(platform).status_code == 200
    assert lms.journal("token")[-1].seconds >= 0.3
    assert lms.pending_faults() == {}


def test_a_lost_answer(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    anna, bearer = lms.subject("anna"), tool.bearer(platform)
    lms.fail("scores", {"status": 504, "after": True})
    assert tool.send_score(column(platform), bearer, anna).status_code == 504
    assert tool.send_score(column(platform), bearer, anna).status_code == 409
    lms.fail("results", {"headers": {"Content-Length": "9999"}})
    with pytest.raises(httpx.RemoteProtocolError):
        tool.http.get(f"{column(platform)}/results", headers=bearer)


def test_journal(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    bearer = tool.bearer(platform)
    tool.send_score(column(platform), bearer, lms.subject("anna"))
    scores = lms.journal("scores")
    assert [(one.method, one.status, one.headers["content-type"]) for one in scores] == [("POST", 204, toy_tool.SCORE)]
    assert '"scoreGiven": 64.5' in scores[0].body
    assert bearer["Authorization"].split()[1] not in str(scores)
    assert scores[0].headers["authorization"].startswith("sha256:")
    assert lms.journal(since=scores[0].number) == []


def test_rotated_keys(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    link, old = platform.links[0].id, lms.mint(platform.links[0].id, "anna")["id_token"]
    bearer, kid = tool.bearer(platform), lms.rotate_keys()
    new = lms.mint(link, "anna")["id_token"]
    assert jwt.get_unverified_header(new)["kid"] == kid != jwt.get_unverified_header(old)["kid"]
    assert verified(platform, old)["sub"] == verified(platform, new)["sub"]
    assert tool.http.get(column(platform), headers=bearer).status_code == 200
    lms.rotate_keys(keep_previous=False)
    assert len(tool.http.get(platform.jwks_url).json()["keys"]) == 1
    assert tool.http.get(column(platform), headers=bearer).status_code == 401


def test_odd_tokens(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    link = platform.links[0].id
    overrides = {CLAIM + "version": "1.2.0", "email": None, "aud": ["x", "y"]}
    changed = lms.mint(link, "anna", nonce="n1", overrides=overrides)
    claims = jwt.decode(changed["id_token"], options={"verify_signature": False})
    assert (claims["nonce"], claims[CLAIM + "version"], claims["aud"]) == ("n1", "1.2.0", ["x", "y"])
    assert "email" not in claims
    for sign_with in ("other", "none", "hs256-public"):
        token = lms.mint(link, "anna", sign_with=sign_with)["id_token"]
        with pytest.raises(jwt.InvalidTokenError):
            verified(platform, token)
    assert jwt.get_unverified_header(lms.mint(link, "anna", sign_with="none")["id_token"])["alg"] == "none"
    assert "kid" not in jwt.get_unverified_header(lms.mint(link, "anna", headers={"kid": None})["id_token"])
    with pytest.raises(jwt.InvalidTokenError, match="critical extension"):
        verified(platform, lms.mint(link, "anna", headers={"crit": ["x"]})["id_token"])
    assert verified(platform, lms.mint(link, "anna", headers={"typ": "at+jwt"})["id_token"])["sub"]


def test_a_wrong_clock(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    lms.set_clock(-7200)
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(platform, lms.mint(platform.links[0].id, "anna")["id_token"])
    assert "is after" in tool.ask_token(platform).json()["error_description"]


def test_wrong_orders_are_refused_in_words(lms: LMS) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="Registration has no colour"):
        lms.register(login_url="http://tool.example/login", colour="blue")
    with pytest.raises(httpx.HTTPStatusError, match="there are scores, results"):
        lms.fail(cast("Place", "kitchen"))


def test_reset(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    lms.fail("token", {"status": 500})
    lms.reset()
    assert lms.gradebook() == []
    assert lms.pending_faults() == {}
    assert lms.journal() == []
    assert tool.ask_token(platform).json()["error"] == "invalid_client"


def test_a_name_below_localhost_is_this_machine(lms: LMS, tool: ToyTool) -> None:
    platform = register(lms, tool)
    lms.change(platform.client_id, jwks_url=f"{tool.url.replace('127.0.0.1', 'academy.localhost')}/jwks")
    assert tool.ask_token(platform).status_code == 200
