"""What this LMS's admin and teachers do themselves: add a tool by its registration URL or by hand, choose content.

Dynamic registration and the pages are ours; the deep-linking message and the verification of its answer are the
package's.
"""

import json
import secrets
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from grades import said, service
from lti13 import chosen_items, login_parameters
from pages import page, posting
from school import SCHOOL, SCOPES, Link, Refused

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
BY_HAND = {
    "name": "Tool name",
    "login_url": "Initiate login URL",
    "redirect_uri": "Redirection URI(s)",
    "jwks_url": "Public keyset URL",
}


@service
def tools(_request: HttpRequest) -> HttpResponse:
    """The admin's page: both ways to add a tool, and the tools there are with the values their side must be told."""
    fields = format_html_join("", '<p><label>{} <input name="{}"></label></p>', ((BY_HAND[n], n) for n in BY_HAND))
    by_link = format_html(
        '<h2>By registration URL</h2><form method="post" action="/manage/by-link"><p><label>Registration URL '
        '<input name="url" size="80"></label></p><button>Add tool</button></form>'
    )
    by_hand = format_html(
        '<h2>By hand</h2><form method="post" action="/manage/by-hand">{}<button>Save tool</button></form>', fields
    )
    known = format_html_join(
        "",
        "<h2>{}</h2><dl><dt>Client ID<dd id=client>{}<dt>Deployment ID<dd>{}</dl>",
        ((one.name, one.client_id, one.deployment_ids[0]) for one in list(SCHOOL.registrations.values())),
    )
    return page("Tools", format_html("{}{}{}", by_link, by_hand, known))


@service
def by_link(request: HttpRequest) -> HttpResponse:
    """Dynamic Registration §3.3: the admin's browser opens the tool's address with ours."""
    token = secrets.token_urlsafe(24)
    SCHOOL.registration_tokens.add(token)
    asked = {"openid_configuration": f"{SCHOOL.issuer}/.well-known/openid-configuration", "registration_token": token}
    url = request.POST.get("url", "").strip()
    return HttpResponseRedirect(f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(asked)}")


@service
def by_hand(request: HttpRequest) -> HttpResponse:
    """A tool from pasted values."""
    given = {name: request.POST.get(name, "").strip() for name in BY_HAND}
    redirect_uri = given.pop("redirect_uri")
    SCHOOL.register({**given, "redirect_uris": [redirect_uri]})
    return HttpResponseRedirect("/manage")


@service
def configuration(_request: HttpRequest) -> HttpResponse:
    """Dynamic Registration §3.4."""
    messages = [{"type": kind} for kind in ("LtiResourceLinkRequest", "LtiDeepLinkingRequest")]
    return said(
        {
            "issuer": SCHOOL.issuer,
            "authorization_endpoint": f"{SCHOOL.issuer}/lti/auth",
            "token_endpoint": f"{SCHOOL.services}/lti/token",
            "jwks_uri": f"{SCHOOL.services}/lti/jwks",
            "registration_endpoint": f"{SCHOOL.services}/lti/register",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", *SCOPES],
            "claims_supported": ["iss", "sub", "name", "given_name", "family_name", "email"],
            "https://purl.imsglobal.org/spec/lti-platform-configuration": {
                "product_family_code": "peer-lms",
                "version": "1",
                "messages_supported": messages,
            },
        }
    )


@service
def register(request: HttpRequest) -> HttpResponse:
    """Dynamic Registration §3.5; the token is good once."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token not in SCHOOL.registration_tokens:
        return said({"error": "invalid_token"}, status=401)
    SCHOOL.registration_tokens.discard(token)
    try:
        asked = json.loads(request.body)
        tool = asked[TOOL_CONFIGURATION]
        pickers = [one for one in tool["messages"] if one["type"] == "LtiDeepLinkingRequest"]
        made = SCHOOL.register(
            {
                "name": asked["client_name"],
                "login_url": asked["initiate_login_uri"],
                "redirect_uris": asked["redirect_uris"],
                "jwks_url": asked["jwks_uri"],
                "scopes": [scope for scope in asked.get("scope", "").split() if scope in SCOPES],
                "picker": pickers[0].get("target_link_uri", tool["target_link_uri"]) if pickers else "",
            }
        )
    except (ValueError, KeyError, TypeError) as error:
        return said({"error": "invalid_client_metadata", "error_description": str(error)}, status=400)
    return said(
        {
            **asked,
            "client_id": made.client_id,
            "scope": " ".join(made.scopes),
            TOOL_CONFIGURATION: {**tool, "deployment_id": made.deployment_ids[0]},
        }
    )


@service
def choose(request: HttpRequest, course_id: str, client_id: str) -> HttpResponse:
    """A teacher wants something of this tool in the course: the deep-linking login, in this window."""
    registration, course = SCHOOL.registration(client_id), SCHOOL.course(course_id)
    person = SCHOOL.person(request.GET.get("as", ""))
    if not registration.picker:
        raise Refused("this tool has no picker")
    number, deployment = f"chooser-{SCHOOL.next_id()}", registration.deployment_ids[0]
    chooser = Link(number, course.id, client_id, deployment, "", registration.picker)
    SCHOOL.choosers[chooser.id] = chooser
    parameters = login_parameters(registration, chooser, person, "window", "LtiDeepLinkingRequest")
    return posting("Choose", registration.login_url, parameters)


@service
def add_link(request: HttpRequest, course_id: str) -> HttpResponse:
    """A teacher makes a link by hand, to an address of the tool."""
    given = {name: request.POST.get(name, "").strip() for name in ("client_id", "title", "url")}
    SCHOOL.place({**given, "course_id": course_id})
    return HttpResponseRedirect(f"/courses/{course_id}?as={request.GET.get('as', '')}")


@service
def chosen(request: HttpRequest, chooser_id: str) -> HttpResponse:
    """The tool's answer, once; each item becomes a link of the course."""
    chooser = SCHOOL.choosers.pop(chooser_id, None)
    if chooser is None:
        raise Refused("no choice was under way")
    for item in chosen_items(chooser, request.POST.get("JWT", "")):
        given = {"client_id": chooser.client_id, "course_id": chooser.course_id, "url": item["url"]}
        SCHOOL.place({**given, "title": item.get("title", ""), "custom": item.get("custom", {})})
    return HttpResponseRedirect(f"/courses/{chooser.course_id}?as={request.GET.get('as', '')}")
