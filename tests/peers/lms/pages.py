"""What a browser sees: courses, the way into a tool, the gradebook; and the two JSON endpoints of the platform."""

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from grades import said, service
from lti13 import KEYS, TokenRefused, grant, launch_answer, login_parameters, redirect_uris, remembered_launch
from school import SCHOOL, Course, Link, Person, Registration, Score

SUBMIT = mark_safe("<script>document.forms[0].submit()</script>")
AROUND = mark_safe("""<script>
// LTI Client Side postMessages: a store for the tool in the frame, kept as long as this page is open, one per origin
// (data-storage of the frame says whether it answers, and how); and the height the tool asks for.
const stored = new Map(), frame = document.querySelector("iframe");
addEventListener("message", (event) => {
  const {subject, message_id, key, value, height} = event.data ?? {};
  if (typeof subject !== "string" || !subject.startsWith("lti.") || event.origin !== frame.dataset.origin) return;
  if (subject === "lti.frameResize" && event.source === frame.contentWindow) frame.height = height;
  const reply = (more) => event.source.postMessage({subject: subject + ".response", message_id, ...more}, event.origin);
  const wrong = (code) => reply({error: {code, message: code.replace("_", " ")}});
  const supported = ["lti.capabilities", "lti.put_data", "lti.get_data"];
  const mood = frame.dataset.storage;
  if (!mood || mood === "nothing") return;
  if (!["good", "another"].includes(mood)) return wrong(mood);
  if (!supported.includes(subject)) return wrong("unsupported_subject");
  if (!message_id) return wrong("bad_request");
  if (subject === "lti.capabilities") return reply({supported_messages: supported.map((name) => ({subject: name}))});
  if (!key) return wrong("bad_request");
  if (subject === "lti.put_data") value === null ? stored.delete(key) : stored.set(key, value);
  reply({key, value: mood === "another" ? "another" : stored.get(key) ?? null});
});
</script>""")


def page(title: str, content: SafeString, status: int = 200) -> HttpResponse:
    """A whole HTML page."""
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,"><title>{}</title>'
    return HttpResponse(format_html(head + "<h1>{}</h1>{}</html>", title, title, content), status=status)


def posting(title: str, action: str, fields: dict[str, str]) -> HttpResponse:
    """A form that submits itself; with a button for whoever has no JavaScript."""
    hidden = format_html_join("", '<input type="hidden" name="{}" value="{}">', fields.items())
    form = format_html('<form method="post" action="{}">{}<button>Continue</button></form>{}', action, hidden, SUBMIT)
    return page(title, form)


@service
def course(request: HttpRequest, course_id: str) -> HttpResponse:
    """``?as=`` says who looks; ``in=frame`` and ``via=`` are carried into the links."""
    found, person = SCHOOL.course(course_id), SCHOOL.person(request.GET.get("as", ""))
    if person.key not in found.members:
        return page(found.title, format_html("<p>{} is not in this course.</p>", person.name), status=403)
    carried = urlencode({name: request.GET[name] for name in ("as", "in", "via") if name in request.GET})
    links = [link for link in list(SCHOOL.links.values()) if link.course_id == found.id]
    entries = format_html_join(
        "",
        '<li><a href="/launch/{}?{}">{}</a> {}</li>',
        ((link.id, carried, link.title, link.description) for link in links),
    )
    if person.role == "staff":
        entries += _adding(found, person)
    choices = format_html_join(
        "",
        '<p><a href="/courses/{}/choose/{}?as={}">Choose from {}</a></p>',
        (
            (found.id, one.client_id, person.key, one.name)
            for one in list(SCHOOL.registrations.values())
            if one.picker and person.role == "staff"
        ),
    )
    return page(found.title, format_html("<p>{}</p><ul>{}</ul>{}", person.name, entries, choices))


def _adding(found: Course, person: Person) -> SafeString:
    tools = format_html_join(
        "", '<option value="{}">{}', ((one.client_id, one.name) for one in list(SCHOOL.registrations.values()))
    )
    return format_html(
        '<li><form method="post" action="/courses/{}/add?as={}"><label>Activity name <input name="title"></label> '
        '<label>Tool <select name="client_id">{}</select></label> <label>Tool URL <input name="url"></label> '
        "<button>Add link</button></form>",
        found.id,
        person.key,
        tools,
    )


@service
def launch(request: HttpRequest, link_id: str) -> HttpResponse:
    """Begin a launch (``in=window``, the default, or ``in=iframe``), or show the page whose frame begins it.

    That page is ``in=frame``. ``via`` (GET or POST) says how the login initiation travels; unless it is given, the way
    the tool was registered with.
    """
    link, person = SCHOOL.link(link_id), SCHOOL.person(request.GET.get("as", ""))
    registration = SCHOOL.registration(link.client_id)
    if request.GET.get("in") == "frame":
        return _frame(request, link, registration)
    target = "iframe" if request.GET.get("in") == "iframe" else "window"
    parameters = login_parameters(registration, link, person, target)
    if request.GET.get("via", registration.initiation) == "POST":
        return posting(link.title, registration.login_url, parameters)
    joint = "&" if urlsplit(registration.login_url).query else "?"
    return HttpResponseRedirect(registration.login_url + joint + urlencode(parameters))


def _frame(request: HttpRequest, link: Link, registration: Registration) -> HttpResponse:
    inside = urlencode({**request.GET.dict(), "in": "iframe"})
    frame = format_html(
        '<iframe name="tool" title="{}" src="/launch/{}?{}" data-origin="{}" data-storage="{}" width="1000" '
        'height="700"></iframe>',
        link.title,
        link.id,
        inside,
        "{0.scheme}://{0.netloc}".format(urlsplit(registration.login_url)),
        registration.quirks.storage_answers if registration.storage else "",
    )
    return page(SCHOOL.course(link.course_id).title, format_html("{}{}", frame, AROUND))


@service
def authorize(request: HttpRequest) -> HttpResponse:
    """The authentication request, LTI 1.3 §5.1.1.2. Whoever cannot be trusted with a redirect gets a page instead."""
    asked = request.POST.dict() if request.method == "POST" else request.GET.dict()
    if asked.get("client_id") not in SCHOOL.registrations:
        return page("Invalid request", format_html("<p>No client_id {}.</p>", asked.get("client_id")), status=400)
    registration = SCHOOL.registration(asked["client_id"])
    launched = remembered_launch(asked.get("lti_message_hint", ""))
    link = {**SCHOOL.links, **SCHOOL.choosers}.get(launched.resource_link_id) if launched else None
    allowed = registration.redirect_uris or (redirect_uris(registration, link) if link else [])
    if asked.get("redirect_uri") not in allowed:
        text = format_html("<p>redirect_uri {} is not one of {}.</p>", asked.get("redirect_uri"), ", ".join(allowed))
        return page("Invalid request", text, status=400)
    error, description = _objection(asked, registration)
    people = [person for person in SCHOOL.people.values() if launched and person.sub == launched.user_id]
    if not error and not (launched and link and people and launched.config_id == registration.client_id):
        error, description = "invalid_request", "lti_message_hint is unknown or old"
    elif not error and asked.get("login_hint") != people[0].sub:
        error, description = "access_denied", "login_hint is somebody else"
    if error:
        fields = {"error": error, "error_description": description, "state": asked.get("state", "")}
        return posting("Launch", asked["redirect_uri"], fields)
    answer = launch_answer(link, people[0], asked, launched.launch_presentation_document_target)
    return posting("Launch", asked["redirect_uri"], answer)


def _objection(asked: dict[str, str], registration: Registration) -> tuple[str, str]:
    if registration.quirks.auth_error:
        return registration.quirks.auth_error, "as ordered"
    checks = [
        ("openid" in asked.get("scope", "").split(), "invalid_scope", "scope must contain openid"),
        (asked.get("response_type") == "id_token", "unsupported_response_type", "response_type must be id_token"),
        (asked.get("response_mode") == "form_post", "invalid_request", "response_mode must be form_post"),
        (asked.get("prompt", "none") == "none", "invalid_request", "prompt must be none"),
        (bool(asked.get("nonce")), "invalid_request", "nonce is missing"),
        (bool(asked.get("state")), "invalid_request", "state is missing"),
    ]
    return next(((error, text) for passed, error, text in checks if not passed), ("", ""))


def token(request: HttpRequest) -> HttpResponse:
    """The token endpoint; RFC 6749 §5."""
    no_store = {"Cache-Control": "no-store", "Pragma": "no-cache"}
    try:
        registration, answer = grant(request.POST.dict())
    except TokenRefused as refused:
        status = 401 if refused.error == "invalid_client" else 400
        return said({"error": refused.error, "error_description": str(refused)}, status=status, headers=no_store)
    quirks = registration.quirks
    if quirks.expires_in_string:
        answer["expires_in"] = str(answer["expires_in"])
    return said(answer, status=quirks.token_status, headers=no_store)


def jwks(_request: HttpRequest) -> HttpResponse:
    """The public keys."""
    return said(KEYS.document(), headers={"Cache-Control": "max-age=300"})


@service
def gradebook(_request: HttpRequest, course_id: str) -> HttpResponse:
    """A table of learners and columns; each cell carries who and what as data attributes."""
    found = SCHOOL.course(course_id)
    columns = SCHOOL.columns(found.id)
    people = [SCHOOL.person(key) for key in sorted(found.members)]
    head = format_html_join("", "<th scope=col>{} (of {})</th>", ((column.label, column.maximum) for column in columns))
    rows = [
        format_html(
            "<tr><th scope=row>{}</th>{}</tr>",
            person.name,
            format_html_join(
                "",
                '<td data-person="{}" data-line-item="{}">{}</td>',
                ((person.key, column.id, _cell(column.scores.get(person.sub))) for column in columns),
            ),
        )
        for person in people
        if person.role == "student"
    ]
    body = format_html_join("", "{}", ((row,) for row in rows))
    table = "<table><thead><tr><th scope=col>Learner</th>{}</tr></thead><tbody>{}</tbody></table>"
    return page(f"Gradebook: {found.title}", format_html(table, head, body))


def _cell(score: Score | None) -> str:
    if score is None:
        return "none"
    given = "no score" if score.given is None else f"{score.given:g} / {score.maximum:g}"
    return f"{given}, {score.activity_progress}, {score.grading_progress}"
