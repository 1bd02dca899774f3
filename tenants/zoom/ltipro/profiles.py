"""Zoom profiles: made, changed, switched, copied, deleted; and the registration (`Tool`) that each of them owns.

What people paste is cleaned before it gets here.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.entered import NEVER, InvalidValues, new_version
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.models import Tool, ToolKeys, ToolKind
from tenants.lti.platform.tools import Tools
from tenants.lti.wire import nrps
from tenants.zoom.ltipro import tokens
from tenants.zoom.ltipro.addresses import ZoomAddresses, instance_url
from tenants.zoom.ltipro.models import ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.profile_values import (
    NAME_LIMIT,
    ProfileValues,
    domains_fault,
    key_fault,
    mail_domains,
    name_fault,
)

__all__ = ["ProfileValues", "Profiles", "follow", "require_zoom", "values_of"]
TAKEN = "Another Zoom profile has this name"


def require_zoom(academy: Academy) -> None:
    """What comes first on every page and in every command about profiles: `Refused` ZOOM_OFF."""
    if not academy.has("zoom"):
        raise Refused("ZOOM_OFF", seen=academy.name)


class Profiles:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, runtime: Runtime, academy: Academy) -> None:
        self.session = session
        self.runtime = runtime
        self.academy = academy

    def all(self) -> Sequence[ZoomProfile]:
        return self.session.scalars(sa.select(ZoomProfile).order_by(ZoomProfile.name_key)).all()

    def active(self) -> Sequence[ZoomProfile]:
        return [each for each in self.all() if each.is_active]

    def get(self, profile_id: UUID) -> ZoomProfile:
        profile = self.session.get(ZoomProfile, profile_id)
        if profile is None:
            raise Refused("WEB_NOT_FOUND")
        return profile

    def create(self, values: ProfileValues) -> tuple[ZoomProfile, str]:
        """Active, with client ID, deployment and access token of its own; the token is in clear here and never again
        without being asked for. Raises `InvalidValues`.
        """
        self._refuse_faults(None, values)
        tool = Tool(
            kind=ToolKind.ZOOM,
            client_id=secrets.token_urlsafe(24),
            deployment_id=secrets.token_hex(6),
            send_email=True,
            is_active=True,
        )
        profile = ZoomProfile(issuer=instance_url(self.academy))
        token = tokens.issue(profile, self.runtime.secrets, self.session.tenant_id)
        with self._unique(None, values.name):
            self._apply(profile, tool, values)
            self.session.add(tool)
            self.session.flush()
            profile.tool_id = tool.id
            self.session.add_all([profile, ToolKeys(tool_id=tool.id, tried_at=NEVER)])
            self.session.flush()
        return profile, token

    def edit(self, profile: ZoomProfile, values: ProfileValues) -> None:
        """Counts at once in every process: the tool has a new version. Raises `InvalidValues`."""
        self._refuse_faults(profile, values)
        with self._unique(profile, values.name):
            self._apply(profile, profile.tool, values)
            new_version(profile.tool)
            self.session.flush()

    def switch(self, profile: ZoomProfile, *, on: bool) -> None:
        """Off ends launches, tokens and calendar calls at once; places and settings are kept."""
        Tools(self.session, self.runtime.outbound).switch(profile.tool, on=on)
        self.session.flush()

    def copy(self, profile: ZoomProfile) -> tuple[ZoomProfile, str]:
        """The same settings with a client ID, deployment and token of its own; never the default. Nothing is used with
        it yet, so its token is shown as a new profile's is, without another proof of who asks.
        """
        made, token = self._copied(profile)
        if not profile.is_active:
            self.switch(made, on=False)
        return made, token

    def _copied(self, profile: ZoomProfile) -> tuple[ZoomProfile, str]:
        """Somebody may copy it at the same moment: then the next number is free."""
        stem = profile.name[: NAME_LIMIT - 20]
        for number in count(1):
            name = f"{stem} (copy{f' {number}' if number > 1 else ''})"
            if self.is_taken(None, name):
                continue
            try:
                return self.create(values_of(profile, name=name, is_default=False))
            except InvalidValues:
                if not self.is_taken(None, name):
                    raise
        raise AssertionError("there is always another number")

    def places(self, profile: ZoomProfile, *, offset: int = 0, limit: int | None = None) -> Sequence[ZoomPlace]:
        """Where it is used, the newest first."""
        query = sa.select(ZoomPlace).where(ZoomPlace.profile_id == profile.id)
        query = query.order_by(ZoomPlace.created_at.desc(), ZoomPlace.id.desc())
        return self.session.scalars(query.limit(limit).offset(offset or None)).all()

    def count(self, profile: ZoomProfile) -> int:
        """Of the places that use it."""
        query = sa.select(sa.func.count()).select_from(ZoomPlace).where(ZoomPlace.profile_id == profile.id)
        return self.session.scalar(query) or 0

    def counts(self) -> dict[UUID, int]:
        """How many places use each profile that is used."""
        query = sa.select(ZoomPlace.profile_id, sa.func.count()).group_by(ZoomPlace.profile_id)
        return dict(self.session.execute(query).all())

    def twins(self, profile: ZoomProfile) -> Sequence[ZoomProfile]:
        """Other profiles with the same LTI Key: allowed, and mostly a slip."""
        same = sa.select(ZoomProfile).where(ZoomProfile.lti_key == profile.lti_key, ZoomProfile.id != profile.id)
        return self.session.scalars(same.order_by(ZoomProfile.name_key)).all()

    def delete(self, profile: ZoomProfile) -> None:
        """With its tool. `Refused` ZOOM_PROFILE_IN_USE while a place uses it: places would go along."""
        self._lock(profile.id)
        if places := self.count(profile):
            raise Refused("ZOOM_PROFILE_IN_USE", seen=f"{profile.name}: {places}")
        tool = profile.tool
        self.session.delete(profile)
        self.session.flush()
        self.session.delete(tool)
        self.session.flush()

    def reassign(self, profile: ZoomProfile, to: ZoomProfile) -> int:
        """Gives every place to another profile; context and resource ids stay. How many there were.

        `Refused` ZOOM_PROFILE_TARGET for itself.
        """
        if to.id == profile.id:
            raise Refused("ZOOM_PROFILE_TARGET", seen=to.name)
        self._lock(*sorted((profile.id, to.id)))
        places = self.places(profile)
        for place in places:
            place.give(to.id)
        self.session.flush()
        return len(places)

    def know_address(self, profile: ZoomProfile) -> None:
        """The admin says that Zoom knows where the academy is now: it is the issuer from here on."""
        profile.issuer = instance_url(self.academy)

    def rotate(self, profile: ZoomProfile, *, seen_hint: str, at_once: bool = False) -> str:
        """The new token in clear. ``seen_hint``: of the token it replaces, else `Refused` ZOOM_TOKEN_CHANGED: sent
        twice, a form would end the token that Zoom has.
        """
        self.session.refresh(profile, with_for_update={"of": ZoomProfile})
        if not secrets.compare_digest(profile.token_hint.encode(), seen_hint.encode("utf-8", "surrogatepass")):
            raise Refused("ZOOM_TOKEN_CHANGED", seen=profile.name)
        return tokens.rotate(profile, self.runtime.secrets, at_once=at_once)

    def faults(self, profile: ZoomProfile | None, values: ProfileValues) -> dict[str, str]:
        """What is wrong with each field, in words; empty when all is well."""
        found = {
            "name": name_fault(values.name) or (TAKEN if self.is_taken(profile, values.name) else ""),
            "lti_key": key_fault(values.lti_key),
            "mail_domains": domains_fault(values.mail_domains),
        }
        return {name: text for name, text in found.items() if text}

    def is_taken(self, profile: ZoomProfile | None, name: str) -> bool:
        query = sa.select(ZoomProfile.id).where(ZoomProfile.name_key == name.casefold())
        with self.session.no_autoflush:
            there = self.session.scalar(query)
        return there is not None and (profile is None or there != profile.id)

    def _refuse_faults(self, profile: ZoomProfile | None, values: ProfileValues) -> None:
        if faults := self.faults(profile, values):
            raise InvalidValues(faults)

    def _apply(self, profile: ZoomProfile, tool: Tool, values: ProfileValues) -> None:
        profile.name, profile.name_key, profile.lti_key = values.name, values.name.casefold(), values.lti_key
        profile.mail_domains = mail_domains(values.mail_domains)
        profile.students_can_host, profile.opens_in = values.students_can_host, values.opens_in
        profile.with_roster = values.with_roster
        if values.is_default and not profile.is_default:
            others = sa.update(ZoomProfile).where(ZoomProfile.is_default)
            self.session.execute(others.values(is_default=False))
        profile.is_default = values.is_default
        tool.name, tool.send_name = values.name, values.send_name
        tool.scopes = [nrps.SCOPE] if values.with_roster else []
        tool.changed_at = clock.now()
        _point(tool, self.runtime.part(ZoomAddresses), values.lti_key)

    @contextmanager
    def _unique(self, profile: ZoomProfile | None, name: str) -> Iterator[None]:
        """Of two who take one name, or make a default, at once, the second hears of it as of any other fault."""
        try:
            with self.session.begin_nested():
                yield
        except sa.exc.IntegrityError:
            if self.is_taken(profile, name):
                raise InvalidValues({"name": TAKEN}) from None
            raise Refused("WEB_CONFLICT") from None

    def _lock(self, *profile_ids: UUID) -> None:
        """Nobody makes a place with them meanwhile: on PostgreSQL a new place waits for its profile's row."""
        for profile_id in profile_ids:
            self.session.scalar(sa.select(ZoomProfile.id).where(ZoomProfile.id == profile_id).with_for_update())


def values_of(profile: ZoomProfile, **changed: object) -> ProfileValues:
    """What an admin would have entered for the profile as it is, but for ``changed``."""
    same = ("name", "lti_key", "students_can_host", "with_roster", "opens_in", "is_default")
    known = {
        **{name: getattr(profile, name) for name in same},
        "mail_domains": tuple(profile.mail_domains),
        "send_name": profile.tool.send_name,
    }
    return ProfileValues(**{**known, **changed})


def _point(tool: Tool, zoom: ZoomAddresses, lti_key: str) -> bool:
    """Zoom's addresses; whether anything changed. Keys and tokens of another Zoom are worth nothing."""
    wanted = {
        "login_url": zoom.login_url(lti_key),
        "target_url": zoom.target_url,
        "jwks_url": zoom.jwks_url,
        "redirect_urls": list(zoom.redirect_urls),
    }
    changed = {name: value for name, value in wanted.items() if getattr(tool, name) != value}
    for name, value in changed.items():
        setattr(tool, name, value)
    return bool(changed)


def follow(session: ScopedSession, profile: ZoomProfile, zoom: ZoomAddresses) -> bool:
    """The operator has named another Zoom since (``lyceum.zoom.ltipro_url``): the profile's tool goes along.

    Asked before each launch, in a transaction that may write; whether anything changed.
    """
    if not _point(profile.tool, zoom, profile.lti_key):
        return False
    new_version(profile.tool)
    session.execute(sa.delete(ToolToken).where(ToolToken.tool_id == profile.tool_id))
    session.execute(sa.delete(ToolKeys).where(ToolKeys.tool_id == profile.tool_id))
    session.add(ToolKeys(tool_id=profile.tool_id, tried_at=NEVER))
    session.flush()
    return True
