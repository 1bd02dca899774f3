"""Words and times in the person's language and zone. English is the source of all catalogues."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from translationstring import TranslationStringFactory

from saas import clock, locales
from saas.tenancy.resolve import Academy
from saas.web.sessions import cookie_name

DOMAIN = "lyceum"
#: In the environment of a request: who asks, with ``about`` as the session has it, once that was looked up.
KNOWN_IDENTITY = "lyceum.identity"
#: The cookie in which the person's browser names its zone (static/js/page.js).
ZONE_COOKIE = "zone"
_ = TranslationStringFactory(DOMAIN)
#: The first and the last moment that has a date in every time zone.
EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, tzinfo=UTC)


def _known_tenant(request: Request) -> Academy | None:
    """Only when it is known already: error pages must not ask the database again."""
    return request.__dict__.get("tenant")


def _sessions_locale(request: Request) -> str:
    """What a launch asked for; only when it is known already who asks."""
    identity = request.environ.get(KNOWN_IDENTITY)
    return str((identity.about or {}).get("locale", "")) if identity is not None else ""


def negotiate_locale(request: Request) -> str:
    """The session's, the browser's, the academy's: the first that we speak."""
    tenant, offered = _known_tenant(request), locales.LOCALES
    by_session, by_tenant = _sessions_locale(request), tenant.locale if tenant else "en"
    if by_session in offered:
        return by_session
    return str(request.accept_language.lookup(offered, default=by_tenant if by_tenant in offered else "en"))


@cache
def _zones() -> frozenset[str]:
    """What may be looked up: names become names of files."""
    return frozenset(available_timezones())


def zone(request: Request) -> ZoneInfo:
    """The person's, the academy's: the first that there is."""
    tenant = _known_tenant(request)
    told = request.cookies.get(cookie_name(request, ZONE_COOKIE), "")
    named = (told, tenant.timezone if tenant else "")
    return ZoneInfo(next((name for name in named if name in _zones()), "UTC"))


def _local(request: Request, moment: datetime) -> datetime:
    """In the academy's zone. Others write times, too: what has no date there is shown as the nearest that has."""
    return min(max(moment, EARLIEST), LATEST).astimezone(request.zone)


def exact(request: Request, moment: datetime) -> str:
    return format_datetime(_local(request, moment), "medium", tzinfo=request.zone, locale=request.locale_name)


def time_of_day(request: Request, moment: datetime) -> str:
    """Such as "14:02" today, with the date on other days."""
    local, today = _local(request, moment), clock.now().astimezone(request.zone).date()
    if local.date() != today:
        return exact(request, moment)
    return format_time(local, "short", tzinfo=request.zone, locale=request.locale_name)


def relative(request: Request, moment: datetime) -> str:
    """Such as "2 minutes ago" within a day, a date beyond."""
    distance = moment - clock.now()
    if abs(distance.total_seconds()) > 86400:
        return format_date(_local(request, moment), "medium", locale=request.locale_name)
    return format_timedelta(distance, add_direction=True, locale=request.locale_name)


def time_element(request: Request, moment: datetime | None) -> Markup:
    """A ``<time>`` with the relative words inside and the exact time on hover."""
    if moment is None:
        return Markup("–")
    template = '<time datetime="{}" title="{}">{}</time>'
    return Markup(template).format(  # noqa: S704 -- a constant; its values are escaped
        moment.isoformat(), exact(request, moment), relative(request, moment)
    )


def includeme(config: Configurator) -> None:
    config.set_locale_negotiator(negotiate_locale)
    config.add_request_method(zone, "zone", reify=True)
