"""An academy with something behind every kind of address."""

import io
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID, uuid4

from PIL import Image

from saas import clock
from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.calendar import writing
from tenants.catalog.groups import Groups
from tenants.catalog.models import Activity, BlockKind, Course, CourseGroup
from tenants.catalog.pictures import store_picture
from tenants.grades.models import DeliveryTry, Progress, Result, ScoreDelivery
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.launches.sharing import Shares
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import LineItem
from tenants.lti.platform.registration import ToolInvitations
from tenants.lti.platform.tools import Tools, ToolValues
from tenants.lti.selftest.models import RunState
from tenants.lti.selftest.services import SelfTests
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.invitations import Invitations
from tenants.lti.tool.landing13 import CHANNEL
from tenants.lti.tool.models import Deployment, ResourceLink
from tenants.lti.tool.people_models import CaseKind, PersonCase
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tenants.lti.tool.rosters import Rosters
from tenants.lti.tool.sharing_models import Change, PullState, RosterEntry
from tenants.zoom.ltipro.check import Checks, Draft
from tenants.zoom.ltipro.models import PlaceKind
from tenants.zoom.ltipro.places import Places
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.use import switch_use
from tests.house import House, Kit

#: Words that stand in every row of the furnished academy that has words.
CANARY = "Quicksilver"


@dataclass
class Furnished:
    """``ids``: what fills each placeholder of an address; all of them exist in ``kit``'s academy."""

    kit: Kit
    ids: dict[str, str]


def furnish(house: House, kit: Kit | None = None) -> Furnished:
    """In a new academy, or once more in one there is."""
    kit = kit or house.academy()
    activity = kit.activity()
    playlist = kit.playlist(activity, title=f"{CANARY} playlist")
    person = kit.person()
    with kit.session() as session:
        activity = session.get_one(Activity, activity.id)
        activity.title = activity.course.title = activity.chapters[0].title = f"{CANARY} {activity.id.hex[:6]}"
        session.get_one(Person, person.id).family_name = CANARY
        picture = io.BytesIO()
        Image.new("RGB", (2, 2)).save(picture, "PNG")
        media = store_picture(session, picture.getvalue())
        group = Groups(session).create(activity.course, CANARY, CANARY)
        Groups(session).put(group, session.get_one(Person, person.id), is_coach=True)
        question = next(block for block in activity.chapters[0].blocks if block.kind is BlockKind.QUESTION)
        platform = Platforms(session, house.runtime.outbound).create(platform_values(f"{CANARY} LMS"))
        launch = Launch(
            outcome=Outcome.ACCEPTED, platform_id=platform.id, platform_name=platform.name, person_name=CANARY
        )
        result = Result(
            person_id=person.id, activity_id=activity.id, progress=Progress.COMPLETED, achieved_at=clock.now()
        )
        consumer = Consumers(session, house.runtime.secrets).create(activity, f"{CANARY} LMS")
        session.add_all([launch, result])
        session.flush()
        delivery = ScoreDelivery(
            result_id=result.id, channel=CHANNEL, route_id=uuid4(), progress=Progress.COMPLETED, achieved_at=clock.now()
        )
        session.add(delivery)
        session.flush()
        session.add(DeliveryTry(delivery_id=delivery.id, at=clock.now(), step="score", outcome="sent", cause=CANARY))
        link = ResourceLink(
            platform_id=platform.id, deployment_id="1", resource_link_id="17", activity_id=activity.id, title=CANARY,
            memberships_url=f"{platform.issuer}/members",
        )  # fmt: skip
        question_of_deployment = Deployment(platform_id=platform.id, deployment_id=f"{CANARY} 2")
        invitation, _token = Invitations(session).make(CANARY)
        tool = Tools(session, house.runtime.outbound).create(tool_values(f"{CANARY} tool"))
        tool_invitation, _address = ToolInvitations(session).make(kit.academy, tool.login_url, CANARY)
        column = LineItem(tool_id=tool.id, course_id=activity.course_id, label=CANARY, maximum=Decimal(100))
        session.add(column)
        note_call(session, Service.SCORE, status=404, code="CALL_NOT_YOURS", seen=CANARY, tool=tool)
        share, _link = Shares(session).make(launch, CANARY)
        test, _is_new = SelfTests(session).begin(platform, CANARY)
        SelfTests(session).end(test, RunState.DONE)
        session.add_all([link, question_of_deployment])
        session.flush()
        pull = Rosters(session).start(link, CANARY)
        pull.state = PullState.READY
        case = PersonCase(
            kind=CaseKind.CONFLICT, issuer=CANARY, sub=f"{CANARY} {uuid4()}", given_name=CANARY, lms_name=CANARY
        )
        session.add(case)
        session.flush()
        session.add(RosterEntry(pull_id=pull.id, sub=CANARY, family_name=CANARY, change=Change.STAFF))
        said = writing.EventValues(f"{CANARY} meeting", CANARY, "https://us05web.zoom.us/j/1", clock.now(), 3600)
        origin = writing.Origin(uuid4(), activity.course_id, activity.id)
        event = writing.make(session, origin, "1", "", said, writing.next_numbers(session, 1))
        assert event is not None
        found: dict[str, UUID] = {
            "activity_id": activity.id,
            "block_id": question.id,
            "chapter_id": activity.chapters[0].id,
            "consumer_id": consumer.id,
            "course_id": activity.course_id,
            "delivery_id": delivery.id,
            "deployment_id": question_of_deployment.id,
            "event_id": event.id,
            "group_id": group.id,
            "invitation_id": invitation.id,
            "item_id": playlist.items[0].id,
            "launch_id": launch.id,
            "line_item_id": column.id,
            "link_id": link.id,
            "media_id": media.id,
            "person_id": person.id,
            "platform_id": platform.id,
            "pull_id": pull.id,
            "case_id": case.id,
            "playlist_id": playlist.id,
            "share_id": share.id,
            "tool_id": tool.id,
            "tool_invitation_id": tool_invitation.id,
            **zoom_of(session, kit, activity.course, group),
        }
        ids = {name: str(value) for name, value in found.items()}
    return Furnished(kit, ids)


def zoom_of(session: ScopedSession, kit: Kit, course: Course, group: CourseGroup) -> dict[str, UUID]:
    profiles = Profiles(session, kit.runtime, kit.academy)
    profile, _token = profiles.create(ProfileValues(f"{CANARY} profile {uuid4().hex[:6]}", "zoom-key"))
    switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
    places = Places(session, kit.academy, kit.runtime)
    places.put(PlaceKind.GROUP, group, profile)
    place = places.put(PlaceKind.COURSE, course, profile)
    check = Checks(session, kit.runtime, kit.academy).add(Draft.of(profile), CANARY)
    about_place = {"place_id": place.id, "context_id": UUID(place.context_id)}
    return {"profile_id": profile.id, "check_id": check.id, **about_place}


def tool_values(name: str) -> ToolValues:
    base = f"https://{uuid4().hex[:8]}.example"
    return ToolValues(name=name, login_url=f"{base}/login", jwks_url=f"{base}/jwks", target_url=base, is_active=True)


def platform_values(name: str) -> PlatformValues:
    base = f"https://{uuid4().hex[:8]}.example"
    return PlatformValues(
        name=name, issuer=base, client_id="client", auth_url=f"{base}/auth", token_url=f"{base}/token",
        jwks_url=f"{base}/jwks", deployment_ids=("1",), is_active=True,
    )  # fmt: skip
