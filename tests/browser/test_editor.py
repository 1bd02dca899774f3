"""An author's afternoon: from an empty course to an e-learning that a learner can take."""

import io

from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.academies import Academies


def picture() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (320, 200), "teal").save(drawn, "PNG")
    return drawn.getvalue()


def titles(page: Page) -> list[str]:
    return page.locator(".rows-title a").all_inner_texts()


def test_writing_an_e_learning(academies: Academies) -> None:
    page = academies.page("admin")
    begin(page, academies.base("admin"))
    order_chapters(page)
    be_told_that_it_is_empty(page)
    write_text(page)
    add_picture(page)
    ask_question(page)
    order_blocks(page)
    publish(page)
    page.close()
    assert "Right." in learn(academies)


def begin(page: Page, base: str) -> None:
    page.goto(f"{base}/courses")
    page.get_by_role("link", name="New course").click()
    page.get_by_label("Title").fill("Knitting")
    page.get_by_role("button", name="Save course").click()
    expect(page.get_by_text("Draft")).to_be_visible()
    page.get_by_role("link", name="New activity").first.click()
    page.get_by_role("link", name="E-learning", exact=True).click()
    page.get_by_role("link", name="Write it here").click()
    page.get_by_label("Title").fill("Your first scarf")
    page.get_by_role("button", name="Create activity").click()
    expect(page.get_by_role("heading", name="Your first scarf")).to_be_visible()


def order_chapters(page: Page) -> None:
    for title in ("Purl", "Knit"):
        page.get_by_label("New chapter").fill(title)
        page.get_by_role("button", name="Add chapter").click()
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        page.get_by_role("link", name="Your first scarf").click()
    page.get_by_role("button", name="Move Knit up").click()
    expect(page.get_by_role("button", name="Move Knit up")).to_be_disabled()
    assert titles(page) == ["Knit", "Purl"]


def be_told_that_it_is_empty(page: Page) -> None:
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Publish activity").click()
    expect(page.get_by_text("There is nothing to learn yet")).to_be_visible()


def write_text(page: Page) -> None:
    page.go_back()
    page.get_by_role("link", name="Content", exact=True).click()
    page.get_by_role("link", name="Knit", exact=True).click()

    page.get_by_role("link", name="Text", exact=True).click()
    page.get_by_label("Text").fill("Hold the needle **like a pen**. <script>alert(1)</script>")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".prose strong")).to_have_text("like a pen")


def add_picture(page: Page) -> None:
    page.get_by_role("link", name="Picture", exact=True).click()
    page.get_by_label("Picture").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": picture()})
    page.get_by_label("What is to be seen").fill("A needle in a right hand")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_alt_text("A needle in a right hand")).to_be_visible()


def ask_question(page: Page) -> None:
    page.get_by_role("link", name="Check question", exact=True).click()
    expect(page.get_by_label("Right number")).to_be_hidden()
    page.get_by_label("Kind of answer").select_option(label="A number")
    expect(page.get_by_label("Right number")).to_be_visible()
    expect(page.get_by_label("Answer 1", exact=True)).to_be_hidden()
    page.get_by_label("Kind of answer").select_option(label="Several right answers")
    page.get_by_label("Question").fill("What do you need?")
    for number, answer in enumerate(("Wool", "Needles", "A hammer", "Time"), 1):
        page.get_by_label(f"Answer {number}", exact=True).fill(answer)
    page.get_by_role("button", name="Add another answer").click()
    expect(page.get_by_label("Answer 5", exact=True)).to_be_visible()
    expect(page.locator("[data-error-summary]")).to_have_count(0)
    for number in (1, 2, 4):
        page.get_by_label(f"Right: answer {number}", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("What do you need?")).to_be_visible()


def order_blocks(page: Page) -> None:
    blocks = page.locator(".block-edit")
    expect(blocks).to_have_count(3)
    blocks.nth(2).get_by_role("button", name="Move up").click()
    expect(page.locator(".block-edit").nth(1)).to_contain_text("What do you need?")
    page.locator(".block-edit").nth(2).get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".block-edit")).to_have_count(2)


def publish(page: Page) -> None:
    page.get_by_role("link", name="Your first scarf").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("button", name="Publish activity").click()
    expect(page.get_by_text("Learners can open this activity")).to_be_visible()
    page.get_by_role("link", name="Knitting").click()
    page.get_by_role("button", name="Publish course").click()
    expect(page.get_by_text("The course is published")).to_be_visible()


def learn(academies: Academies) -> str:
    """What the learner is told of a right answer."""
    learner = academies.page("learner")
    learner.goto(f"{academies.base('learner')}/courses")
    learner.get_by_role("link", name="Knitting").click()
    learner.get_by_role("link", name="Your first scarf").click()
    learner.get_by_role("button", name="Start").click()
    expect(learner.get_by_text("like a pen")).to_be_visible()
    for needed in ("Wool", "Needles", "Time"):
        learner.get_by_label(needed).check()
    learner.get_by_role("button", name="Check answer").click()
    said = learner.locator(".notice").inner_text()
    learner.close()
    return said
