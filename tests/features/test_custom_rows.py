"""Additional parameters in rows: of a tool and of an activity, without JavaScript and by htmx."""

from typing import Any

import pytest
from webtest import TestResponse

from tenants.access import Role
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.models import ToolLink
from tenants.lti.wire.custom_rows import ROWS_LIMIT
from tenants.lti.wire.substitution import MARK, VARIABLES
from tests.features.pages import faults, rows_in, words
from tests.features.test_tools import GOOD, NEW, PAGES, made, tools
from tests.house import Browser, House, Kit, forms_of

BLANK = {name: value for name, value in GOOD.items() if name != "custom"}
LINES = "a=b\r\n\r\ncustom_c=d"


class Parameters:
    """A form that has them: a tool's, or an activity's in a version of LTI. ``saved`` is what came of it."""

    def __init__(self, kit: Kit, kind: str) -> None:
        self.kit, self.kind = kit, kind
        self.browser: Browser = kit.signed_in(Role.ADMIN)
        tool = made(kit, custom=(("level", "1"), ("who", "$Person.name.full")))
        self.page, self.save = f"{PAGES}/{tool.id}/edit", f"{PAGES}/{tool.id}/edit"
        if kind != "tool":
            version, custom = Protocol(kind), (("level", "1"), ("who", "$Person.name.full"))
            activity, self.link = kit.outside(version=version, tool=tool, custom=custom)
            self.page = f"/activities/{activity.id}/settings"
            self.save = f"/activities/{activity.id}/lti-link"

    def form(self, page: TestResponse | None = None) -> Any:
        shown = page or self.browser.get(self.page, status=200)
        return next(form for form in forms_of(shown) if "custom-name" in form.fields)

    def saved(self) -> list[Any]:
        if self.kind == "tool":
            return list(tools(self.kit)[0].custom)
        with self.kit.session() as session:
            return list(session.get_one(ToolLink, self.link.id).custom)


@pytest.fixture(params=["tool", "1.2", "1.3"])
def parameters(house: House, request: pytest.FixtureRequest) -> Parameters:
    return Parameters(house.academy(), request.param)


def names(form: Any) -> list[str]:
    return [field.value for field in form.fields["custom-name"]]


def press(form: Any, part: str, value: str = "1", **options: Any) -> TestResponse:
    """A button among the rows, as a browser without JavaScript sends it."""
    button = next(each for each in form.fields[f"custom-{part}"] if each._value == value)
    place = button.attrs.get("formaction", "")
    if place:
        form.action = place
    return form.submit(f"custom-{part}", value=value, status=200, **options)


def test_rows_are_shown_filled_in_and_saved(parameters: Parameters) -> None:
    form = parameters.form()
    assert rows_in(form) == [("level", "1"), ("who", "$Person.name.full")]
    assert names(form) == ["level", "who", ""], "one to be filled in"
    form.fields["custom-value"][0].value = "2"
    form.fields["custom-name"][2].value, form.fields["custom-value"][2].value = " custom_course ", "$Context.id"
    form.submit(status=303)
    assert parameters.saved() == [["level", "2"], ["who", "$Person.name.full"], ["course", "$Context.id"]]


def test_an_emptied_row_is_gone(parameters: Parameters) -> None:
    form = parameters.form()
    form.fields["custom-name"][0].value = form.fields["custom-value"][0].value = " "
    form.submit(status=303)
    assert parameters.saved() == [["who", "$Person.name.full"]]


def test_rows_are_added_and_taken_out_without_saving(parameters: Parameters) -> None:
    form = parameters.form()
    form.fields["custom-name"][2].value = "third"
    more = parameters.form(press(form, "more"))
    assert names(more) == ["level", "who", "third", ""]
    more = parameters.form(press(more, "more"))
    assert names(more) == ["level", "who", "third", "", ""]
    fewer = parameters.form(press(more, "drop", "1"))
    assert names(fewer) == ["level", "third", "", ""]
    assert len(parameters.saved()) == 2, "nothing is saved"
    fewer.action = parameters.save
    fewer.submit(status=303)
    assert parameters.saved() == [["level", "1"], ["third", ""]]


@pytest.mark.parametrize("place", ["-1", "99", "x", "²", "9" * 5000])
def test_a_row_that_is_not_there_is_not_taken_out(parameters: Parameters, place: str) -> None:
    form = parameters.form()
    fields = [*form.submit_fields(), ("custom-drop", place)]
    address = parameters.save if parameters.kind == "tool" else f"{parameters.save}/fields"
    page = parameters.browser.app.post(address, fields, status=200)
    assert names(parameters.form(page)) == ["level", "who", ""]


def test_lines_pasted_into_one_field_become_rows(parameters: Parameters) -> None:
    form = parameters.form()
    fields = [each for each in form.submit_fields() if not each[0].startswith("custom")]
    parameters.browser.app.post(parameters.save, [*fields, ("custom-name", LINES), ("custom-value", "")], status=303)
    assert parameters.saved() == [["a", "b"], ["c", "d"]]
    form = parameters.form()
    form["custom"] = "e=f\r\ng=$Context.id"
    shown = parameters.form(press(form, "more"))
    assert rows_in(shown) == [("a", "b"), ("c", "d"), ("e", "f"), ("g", "$Context.id")]
    assert shown["custom"].value == "", "they are rows now"
    form.action = parameters.save
    form.submit(status=303)
    assert len(parameters.saved()) == 4


def test_what_cannot_be_sent_is_said_and_stays(parameters: Parameters) -> None:
    form = parameters.form()
    form.fields["custom-name"][2].value = "lis_result_sourcedid"
    page = form.submit(status=422)
    assert faults(page) == {"custom"}
    assert "reserved" in words(page)
    assert names(parameters.form(page)) == ["level", "who", "lis_result_sourcedid", ""]
    form["custom"] = "\r\n".join(f"n{number}=1" for number in range(ROWS_LIMIT))
    assert f"At most {ROWS_LIMIT} parameters" in words(form.submit(status=422))
    assert len(parameters.saved()) == 2


def test_every_variable_is_offered_and_explained(parameters: Parameters) -> None:
    page = parameters.browser.get(parameters.page)
    offered = [option["value"] for option in page.html.select("datalist#custom-variables option")]
    assert offered == [MARK + each.name for each in VARIABLES]
    assert {field["list"] for field in page.html.select('input[name="custom-value"]')} == {"custom-variables"}
    assert all(meaning in words(page) for meaning in {each.meaning for each in VARIABLES})


def test_enter_in_a_field_saves(parameters: Parameters) -> None:
    """Browsers press the first button of the form then."""
    page = parameters.browser.get(parameters.page)
    (form,) = (each for each in page.html.select("form") if each.select('[name="custom-name"]'))
    first = form.select("button:not([type=button])")[0]
    assert (first.get("name"), first.get("formaction"), first["tabindex"]) == (None, None, "-1")


def test_rows_of_a_new_tool(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    form = next(form for form in forms_of(admin.get(NEW)) if "custom-name" in form.fields)
    assert names(form) == ["", "", ""]
    for name in ("name", "login_url", "jwks_url"):
        form[name] = BLANK[name]
    form.fields["custom-name"][0].value, form.fields["custom-value"][0].value = "level", "3"
    page = press(form, "more")
    assert (tools(kit), "Save tool" in words(page)) == ([], True)
    more = next(form for form in forms_of(page) if "custom-name" in form.fields)
    assert (more["name"].value, names(more)) == (BLANK["name"], ["level", "", "", ""])
    more.submit(status=303)
    assert tools(kit)[0].custom == [["level", "3"]]


def test_the_rows_are_checked_on_leaving_them(house: House) -> None:
    admin = house.academy().signed_in(Role.ADMIN)

    def verdict(*rows: tuple[str, str]) -> str:
        fields = [(f"custom-{part}", text) for row in rows for part, text in zip(("name", "value"), row, strict=True)]
        page = admin.get("/profile")
        token = next(form["csrf_token"].value for form in forms_of(page) if "csrf_token" in form.fields)
        sent = [*fields, ("csrf_token", token)]
        return words(admin.app.post(f"{PAGES}/check/custom", sent, headers={"HX-Request": "true"}, status=200))

    assert "This can be used." in verdict(("level", "3"), ("", ""))
    assert "“level” is there twice" in verdict(("level", "3"), ("level", "4"))
    assert verdict(("", "")) == ""


def test_another_version_keeps_the_rows(house: House) -> None:
    parameters = Parameters(house.academy(), "1.3")
    form = parameters.form()
    form["lti_version"] = "1.2"
    form.fields["custom-name"][2].value = "third"
    form.action = f"{parameters.save}/fields"
    page = form.submit(status=200)
    assert "Launch-URL" in words(page)
    assert names(parameters.form(page)) == ["level", "who", "third", ""]
