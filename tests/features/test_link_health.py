"""How it goes with one activity of a tool: its Content tab says it, also with LTI 1.2, where there is no tool to ask."""

import pytest
import sqlalchemy as sa

from tenants.lti.platform.models import ToolLink
from tests.conformance.openings import Desk, fields_of
from tests.conformance.tools import Pox, Seat, Tool12, envelope
from tests.features.pages import words
from tests.house import House


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk.set(house.academy())


def test_the_content_tab_says_when_it_was_opened_scored_and_refused(desk: Desk) -> None:
    learner, activity, other = desk.learner(), desk.activity12(), desk.activity12(key="another-key")
    author = desk.staff().browser
    page = words(author.get(f"/activities/{activity.id}/content"))
    assert "Last launch – Last score –" in page
    sourcedid = fields_of(learner.open(activity))["lis_result_sourcedid"]
    with desk.kit.session() as session:
        link = session.scalars(sa.select(ToolLink).where(ToolLink.activity_id == activity.id)).one()
        session.expunge(link)
    tool = Tool12(desk.kit, activity, link, "our-key", "our-secret")
    assert tool.replace(Seat(learner.person, "", sourcedid), "0.5").major == "success"
    page = words(author.get(f"/activities/{activity.id}/content"))
    assert "Last launch –" not in page
    assert "Last score –" not in page
    assert "The result is for a link" not in page
    changed = envelope("replaceResult", f"{sourcedid[:-4]}AAAA", "1")
    assert Pox.of(tool.send(changed)).major == "failure"
    page = words(author.get(f"/activities/{activity.id}/content"))
    assert "The result is for a link that is not the tool's" in page
    assert "CALL_SOURCEDID" in page
    assert "What tools asked" not in page, "the log is the admins'"
    assert "Last launch – Last score –" in words(author.get(f"/activities/{other.id}/content"))
