"""Bad input to the academy as LTI platform that no protocol's own list of cases has (docs/bad-input.md)."""

import pytest

from tenants.access import Role
from tests.conformance.openings import Desk, fields_of
from tests.house import House, forms_of

ELSEWHERE = "https://evil.example/launch"


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk.set(house.academy())


@pytest.mark.parametrize("service", ["lineitems", "memberships"])
def test_the_token_of_a_launch_opens_no_service(desk: Desk, service: str) -> None:
    """It went through the learner's browser, whose owner may keep it."""
    learner, activity = desk.learner(), desk.activity13()
    learner.begin(activity)
    bearer = {"Authorization": f"Bearer {fields_of(learner.authorize())['id_token']}"}
    path = f"/lti/services/{activity.course_id}/{service}"
    answer = desk.kit.browser().app.get(path, headers=bearer, expect_errors=True)
    assert (answer.status_int, answer.json["code"]) == (401, "CALL_TOKEN_UNKNOWN")
    page = desk.kit.signed_in(Role.ADMIN).get("/integrations/tool-calls")
    assert "an id_token or another JWT" in page


@pytest.mark.parametrize(
    "changes",
    [{"response_type": "code"}, {"response_mode": "query"}, {"scope": "profile"}, {"prompt": "login"}, {"nonce": ""},
     {"lti_message_hint": "none of ours"}],
    ids=str,
)  # fmt: skip
def test_errors_go_nowhere_before_the_redirect_uri_is_proven(desk: Desk, changes: dict[str, str]) -> None:
    """An error is a redirect as well: whatever else is wrong, nobody is sent to an address of a stranger's choosing."""
    learner = desk.learner()
    learner.begin(desk.activity13())
    page = learner.authorize(redirect_uri=ELSEWHERE, **changes)
    assert (page.status_int, "TOOL_REDIRECT" in page) == (400, True)
    assert "Location" not in page.headers
    assert [form for form in forms_of(page) if str(form.action).startswith("https:")] == []
    assert "evil.example" not in page.headers["Content-Security-Policy"]
