"""``python -m tests.guides`` writes docs/admins/for-….md, the guides for the other LMS's admin, from the product's own data.

What a product calls each value stands in `tenants.lti.wire.setup_sheets`, its switches in `tenants.lti.wire.dialects`.
"""

from collections.abc import Mapping
from pathlib import Path

from tenants.lti.wire.dialects import Need, dialect_of
from tenants.lti.wire.setup_sheets import SHEETS, Ours, Sheet, Theirs
from tests.house import ROOT

FOLDER = ROOT / "docs" / "admins"
OURS: Mapping[Ours, str] = {
    Ours.LOGIN_URL: "Login URL",
    Ours.REDIRECT_URL: "Redirect URI",
    Ours.TARGET_URL: "LTI 1.3 Resource URL of the activity, or the Tool URL for all activities",
    Ours.JWKS_URL: "JWKS URL",
    Ours.PICKER_URL: "Deep linking URL",
}
THEIRS: Mapping[Theirs, str] = {
    Theirs.ISSUER: "Issuer",
    Theirs.CLIENT_ID: "Tool client ID",
    Theirs.DEPLOYMENT_ID: "Tool deployment ID",
    Theirs.AUTH_URL: "OIDC URL",
    Theirs.TOKEN_URL: "Access token URL",
    Theirs.JWKS_URL: "JWKS URL",
}
#: What a switch of the other system sends; and what we need, each by itself.
NEEDS: Mapping[Need, str] = {Need.EMAIL: "e-mail address", Need.GIVEN_NAME: "first and last name"}
PARAMETERS: Mapping[Need, str] = {
    Need.EMAIL: "E-mail",
    Need.GIVEN_NAME: "First name",
    Need.FAMILY_NAME: "Last name",
    Need.USER_ID: "User ID",
}


def file_of(product: str) -> Path:
    return FOLDER / f"for-{product}.md"


def wanted() -> dict[Path, str]:
    """Every guide by its file."""
    return {file_of(product): _guide(product, sheet) for product, sheet in SHEETS.items()}


def _guide(product: str, sheet: Sheet) -> str:
    name = "any other LMS" if product == "generic" else sheet.name
    parts = [
        f"# Open an academy's activities in {name}",
        _begin(sheet),
        _by_link(sheet),
        _by_hand(sheet),
        _people(product),
    ]
    return "\n\n".join(filter(None, [*parts, AFTER])) + "\n"


def _begin(sheet: Sheet) -> str:
    return (
        "For the admin of the other learning system. The academy's admin sends you a link that works once, within 24 hours. Nothing is\n"
        f"switched on before the academy approves it.\n\nWhere: {sheet.place}."
    )


def _by_link(sheet: Sheet) -> str:
    if not sheet.by_link:
        return "## The set-up page\n\nOpen the link in a browser and choose your product: the page shows every value below, ready to copy, and its marks turn\ngreen as things arrive."
    return (
        "## The quick way: one link\n\n"
        f"1. Copy the link that the academy sent.\n2. Paste it under **{sheet.by_link}** and confirm.\n"
        "3. The page that opens says **… know each other now**. Close it; in your list of tools, activate the new one.\n\n"
        "![What the set-up page shows](pictures/setup-moodle.png)"
    )


def _by_hand(sheet: Sheet) -> str:
    head = "## By hand\n\nThe same link, opened in a browser, shows these values with copy buttons. Enter them in your system:\n"
    ours = [f"| {label} | {OURS[name]} |" for name, label in sheet.ours.items()]
    theirs = [
        f"| {label} | {THEIRS[name]} |{f' `{sheet.fixed[name]}`' if name in sheet.fixed else ''} |"
        for name, label in sheet.theirs.items()
    ]
    return "\n".join(
        [
            head,
            "| in your system | at the academy |",
            "|---|---|",
            *ours,
            "\nThen send yours on the same page, or to the academy's admin:\n",
            "| in your system | at the academy | always |",
            "|---|---|---|",
            *theirs,
        ]
    )


def _people(product: str) -> str:
    dialect = dialect_of(product)
    lines = [f"- {NEEDS[need]}: {dialect.switches[need]}." for need in NEEDS] if dialect else []
    said = "\n".join(lines) or "Let your system send e-mail address and name of whoever opens an activity."
    return (
        "## What must be sent about people\n\n"
        "Without e-mail address and name nobody can be let in, and the page says which one was missing.\n\n"
        f"{said}\n\nOn the wire, for whoever builds the connection:\n\n{parameters()}"
    )


def parameters() -> str:
    """What must be sent about a person, by its name in either version."""
    rows = [f"| {words} | `{need.claim}` | `{need.value}` |" for need, words in PARAMETERS.items()]
    return "\n".join(["| | in LTI 1.3 | in LTI 1.2 |", "|---|---|---|", *rows])


AFTER = """## Afterwards

Teachers choose activities from a list inside their own course, where your system knows deep linking; elsewhere they add a link to the
activity's **LTI 1.3 Resource URL**. Let the link accept grades if results shall come back.

When a launch is refused, its page shows a code and who can mend it; tell the academy's admin the code and the time."""


def write() -> None:
    for file, text in wanted().items():
        file.write_text(text)


if __name__ == "__main__":
    write()
