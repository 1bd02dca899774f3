"""The inventory: every page, in the states that matter, as the person who meets it. The list is the test."""

from playwright.sync_api import Page, Route

from tests.browser.academies import Academies
from tests.browser.admin import fill_platform
from tests.browser.learner import STORM, answer_all, begin, go_on
from tests.browser.people_screens import PEOPLE
from tests.browser.report_screens import REPORTS
from tests.browser.screen import Screen, Step
from tests.browser.sharing_screens import SHARING
from tests.browser.tool_screens import OUTSIDE
from tests.browser.zoom_screens import MEETINGS


def press(name: str) -> Step:
    def step(page: Page, _academies: Academies) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name=name).first.click()

    return step


def open_menu(page: Page, _academies: Academies) -> None:
    page.locator("details.menu summary").click()


def fail_to_sign_in(page: Page, _academies: Academies) -> None:
    page.get_by_label("E-mail").fill("nobody@north.example")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Sign in").last.click()
    page.locator("[data-error-summary]").wait_for()


def save_untidy_platform(page: Page, academies: Academies) -> None:
    fill_platform(page, "School", academies.registered, untidy=True)
    page.get_by_label("OIDC URL").fill("lms.example/auth")
    page.get_by_label("JWKS URL").fill("https://10.0.0.7/jwks")
    page.get_by_role("button", name="Save platform").click()
    page.locator("[data-error-summary]").wait_for()


def leave_field(page: Page, _academies: Academies) -> None:
    page.get_by_label("OIDC URL").fill(" https://lms.example/auth\u200b ")
    page.get_by_label("Issuer").focus()
    page.locator("#check-auth_url .field-note").wait_for()


def open_first_chapter(page: Page, _academies: Academies) -> None:
    page.locator(".rows-title a").first.click()
    page.wait_for_url("**/chapters/*")


def edit_question(page: Page, academies: Academies) -> None:
    open_first_chapter(page, academies)
    page.get_by_role("link", name="Edit").last.click()
    page.get_by_label("Kind of answer").wait_for()


def first_activity(page: Page, _academies: Academies) -> None:
    """The beginning of an academy: a course, an activity without chapters, and its settings."""
    page.get_by_role("link", name="New course").first.click()
    page.get_by_label("Title").fill("First course")
    page.get_by_role("button", name="Save course").click()
    page.get_by_role("link", name="New activity").first.click()
    page.get_by_role("link", name="E-learning", exact=True).click()
    page.get_by_role("link", name="Write it here").click()
    page.get_by_label("Title").fill("First e-learning")
    page.get_by_role("button", name="Create activity").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Publishing").wait_for()


def add_block(kind: str, *, empty: bool = False) -> Step:
    def step(page: Page, academies: Academies) -> None:
        open_first_chapter(page, academies)
        page.get_by_role("link", name=kind, exact=True).click()
        page.locator("form.form").wait_for()
        if empty:
            page.get_by_role("button", name="Save").click()
            page.locator("[data-error-summary]").wait_for()

    return step


def leave_question_open(page: Page, _academies: Academies) -> None:
    page.get_by_role("button", name="Start").or_(page.get_by_role("link", name="Continue")).click()
    page.wait_for_url("**/learn/**")
    page.locator(".player-bar .button-primary").click()
    page.locator(".field-error").first.wait_for()


def start(page: Page, _academies: Academies) -> None:
    if page.get_by_role("button", name="Start").count():
        begin(page)


def change_item(page: Page, _academies: Academies) -> None:
    page.get_by_role("link", name="Change how Tides").click()
    page.get_by_role("heading", name="Take out").wait_for()


def spoil_item(page: Page, academies: Academies) -> None:
    """As a browser never sends it by itself: no choice at all."""
    change_item(page, academies)
    page.evaluate("document.querySelectorAll('[name=opens]').forEach(one => one.remove())")
    page.get_by_role("button", name="Save").click()
    page.locator("[data-error-summary]").wait_for()


def start_here(page: Page, _academies: Academies) -> None:
    """A playlist begins on its own page."""
    if page.get_by_role("button", name="Start").count():
        page.get_by_role("button", name="Start").click()
        page.get_by_role("link", name="Continue with").wait_for()


def open_item(page: Page, academies: Academies) -> None:
    start_here(page, academies)
    page.get_by_role("link", name="Knots", exact=True).click()
    page.get_by_role("heading", name="Part of").wait_for()


def to_second_card(page: Page, academies: Academies) -> None:
    start(page, academies)
    if page.get_by_role("link", name="Continue", exact=True).count():
        page.get_by_role("link", name="Continue", exact=True).click()
    if page.get_by_text("Card 1 of 4").count():
        go_on(page)


def to_the_last_card(page: Page, academies: Academies) -> None:
    if page.get_by_role("link", name="Look again").count():
        return
    to_second_card(page, academies)
    answer_all(page, STORM)
    while go_on(page):
        answer_all(page, STORM)


def ask_for_lti(page: Page, _academies: Academies) -> None:
    if page.get_by_role("button", name="Ask for LTI").count():
        page.get_by_label("Message to the operator").fill("Our partner waits for two courses.")
        page.get_by_role("button", name="Ask for LTI").click()
    page.get_by_text("has not answered yet").wait_for()


def look_at_the_request(page: Page, academies: Academies) -> None:
    """The operator, once the academy has asked."""
    asking = academies.page("admin who asks")
    asking.goto(f"{academies.base('admin who asks')}/integrations")
    ask_for_lti(asking, academies)
    asking.close()
    page.reload()
    page.get_by_role("button", name="Decline").wait_for()


def decline_without_reason(page: Page, academies: Academies) -> None:
    look_at_the_request(page, academies)
    press("Decline")(page, academies)


def refused_launch(page: Page, academies: Academies) -> None:
    page.goto(academies.lms.course_url("bruno"))
    page.locator("li a").nth(1).click()
    page.locator(".problem").wait_for()


def lose_cookie(page: Page, academies: Academies) -> None:
    """A launch in a browser that kept nothing of the login."""

    def forget(route: Route) -> None:
        page.context.clear_cookies()
        route.continue_()

    page.route("**/lti/launch", forget)
    academies.launch("anna", page=page)
    page.get_by_role("heading", name="One more click").wait_for()
    page.unroute("**/lti/launch")


def unknown_host(page: Page, academies: Academies) -> None:
    page.wait_for_load_state("networkidle")  # the icon of the page before comes late
    page.goto(academies.made.url("nobody"))


SCREENS = (
    Screen("sign-in", "stranger", "/sign-in"),
    Screen("sign-in-failed", "stranger", "/sign-in", fail_to_sign_in),
    Screen("sign-in-link-used", "stranger", "/sign-in/0123456789abcdef0123456789abcdef", status=410),
    Screen("error-unknown-academy", "stranger", "/sign-in", unknown_host),
    Screen("error-launch-refused", "stranger", "/sign-in", refused_launch),
    Screen("one-more-click", "stranger", "/sign-in", lose_cookie),
    Screen("error-not-found", "admin", "/nothing", status=404),
    Screen("error-not-allowed", "learner", "/people", status=403),
    Screen("learner-home", "learner", "/"),
    Screen("learner-home-empty", "new learner", "/"),
    Screen("learner-courses", "learner", "/courses"),
    Screen("learner-courses-nothing-found", "learner", "/courses?q=mathematics"),
    Screen("learner-course", "learner", "/courses/{course}"),
    Screen("learner-results", "learner", "/results"),
    Screen("learner-results-empty", "new learner", "/results"),
    Screen("learner-activity", "learner", "/activities/{activity}"),
    Screen("player-chapter", "learner", "/learn/{activity}"),
    Screen("player-question-open", "learner", "/activities/{activity}", leave_question_open),
    Screen("playlist-started", "learner", "/activities/{playlist}", start_here),
    Screen("playlist-item-open", "learner", "/activities/{playlist}", open_item),
    Screen("microlearning", "learner", "/activities/{microlearning}"),
    Screen("microlearning-card", "learner", "/activities/{microlearning}", to_second_card),
    Screen("microlearning-done", "learner", "/activities/{microlearning}", to_the_last_card),
    Screen("playlist-begun", "learner", "/activities/{playlist}"),
    Screen("profile", "learner", "/profile"),
    Screen("menu-open", "learner", "/results", open_menu),
    Screen("guest-activity-done", "guest", "/activities/{activity}"),
    Screen("guest-player-answered", "guest", "/learn/{activity}"),
    Screen("admin-home", "admin", "/"),
    Screen("admin-home-empty", "new admin", "/"),
    Screen("courses", "admin", "/courses"),
    Screen("courses-empty", "new admin", "/courses"),
    Screen("course", "admin", "/courses/{course}"),
    Screen("course-new", "admin", "/courses/new"),
    Screen("course-edit", "admin", "/courses/{course}/edit"),
    Screen("course-delete", "admin", "/courses/{course}/delete"),
    Screen("activity-new", "admin", "/courses/{course}/activities/new"),
    Screen("activity-new-e-learning", "admin", "/courses/{course}/activities/new/e-learning"),
    Screen("activity-new-microlearning", "admin", "/courses/{course}/activities/new/microlearning"),
    Screen("activity-new-playlist", "admin", "/courses/{course}/activities/new/learning-playlist"),
    Screen("activity-new-failed", "admin", "/courses/{course}/activities/new/e-learning", press("Create activity")),
    Screen("microlearning-content", "admin", "/activities/{microlearning}/content"),
    Screen("card-editor", "admin", "/activities/{microlearning}/content", open_first_chapter),
    Screen("playlist-editor", "admin", "/activities/{playlist}/content"),
    Screen("playlist-add", "admin", "/playlists/{playlist}/add"),
    Screen("playlist-add-nothing-found", "admin", "/playlists/{playlist}/add?q=mathematics"),
    Screen("playlist-item", "admin", "/activities/{playlist}/content", change_item),
    Screen("playlist-item-failed", "admin", "/activities/{playlist}/content", spoil_item),
    Screen("playlist-settings", "admin", "/activities/{playlist}/settings"),
    Screen("playlist-unbegun", "admin", "/activities/{playlist}"),
    Screen("activity-content", "admin", "/activities/{activity}/content"),
    Screen("activity-settings", "admin", "/activities/{activity}/settings"),
    Screen("activity-settings-locked", "admin without LTI", "/courses", first_activity),
    Screen("activity-delete", "admin", "/activities/{activity}/delete"),
    Screen("chapter-editor", "admin", "/activities/{activity}/content", open_first_chapter),
    Screen("block-question", "admin", "/activities/{activity}/content", edit_question),
    Screen("block-text-failed", "admin", "/activities/{activity}/content", add_block("Text", empty=True)),
    Screen("block-picture", "admin", "/activities/{activity}/content", add_block("Picture")),
    Screen("people", "admin", "/people"),
    Screen("people-nobody-found", "admin", "/people?q=nobody"),
    Screen("person", "admin", "/people/{person}"),
    Screen("person-link", "admin", "/people/{person}", press("Make sign-in link")),
    Screen("person-erase", "admin", "/people/{person}/erase"),
    Screen("person-invite", "admin", "/people/new"),
    Screen("person-invite-failed", "admin", "/people/new", press("Invite person")),
    Screen("integrations", "admin", "/integrations"),
    Screen("integrations-locked", "admin without LTI", "/integrations"),
    Screen("integrations-asked", "admin who asks", "/integrations", ask_for_lti),
    Screen("integrations-off", "admin without LTI", "/integrations/lti-1.3", status=403),
    Screen("platforms", "admin", "/integrations/lti-1.3"),
    Screen("platforms-empty", "new admin", "/integrations/lti-1.3"),
    Screen("platform-new", "admin", "/integrations/lti-1.3/platforms/new", leave_field),
    Screen("platform-new-failed", "admin", "/integrations/lti-1.3/platforms/new", save_untidy_platform),
    Screen("platform", "admin", "/integrations/lti-1.3/platforms/{School}"),
    Screen("platform-waiting", "admin", "/integrations/lti-1.3/platforms/{Canvas of the west}"),
    Screen("platform-inactive", "admin", "/integrations/lti-1.3/platforms/{Old Moodle}"),
    Screen("platform-edit", "admin", "/integrations/lti-1.3/platforms/{School}/edit"),
    Screen("platform-delete", "admin", "/integrations/lti-1.3/platforms/{Old Moodle}/delete"),
    Screen("launches", "admin", "/integrations/launches"),
    Screen("launches-empty", "new admin", "/integrations/launches"),
    Screen("launch-accepted", "admin", "/integrations/launches/{accepted}"),
    Screen("launch-refused", "admin", "/integrations/launches/{refused}"),
    Screen("launch-waiting", "admin", "/integrations/launches/{waiting}"),
    Screen("results-sent", "admin", "/integrations/results"),
    Screen("results-sent-empty", "new admin", "/integrations/results"),
    Screen("result-confirmed", "admin", "/integrations/results/{confirmed}"),
    Screen("result-waiting", "admin", "/integrations/results/{on its way}"),
    Screen("result-dead", "admin", "/integrations/results/{dead}"),
    Screen("operator-academies", "operator", "/"),
    Screen("operator-academy", "operator", "/academies/north"),
    Screen("operator-academy-asks", "operator", "/academies/asking", look_at_the_request),
    Screen("operator-decline-failed", "operator", "/academies/asking", decline_without_reason),
    Screen("operator-academy-new", "operator", "/academies/new"),
    Screen("operator-academy-new-failed", "operator", "/academies/new", press("Create academy")),
    Screen("operator-profile", "operator", "/profile"),
    Screen("styleguide", "stranger", "/styleguide"),
    *SHARING,
    *PEOPLE,
    *REPORTS,
    *OUTSIDE,
    *MEETINGS,
)
