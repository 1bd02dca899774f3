"""Making the demonstration: academies, people, courses, and one-time links to look around with."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from saas.runtime import Runtime
from saas.tenancy.founding import found
from saas.tenancy.lifecycle import Lifecycle
from saas.tenancy.models import OPERATOR
from saas.tenancy.resolve import Academy, academy
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import People, SignIn
from tenants.catalog.models import Course
from tenants.catalog.services import Catalog
from tenants.demo.connections import CONNECTIONS, connect
from tenants.demo.content import ACADEMIES
from tenants.demo.courses import make_course
from tenants.demo.zoom import COACH, meet, practice_of

OPERATOR_EMAIL = "operator@lyceum.example"


@dataclass(frozen=True, slots=True)
class Door:
    """A way to look around: whose, at which address, by which one-time link.

    ``visits``: the courses whose activities are another academy's; ``zoom``: where its practice Zoom is.
    """

    name: str
    url: str
    links: dict[str, str]
    visits: tuple[str, ...] = ()
    zoom: str = ""


def make_demo(runtime: Runtime) -> bool:
    """Makes what is missing; False when everything was there."""
    made = _make_operator(runtime)
    known = _academies(runtime)
    for wanted in ACADEMIES:
        if wanted["slug"] not in known:
            _make_academy(runtime, wanted)
            made = True
    made = connect(runtime, _academies(runtime)) or made
    return meet(runtime, _academies(runtime)) or made


def _academies(runtime: Runtime) -> dict[str, Academy]:
    """By slug."""
    with runtime.database.shell(write=False) as session:
        tenants = Lifecycle(session, runtime.settings.web).all()
        return {tenant.slug: academy(tenant, runtime.settings.web) for tenant in tenants}


def _make_operator(runtime: Runtime) -> bool:
    with runtime.database.transaction(OPERATOR) as session:
        if People(session).by_email(OPERATOR_EMAIL) is not None:
            return False
        People(session).create(OPERATOR_EMAIL, "Olga", "Operator", Role.OPERATOR)
        return True


def _make_academy(runtime: Runtime, wanted: dict[str, Any]) -> None:
    first = wanted["people"][0]
    made, _link = found(runtime, wanted["slug"], wanted["name"], first[0])
    with runtime.database.shell() as session:
        Lifecycle(session, runtime.settings.web).switch(wanted["slug"], "lti", on=True, reason="demonstration")
    runtime.tenants.forget()
    with runtime.database.transaction(made.id) as session:
        people = People(session)
        admin = people.by_email(first[0])
        if admin is not None:
            admin.given_name, admin.family_name = first[1], first[2]
        for email, given, family, role in wanted["people"][1:]:
            people.create(email, given, family, Role(role))
        for course in wanted["courses"]:
            make_course(Catalog(session), course)


def doors(runtime: Runtime) -> list[Door]:
    """Fresh one-time links into the demonstration, for the last lines of `lyceum run`."""
    found_doors = []
    tenants = _academies(runtime)
    for wanted in ACADEMIES:
        if wanted["slug"] in tenants:
            emails = {role: email for email, _given, _family, role in wanted["people"] if role in ("admin", "learner")}
            emails["coach"] = COACH[0]
            found_doors.append(_door(runtime, tenants[wanted["slug"]], emails))
    operator = runtime.tenants.by_id(OPERATOR)
    return [*found_doors, _door(runtime, operator, {"operator": OPERATOR_EMAIL})] if operator else found_doors


def _door(runtime: Runtime, academy: Academy, emails: dict[str, str]) -> Door:
    with runtime.database.transaction(academy.id) as session:
        links = {
            role: academy.url + _link(session, person)
            for role, email in emails.items()
            if (person := People(session).by_email(email))
        }
        courses = sa.select(Course.title).where(Course.title.in_([each.course for each in CONNECTIONS]))
        visits = tuple(session.scalars(courses.order_by(Course.title)))
    return Door(academy.name, academy.url, links, visits, practice_of(runtime, academy))


def _link(session: ScopedSession, person: Person) -> str:
    return SignIn(session).issue_link(person)
