"""``lyceum activity create``: what scripts give and read, and that nothing half-made is left behind."""

import json
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from saas.cli.context import CommandError
from saas.problems import Refused
from tenants.catalog.models import Activity, Status
from tenants.catalog.services import Catalog
from tenants.lti.activity_cli import create
from tenants.lti.platform.links import ToolLinks
from tenants.lti.platform.models import ToolLink
from tests.features.test_sharing_cli import HouseShell
from tests.house import House, Kit

URL = "https://tool.example/launch"
LEGACY = ("--lti", "1.2", "--url", URL, "--key", "k")


class Desk:
    """An operator's, with a course of one academy."""

    def __init__(self, house: House) -> None:
        self.kit: Kit = house.academy()
        with self.kit.session() as session:
            self.course = str(Catalog(session).create_course("A course").id)

    def tried(self, *arguments: str, typed: str = "") -> Result:
        common = [self.kit.academy.slug, "--course", self.course, "--title", "Outside", "--json"]
        return CliRunner().invoke(create, [*common, *arguments], obj=HouseShell(self.kit.house), input=typed)

    def made(self, *arguments: str, typed: str = "") -> dict[str, Any]:
        done = self.tried(*arguments, typed=typed)
        if done.exception:
            raise done.exception
        return dict(json.loads(done.stdout))

    def secrets(self) -> list[str]:
        with self.kit.session() as session:
            links = ToolLinks(session, self.kit.runtime.secrets, self.kit.runtime.outbound)
            return links.secrets_of(session.scalars(sa.select(ToolLink)).one())

    def count(self) -> int:
        with self.kit.session() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Activity)) or 0


@pytest.fixture
def desk(house: House) -> Desk:
    return Desk(house)


def test_an_e_learning_of_lti_12_with_its_secret_piped_in(desk: Desk) -> None:
    more = ("--custom", "course=7", "--custom", "custom_level=3", "--publish")
    made = desk.made("--type", "elearning", *LEGACY, "--secret", "-", *more, typed="s3cret\n")
    assert (made["type"], made["lti"], made["status"]) == ("e-learning", "1.2", Status.PUBLISHED.value)
    assert made["custom"] == {"course": "7", "level": "3"}
    assert made["resource_link"]
    assert "s3cret" not in json.dumps(made)
    assert desk.secrets() == ["s3cret"]


def test_an_exam_of_lti_13(desk: Desk) -> None:
    tool = desk.kit.tool()
    made = desk.made("--type", "exam", "--lti", "1.3", "--tool", str(tool.id), "--minimum", "70", "--window")
    assert (made["type"], made["minimum_score"], made["tool"]) == ("exam", 70, str(tool.id))
    assert (made["url"], made["status"]) == (tool.target_url, Status.DRAFT.value)


def test_what_is_wrong_is_said_and_nothing_is_left(desk: Desk, house: House) -> None:
    foreign = str(house.academy().tool().id)
    for arguments, said in (
        (("--type", "elearning", *LEGACY), "secret: Enter it as the other learning system gave it to you"),
        (("--type", "elearning", "--lti", "1.2", "--key", "k", "--secret", "s", "--url", "ftp://x.example/"), "url: "),
        (("--type", "elearning", "--lti", "1.3", "--url", URL), "tool_id: Choose the tool"),
        (("--type", "elearning", "--lti", "1.3", "--url", URL, "--tool", foreign), "tool_id: Choose the tool"),
        (("--type", "elearning", "--lti", "1.3", "--url", URL, "--tool", "x"), "TOOL is an id"),
        (("--type", "elearning", *LEGACY, "--secret", "s", "--custom", "oauth_nonce=1"), "custom: "),
    ):
        done = desk.tried(*arguments)
        assert isinstance(done.exception, CommandError), arguments
        assert said in str(done.exception)
    with pytest.raises(Refused, match="EXAM_MINIMUM"):
        desk.made("--type", "exam", *LEGACY, "--secret", "s")
    for minimum in ("0", "101", "1.5"):
        assert desk.tried("--type", "exam", *LEGACY, "--secret", "s", "--minimum", minimum).exit_code == 2
    desk.course = str(uuid4())
    with pytest.raises(Refused, match="WEB_NOT_FOUND"):
        desk.made("--type", "elearning", *LEGACY, "--secret", "s")
    assert desk.count() == 0


def test_no_such_activity_where_lti_is_off(desk: Desk, house: House) -> None:
    desk.kit = house.academy(lti=False)
    with pytest.raises(Refused, match="LTI_OFF"):
        desk.made("--type", "elearning", *LEGACY, "--secret", "s")
    assert desk.count() == 0
