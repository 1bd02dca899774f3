"""What a login and a launch ask of the database: statements and commits, counted where SQLAlchemy sends them."""

from uuid import UUID

import pytest
import sqlalchemy as sa

from saas.db.scope import TENANT_SETTING
from tests.conformance.visits import Scene
from tests.conformance.visits11 import FormScene
from tests.cost import counted


def test_a_known_person_costs_eight_statements_at_most_and_one_commit(scene: Scene) -> None:
    visit = scene.visit()
    visit.accepted(visit.launch())
    visit.begin()
    token = visit.platform.sign(visit.claims())
    with counted(scene.kit.runtime.database) as cost:
        answer = visit.answer(token)
    visit.accepted(answer)
    assert len(cost.statements) <= 8, cost.statements
    assert cost.commits == 1


def page_of(scene: Scene, launch: UUID) -> int:
    with scene.kit.runtime.database.shell(write=False) as session:
        at = sa.text("SELECT (ctid::text::point)[0]::int FROM lti_launch WHERE id = :launch")
        session.execute(sa.text(f"SET LOCAL {TENANT_SETTING} = '{scene.kit.academy.id}'"))
        return int(session.execute(at, {"launch": launch}).scalar_one())


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_the_end_of_a_launch_finds_room_beside_its_beginning(scene: Scene) -> None:
    """Then PostgreSQL writes no index anew, and puts no part of it elsewhere."""
    visit = scene.visit()
    visit.begin()
    begun = scene.rows(1)[0].id
    before = page_of(scene, begun)
    visit.accepted(visit.answer(visit.platform.sign(visit.claims())))
    assert page_of(scene, begun) == before
    with scene.kit.runtime.database.shell(write=False) as session:
        options = session.scalar(sa.text("SELECT reloptions FROM pg_class WHERE relname = 'lti_launch'"))
    assert set(options or ()) == {"fillfactor=25", "toast_tuple_target=8160"}


def test_a_newcomer_on_a_known_link_costs_twelve_statements_at_most_and_one_commit(scene: Scene) -> None:
    """Four like anybody, the look for the address, the savepoint and its release, five rows."""
    known = scene.visit()
    known.accepted(known.launch())
    visit = scene.visit()
    visit.begin()
    token = visit.platform.sign(visit.claims())
    with counted(scene.kit.runtime.database) as cost:
        answer = visit.answer(token)
    visit.accepted(answer)
    assert len(cost.statements) <= 12, cost.statements
    assert cost.commits == 1


def test_a_login_costs_four_statements_at_most_and_one_commit(scene: Scene) -> None:
    visit = scene.visit()
    visit.begin()
    with counted(scene.kit.runtime.database) as cost:
        assert visit.begin().status_int == 302
    assert len(cost.statements) <= 4, cost.statements
    assert cost.commits == 1


@pytest.mark.parametrize("change", [{"version": "0"}, {"email": ""}])
def test_a_refusal_is_one_commit_as_well(scene: Scene, change: dict[str, str]) -> None:
    """Besides it, the error page reads who may frame it."""
    scene.visit().launch()
    visit = scene.visit()
    visit.begin()
    token = visit.platform.sign(visit.claims(**change))
    with counted(scene.kit.runtime.database) as cost:
        assert visit.answer(token).status_int in (400, 403)
    writing = [text for text in cost.statements if text.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert [text.split()[:2] for text in writing] == [["UPDATE", "lti_launch"]]
    assert cost.commits <= 2


def test_a_known_person_costs_five_statements_by_lti_1_2(form_scene: FormScene) -> None:
    """The key, the nonce, the look-up, the session, the log row; PostgreSQL is told the tenant, too."""
    visit = form_scene.visit()
    visit.accepted(visit.launch())
    form = visit.sign()
    with counted(form_scene.kit.runtime.database) as cost:
        answer = visit.post(form)
    visit.accepted(answer)
    assert len(cost.statements) <= 8, cost.statements
    assert len([text for text in cost.statements if "lti_" in text or "web_session" in text]) == 5, cost.statements
    assert cost.commits == 1
