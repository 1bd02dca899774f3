"""One call of Moodle's web service: whose token, what it may, what is done, and what is said of it in the log.

All of it is one transaction in few statements. Whether a token is unknown, its profile is switched off, or the academy
uses no calendar or no Zoom: the same statements are run and the same is answered; the log alone says which it was.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.calendar import writing as calendar
from tenants.calendar.models import CalendarEvent
from tenants.lti.wire.text import shown
from tenants.zoom.ltipro import calendar_writing as writing
from tenants.zoom.ltipro.addresses import ZoomAddresses
from tenants.zoom.ltipro.calendar_writing import Date, Held, Written
from tenants.zoom.ltipro.models import ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.tokens import Bearer, bearer_of
from tenants.zoom.ltipro.use import Use, use_at
from tenants.zoom.ltipro.zoom_log import Line, hint_of, keep
from tenants.zoom.wire import moodle_answers as answers
from tenants.zoom.wire import moodle_rest as rest
from tenants.zoom.wire.meeting import TITLE_LIMIT, duration_of, moment_of, read_meeting, weekly
from tenants.zoom.wire.moodle_answers import EventAnswer, Fault
from tenants.zoom.wire.moodle_rest import Function, InvalidParameter, NewEvent, RestCall

Document = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Answered:
    """``body`` is in the format that was asked for; ``code`` names what was refused of it, if anything was."""

    body: bytes
    code: str


@dataclass(slots=True)
class _Tally:
    """What became of a call, for its answer and its line."""

    warnings: list[dict[str, object]] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    code: str = ""
    #: What the first refusal was about.
    about: str = ""

    def refuse(self, code: str, warning: dict[str, object], about: str) -> None:
        if not self.code:
            self.code, self.about = code, about
        self.warnings.append(warning)
        self.done["refused"] += 1

    def count(self, what: str, many: int = 1) -> None:
        if many:
            self.done[what] += many

    def __str__(self) -> str:
        told = ", ".join(f"{count} {what}" for what, count in self.done.items()) or "nothing to do"
        return f"{told}; {self.about}" if self.about else told


class CalendarCall:
    """``call`` as it came; ``is_guessing``: many unknown tokens came from where it did. ``is_unknown``: afterwards,
    whether its token opens nothing, as a guess would.
    """

    def __init__(self, runtime: Runtime, academy: Academy, call: RestCall, *, is_guessing: bool = False) -> None:
        self.runtime = runtime
        self.academy = academy
        self.call = call
        self.is_guessing = is_guessing
        self.is_unknown = False

    def answer(self, may_log: Callable[[], bool]) -> Answered:
        """``may_log``: whether a stranger may still fill the log."""
        with self.runtime.database.hot(self.academy.id) as connection:
            bearer = bearer_of(connection, self.call.token, clock.now())
            use = use_at(connection, self.academy)
            self.is_unknown = bearer is None or not bearer.is_good
            obstacle = self._obstacle(bearer, use)
            if bearer is None or obstacle:
                tool = bearer.profile.tool if bearer is not None else None
                keep(connection, Line(obstacle, self._named(hint_of(self.call.token)), tool), may_log)
                return Answered(answers.render_fault(answers.fault_of(obstacle), self.call.format), obstacle)
            deed = _Deed(self.runtime, self.academy, connection, bearer.profile, use)
            body, code, seen = self._served(deed)
            keep(connection, Line(code, self._named(seen), bearer.profile.tool, is_proven=True), may_log)
            return Answered(body, code)

    def _obstacle(self, bearer: Bearer | None, use: Use) -> str:
        """Why this call may do nothing; empty where it may."""
        if bearer is None:
            return "ZOOM_CALL_LOCKED" if self.is_guessing else "ZOOM_CALL_TOKEN"
        if not use.is_on:
            return "ZOOM_OFF"
        if not use.with_calendar:
            return "ZOOM_CALL_NO_CALENDAR"
        if not bearer.profile.is_active:
            return "ZOOM_CALL_INACTIVE"
        return "" if bearer.is_good else "ZOOM_CALL_OLD_TOKEN"

    def _served(self, deed: "_Deed") -> tuple[bytes, str, str]:
        """What is refused here was refused before anything was written."""
        call = self.call
        try:
            document = deed.do(call)
        except InvalidParameter as fault:
            return self._fault("ZOOM_CALL_PARAMETERS", answers.fault_of("ZOOM_CALL_PARAMETERS"), str(fault))
        except Refused as refusal:
            return self._fault(refusal.code, answers.fault_of(refusal.code), refusal.seen)
        return answers.render(document, call.format), deed.tally.code, str(deed.tally)

    def _fault(self, code: str, fault: Fault, seen: str) -> tuple[bytes, str, str]:
        return answers.render_fault(fault, self.call.format), code, seen

    def _named(self, seen: str) -> str:
        """With the function in front, as far as it is one."""
        asked = self.call.function
        known = {function.value: function.name.lower().replace("_", " ") for function in Function}
        return f"{known.get(asked, shown(asked, 60) or 'no function')}: {seen}"


class _Deed:
    """A call that may be served: by a profile, in its places."""

    def __init__(
        self, runtime: Runtime, academy: Academy, connection: HotConnection, profile: ZoomProfile, use: Use
    ) -> None:
        self.runtime = runtime
        self.academy = academy
        self.connection = connection
        self.profile = profile
        self.use = use
        self.tally = _Tally()

    def do(self, call: RestCall) -> Document:
        """What the function returns. Raises `InvalidParameter`, or `Refused` with a code of `answers.FAULTS`."""
        functions: Mapping[str, Callable[[Mapping[str, Any]], Document]] = {
            Function.CREATE.value: self._create,
            Function.DELETE.value: self._delete,
            Function.GET.value: self._get,
            Function.SITE_INFO.value: self._site_info,
        }
        if call.fault:
            raise InvalidParameter(call.fault)
        if not call.function:
            raise InvalidParameter("wsfunction: missing")
        serve = functions.get(call.function)
        if serve is None:
            raise Refused("ZOOM_CALL_FUNCTION", seen="not offered")
        return serve(call.parameters)

    def _site_info(self, _parameters: Mapping[str, Any]) -> Document:
        """With the address Zoom knows us by."""
        self.tally.done["told"] += 1
        return answers.site_info(self.academy.name, self.profile.issuer, self.academy.locale, self.profile.name)

    def _create(self, parameters: Mapping[str, Any]) -> Document:
        asked = rest.read_new_events(parameters)
        places = writing.hold_places(self.connection, self.profile, (event.course for event in asked))
        wanted = [(event, self._dates(event, places)) for event in asked]
        if sum(len(dates) for _event, dates in wanted) > rest.MAX_EVENTS:
            raise InvalidParameter(f"events: more than {rest.MAX_EVENTS} with their repeats")
        written, dropped = writing.write(self.connection, [date for _event, dates in wanted for date in dates])
        self.tally.done.update(each.told.value for each in written)
        self.tally.count("cancelled", dropped)
        each = iter(written)
        told = [(event, [next(each) for _date in dates]) for event, dates in wanted]
        first = _firsts(item for _event, made in told for item in made)
        made = [_as_asked(item, event, places[event.course].place, first) for event, items in told for item in items]
        return answers.events_document(made, self.tally.warnings)

    def _dates(self, event: NewEvent, places: Mapping[str, Held]) -> list[Date]:
        """None for what is refused with a warning."""
        held = places.get(event.course)
        if held is None or held.is_missing or not held.place.is_on or held.place.kind not in self.use.kinds:
            return self._refused_place(event)
        place, named = held.place, shown(event.name, TITLE_LIMIT)
        starts_at = clock.now().replace(microsecond=0) if event.starts is None else moment_of(event.starts)
        if starts_at is None:
            warning = answers.warning("event", "invalidtime", f"{named}: not a date between 2000 and 2100")
            self.tally.refuse("ZOOM_CALL_TIME", warning, f"begins at {event.starts}")
            return []
        if event.repeats > rest.MAX_EVENTS:
            warning = answers.warning("event", "invalidrepeats", f"{named}: repeated more than {rest.MAX_EVENTS} times")
            self.tally.refuse("ZOOM_CALL_REPEATS", warning, f"repeats {event.repeats}, at most {rest.MAX_EVENTS}")
            return []
        meeting = read_meeting(event.name, event.description, starts_at, self._own_base)
        seconds = duration_of(event.seconds)
        moments = weekly(starts_at, event.repeats, self._zone) if event.repeats > 1 else [starts_at]
        return [Date(place, meeting, moment, seconds) for moment in moments]

    def _refused_place(self, event: NewEvent) -> list[Date]:
        """A place that is off or opens nothing, and one of another profile or academy, are no place."""
        course, seen = answers.number_or_text(shown(event.course, 64)), shown(event.course, 64)
        warning = answers.warning(
            "course", "nopermissions", f"{seen}: you do not have permissions to create an event here",
            course if isinstance(course, int) else None,
        )  # fmt: skip
        self.tally.refuse("ZOOM_CALL_PLACE", warning, f"place {seen}")
        return []

    def _delete(self, parameters: Mapping[str, Any]) -> Document:
        """All or nothing. What is cancelled already stays so, and is no fault. Places are held before their events."""
        wanted = {each.number: each.with_repeats for each in rest.read_deletions(parameters)}
        contexts = {number: writing.context_of(self.connection, self.profile, number) for number in sorted(wanted)}
        named = filter(None, contexts.values())
        places = writing.hold_places(self.connection, self.profile, named, with_former=True)
        found: list[CalendarEvent] = []
        for number, context in contexts.items():
            event = calendar.event_numbered(self.connection, number) if context in places else None
            if event is None:
                raise Refused("ZOOM_CALL_EVENT", seen=f"event {number}")
            dates = writing.with_repeats(self.connection, event) if wanted[number] else [event]
            place = places[context or ""].place
            found += [each for each in dates if writing.may_cancel(self.profile, place, each)]
        for event in {each.id: each for each in found}.values():
            self.tally.count(self._cancelled(event))
        return None

    def _cancelled(self, event: CalendarEvent) -> str:
        """What became of it: what took place did take place, whatever Zoom lists now."""
        if not event.is_cancelled and event.ends_at <= clock.now():
            return "over"
        return "cancelled" if calendar.cancel(self.connection, event) else "cancelled before"

    def _get(self, parameters: Mapping[str, Any]) -> Document:
        query = rest.read_query(parameters)
        with ScopedSession(self.connection.core, self.academy.id, self.runtime.events) as session:
            found = writing.listed(session, self.profile, query)
            self.tally.done["told"] += len(found)
            self._warn_of_foreign(query, session, {each.event.number for each in found})
            return answers.events_document([_as_kept(each) for each in found], self.tally.warnings)

    def _warn_of_foreign(self, query: rest.EventQuery, session: ScopedSession, found: set[int]) -> None:
        """Of what is not this profile's, Moodle warns; what does not exist, or is cancelled, is not told from it."""
        known = writing.contexts_of(session, self.profile, query.courses)
        for course in dict.fromkeys(query.courses):
            if course not in known:
                seen = shown(course, 64)
                warning = answers.warning("course", "nopermissions", f"{seen}: no access to this course")
                self.tally.refuse("ZOOM_CALL_PLACE", warning, f"place {seen}")
        for number in dict.fromkeys(query.numbers):
            if number not in found:
                warning = answers.warning("event", "nopermissions", "No access to this event", number)
                self.tally.refuse("ZOOM_CALL_EVENT", warning, f"event {number}")

    @cached_property
    def _own_base(self) -> str:
        return self.runtime.part(ZoomAddresses).base

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.academy.timezone)


def _firsts(written: Iterable[Written]) -> Mapping[object, int]:
    """Of each meeting with several dates in one call, its lowest number."""
    numbers: dict[object, set[int]] = {}
    for each in written:
        numbers.setdefault((each.event.origin_id, each.event.origin_key), set()).add(each.event.number)
    return {key: min(several) for key, several in numbers.items() if len(several) > 1}


def _as_asked(written: Written, asked: NewEvent, place: ZoomPlace, first: Mapping[object, int]) -> EventAnswer:
    """Moodle echoes what it does not decide itself."""
    event = written.event
    return EventAnswer(
        **_common(event.title, event.description, event.starts_at, event),
        course=asked.course,
        repeat_of=first.get((event.origin_id, event.origin_key)),
        group=asked.group,
        format=asked.format,
        eventtype=asked.eventtype if asked.eventtype != "user" else writing.eventtype_of(place),
    )


def _as_kept(found: writing.Listed) -> EventAnswer:
    event = found.event
    return EventAnswer(
        **_common(event.title, event.description, event.starts_at, event),
        course=found.place.context_id,
        repeat_of=found.repeat_of,
        eventtype=writing.eventtype_of(found.place),
    )


def _common(title: str, description: str, starts_at: datetime, event: Any) -> dict[str, Any]:
    return {
        "number": event.number,
        "title": title,
        "description": description,
        "starts_at": starts_at,
        "seconds": event.duration_seconds,
        "sequence": event.sequence,
        "changed_at": event.changed_at,
        "uid": event.uid,
        "is_hidden": event.hidden_at is not None,
    }
