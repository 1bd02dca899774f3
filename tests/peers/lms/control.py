"""The control API: how a test sets this LMS up, breaks it and looks into it. JSON in, JSON out; README.md lists it."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from grades import said, service, shown
from lti13 import KEYS, launch_answer, lineitems_url, login_parameters, redirect_uris
from school import SCHOOL, LineItem, Link, Person, Refused, Registration, build
from wire import WIRE

Order = dict[str, Any]


def posted(view: Callable[[Order], object]) -> Callable[[HttpRequest], HttpResponse]:
    """A view that is given the JSON posted and returns what to answer."""

    @service
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            raise Refused("POST a JSON object")
        try:
            order = json.loads(request.body or b"{}")
        except ValueError as error:
            raise Refused(str(error)) from None
        return said(view(order))

    return answer


@posted
def reset(_order: Order) -> object:
    """Everything as at the start, except the signing keys and the port."""
    SCHOOL.reset()
    WIRE.clear(journal=True, faults=True)
    return {"issuer": SCHOOL.issuer}


@posted
def register(order: Order) -> object:
    """Register a tool; ``resources`` are placed in courses at once."""
    resources = order.pop("resources", [])
    registration = SCHOOL.register(order)
    links = [SCHOOL.place({**resource, "client_id": registration.client_id}) for resource in resources]
    return _registered(registration, links)


@posted
def change_registration(order: Order) -> object:
    """Change members of a registration, ``quirks`` one by one."""
    client_id = order.pop("client_id", "")
    registration = SCHOOL.change(client_id, order)
    return _registered(registration, [link for link in SCHOOL.links.values() if link.client_id == client_id])


@posted
def place(order: Order) -> object:
    """Put a tool into a course."""
    return _link(SCHOOL.place(order))


@posted
def add_person(order: Order) -> object:
    """Make an account and enter the person into ``courses``."""
    courses = [SCHOOL.course(course_id) for course_id in order.pop("courses", ["1"])]
    person: Person = build(Person, order)
    SCHOOL.people[person.key] = person
    for course in courses:
        course.members.add(person.key)
    return vars(person)


@posted
def enrol(order: Order) -> object:
    """Let a person into a course or take them out."""
    members = SCHOOL.course(order.get("course", "1")).members
    key = SCHOOL.person(order.get("person", "")).key
    (members.add if order.get("enrolled", True) else members.discard)(key)
    return sorted(members)


@service
def people(_request: HttpRequest) -> HttpResponse:
    """Everybody, with the subject tools see."""
    return said([vars(person) for person in SCHOOL.people.values()])


@posted
def order_faults(order: Order) -> object:
    """Queue answers for a place; ``clear`` forgets those still waiting anywhere."""
    if order.get("clear"):
        WIRE.clear(faults=True)
    if "at" in order:
        WIRE.order(order["at"], order.get("answers", []))
    return WIRE.pending()


@posted
def rotate_keys(order: Order) -> object:
    """Sign with a new key; ``keep_previous`` (true) leaves the old ones published."""
    return {"kid": KEYS.rotate(keep_previous=order.get("keep_previous", True))}


@posted
def set_clock(order: Order) -> object:
    """Make this LMS's clock wrong by ``offset`` seconds."""
    SCHOOL.clock_offset = int(order.get("offset", 0))
    return {"now": SCHOOL.now().isoformat()}


@posted
def mint(order: Order) -> object:
    """An id_token for a launch nobody clicked; see README.md for what can be made wrong with it."""
    link, person = SCHOOL.link(order.get("link", "")), SCHOOL.person(order.get("person", ""))
    registration = SCHOOL.registration(link.client_id)
    hint = login_parameters(registration, link, person, "window")["lti_message_hint"]
    preflight = {
        "lti_message_hint": hint,
        "client_id": link.client_id,
        "redirect_uri": redirect_uris(registration, link)[0],
        "state": order.get("state") or "state",
        "nonce": order.get("nonce") or "nonce",
    }
    return launch_answer(link, person, preflight, order=order)


@service
def journal(request: HttpRequest) -> HttpResponse:
    """Requests received so far; ``since`` (a number) and ``place`` narrow. DELETE forgets them."""
    if request.method == "DELETE":
        WIRE.clear(journal=True)
    try:
        since = int(request.GET.get("since", 0))
    except ValueError:
        raise Refused("since is a number") from None
    return said(WIRE.journal(since, request.GET.get("place", "")))


@service
def gradebook(request: HttpRequest) -> HttpResponse:
    """Every column of a course with the last score accepted for each person."""
    columns = SCHOOL.columns(SCHOOL.course(request.GET.get("course", "1")).id)
    keys = {person.sub: person.key for person in list(SCHOOL.people.values())}
    return said([{**shown(column), **_column(column, keys)} for column in columns])


def _registered(registration: Registration, links: list[Link]) -> dict[str, Any]:
    return {
        "issuer": SCHOOL.issuer,
        "client_id": registration.client_id,
        "deployment_ids": registration.deployment_ids,
        "auth_url": f"{SCHOOL.issuer}/lti/auth",
        "token_url": f"{SCHOOL.services}/lti/token",
        "jwks_url": f"{SCHOOL.services}/lti/jwks",
        "lineitems_url": lineitems_url(registration, "1"),
        "links": [_link(link) for link in links],
    }


def _column(column: LineItem, keys: dict[str, str]) -> dict[str, Any]:
    held = [vars(score) for score in list(column.scores.values())]
    scores = [{**one, "moment": one["moment"].isoformat(), "person": keys.get(one["user_id"], "")} for one in held]
    return {"number": column.id, "client_id": column.client_id, "scores": scores}


def _link(link: Link) -> dict[str, Any]:
    item = SCHOOL.line_items.get(link.line_item_id or 0)
    return {**vars(link), "line_item_url": shown(item)["id"] if item else None}
