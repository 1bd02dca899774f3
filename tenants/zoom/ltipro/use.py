"""Whether and where an academy may use Zoom: the operator's feature and the admin's switches."""

from dataclasses import dataclass

import sqlalchemy as sa

from saas.db.base import table_of
from saas.db.rows import Part, Runner, same
from saas.db.scope import ScopedSession
from saas.db.statement import ScopedStatement
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.zoom.ltipro.models import PlaceKind, ZoomUse


@dataclass(frozen=True, slots=True)
class Use:
    """``kinds``: where Zoom may be used; empty while it is off, by whomever."""

    is_on: bool
    kinds: frozenset[PlaceKind]
    with_calendar: bool


USE = Part(ZoomUse)
#: For the hot paths: what `use_of` asks.
FIND_USE = ScopedStatement("zoom.find_use", sa.select(*USE.columns).where(same(table_of(ZoomUse))))


def use_of(session: ScopedSession, academy: Academy) -> Use:
    return _use(session.scalar(sa.select(ZoomUse)), academy)


def use_at(runner: Runner, academy: Academy) -> Use:
    """The same, on the connection of a hot path."""
    row = runner.run(FIND_USE).first()
    return _use(USE.read(row) if row is not None else None, academy)


def _use(row: ZoomUse | None, academy: Academy) -> Use:
    if row is None or not row.is_on or not academy.has("zoom"):
        return Use(is_on=False, kinds=frozenset(), with_calendar=False)
    switches = {
        PlaceKind.ELEMENT: row.in_elements,
        PlaceKind.COURSE: row.in_courses,
        PlaceKind.GROUP: row.in_groups,
    }
    kinds = frozenset(kind for kind, on in switches.items() if on)
    return Use(is_on=True, kinds=kinds, with_calendar=row.with_calendar)


def require_use(session: ScopedSession, academy: Academy, kind: PlaceKind) -> None:
    """`Refused` ZOOM_OFF where operator or admin has not switched it on, ZOOM_KIND_OFF for this kind of place."""
    use = use_of(session, academy)
    if not use.is_on:
        raise Refused("ZOOM_OFF", seen=academy.name)
    if kind not in use.kinds:
        raise Refused("ZOOM_KIND_OFF", seen=kind.value)


def switch_use(session: ScopedSession, *, is_on: bool, kinds: frozenset[PlaceKind], with_calendar: bool) -> ZoomUse:
    """Made with the first switch."""
    row = session.scalar(sa.select(ZoomUse))
    if row is None:
        row = ZoomUse()
        session.add(row)
    row.is_on, row.with_calendar = is_on, with_calendar
    row.in_elements = PlaceKind.ELEMENT in kinds
    row.in_courses = PlaceKind.COURSE in kinds
    row.in_groups = PlaceKind.GROUP in kinds
    session.flush()
    return row
