"""docs/admins/ says what the product says, and shows pictures that are there."""

import re

from tests.browser.pictures import NAMES
from tests.guides import FOLDER, parameters, wanted

PICTURE = re.compile(r"!\[[^\]]+\]\(pictures/([\w-]+\.png)\)")


def test_the_guides_for_other_admins_are_current() -> None:
    stale = [file.name for file, text in wanted().items() if not file.exists() or file.read_text() != text]
    assert stale == [], "run: python -m tests.guides"
    assert {file.name for file in FOLDER.glob("for-*.md")} == {file.name for file in wanted()}


#: As the customer's own help names them (LTI 1.2), and as LTI 1.3 does.
SENT = {
    "lis_person_contact_email_primary": "email",
    "lis_person_name_given": "given_name",
    "lis_person_name_family": "family_name",
    "user_id": "sub",
}


def test_every_guide_names_the_parameters_that_must_be_sent() -> None:
    for guide in (*FOLDER.glob("for-*.md"), FOLDER / "lti-sharing.md"):
        assert parameters() in guide.read_text(), guide.name
    for old, new in SENT.items():
        assert f"| `{new}` | `{old}` |" in parameters()
    assert parameters().count("| `") == 2 * len(SENT)


def test_every_picture_that_is_taken_is_shown_and_every_picture_shown_is_there() -> None:
    shown = {name for guide in FOLDER.glob("*.md") for name in PICTURE.findall(guide.read_text())}
    assert shown == {f"{name}.png" for name in NAMES}
    assert {file.name for file in (FOLDER / "pictures").glob("*.png")} == shown


def test_every_link_between_guides_leads_somewhere() -> None:
    links = [
        (guide.name, target)
        for guide in FOLDER.glob("*.md")
        for target in re.findall(r"\]\(([\w.-]+\.md)\)", guide.read_text())
    ]
    assert [(name, target) for name, target in links if not (FOLDER / target).exists()] == []
