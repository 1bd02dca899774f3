"""The message that opens Zoom: constants of LTI Pro, one person, one role, and a place by ids that never change."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.calendar.writing import note_opening
from tenants.catalog.models import Activity, CourseGroup
from tenants.learning.models import Grading
from tenants.learning.outside import OutsideResults, OutsideScore
from tenants.learning.services import Learning
from tenants.lti.launches.models import Launch
from tenants.lti.platform.messages import Asked, Seat, addressee_of
from tenants.lti.platform.users import ToolUsers, agreed_shares, audience_of_tool
from tenants.lti.wire.id_token import message
from tenants.lti.wire.nrps import SCOPE as ROSTER_SCOPE
from tenants.lti.wire.occasion import CONTEXT_TYPE, Occasion
from tenants.lti.wire.shares import Share
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.places import Subject, course_of, subject_of
from tenants.zoom.ltipro.seats import ROLES, PlaceRole, Seats, require_known, require_open

GROUP_TYPE = "Group"
ROSTER_PATH = "/zoom/places"
#: What a browser would take for a tag.
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>")


def memberships_url(profile: ZoomProfile, place: ZoomPlace) -> str:
    """At the address Zoom knows us by."""
    return f"{profile.issuer}{ROSTER_PATH}/{place.context_id}/memberships"


def plain(title: str) -> str:
    """Without tags, for pages that are not ours; never empty."""
    return " ".join(_TAG.sub(" ", title).split()) or "–"


def context_title(subject: Subject) -> str:
    """A group is a context of its own; everything else is in its course."""
    return plain(subject.title if isinstance(subject, CourseGroup) else course_of(subject).title)


def place_message(asked: Asked) -> dict[str, object]:
    """The claims of a launch, for `MessageKinds`: who, where and whether are judged once more. A learner's counts.

    `Refused` with a code of Zoom.
    """
    session, academy, place = asked.session, asked.academy, _place_asked_for(asked)
    require_open(session, academy, place)
    person = session.get_one(Person, asked.person.id)
    require_known(person)
    role = Seats(session, place).take(person, has_begun=True)
    user = ToolUsers(session).known_as(person.id, audience_of_tool(asked.tool.id))
    shares = agreed_shares(asked.tool, user)
    if Share.EMAIL not in shares:
        raise Refused("ZOOM_EMAIL", seen="not agreed to", wanted="an address that may be sent")
    note_opening(session, place.id)
    if role is PlaceRole.LEARNER:
        note_visit(session, place, person)
    occasion = place_occasion(academy, place, subject_of(session, place), Sitter(person, user.sub, role), asked.launch)
    addressee = addressee_of(academy, asked.tool, asked.launch.target, issuer=place.profile.issuer)
    return message(occasion, addressee, shares)


def place_of_launch(session: ScopedSession, launch: Launch) -> ZoomPlace | None:
    """Of a launch that was begun by `tenants.zoom.ltipro.launch`."""
    about = launch.login.get("about")
    named = about.get("place") if isinstance(about, dict) else None
    return session.get(ZoomPlace, UUID(named)) if isinstance(named, str) else None


@dataclass(frozen=True, slots=True)
class Sitter:
    """Who comes in, as Zoom shall know them."""

    person: Person
    sub: str
    role: PlaceRole


def place_occasion(academy: Academy, place: ZoomPlace, subject: Subject, sitter: Sitter, launch: Launch) -> Occasion:
    person, profile, seat = sitter.person, place.profile, Seat.of(launch)
    is_group = place.kind is PlaceKind.GROUP
    with_roster = profile.with_roster and ROSTER_SCOPE in profile.tool.scopes
    return Occasion(
        sub=sitter.sub,
        course_id=place.context_id,
        course_title=context_title(subject),
        link_id=place.resource_link_id,
        link_title=plain(subject.title),
        given_name=person.given_name,
        family_name=person.family_name,
        email=person.email or "",
        is_staff=sitter.role is not PlaceRole.LEARNER,
        roles=ROLES[sitter.role],
        context_type=GROUP_TYPE if is_group else CONTEXT_TYPE,
        locale=seat.locale,
        document_target=seat.opens_in.value,
        return_url=seat.return_url,
        platform_guid=urlsplit(profile.issuer).hostname or academy.host,
        platform_name=academy.name,
        platform_url=profile.issuer,
        memberships=memberships_url(profile, place) if with_roster else "",
        custom=custom_of(profile.tool.custom),
    )


def custom_of(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in rows)


def note_visit(session: ScopedSession, place: ZoomPlace, person: Person) -> None:
    """A learner was let in to a course element: visited is completed, without a score, once. The ledger hears of it."""
    if place.kind is not PlaceKind.ELEMENT:
        return
    activity = session.get_one(Activity, place.activity_id)
    latest = Learning(session, person.id).latest(activity)
    if latest is not None and latest.is_completed:
        return
    visit = OutsideScore(
        given=None, maximum=None, completed=True, grading=Grading.NONE, at=clock.now(), source=place.profile.name
    )
    OutsideResults(session).take(person.id, activity, visit)


def _place_asked_for(asked: Asked) -> ZoomPlace:
    """`Refused` ZOOM_CLOSED where it is gone, or belongs to another profile by now."""
    place = place_of_launch(asked.session, asked.launch)
    if place is None or place.profile.tool_id != asked.tool.id:
        raise Refused("ZOOM_CLOSED", seen="the place is gone, or another profile's", wanted="a place of this profile")
    return place
