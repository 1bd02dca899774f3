"""An outside tool for conformance cases, in both versions: PyJWT and oauthlib sign, other hands than ours.

It knows one activity of an academy, and calls our services through the whole application.
"""

import re
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from itertools import count
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4
from xml.etree import ElementTree as ET

import jwt
import orjson
import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from oauthlib.oauth1 import Client
from webtest import TestResponse

from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.catalog.models import Activity, ActivityType, Content, Course
from tenants.catalog.services import Catalog
from tenants.learning.models import Enrolment, OutsideResult
from tenants.learning.outside import OutsideResults
from tenants.lti.launches.models import Protocol
from tenants.lti.platform import addresses
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.log import Call, ServiceCalls, Wanted
from tenants.lti.platform.models import LineItem, Tool, ToolLink
from tenants.lti.platform.sourcedids import write_sourcedid
from tenants.lti.platform.tools import Tools, ToolValues
from tenants.lti.platform.users import ToolUsers, audience_of
from tests.conformance.platform import Key, rsa
from tests.house import Kit

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM, LINE_ITEM_READ, RESULT, SCORE = (
    AGS + name for name in ("lineitem", "lineitem.readonly", "result.readonly", "score")
)
ROSTER = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
EVERY = (LINE_ITEM, LINE_ITEM_READ, RESULT, SCORE, ROSTER)
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
POX = "{http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0}"
_numbers = count(1)
T = TypeVar("T")
#: Scores are told in the order they are made.
_start = datetime.now(UTC) - timedelta(hours=1)


def moment(number: int | None = None) -> str:
    """A time of its own, an hour ago, later with each one."""
    after = timedelta(milliseconds=next(_numbers) if number is None else number)
    return (_start + after).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def outside_activity(kit: Kit, minimum: int | None = None, course_id: UUID | None = None) -> Activity:
    """An e-learning, or with a minimum an exam; in a course of its own unless one is named."""
    with kit.session() as session:
        catalog = Catalog(session)
        course = session.get_one(Course, course_id) if course_id else catalog.create_course("A course with tools")
        type_ = ActivityType.E_LEARNING if minimum is None else ActivityType.EXAM
        activity = catalog.create_activity(
            course, f"Outside {uuid4().hex[:6]}", type_=type_, content=Content.LTI, minimum=minimum
        )
        session.flush()
        session.refresh(activity)
        session.expunge_all()
        return activity


@dataclass
class Seat:
    """A learner in the activity, as the tool knows them."""

    person: Person
    sub: str
    sourcedid: str


@dataclass
class Desk:
    """What both versions share: an academy, an activity, a link, and what came of the tool's words."""

    kit: Kit
    activity: Activity
    link: ToolLink

    def sit(self, role: Role = Role.LEARNER, *, enrolled: bool = True, consented: tuple[str, ...] = ()) -> Seat:
        """Somebody the tool has met; enrolled or not."""
        person = self.kit.person(role)
        with self.kit.session() as session:
            link = session.get_one(ToolLink, self.link.id)
            user = ToolUsers(session).known_as(person.id, audience_of(link))
            user.consented = list(consented)
            if enrolled:
                OutsideResults(session).begin(person.id, session.get_one(Activity, self.activity.id))
            sub = user.sub
        secrets = self.kit.runtime.secrets
        return Seat(person, sub, write_sourcedid(secrets, self.kit.academy.id, self.link.id, person.id))

    def leave(self, seat: Seat) -> None:
        with self.kit.session() as session:
            session.execute(sa.delete(Enrolment).where(Enrolment.person_id == seat.person.id))

    def result(self, seat: Seat) -> OutsideResult | None:
        with self.kit.session() as session:
            found = OutsideResults(session).of(seat.person.id, self.activity.id)
            session.expunge_all()
            return found

    def told(self, seat: Seat) -> OutsideResult:
        """What must be there."""
        found = self.result(seat)
        assert found is not None
        return found

    def calls(self, **wanted: Any) -> list[Call]:
        """The log, newest first."""
        with self.kit.session() as session:
            found = list(ServiceCalls(session).find(Wanted(**wanted)))
            session.expunge_all()
            return found

    def until(self, moment: datetime | None) -> None:
        """Results are taken until then."""
        with self.kit.session() as session:
            session.get_one(ToolLink, self.link.id).results_until = moment


@dataclass
class Tool13(Desk):
    """One registration. ``key`` signs; the academy knows its public half, pasted unless ``values`` say otherwise."""

    tool: Tool
    column: LineItem
    key: Key = field(default_factory=lambda: Key("tool-key", rsa(0)))

    @classmethod
    def set(
        cls, kit: Kit, *, minimum: int | None = None, course_id: UUID | None = None, tool_id: UUID | None = None,
        key: Key | None = None, **values: Any,
    ) -> "Tool13":  # fmt: skip
        """A tool with one activity; ``tool_id``: another activity of a tool there is."""
        key, activity = key or Key("tool-key", rsa(0)), outside_activity(kit, minimum, course_id)
        values = {
            "name": f"Tool {next(_numbers)}",
            "login_url": "https://tool.example/login",
            "is_active": True,
            **values,
        }
        if "jwks_url" not in values:
            values["pasted_key"] = pem(key)
        with kit.session() as session:
            tools = Tools(session, kit.runtime.outbound)
            tool = tools.get(tool_id) if tool_id else tools.create(ToolValues(**values))
            links = ToolLinks(session, kit.runtime.secrets, kit.runtime.outbound)
            own = session.get_one(Activity, activity.id)
            link = links.save(
                own, LinkValues(lti_version=Protocol.LTI_13, tool_id=tool.id, url="https://tool.example/launch")
            )
            column = coupled_column(session, link)
            session.flush()
            for row in (tool, link, column, own):
                session.refresh(row)
            session.expunge_all()
        return cls(kit, own, link, tool, column, key)

    @property
    def lineitems(self) -> str:
        return path_of(addresses.lineitems_url(self.kit.academy, self.activity.course_id))

    @property
    def lineitem(self) -> str:
        return f"{self.lineitems}/{self.column.id}"

    @property
    def memberships(self) -> str:
        return path_of(addresses.memberships_url(self.kit.academy, self.activity.course_id))

    def claims(self, **changes: Any) -> dict[str, Any]:
        """None drops a member."""
        now = int(time.time())
        said = {
            "iss": self.tool.client_id,
            "sub": self.tool.client_id,
            "aud": addresses.token_url(self.kit.academy),
            "iat": now - 5,
            "exp": now + 60,
            "jti": uuid4().hex,
        }
        return {name: value for name, value in {**said, **changes}.items() if value is not None}

    def sign(self, claims: dict[str, Any], key: Key | None = None) -> str:
        signer = key or self.key
        return jwt.encode(claims, signer.private, algorithm="RS256", headers={"kid": signer.kid})

    def form(self, *scopes: str, assertion: str = "", **changes: str | None) -> dict[str, str]:
        said: dict[str, str | None] = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.sign(self.claims()),
            "scope": " ".join(scopes or EVERY),
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def ask(self, form: dict[str, str], **headers: str) -> TestResponse:
        return self.kit.browser().app.post("/lti/token", form, headers=headers, expect_errors=True)

    def token(self, *scopes: str) -> str:
        answer = self.ask(self.form(*scopes))
        if answer.status_int != 200:
            raise Refused(answer.json["code"], seen=answer.json["error_description"])
        return str(answer.json["access_token"])

    def call(
        self, method: str, path: str, body: object = None, *, token: str = "", content_type: str = "", **headers: str
    ) -> TestResponse:
        """``path`` may be a whole address of ours. ``body`` is JSON unless it is bytes."""
        bearer = {"Authorization": f"Bearer {token or self.token()}", **headers}
        data = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        if method != "GET" and data:
            bearer["Content-Type"] = content_type or LINE_ITEM_TYPE
        app = self.kit.browser().app
        if method == "GET":
            return app.get(path_of(path), headers=bearer, expect_errors=True)
        send = {"POST": app.post, "PUT": app.put, "DELETE": app.delete}[method]
        return send(path_of(path), data, headers=bearer, expect_errors=True)

    def score(self, seat: Seat | None, *, token: str = "", lineitem: str = "", content_type: str = SCORE_TYPE,
              raw: bytes = b"", **changes: Any) -> TestResponse:  # fmt: skip
        """A full score of 85 out of 100, with changes; None drops a member."""
        said = {
            "userId": seat.sub if seat else None,
            "timestamp": moment(),
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
            "scoreGiven": 85,
            "scoreMaximum": 100,
            **changes,
        }
        document = {name: value for name, value in said.items() if value is not None}
        body = raw or orjson.dumps(document)
        return self.call("POST", f"{lineitem or self.lineitem}/scores", body, token=token, content_type=content_type)


class BodyClient(Client):
    """oauthlib's client for a body of any bytes, which it would take for text."""

    def __init__(self, body: bytes | None, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.body = body

    def get_oauth_params(self, request: Any) -> list[tuple[str, str]]:
        params = list(super().get_oauth_params(request))
        if self.body is None:
            return params
        return [*params, ("oauth_body_hash", b64encode(sha1(self.body, usedforsecurity=False).digest()).decode())]


@dataclass
class Tool12(Desk):
    """An activity with key and secret, and the tool behind it."""

    key: str
    secret: str

    @classmethod
    def set(cls, kit: Kit, *, minimum: int | None = None, key: str = "", secret: str = "") -> "Tool12":
        key, secret = key or f"key{uuid4().hex[:8]}", secret or uuid4().hex
        activity = outside_activity(kit, minimum)
        values = LinkValues(
            lti_version=Protocol.LTI_12, url="https://tool.example/lti", resource_link_id=uuid4().hex, key=key,
            secret=secret,
        )  # fmt: skip
        with kit.session() as session:
            links = ToolLinks(session, kit.runtime.secrets, kit.runtime.outbound)
            own = session.get_one(Activity, activity.id)
            link = links.save(own, values)
            for row in (link, own):
                session.refresh(row)
            session.expunge_all()
        return cls(kit, own, link, key, secret)

    @property
    def url(self) -> str:
        return addresses.outcomes_url(self.kit.academy)

    def authorization(
        self, body: bytes, *, url: str = "", key: str = "", secret: str = "", hashed: bool = True, **more: Any
    ) -> str:
        """``hashed`` False leaves the hash of the body out."""
        client = BodyClient(body if hashed else None, key or self.key, client_secret=secret or self.secret, **more)
        _uri, signed, _body = client.sign(url or self.url, "POST")
        return str(signed["Authorization"])

    def send(self, body: bytes, authorization: str | None = "", content_type: str = "application/xml") -> TestResponse:
        """``authorization`` None: without a header."""
        headers = {} if authorization is None else {"Authorization": authorization or self.authorization(body)}
        return self.kit.browser().app.post(
            path_of(self.url), body, headers=headers, content_type=content_type, expect_errors=True
        )

    def replace(self, seat: Seat, score: str, **more: Any) -> "Pox":
        return Pox.of(self.send(envelope("replaceResult", seat.sourcedid, score, **more)))

    def read(self, seat: Seat) -> "Pox":
        return Pox.of(self.send(envelope("readResult", seat.sourcedid)))

    def delete(self, seat: Seat) -> "Pox":
        return Pox.of(self.send(envelope("deleteResult", seat.sourcedid)))


@dataclass(frozen=True)
class Pox:
    """An answer, read by another XML reader than ours; whatever comes is well-formed."""

    status: int
    major: str
    words: str
    operation: str
    reference: str
    score: str | None
    body: list[str]

    @classmethod
    def of(cls, answer: TestResponse) -> "Pox":
        root = ET.fromstring(answer.body)
        found = {each.tag.removeprefix(POX): each.text or "" for each in root.iter()}
        return cls(
            answer.status_int,
            found["imsx_codeMajor"],
            found["imsx_description"],
            found["imsx_operationRefIdentifier"],
            found["imsx_messageRefIdentifier"],
            found.get("textString"),
            [each.tag.removeprefix(POX) for each in root.find(f"{POX}imsx_POXBody") or []],
        )


def envelope(
    operation: str, sourcedid: str, score: str | None = None, *, message: str = "m-1", namespace: str = POX[1:-1]
) -> bytes:
    result = (
        f"<result><resultScore><language>en</language><textString>{score}</textString></resultScore></result>"
        if score is not None
        else ""
    )
    scope = f' xmlns="{namespace}"' if namespace else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><imsx_POXEnvelopeRequest{scope}><imsx_POXHeader>'
        "<imsx_POXRequestHeaderInfo><imsx_version>V1.0</imsx_version>"
        f"<imsx_messageIdentifier>{message}</imsx_messageIdentifier></imsx_POXRequestHeaderInfo></imsx_POXHeader>"
        f"<imsx_POXBody><{operation}Request><resultRecord><sourcedGUID><sourcedId>{sourcedid}</sourcedId></sourcedGUID>"
        f"{result}</resultRecord></{operation}Request></imsx_POXBody></imsx_POXEnvelopeRequest>"
    ).encode()


def at_once(times: int, deed: Callable[[int], T]) -> list[T]:
    """The same thing, or one with each number, at the same moment."""
    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(deed, range(times)))


def is_refused(answer: TestResponse, status: int, code: str) -> bool:
    return bool((answer.status_int, answer.json["code"]) == (status, code))


def made_by(tool: Tool13, **members: Any) -> dict[str, Any]:
    """A column of the tool's own, out of 10."""
    answer = tool.call("POST", tool.lineitems, {"label": "Made", "scoreMaximum": 10, **members})
    assert answer.status_int == 201, answer.text
    return dict(answer.json)


def pages(tool: Tool13, url: str) -> list[list[dict[str, Any]]]:
    """Every page by its `Link`, which must end."""
    found = []
    for _ in range(10):
        answer = tool.call("GET", url)
        assert answer.status_int == 200
        found.append(answer.json)
        link = re.fullmatch(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        if link is None:
            return found
        url = link[1]
    raise AssertionError("pages without end")


def pem(key: Key) -> str:
    public = key.private.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def path_of(url: str) -> str:
    """Path and query."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def query(path: str, **fields: Any) -> str:
    return f"{path}?{urlencode(fields)}"
