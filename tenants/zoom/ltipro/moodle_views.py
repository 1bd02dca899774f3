"""Moodle's addresses of LTI, where Zoom looks for ours: authorization, access tokens, and our key set.

Of a profile that is switched off, an academy without Zoom, and a client ID nobody has, none can be told from another.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import orjson
import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.db.base import table_of
from saas.db.rows import Runner, same
from saas.db.statement import ScopedStatement
from saas.problems import Problem, Refused
from saas.tenancy.resolve import Academy, bare_host
from saas.web.headers import CSP, content_policy
from tenants.lti.keys import KeyRing
from tenants.lti.own_question import is_own_question
from tenants.lti.platform.authorize import Answer, Manners
from tenants.lti.platform.authorize_views import AuthorizePage
from tenants.lti.platform.doors import Knock, json_response, refuse
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool, ToolKind
from tenants.lti.platform.posting import ancestors, post_to_tool
from tenants.lti.platform.token_views import MAX_FORM, answer_token
from tenants.lti.platform.tokens import TokenManners, TokenRequests
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.views import pairs_of
from tenants.lti.wire.assertion import error_of
from tenants.lti.wire.authorize import FIELDS
from tenants.zoom.ltipro.addresses import AUTH_PATH, CERTS_PATH, TOKEN_PATH
from tenants.zoom.ltipro.launch import ZOOM_HOSTS
from tenants.zoom.ltipro.models import ZoomUse
from tenants.zoom.ltipro.use import FIND_USE, USE, use_at
from tenants.zoom.wire.moodle_auth import MOODLE_ERRORS, OTHERWISE, REPOST, MoodleRequest, client_of

#: Seconds anybody may keep our key set; a key is published a day before it signs.
CERTS_SECONDS = 300
#: Reading it is noted no oftener.
NOTED_EVERY = timedelta(minutes=1)
_use = table_of(ZoomUse)

#: One of those who read at the same moment is the one who notes it.
NOTE_KEYS_READ = ScopedStatement(
    "zoom.note_keys_read",
    sa.update(_use)
    .where(
        same(_use),
        sa.or_(
            _use.c.keys_fetched_at.is_(None),
            _use.c.keys_fetched_at < sa.bindparam("before", type_=_use.c.keys_fetched_at.type),
        ),
    )
    .values(keys_fetched_at=sa.bindparam("at", type_=_use.c.keys_fetched_at.type), changed_at=_use.c.changed_at)
    .returning(_use.c.id),
)


def admits(runner: Runner, academy: Academy, tool: Tool | None) -> bool:
    """Asked for a client nobody knows, too: both answers cost the same."""
    is_on = use_at(runner, academy).is_on
    return is_on and tool is not None and tool.is_active


MANNERS = Manners(
    kind=ToolKind.ZOOM,
    reading=MoodleRequest,
    errors=MOODLE_ERRORS,
    otherwise=OTHERWISE,
    admits=admits,
    others_hint="ZOOM_AUTH_CLIENT",
    unknown_person="TOOL_OTHER_PERSON",
)
TOKENS = TokenManners(
    path=TOKEN_PATH,
    kind=ToolKind.ZOOM,
    client_of=client_of,
    admits=lambda runner, academy: use_at(runner, academy).is_on,
    needs_scope=True,
)


@view_defaults(route_name="zoom_auth", permission=NO_PERMISSION_REQUIRED, require_csrf=False)
class MoodleAuthorization(AuthorizePage):
    """``/mod/lti/auth.php``: the browser comes from Zoom, by GET or POST."""

    manners = MANNERS
    again = REPOST

    @view_config(request_method=("GET", "POST"))
    def authorize(self) -> Response:
        """The session is on the academy's main host: a browser that comes to another of its names is sent on."""
        request = self.request
        if bare_host(request.environ.get("HTTP_HOST", "")) == request.tenant.host or request.method == "HEAD":
            response = self.answer()
        else:
            response = send_on(request, ((name, value) for name, value in pairs_of(request) if name in FIELDS))
        if response.status_int == 200:
            request.add_response_callback(without_cookies)
        return response

    def post(self, answer: Answer) -> Response:
        """To Zoom, and on from there to Zoom's own hosts alone."""
        response = super().post(answer)
        zoom = (origin_of(answer.redirect_uri), ZOOM_HOSTS)
        response.headers[CSP] = content_policy(ancestors(self.request), zoom)
        return response


def without_cookies(_request: Request, response: Response) -> None:
    """The page sends itself on and needs none; one set here would take the place of the session's own."""
    response.headers.pop("Set-Cookie", None)


def send_on(request: Request, fields: Iterable[tuple[str, str]]) -> Response:
    """By a form, as it came: a redirect would put what was posted into an address. It may stand in a frame of ours."""
    home = request.tenant.url
    response = post_to_tool(request, f"{home}{AUTH_PATH}", fields, name=request.tenant.name)
    response.headers[CSP] = content_policy((*ancestors(request), home), (home,))
    return response


@view_config(
    route_name="zoom_token",
    request_method="POST",
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=False,
    raw_body=True,
    max_body=MAX_FORM,
)
def token(_context: Any, request: Request) -> Response:
    """``/mod/lti/token.php``: an assertion signed by Zoom, once."""
    return answer_token(request, TokenRequests(request.runtime, request.tenant, TOKENS), tell)


def tell(request: Request, asked: TokenRequests, refusal: Refused) -> Response:
    """As Moodle does: one word, always with 400; the log says more."""
    _status, error = error_of(refusal.code)
    refuse(request, Knock(Service.TOKEN, asked.tool, is_proven=asked.is_proven), refusal, error)
    return json_response({"error": error}, status=400)


@view_config(route_name="zoom_certs", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def certs(_context: Any, request: Request) -> Response:
    """``/mod/lti/certs.php``. Never empty: whoever keeps an empty set would refuse our first launch."""
    keys, academy = request.runtime.part(KeyRing), request.tenant
    published = keys.published(academy.id)
    if not published:
        keys.active(academy.id)
        published = keys.published(academy.id)
    if not is_own_question(request):
        note_reading(request)
    response = Response(body=orjson.dumps({"keys": published}))
    response.headers["Content-Type"] = "application/json; charset=utf-8"
    response.headers["Cache-Control"] = f"public, max-age={CERTS_SECONDS}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def note_reading(request: Request) -> None:
    """Nothing ties a reader to a profile, so it is the academy's: at most a line a minute, while Zoom is in use."""
    at = clock.now()
    with request.runtime.database.hot(request.tenant.id, write=False) as connection:
        row = connection.run(FIND_USE).first()
    use = USE.read(row) if row is not None else None
    if use is None or not use.is_on or (use.keys_fetched_at is not None and use.keys_fetched_at > at - NOTED_EVERY):
        return
    with request.runtime.database.hot(request.tenant.id) as connection:
        if connection.run(NOTE_KEYS_READ, at=at, before=at - NOTED_EVERY).first() is not None:
            note_call(connection, Service.KEYS, status=200, seen=CERTS_PATH)


def problem_of(request: Request, problem: Problem) -> Response:
    """What the rest of the program says there."""
    return json_response({"error": problem.code.lower(), "error_description": problem.title, "id": request.id},
                         status=problem.status)  # fmt: skip


def includeme(config: Configurator) -> None:
    for name, path in (("zoom_auth", AUTH_PATH), ("zoom_token", TOKEN_PATH), ("zoom_certs", CERTS_PATH)):
        config.add_route(name, path, house="academy")
        config.add_hot_path(path)
    config.add_problem_format("zoom_token", problem_of, TOKEN_PATH)
    config.add_problem_format("zoom_certs", problem_of, CERTS_PATH)
    config.scan(__name__)
