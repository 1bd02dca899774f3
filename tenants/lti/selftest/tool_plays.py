"""What a tool does in a self-test, as it should or with a fault: asks for a token, answers a login, sends a score."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from saas import clock
from saas.db.base import uuid7
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.learning.outside import OutsideResults
from tenants.lti.platform.addresses import issuer, token_url
from tenants.lti.platform.authorize import Answer, Authorization, Visitor
from tenants.lti.platform.tokens import TokenRequests
from tenants.lti.selftest.rehearsal import BROWSER
from tenants.lti.selftest.tool_rehearsal import Call, Props, Said, ServiceDoors, Stage
from tenants.lti.wire import jws
from tenants.lti.wire.access_token import assertion_claims, token_form
from tenants.lti.wire.ags import LINE_ITEM_SCOPE, LINE_ITEM_TYPE, SCORE_SCOPE, SCORE_TYPE
from tenants.lti.wire.checks import Check

GIVEN, MAXIMUM = 85, 100
#: Said of what came out otherwise than it was asked for.
ODD = "not as it was asked for"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a message. ``code``: of the refusal, or `ODD`, or empty."""

    code: str
    failed: Check | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    stage: Stage
    props: Props

    def claims(self) -> dict[str, Any]:
        """Of an assertion (RFC 7523 §3)."""
        client, audience = self.props.tool.client_id, token_url(self.stage.academy)
        return assertion_claims(client, audience, jti=uuid4().hex, now=clock.now())

    def sign(self, claims: Mapping[str, Any]) -> str:
        return jws.sign(claims, self.stage.stand_in.key)

    def bearer(self, scope: str) -> str:
        """The header of a token that was asked for as it should be."""
        asked = TokenRequests(self.stage.runtime, self.stage.academy)
        return f"Bearer {asked.answer(list(token_form(self.sign(self.claims()), [scope]).items())).value}"


Play = Callable[[Scene], Played]


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """Claims and fields of None are left out. ``expires_in``: seconds from now, other than usual."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    form: Mapping[str, str | None] = field(default_factory=dict)
    sign: Callable[[Scene, Mapping[str, Any]], str] = Scene.sign
    expires_in: int | None = None
    twice: bool = False

    def __call__(self, scene: Scene) -> Played:
        claims = {**scene.claims(), **self.claims}
        if self.expires_in is not None:
            now = int(clock.now().timestamp())
            claims |= {"iat": min(now, now + self.expires_in - 60), "exp": now + self.expires_in}
        signed = self.sign(scene, {name: value for name, value in claims.items() if value is not None})
        form = {**token_form(signed, scene.props.tool.scopes or [SCORE_SCOPE]), **self.form}
        pairs = [(name, value) for name, value in form.items() if value is not None]
        asked = TokenRequests(scene.stage.runtime, scene.stage.academy)
        if self.twice:
            with suppress(Refused):  # used up all the same
                asked.answer(pairs)
        issued = asked.answer(pairs, with_secret="client_secret" in form)
        return Played("" if set(issued.scopes) <= set(scene.props.tool.scopes) else ODD)


@dataclass(frozen=True, slots=True)
class Authentication:
    """The tool's answer to our login. ``before``: what happened meanwhile; fields of None are left out."""

    fields: Mapping[str, str | None] = field(default_factory=dict)
    longer: str = ""
    signed_in: bool = True
    same_person: bool = True
    twice: bool = False
    before: Callable[[ScopedSession, Props], None] | None = None

    def __call__(self, scene: Scene) -> Played:
        _happen(scene, self.before)
        props, nonce, state = scene.props, uuid4().hex, uuid4().hex
        login = props.login
        said = {
            "response_type": "id_token", "response_mode": "form_post", "scope": "openid", "prompt": "none",
            "client_id": login.client_id, "redirect_uri": props.redirect_uri + self.longer, "nonce": nonce,
            "state": state, "login_hint": login.login_hint, "lti_message_hint": login.lti_message_hint, **self.fields,
        }  # fmt: skip
        pairs = [(name, value) for name, value in said.items() if value is not None]
        if self.twice:
            self._answer(scene, pairs)
        answer = self._answer(scene, pairs)
        if not isinstance(answer, Answer) or answer.code:
            return Played(answer.code if isinstance(answer, Answer) else ODD)
        claims = jws.parse(answer.fields["id_token"]).claims
        wanted = {
            "iss": issuer(scene.stage.academy), "aud": login.client_id, "sub": login.login_hint, "nonce": nonce,
        }  # fmt: skip
        is_right = all(claims.get(name) == value for name, value in wanted.items())
        return Played("" if is_right and answer.fields.get("state") == state else ODD)

    def _answer(self, scene: Scene, pairs: list[tuple[str, str]]) -> object:
        sitting = scene.props.sitting
        person_id = sitting.person.id if self.same_person else uuid7()
        visitor = Visitor(
            person_id if self.signed_in else None,
            sitting.session_id if self.signed_in else None,
            may_return=False,
            browser=BROWSER,
        )
        return Authorization(scene.stage.runtime, scene.stage.academy, visitor).answer(pairs)


@dataclass(frozen=True, slots=True)
class Score:
    """A good score, but for ``changes``. ``column``, ``user``: where and whose. ``kept``: it must be the result."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    column: Callable[[Props], Any] = lambda props: props.own.column_id
    user: Callable[[Props], str] = lambda props: props.login.login_hint
    scope: str = SCORE_SCOPE
    authorization: str | None = None
    raw: bytes = b""
    kept: bool = False
    twice: bool = False
    before: Callable[[ScopedSession, Props], None] | None = None

    def __call__(self, scene: Scene) -> Played:
        authorization = scene.bearer(self.scope) if self.authorization is None else self.authorization
        _happen(scene, self.before)
        said = {
            "userId": self.user(scene.props), "timestamp": clock.now().isoformat(), "scoreGiven": GIVEN,
            "scoreMaximum": MAXIMUM, "activityProgress": "Completed", "gradingProgress": "FullyGraded", **self.changes,
        }  # fmt: skip
        names = {"course_id": scene.props.course_id, "line_item_id": self.column(scene.props)}
        call = Call(
            scene.stage.runtime, scene.stage.academy, "lti_scores", names, self.raw or orjson.dumps(said), SCORE_TYPE,
            authorization,
        )  # fmt: skip
        answer = _knock(scene, call)
        if self.twice and not answer.code:
            answer = _knock(scene, call)
        if self.kept and not answer.code and not _is_kept(scene):
            return Played(ODD)
        return _played(answer)


def column_of_another(scene: Scene) -> Played:
    """A grade column that is to count for an activity of another tool."""
    link = scene.props.foreign.link.resource_link_id
    body = orjson.dumps({"label": "Self-test", "scoreMaximum": MAXIMUM, "resourceLinkId": link})
    names = {"course_id": scene.props.course_id}
    bearer, runtime = scene.bearer(LINE_ITEM_SCOPE), scene.stage.runtime
    return _played(
        _knock(scene, Call(runtime, scene.stage.academy, "lti_lineitems", names, body, LINE_ITEM_TYPE, bearer))
    )


def _knock(scene: Scene, call: Call) -> Said:
    return scene.stage.runtime.part(ServiceDoors).knock(call)


def _played(said: Said) -> Played:
    return Played(said.code, Check("", False, said.words) if said.code else None)


def _is_kept(scene: Scene) -> bool:
    with scene.stage.session() as session:
        result = OutsideResults(session).of(scene.props.sitting.person.id, scene.props.own.activity.id)
        return result is not None and (result.given, result.maximum) == (str(GIVEN), str(MAXIMUM))


def _happen(scene: Scene, before: Callable[[ScopedSession, Props], None] | None) -> None:
    if before is not None:
        with scene.stage.session() as session:
            before(session, scene.props)
