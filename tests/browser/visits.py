"""The demonstration's own connections: what of the south opens in the north, whose tool it is."""

from playwright.sync_api import Page

VISITS = {
    "loaf": "A first loaf",
    "exam": "Baker's examination",
    "sourdough": "Sourdough",
    "oven exam": "Oven examination",
}


def visits(page: Page, base: str) -> dict[str, str]:
    """The ids of the tool, of the course that visits it, and of the course's activities."""
    page.goto(f"{base}/integrations/lti-1.3")
    tool = page.locator("a[href*='/tools/']", has_text="South Academy").first
    found = {"South Academy": (tool.get_attribute("href") or "").rsplit("/", 1)[-1]}
    page.goto(f"{base}/courses")
    page.get_by_role("link", name="Visiting the South Academy").click()
    page.get_by_role("link", name="Settings of A first loaf").wait_for()
    found["visiting"] = page.url.rsplit("/", 1)[-1]
    for name, title in VISITS.items():
        address = page.get_by_role("link", name=f"Settings of {title}").get_attribute("href") or ""
        found[name] = address.split("/")[-2]
    return found
