"""An academy that meets in Zoom: a profile, a course with a meeting, a group. Nothing there ever speaks with Zoom."""

from playwright.sync_api import Page

KINDS = ("Course element", "Course tool", "Group tool", "Zoom may write calendar entries")


def hold_meetings(page: Page, base: str) -> dict[str, str]:
    """The ids of what is made, and the Access Token in clear, which is shown only once."""
    found = _profile(page, base)
    found.update(_course(page, base))
    found["Zoom group"] = _group(page, f"{base}/courses/{found['Zoom course']}")
    return found


def press(page: Page, button: str) -> None:
    """The page that answers it is there afterwards."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def fill_profile(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("LTI Key", exact=True).fill(f"key-of-{name.lower().replace(' ', '-')}")


def _profile(page: Page, base: str) -> dict[str, str]:
    page.goto(f"{base}/integrations/zoom")
    page.get_by_label("Zoom", exact=True).check()
    for kind in KINDS:
        page.get_by_label(kind).check()
    press(page, "Save")
    page.goto(f"{base}/integrations/zoom/profiles/new")
    fill_profile(page, "Harbour Zoom")
    press(page, "Save")
    token = page.locator("#access-token").inner_text()
    page.goto(f"{base}/integrations/zoom")
    address = page.get_by_role("link", name="Harbour Zoom").get_attribute("href") or ""
    return {"Zoom token": token, "Zoom profile": address.rpartition("/")[2]}


def _course(page: Page, base: str) -> dict[str, str]:
    """One meeting is set up and published, another is neither."""
    page.goto(f"{base}/courses/new")
    page.get_by_label("Title").fill("Navigation")
    press(page, "Save course")
    page.get_by_role("heading", name="Navigation").wait_for()
    found = {"Zoom course": page.url.rpartition("/")[2]}
    course = f"{base}/courses/{found['Zoom course']}"
    for name, title in (("meeting", "Office hour"), ("bare meeting", "Harbour tour")):
        page.goto(course)
        page.get_by_role("link", name="New activity").first.click()
        page.get_by_role("link", name="Zoom meeting").click()
        page.get_by_label("Title").fill(title)
        press(page, "Create activity")
        found[name] = page.url.split("/activities/")[1].partition("/")[0]
    page.goto(f"{base}/activities/{found['meeting']}/settings")
    press(page, "Save Zoom settings")
    press(page, "Publish activity")
    page.get_by_role("button", name="Take back to draft").wait_for()
    page.goto(course)
    page.get_by_label("Zoom is on here").check()
    press(page, "Save Zoom settings")
    page.goto(course)
    press(page, "Publish course")
    page.get_by_role("button", name="Take back to draft").wait_for()
    return found


def _group(page: Page, course: str) -> str:
    page.goto(course)
    page.get_by_role("link", name="New group").click()
    page.get_by_label("Title").fill("Evening watch")
    press(page, "Create group")
    page.get_by_role("heading", name="Add people").wait_for()
    found = page.url.split("/groups/")[1].partition("/")[0]
    page.get_by_label("Lea Learner").check()
    press(page, "Add to the group")
    page.goto(f"{course.partition('/courses/')[0]}/groups/{found}/edit")
    page.get_by_label("Zoom is on here").check()
    press(page, "Save Zoom settings")
    return found
