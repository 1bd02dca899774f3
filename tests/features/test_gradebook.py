"""The gradebook: who, how far, with which score, from where, and which LMS was told; filters, pages, CSV."""

import csv
import io
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from webtest import TestResponse

from saas import clock
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People
from tenants.catalog.models import Activity
from tenants.grades.models import DeliveryState, ScoreDelivery
from tenants.learning.models import Grading
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.services import Learning
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models11 import OutcomeRoute
from tenants.reports.services import BATCH, PAGE
from tenants.reports.table import FORMULA_MARKS, neutral
from tests.cost import counted
from tests.features.pages import words
from tests.house import Browser, House, Kit


def person(session: Any, name: str) -> Person:
    given, family = name.split(" ", 1)
    local = "".join(filter(str.isalnum, given.lower()))
    made = People(session).create(f"{uuid4().hex[:6]}-{local}@people.example", given, family)
    session.flush()
    return made


def join(
    kit: Kit, activity: Activity, name: str, score: str | None = None, *, via: DeliveryState | None = None, **more: Any
) -> UUID:
    """Somebody opens it, perhaps coming from another LMS (``via``: how far the word to it got); the tool says a score."""
    values = {
        "maximum": Decimal(100),
        "completed": True,
        "grading": Grading.DECIDED,
        "at": clock.now(),
        "source": "Vendor",
    }
    with kit.session() as session:
        who, results, mine = person(session, name), OutsideResults(session), session.get_one(Activity, activity.id)
        results.begin(who.id, mine)
        if via:
            came_from_north(kit, session, mine, who)
        if score is not None or more:
            results.take(who.id, mine, OutsideScore(Decimal(score) if score else None, **{**values, **more}))
        session.flush()
        session.execute(sa.update(ScoreDelivery).where(ScoreDelivery.state == DeliveryState.WAITING).values(state=via))
        return who.id


def came_from_north(kit: Kit, session: Any, activity: Activity, who: Person) -> None:
    consumers = Consumers(session, kit.runtime.secrets)
    key = next(iter(consumers.of_activity(activity.id)), None) or consumers.create(activity, "North LMS")
    session.add(OutcomeRoute(consumer_key_id=key.id, resource_link_id="1", person_id=who.id,
                             service_url="https://north.example/outcomes", sourcedid="s"))  # fmt: skip
    session.flush()


@pytest.fixture
def kit(house: House) -> Kit:
    return house.academy()


@pytest.fixture
def author(kit: Kit) -> Browser:
    return kit.signed_in(Role.AUTHOR)


@pytest.fixture
def exam(kit: Kit) -> Activity:
    """Passed, failed, waiting, awaiting grading, withdrawn, and one who has not begun."""
    activity, _link = kit.outside(exam=True)
    join(kit, activity, "Ada Able", "80", via=DeliveryState.CONFIRMED)
    join(kit, activity, "Ben Baker", "69.999", via=DeliveryState.DEAD)
    join(kit, activity, "Cy Cook")
    join(kit, activity, "Dee Dunn", "90", grading=Grading.AWAITED)
    join(kit, activity, "Eli East", withdrawn=True)
    with kit.session() as session:
        Learning(session, person(session, "Fay Ford").id).enrol(session.get_one(Activity, activity.id))
    return activity


def rows_of(page: TestResponse) -> list[str]:
    table = page.html.find("tbody")
    return [" ".join(row.get_text(" ").split()) for row in table.find_all("tr")] if table else []


def names_of(page: TestResponse) -> list[str]:
    return [row.split("@")[0].rsplit(" ", 1)[0] for row in rows_of(page)]


def test_everybody_with_score_verdict_source_and_what_the_lms_was_told(exam: Activity, author: Browser) -> None:
    page = author.get(f"/activities/{exam.id}/results")
    ada, ben, cy, dee, eli, fay = rows_of(page)
    for part in ("Ada Able", "Passed", "80 %", "minimum 70 %", "100 %", "Vendor", "80 of 100", "North LMS: Confirmed"):
        assert part in ada, part
    for part in ("Failed", "69.99 %", "69.999 of 100", "North LMS: Not delivered"):
        assert part in ben, part
    assert "70 %" not in ben.replace("minimum 70 %", "")
    assert "Waiting for result" in cy
    assert "Waiting for result awaiting grading" in dee
    assert "score taken back" in eli
    assert "Not started" in fay
    assert "1 Passed 1 Failed 3 Waiting for result 1 Not started" in words(page)
    assert "/integrations/results/" not in page, "the delivery's own page is the admin's"


def test_an_admin_goes_on_to_the_delivery(kit: Kit, exam: Activity) -> None:
    admin = kit.signed_in(Role.ADMIN)
    page = admin.get(f"/activities/{exam.id}/results")
    assert "North LMS" in page.click(href=r"^/integrations/results/", index=0)


def test_results_stand_beside_content_and_settings_of_every_type(kit: Kit, author: Browser) -> None:
    own, outside = kit.activity(), kit.outside()[0]
    for path in (
        f"/activities/{own.id}/content",
        f"/activities/{own.id}/settings",
        f"/playlists/{kit.playlist(own).id}",
    ):
        results = author.get(path).click("Results", href=r"/activities/.*/results$")
        assert "No results yet" in results
    assert "No results yet" in author.get(f"/activities/{outside.id}/results")


def test_an_activity_of_our_own(kit: Kit, author: Browser) -> None:
    activity = kit.activity()
    learner = kit.signed_in(who := Role.LEARNER)
    learner.post(f"/activities/{activity.id}", status=303)
    (row,) = rows_of(author.get(f"/activities/{activity.id}/results"))
    assert who.value.title() in row
    for part in ("In progress", "0 %", "Here"):
        assert part in row


def test_a_later_score_stands_beside_the_pass(kit: Kit, author: Browser) -> None:
    activity, _link = kit.outside(exam=True)
    who = join(kit, activity, "Ada Able", "80")
    with kit.session() as session:
        score = OutsideScore(Decimal(20), Decimal(100), True, Grading.DECIDED, clock.now(), "Vendor")
        OutsideResults(session).take(who, session.get_one(Activity, activity.id), score)
    (row,) = rows_of(author.get(f"/activities/{activity.id}/results"))
    for part in ("Passed", "80 %", "newest 20 %"):
        assert part in row


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=passed", ["Ada Able"]),
        ("state=failed", ["Ben Baker"]),
        ("state=waiting", ["Cy Cook", "Dee Dunn", "Eli East"]),
        ("state=not-started", ["Fay Ford"]),
        ("state=completed", []),
        ("state=nonsense", ["Ada Able", "Ben Baker", "Cy Cook", "Dee Dunn", "Eli East", "Fay Ford"]),
        ("q=bAKer", ["Ben Baker"]),
        ("q=ada+able", ["Ada Able"]),
        ("q=-cy@people", ["Cy Cook"]),
        ("q=%25", []),
        ("q=e&state=failed", ["Ben Baker"]),
    ],
)
def test_filters(exam: Activity, author: Browser, query: str, names: list[str]) -> None:
    path = f"/activities/{exam.id}/results"
    assert names_of(author.get(f"{path}?{query}")) == names
    listed = [line[0] for line in csv_of(author, f"{path}.csv?{query}")[1:]]
    assert listed == [name.split()[0] for name in names], "the file has the same filter"


def test_pages_go_on_where_the_last_one_ended(kit: Kit, author: Browser) -> None:
    """Also over people of the same name; nobody is met twice and nobody is missed."""
    activity, _link = kit.outside(exam=True)
    with kit.session() as session:
        for number in range(2 * PAGE + 3):
            who = person(session, f"P{number // 3:02} Same" if number % 2 else f"Same P{number // 3:02}")
            Learning(session, who.id).enrol(session.get_one(Activity, activity.id))
    page, met, sizes = author.get(f"/activities/{activity.id}/results"), [], []
    while True:
        met += rows_of(page)
        sizes.append(len(rows_of(page)))
        if 'rel="next"' not in page:
            break
        assert "people.example" not in page.html.find("a", rel="next")["href"]
        page = page.click("Next", index=0)
    assert sizes == [PAGE, PAGE, 3]
    assert len({row.split(" Not started")[0] for row in met}) == 2 * PAGE + 3
    assert len(rows_of(page.click("First page"))) == PAGE
    assert len(rows_of(author.get(f"/activities/{activity.id}/results?after={uuid4()}"))) == PAGE
    assert len(rows_of(author.get(f"/activities/{activity.id}/results?after=x"))) == PAGE


def test_a_page_costs_the_same_however_many_there_are(kit: Kit, author: Browser) -> None:
    activity, _link = kit.outside(exam=True)

    def cost() -> list[str]:
        author.get(f"/activities/{activity.id}/results")
        kit.runtime.tenants.forget()
        with counted(kit.runtime.database) as spent:
            author.get(f"/activities/{activity.id}/results")
        return spent.statements

    join(kit, activity, "One Only", "80", via=DeliveryState.SENT)
    few = cost()
    for number in range(12):
        join(kit, activity, f"More P{number}", "60", via=DeliveryState.SENT)
    many = cost()
    assert len(many) == len(few), many
    assert len(few) <= 15, few


# CSV


def csv_of(browser: Browser, path: str) -> list[list[str]]:
    answer = browser.get(path)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    text = answer.body.decode("utf-8")
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_the_file_says_what_the_page_says(exam: Activity, author: Browser) -> None:
    heading, ada, ben, cy, *_others = csv_of(author, f"/activities/{exam.id}/results.csv")
    assert heading[:7] == ["First name", "Last name", "E-mail", "Attempts", "Progress (%)", "Score (%)", "State"]
    assert ada[:2] + ada[3:11] == ["Ada", "Able", "1", "100", "80.00", "Passed", "70", "80", "100", "Vendor"]
    assert ada[12] == "North LMS: Confirmed"
    assert (ben[5], ben[6], ben[8]) == ("69.99", "Failed", "69.999")
    assert (cy[5], cy[6]) == ("", "Waiting for result")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t1", "\r1", "  =1", "\u00a0=1", "＝1", "=cmd|' /C calc'!A0", "\n1"]
)
def test_formulas_are_neutralised(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("between", [";", ",", "\t", '"', "'", "\n", "\r\n", "|", "; ", ", \u00a0", '";"'])
@pytest.mark.parametrize("mark", FORMULA_MARKS)
def test_no_cell_begins_with_a_formula_wherever_a_spreadsheet_cuts(between: str, mark: str) -> None:
    """With another separator than ours, as many a language has it, a name is more than one cell."""
    text = f"Eve{between}{mark}HYPERLINK(A1)"
    assert neutral(text) == f"Eve{between}'{mark}HYPERLINK(A1)"


def test_a_long_name_against_the_neutralising_is_read_to_the_end() -> None:
    for part in ("\t", "; ", " ", ";" + " " * 500):
        assert neutral(part * 20_000).endswith(part)


@pytest.mark.parametrize("text", ["", "Ada", "O'Neill", "a=b", "1-2", "Able, Ada", "a;b", "O'Neill-Able"])
def test_words_are_left_alone(text: str) -> None:
    assert neutral(text) == text


def test_names_and_words_of_tools_cannot_run_in_a_spreadsheet(kit: Kit, author: Browser) -> None:
    activity, _link = kit.outside(exam=True)
    join(kit, activity, '=HYPERLINK("x") @Able', "-5", source="+Vendor")
    _heading, row = csv_of(author, f"/activities/{activity.id}/results.csv")
    assert row[0] == '\'=HYPERLINK("x")'
    assert row[1] == "'@Able"
    assert row[8] == "'-5"
    assert row[10] == "'+Vendor"
    assert row[5] == "0.00"


def test_the_file_is_written_a_batch_at_a_time(kit: Kit, author: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    activity, _link = kit.outside(exam=True)
    with kit.session() as session:
        for number in range(7):
            Learning(session, person(session, f"P{number} Same").id).enrol(session.get_one(Activity, activity.id))
    monkeypatch.setattr("tenants.reports.views.BATCH", 3)
    assert BATCH > 3
    assert [line[0] for line in csv_of(author, f"/activities/{activity.id}/results.csv")[1:]] == [
        f"P{number}" for number in range(7)
    ]


# Who may


@pytest.mark.parametrize("path", ["results", "results.csv"])
def test_the_gradebook_is_the_authors_and_the_academys(kit: Kit, exam: Activity, path: str) -> None:
    kit.signed_in().get(f"/activities/{exam.id}/{path}", status=403)
    kit.house.academy().signed_in(Role.ADMIN).get(f"/activities/{exam.id}/{path}", status=404)
