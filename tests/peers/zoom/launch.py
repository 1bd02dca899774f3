"""The LTI side: login initiation by key, the answer of the site, our key set."""

import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from pyramid.response import Response

from tests.peers.zoom.moodle import AUTH, Sites
from tests.peers.zoom.render import page, refusal
from tests.peers.zoom.state import CLAIM, Asked, Credential, Instance, Practice

#: In the order they take turns.
COMPLETE = ("/lti/advantage/oauth/complete", "/lti/rich/oauth/complete")
NEEDED = ("message_type", "version", "deployment_id", "roles", "context", "resource_link", "target_link_uri")


def includeme(config: Configurator) -> None:
    for name, path, view in (
        ("target", "/lti/advantage", target),
        ("login", "/lti/advantage/login/{key}", login),
        ("complete_advantage", COMPLETE[0], complete),
        ("complete_rich", COMPLETE[1], complete),
        ("jwks", "/lti/advantage/jwks", jwks),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name)


def target(request: Request) -> Response:
    return refusal("Zoom LTI Pro is opened from a site; this is the address its messages are for.")


def login(request: Request) -> Response:
    """To the site's auth.php with a request for authentication; what is wrong with key, issuer or client ID is said."""
    practice: Practice = request.registry.practice
    ordered = _ordered(practice.faults)
    if ordered is not None:
        return ordered
    credential = practice.credentials.get(request.matchdict["key"])
    if credential is None:
        return refusal("The LTI Key is unknown.", 404)
    site, client_id = request.params.get("iss", ""), request.params.get("client_id", "")
    instance = credential.instance(site, client_id)
    if instance is None:
        known = "another Client ID" if credential.instance(site) else "no such site"
        return refusal(f"{site} with the Client ID {client_id} is not registered under LTI Moodle: {known}.")
    if not request.params.get("login_hint"):
        return refusal("login_hint is missing.")
    return _away(request, credential, instance)


def _ordered(faults: dict[str, Any]) -> Response | None:
    if "slow" in faults:
        time.sleep(faults["slow"])
    if faults.get("error"):
        return Response("Practice Zoom: not Zoom. Something broke.", status=500, content_type="text/plain")
    if status := faults.get("login_status"):
        return refusal("This answer was ordered.", status)
    if words := faults.get("login_page"):
        return page("refused.html", status=200, words=words)
    return None


def _away(request: Request, credential: Credential, instance: Instance) -> Response:
    practice: Practice = request.registry.practice
    faults, base = practice.faults, request.host_url
    with practice.lock:
        practice.logins += 1
        complete_at = COMPLETE[practice.logins % 2]
    nonce = secrets.token_urlsafe(16)
    asked = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": "not-yours" if faults.get("wrong_client_id") else instance.client_id,
        "redirect_uri": f"{base}/lti/elsewhere" if faults.get("wrong_redirect") else base + complete_at,
        "login_hint": request.params["login_hint"],
        "lti_message_hint": request.params.get("lti_message_hint", ""),
        "state": practice.ask(Asked(credential, instance, nonce, base)),
        "nonce": nonce,
    }
    site = faults.get("other_site") or instance.url
    return Response(status=302, location=f"{site}{AUTH}?{urlencode(asked)}", content_type="text/html")


def complete(request: Request) -> Response:
    """What the site answers: an id_token or an error (OpenID Connect Core §3.1.2.6), by form post."""
    practice: Practice = request.registry.practice
    with practice.lock:
        asked = practice.asked.pop(request.POST.get("state", ""), None)
    if asked is None:
        return _refuse(practice, "The state is unknown or was used before.")
    if request.POST.get("error"):
        why = f"{request.POST['error']} {request.POST.get('error_description', '')}".strip()
        return _refuse(practice, f"The site says: {why}")
    try:
        claims = believed(request.registry.sites, asked, request.POST.get("id_token", ""))
    except (ValueError, KeyError, TypeError, jwt.PyJWTError, httpx.HTTPError) as error:
        return _refuse(practice, f"The message is not believed: {type(error).__name__}: {error}")
    visit = practice.enter(asked, claims)
    raise HTTPSeeOther(f"{asked.base}/lti/advantage/meetings/{visit.token}")


def _refuse(practice: Practice, words: str) -> Response:
    practice.refusals.append(words)
    return refusal(words)


def believed(sites: Sites, asked: Asked, token: str) -> dict[str, Any]:
    """The claims of a message that is genuine, for us, fresh and complete (LTI 1.3 Security Framework §5.1.3)."""
    kid = jwt.get_unverified_header(token).get("kid", "")
    instance = asked.instance
    claims: dict[str, Any] = jwt.decode(
        token,
        sites.key_of(instance, kid),
        algorithms=["RS256"],
        audience=instance.client_id,
        issuer=instance.url,
        leeway=60,
        options={"require": ["exp", "iat", "nonce", "sub"]},
    )
    if not secrets.compare_digest(claims["nonce"], asked.nonce):
        raise ValueError("the nonce is not ours")
    missing = [name for name in NEEDED if CLAIM + name not in claims]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    if claims[CLAIM + "message_type"] != "LtiResourceLinkRequest" or claims[CLAIM + "version"] != "1.3.0":
        raise ValueError("it is no resource link request of LTI 1.3")
    if "@" not in claims.get("email", ""):
        raise ValueError("it has no e-mail address, by which Zoom knows people")
    if not claims[CLAIM + "context"].get("id"):
        raise ValueError("its context has no id")
    return claims


def jwks(request: Request) -> Response:
    """``key_set`` orders another body; ``stale_keys`` an earlier key."""
    practice: Practice = request.registry.practice
    ordered = practice.faults.get("key_set")
    if ordered is not None:
        return Response(ordered, content_type="text/html")
    return Response(json_body=practice.keys.published(stale=bool(practice.faults.get("stale_keys"))))
