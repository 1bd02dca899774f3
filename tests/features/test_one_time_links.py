"""A one-time link lets one person in, once; what only looks at it uses nothing up (docs/decisions/0007)."""

import pytest

from tenants.accounts.services import SignIn
from tests.house import House


@pytest.mark.parametrize(
    ("method", "headers"),
    [("HEAD", {}), ("GET", {"Sec-Purpose": "prefetch;prerender"}), ("GET", {"Purpose": "prefetch"})],
    ids=["head", "prerender", "prefetch"],
)
def test_looking_ahead_uses_nothing_up(house: House, method: str, headers: dict[str, str]) -> None:
    kit = house.academy()
    person = kit.person()
    with kit.session() as session:
        link = SignIn(session).issue_link(session.merge(person))
    app = kit.browser().app
    looked = (app.head if method == "HEAD" else app.get)(link, headers=headers, status=204)
    assert "Set-Cookie" not in looked.headers
    assert "Set-Cookie" in kit.browser().get(link, status=303).headers
    assert "SIGN_IN_LINK" in kit.browser().get(link, status="4*").text
