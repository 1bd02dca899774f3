"""What every answer says about itself: a strict content policy, nobody's cache, nobody's frame."""

import re

import pytest

from tenants.access import Role
from tests.house import House

#: Whole, as browsers read it: our own origin, nothing inline, nobody frames it, forms stay here.
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
PAGES = ("/", "/courses", "/people", "/profile", "/integrations", "/integrations/lti-1.3", "/integrations/launches")


@pytest.mark.parametrize("path", [*PAGES, "/nothing-here", "/sign-in", "/lti/login", "/lti/jwks"])
def test_every_answer_has_the_strict_policy(house: House, path: str) -> None:
    kit = house.academy()
    answer = kit.signed_in(Role.ADMIN).get(path, status="*")
    said = answer.headers["Content-Security-Policy"]
    assert dict(part.strip().split(" ", 1) for part in said.split(";")) | {"frame-ancestors": "'none'"} == POLICY
    assert "unsafe" not in said
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    if path != "/lti/jwks":
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_to_its_policy(house: House, path: str) -> None:
    """No script or style stands in it, and nothing comes from elsewhere."""
    page = house.academy().signed_in(Role.ADMIN).get(path, status=200)
    assert not page.html.find_all("style")
    assert all(script.get("src") for script in page.html.find_all("script"))
    assert not re.search(r"""\s(style|on[a-z]+)=["']""", page.text)
    addresses = [each.get("src") or each.get("href") for each in page.html.find_all(["script", "link", "img"])]
    assert addresses
    assert [each for each in addresses if not str(each).startswith("/")] == []
    assert re.search("frame-ancestors '(none|self)'$", page.headers["Content-Security-Policy"])
