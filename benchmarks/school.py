"""The outside LMS of the benchmark: it renders the requests a browser would bring from there, and signs real tokens."""

import itertools
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tenants.lti.wire.claims import AGS_CLAIM, CLAIM, NRPS_CLAIM
from tenants.lti.wire.jws import SigningKey, sign
from tenants.lti.wire.oauth1 import sign_form
from tests.services import free_port

ISSUER = "https://lms.school.example"
CLIENT, DEPLOYMENT = "academy-at-the-school", "deployment-1"
KNOWN_PEOPLE = 200
#: A class to a link: launches of one moment do not all come through the same one.
LINKS = 25
#: Without the right to read results: what is measured ends with the score, not with its confirmation.
_SCOPES = ("lineitem", "lineitem.readonly", "score")
_BROWSER = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nUpgrade-Insecure-Requests: 1\r\n"
)


def get(host: str, path: str, cookie: str = "") -> bytes:
    cookies = f"Cookie: {cookie}\r\n" if cookie else ""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{_BROWSER}{cookies}\r\n".encode()


def post(host: str, path: str, body: bytes, cookie: str = "") -> bytes:
    cookies = f"Cookie: {cookie}\r\n" if cookie else ""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{_BROWSER}{cookies}Origin: {ISSUER}\r\nReferer: {ISSUER}/\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(frozen=True)
class Tool:
    """Where one of the tools under test is to be found."""

    host: str
    login_path: str
    launch_path: str
    target: str


@dataclass(frozen=True)
class FormTool:
    """The same for LTI 1.2: the address that is signed, and the key."""

    host: str
    url: str
    key: str
    secret: str


@dataclass
class School:
    """``port`` is where its services answer, ``known`` how many people have been before; a new number is used once."""

    known: int = KNOWN_PEOPLE
    port: int = field(default_factory=free_port)
    key: SigningKey = field(default_factory=lambda: SigningKey("school-1", rsa.generate_private_key(65537, 2048)))
    _new: "itertools.count[int]" = field(default_factory=lambda: itertools.count(KNOWN_PEOPLE))
    _known: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def services(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key_set(self) -> dict[str, Any]:
        jwk = json.loads(RSAAlgorithm.to_jwk(self.key.private.public_key()))
        return {"keys": [{**jwk, "kid": self.key.kid, "alg": "RS256", "use": "sig"}]}

    def people(self, count: int, new_share: float) -> list[int]:
        """Numbers of ``count`` people, ``new_share`` of them never seen before, evenly mixed."""
        turns = (int((place + 1) * new_share) > int(place * new_share) for place in range(count))
        return [next(self._new) if new else next(self._known) % self.known for new in turns]

    def login(self, tool: Tool, person: int) -> bytes:
        query = {
            "iss": ISSUER,
            "client_id": CLIENT,
            "lti_deployment_id": DEPLOYMENT,
            "login_hint": f"person-{person}",
            "lti_message_hint": f"message-{person}-{time.monotonic_ns()}",
            "target_link_uri": tool.target,
        }
        return get(tool.host, f"{tool.login_path}?{urlencode(query)}")

    def launches(self, tool: Tool, people: Sequence[int], answers: Sequence[bytes]) -> list[bytes]:
        """The posts that follow the ``answers`` (heads) to these people's logins, each with a token of its own."""
        return [self._launch(tool, person, answer) for person, answer in zip(people, answers, strict=True)]

    def _launch(self, tool: Tool, person: int, answer: bytes) -> bytes:
        location, cookie = read_answer(answer)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        token = sign(self.claims(tool, person, asked["nonce"]), self.key)
        body = urlencode({"id_token": token, "state": asked["state"]}).encode()
        return post(tool.host, tool.launch_path, body, cookie)

    def claims(self, tool: Tool, person: int, nonce: str) -> dict[str, Any]:
        """A full resource link launch, about 3.4 kB once signed and encoded."""
        now, link = int(time.time()), person % LINKS
        membership, institution = (
            "http://purl.imsglobal.org/vocab/lis/v2/membership#",
            "http://purl.imsglobal.org/vocab/lis/v2/institution/person#",
        )
        return {
            "iss": ISSUER, "aud": CLIENT, "azp": CLIENT, "sub": f"6f1c2d3e-{person:012}", "nonce": nonce,
            "iat": now, "exp": now + 300, "given_name": "Katharina", "family_name": f"Example-{person}",
            "name": f"Katharina Example-{person}", "email": f"person-{person}@people.example", "locale": "en-GB",
            CLAIM + "version": "1.3.0", CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "deployment_id": DEPLOYMENT, CLAIM + "target_link_uri": tool.target,
            CLAIM + "roles": [membership + "Learner", institution + "Student"],
            CLAIM + "resource_link": {"id": f"link-{link}", "title": f"Working safely, part {link}", "description": "Before you enter the hall for the first time."},
            CLAIM + "context": {"id": f"course-{link}", "label": f"SAFE-{link}", "title": "Working safely in the hall",
                                "type": ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection"]},
            CLAIM + "tool_platform": {"guid": "0d6b5a3c-lms.school.example", "name": "School", "description": "The school's LMS", "product_family_code": "moodle", "version": "2025041400"},
            CLAIM + "launch_presentation": {"document_target": "window", "locale": "en-GB", "return_url": f"{ISSUER}/course/view?id={link}"},
            CLAIM + "lis": {"person_sourcedid": f"school:{person}", "course_section_sourcedid": f"school:course-{link}"},
            CLAIM + "custom": {"chapter": "1", "cohort": "spring"},
            AGS_CLAIM: {"scope": [f"https://purl.imsglobal.org/spec/lti-ags/scope/{name}" for name in _SCOPES],
                        "lineitems": f"{self.services}/courses/{link}/lineitems", "lineitem": f"{self.services}/courses/{link}/lineitems/1"},
            NRPS_CLAIM: {"context_memberships_url": f"{self.services}/courses/{link}/people", "service_versions": ["2.0"]},
        }  # fmt: skip

    def form_launches(self, tool: FormTool, people: Sequence[int]) -> list[bytes]:
        """Launches of LTI 1.2, about 2.5 kB each: a nonce and a signature of its own. Its people are others."""
        now = int(time.time())
        forms = (
            sign_form(
                tool.url, self._fields(person), key=tool.key, secret=tool.secret, nonce=uuid4().hex, timestamp=now
            )
            for person in people
        )
        return [post(tool.host, urlsplit(tool.url).path, urlencode(form).encode()) for form in forms]

    def _fields(self, person: int) -> list[tuple[str, str]]:
        link = person % LINKS
        fields = {
            "lti_message_type": "basic-lti-launch-request", "lti_version": "LTI-1p0", "user_id": f"old-{person:012}",
            "resource_link_id": f"link-{link}", "resource_link_title": f"Working safely, part {link}",
            "resource_link_description": "Before you enter the hall for the first time.",
            "roles": "Learner,urn:lti:instrole:ims/lis/Student", "lis_person_name_given": "Katharina",
            "lis_person_name_family": f"Example-{person}", "lis_person_name_full": f"Katharina Example-{person}",
            "lis_person_contact_email_primary": f"old-{person}@people.example", "lis_person_sourcedid": f"school:{person}",
            "context_id": f"course-{link}", "context_label": f"SAFE-{link}", "context_title": "Working safely in the hall",
            "context_type": "CourseSection", "tool_consumer_info_product_family_code": "moodle",
            "tool_consumer_info_version": "2025041400", "tool_consumer_instance_guid": "lms.school.example",
            "tool_consumer_instance_name": "School", "launch_presentation_locale": "en",
            "launch_presentation_document_target": "window",
            "launch_presentation_return_url": f"{ISSUER}/course/view?id={link}",
            "lis_outcome_service_url": f"{self.services}/outcomes", "lis_result_sourcedid": f"old-{person:012}",
            "custom_chapter": "1", "custom_cohort": "spring",
        }  # fmt: skip
        return list(fields.items())


def read_answer(head: bytes) -> tuple[str, str]:
    """``Location`` and the cookies to bring back, from the head of an answer."""
    location, cookies = "", []
    for line in head.decode("latin-1").split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name.lower() == "location":
            location = value.strip()
        elif name.lower() == "set-cookie":
            cookies.append(value.partition(";")[0].strip())
    return location, "; ".join(cookies)
