"""Choosing activities for a course in another LMS: begun by a proven message, ended by one signed answer.

Whoever chooses has no account here. The picker's address is all they have: it carries 256 random bits, is good for one
answer within an hour and for nothing else, so that it works in a frame where the browser keeps no cookie of ours.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.base import uuid7
from saas.db.scope import ScopedSession
from saas.db.statement import ScopedInsert
from saas.problems import Refused
from saas.sessions import hash_token
from saas.tenancy.resolve import Academy
from tenants.audit.services import Keeper
from tenants.catalog.models import Activity, Course, Status
from tenants.lti.launches.models import Launch, Protocol
from tenants.lti.launches.services import launch_steps
from tenants.lti.tool.addresses import launch12_url, resource_url
from tenants.lti.tool.sharing_models import Selection
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.custom import of_link
from tenants.lti.wire.selection import Offer, Picked

LIFETIME = timedelta(hours=1)
PAGE = 50
MAXIMUM = Decimal(100)
Fields = Sequence[tuple[str, str]]

ScopedInsert("lti_selection.insert", Selection)


@dataclass(frozen=True, slots=True)
class Asker:
    """Whom the answer goes to: a platform and its deployment (LTI 1.3), or a consumer's key (LTI 1.2).

    ``activity_id``: the one activity that a key of LTI 1.2 opens; None where all can be chosen.
    """

    protocol: Protocol
    lms_name: str
    platform_id: UUID | None = None
    deployment_id: str = ""
    consumer_key_id: UUID | None = None
    activity_id: UUID | None = None


def begin(keeper: Keeper, offer: Offer, asker: Asker, launch_id: UUID | None = None) -> str:
    """The token of the picker's address (route ``lti_pick``); only its hash is kept. ``keeper``: see `Keeper`."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    keeper.add(
        Selection(
            id=uuid7(),
            token_hash=hash_token(token),
            protocol=asker.protocol,
            platform_id=asker.platform_id,
            deployment_id=asker.deployment_id,
            consumer_key_id=asker.consumer_key_id,
            activity_id=asker.activity_id,
            launch_id=launch_id,
            lms_name=asker.lms_name,
            offer=asdict(offer),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    return token


def offer_of(selection: Selection) -> Offer:
    return Offer(**{**selection.offer, "targets": tuple(selection.offer["targets"])})


#: The signed fields of an answer, per protocol: ``(session, academy, selection, items) -> fields of the form``.
Answer = Callable[[ScopedSession, Academy, Selection, Sequence[Picked]], Fields]


class Answers:
    """How each protocol answers; one per process (``runtime.parts``)."""

    def __init__(self) -> None:
        self._by_protocol: dict[Protocol, Answer] = {}

    def add(self, protocol: Protocol, answer: Answer) -> None:
        self._by_protocol[protocol] = answer

    def fields(self, session: ScopedSession, academy: Academy, selection: Selection, items: Sequence[Picked]) -> Fields:
        return self._by_protocol[selection.protocol](session, academy, selection, items)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What a page of the picker shows: ``chosen`` stay whatever is searched for; ``more`` are left out of ``found``."""

    chosen: Sequence[Activity]
    found: Sequence[Activity]
    more: int


class Selections:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def open(self, token: str) -> Selection:
        """Raises `Refused` LTI_PICK_OVER for one that is answered, too old, or nobody's."""
        found = self.session.scalar(sa.select(Selection).where(Selection.token_hash == hash_token(token)))
        if found is None or found.answered_at is not None or found.expires_at <= clock.now():
            raise Refused("LTI_PICK_OVER", seen=_why(found))
        return found

    def finish(self, selection: Selection, chosen: Sequence[Activity]) -> None:
        """Uses it up: of two answers at once one gets through. The launch log learns how it ended."""
        unanswered = sa.update(Selection).where(Selection.id == selection.id, Selection.answered_at.is_(None))
        if self.session.scalar(unanswered.values(answered_at=clock.now()).returning(Selection.id)) is None:
            raise Refused("LTI_PICK_OVER", seen="answered already")
        launch = self.session.get(Launch, selection.launch_id) if selection.launch_id else None
        if launch is not None:
            checks = Checklist.from_json(launch_steps(launch), launch.checks.get("launch", []))
            checks.note("answered", ", ".join(each.title for each in chosen) or "cancelled: nothing chosen")
            launch.checks = {**launch.checks, "launch": checks.as_json()}

    def shelf(self, selection: Selection, words: str, chosen: Sequence[UUID]) -> Shelf:
        """Activities that another LMS may open, by course and place."""
        query = self._shareable(selection)
        picked = self.session.scalars(query.where(Activity.id.in_(chosen))).all() if chosen else []
        rest = query.where(Activity.id.not_in(chosen)) if chosen else query
        for word in words.lower().split()[:8]:
            text = sa.func.lower(Activity.title + " " + Activity.description + " " + Course.title)
            rest = rest.where(text.contains(word, autoescape=True))
        found = self.session.scalars(rest.limit(PAGE)).all()
        more = 0
        if len(found) == PAGE:
            every = rest.with_only_columns(sa.func.count(Activity.id)).order_by(None).options()
            more = (self.session.scalar(every) or 0) - PAGE
        return Shelf(picked, found, more)

    def chosen(self, selection: Selection, ids: Sequence[UUID], in_parts: Sequence[UUID] = ()) -> Sequence[Activity]:
        """In the order chosen, each once; playlists of ``in_parts`` come as the activities in them.

        Raises `Refused` LTI_NOT_AVAILABLE when one was withdrawn since the page was shown.
        """
        wanted = list(dict.fromkeys([*ids, *in_parts]))
        query = self._shareable(selection).where(Activity.id.in_(wanted))
        found = {each.id: each for each in self.session.scalars(query)}
        if len(found) < len(wanted) or not all(parts_of(found[each]) for each in in_parts):
            raise Refused("LTI_NOT_AVAILABLE", seen="withdrawn since the page was shown")
        whole = [found[each] for each in ids]
        parts = [part for each in in_parts for part in parts_of(found[each])]
        return list({each.id: each for each in [*whole, *parts]}.values())

    def _shareable(self, selection: Selection) -> sa.Select[Activity]:
        query = (
            sa.select(Activity)
            .join(Course, Course.id == Activity.course_id)
            .where(Activity.lti_available, Activity.status == Status.PUBLISHED)
            .options(selectinload(Activity.course), selectinload(Activity.items))
            .order_by(Course.title, Course.id, Activity.position, Activity.id)
        )
        return query.where(Activity.id == selection.activity_id) if selection.activity_id else query


def parts_of(activity: Activity) -> Sequence[Activity]:
    """The activities of a playlist that another LMS may open by themselves; of anything else, none."""
    parts = [item.activity for item in activity.items] if activity.is_playlist else []
    return [each for each in parts if each.lti_available and each.status is Status.PUBLISHED]


def picked(academy: Academy, activity: Activity, protocol: Protocol) -> Picked:
    """The activity as a link with a grade column of its own; the column's ``resource_id`` finds it again."""
    return Picked(
        url=launch12_url(academy, activity.id) if protocol is Protocol.LTI_12 else resource_url(academy, activity.id),
        title=activity.title,
        text=activity.description,
        maximum=MAXIMUM,
        resource_id=str(activity.id),
        custom=of_link(activity.id),
    )


def _why(selection: Selection | None) -> str:
    if selection is None:
        return "no choice begun here"
    return "answered already" if selection.answered_at else "older than an hour"
