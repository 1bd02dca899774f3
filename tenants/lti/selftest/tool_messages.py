"""What an outside tool could ask of us, good and bad, and what must become of it (lti.md §2, groups P3, TK and AS)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from saas import clock
from saas.db.base import uuid7
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.learning.models import Enrolment
from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Launch
from tenants.lti.platform.launch13 import HINT_LIFETIME
from tenants.lti.platform.models import Tool, ToolLink
from tenants.lti.selftest.rehearsal import StandIn, undone
from tenants.lti.selftest.tool_plays import (
    GIVEN,
    MAXIMUM,
    Authentication,
    Play,
    Played,
    Scene,
    Score,
    TokenRequest,
    column_of_another,
)
from tenants.lti.selftest.tool_rehearsal import ELSEWHERE, Props, Stage
from tenants.lti.wire import jws
from tenants.lti.wire.ags import LINE_ITEM_SCOPE, SCORE_SCOPE
from tenants.lti.wire.checks import Check


@dataclass(frozen=True, slots=True)
class Message:
    """``expected`` is a code, empty for what must be done. ``needs``: a scope without which there is nothing to ask.

    ``step``: see `tenants.lti.selftest.messages13.Message`.
    """

    name: str
    play: Play
    expected: str = ""
    needs: str = ""
    step: str = ""


def _by_a_stranger(scene: Scene, claims: Mapping[str, Any]) -> str:
    """Under the name of the tool's key."""
    stand_in = scene.stage.stand_in
    return jws.sign(claims, jws.SigningKey(stand_in.key.kid, stand_in.stranger.private))


def _unsigned(_scene: Scene, claims: Mapping[str, Any]) -> str:
    parts = (jws.base64url(orjson.dumps(part)).decode() for part in ({"typ": "JWT", "alg": "none"}, claims))
    return f"{'.'.join(parts)}."


def _long_ago(session: ScopedSession, props: Props) -> None:
    for row in session.scalars(sa.select(Launch).where(Launch.tool_id == props.tool.id)):
        row.started_at -= 2 * HINT_LIFETIME


def _past_due(session: ScopedSession, props: Props) -> None:
    session.get_one(ToolLink, props.own.link.id).results_until = clock.now() - timedelta(minutes=1)


def _left(session: ScopedSession, props: Props) -> None:
    session.execute(sa.delete(Enrolment).where(Enrolment.person_id == props.sitting.person.id))


def _withdrawn(session: ScopedSession, props: Props) -> None:
    session.get_one(Tool, props.tool.id).is_active = False


OTHER = "https://self-test.invalid/token"
#: In the order of the report: what must work, then what must not.
MESSAGES: tuple[Message, ...] = (
    Message("token", TokenRequest()),
    Message("token_audience", TokenRequest(claims={"aud": OTHER}), "CALL_ASSERTION_AUDIENCE"),
    Message("token_twice", TokenRequest(twice=True), "CALL_ASSERTION_ID"),
    Message("token_no_id", TokenRequest(claims={"jti": None}), "CALL_ASSERTION_ID"),
    Message("token_expired", TokenRequest(expires_in=-600), "CALL_ASSERTION_DATES"),
    Message("token_endless", TokenRequest(expires_in=10 * 365 * 86400), "CALL_ASSERTION_DATES"),
    Message("token_subject", TokenRequest(claims={"sub": "self-test"}), "CALL_ASSERTION_ISSUER"),
    Message("token_client", TokenRequest(claims={"iss": OTHER, "sub": OTHER}), "CALL_CLIENT"),
    Message("token_forged", TokenRequest(sign=_by_a_stranger), "CALL_ASSERTION_SIGNATURE"),
    Message("token_unsigned", TokenRequest(sign=_unsigned), "CALL_ASSERTION_FORMAT"),
    Message(
        "token_password", TokenRequest(form={"client_assertion": None, "client_secret": "x"}), "CALL_ASSERTION_FORMAT"
    ),
    Message("token_scope", TokenRequest(form={"scope": "https://self-test.invalid/scope"}), "CALL_TOKEN_SCOPE"),
    Message("open", Authentication()),
    Message("open_client", Authentication({"client_id": "self-test"}), "TOOL_CLIENT"),
    Message("open_redirect", Authentication({"redirect_uri": ELSEWHERE + "/self-test"}), "TOOL_REDIRECT"),
    Message("open_longer", Authentication(longer="/self-test"), "TOOL_REDIRECT"),
    Message("open_response", Authentication({"response_type": "code"}), "TOOL_RESPONSE_TYPE"),
    Message("open_nonce", Authentication({"nonce": None}), "TOOL_NONCE"),
    Message("open_hint", Authentication({"lti_message_hint": "self-test"}), "TOOL_HINT"),
    Message("open_late", Authentication(before=_long_ago), "TOOL_HINT"),
    Message("open_twice", Authentication(twice=True), "TOOL_LAUNCH_USED"),
    Message("open_person", Authentication(same_person=False), "TOOL_OTHER_PERSON"),
    Message("open_signed_out", Authentication(signed_in=False), "TOOL_SIGNED_OUT"),
    Message("open_left", Authentication(before=_left), "TOOL_CLOSED"),
    Message("score", Score(kept=True), needs=SCORE_SCOPE),
    Message(
        "score_text", Score({"scoreGiven": str(GIVEN), "scoreMaximum": str(MAXIMUM)}, kept=True), needs=SCORE_SCOPE
    ),
    Message("score_no_token", Score(authorization=""), "CALL_TOKEN_MISSING"),
    Message("score_unknown_token", Score(authorization="Bearer self-test"), "CALL_TOKEN_UNKNOWN"),
    Message("score_scope", Score(scope=LINE_ITEM_SCOPE), "CALL_SCOPE", needs=LINE_ITEM_SCOPE),
    Message("score_paused", Score(before=_withdrawn), "CALL_TOOL_OFF", needs=SCORE_SCOPE),
    Message("score_column", Score(column=lambda _props: uuid7()), "CALL_NOT_YOURS", needs=SCORE_SCOPE),
    Message("score_foreign", Score(column=lambda props: props.foreign.column_id), "CALL_NOT_YOURS", needs=SCORE_SCOPE),
    Message("score_json", Score(raw=b"{"), "CALL_SHAPE", needs=SCORE_SCOPE),
    Message("score_negative", Score({"scoreGiven": -1}), "CALL_SHAPE", needs=SCORE_SCOPE),
    Message("score_nobody", Score(user=lambda _props: "self-test"), "CALL_PERSON", needs=SCORE_SCOPE),
    Message("score_bystander", Score(user=lambda props: props.bystander), "CALL_PERSON", needs=SCORE_SCOPE),
    Message("score_twice", Score(twice=True), "CALL_SCORE_OLD", needs=SCORE_SCOPE),
    Message("score_late", Score(before=_past_due), "CALL_SCORE_LATE", needs=SCORE_SCOPE),
    Message("column_foreign", column_of_another, "CALL_NOT_YOURS", needs=LINE_ITEM_SCOPE),
)


def expected_of(message: Message, tool: Tool) -> str:
    """A tool without any service gets no token either."""
    return "CALL_TOKEN_SCOPE" if message.name == "token" and not tool.scopes else message.expected


def play(runtime: Runtime, academy: Academy, stand_in: StandIn, tool: Tool) -> Iterator[tuple[Message, Played | None]]:
    """Each message with what became of it, each in a transaction of its own that is undone.

    None for what a tool of these scopes cannot ask. ``tool`` is of no session.
    """
    runtime.part(KeyRing).active(academy.id)  # made, if at all, before a transaction is open
    for message in MESSAGES:
        if message.needs and message.needs not in tool.scopes:
            yield message, None
            continue
        with undone(runtime.database, academy.id) as connection:
            stage = Stage(runtime, academy, connection, stand_in)
            played = _judged(message, Scene(stage, stage.furnish(tool)))
        yield message, played


def _judged(message: Message, scene: Scene) -> Played:
    try:
        return message.play(scene)
    except Refused as refusal:
        return Played(refusal.code, Check("", False, refusal.seen, refusal.wanted, refusal.code))
