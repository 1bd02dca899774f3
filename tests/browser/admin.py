"""What an academy's admin does in a browser to share an activity with another LMS."""

from playwright.sync_api import Page

from tests.peers.lms.client import Registered


def fill_platform(page: Page, name: str, other: Registered, *, untidy: bool = False) -> None:
    """The form "Add new Platform"; ``untidy`` pastes as people do, with spaces and a zero-width character."""
    dirt = "\u200b " if untidy else ""
    values = {
        "Name": name,
        "Tool deployment ID": other.deployment_ids[0],
        "Access token URL": other.token_url,
        "JWKS URL": other.jwks_url,
        "OIDC URL": other.auth_url,
        "Issuer": other.issuer,
        "Tool client ID": other.client_id,
    }
    for label, value in values.items():
        page.get_by_label(label, exact=True).fill(f"{dirt}{value}{dirt}")


def add_platform(page: Page, base: str, name: str, other: Registered, *, activate: bool = True) -> None:
    page.goto(f"{base}/integrations/lti-1.3/platforms/new")
    fill_platform(page, name, other)
    if activate:
        page.get_by_label("Activated").check()
    page.get_by_role("button", name="Save platform").click()
    page.wait_for_url(lambda url: not url.endswith("/new"))
