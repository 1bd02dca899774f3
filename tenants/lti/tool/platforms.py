"""Registrations of outside LMSs: made, checked, changed. What people paste is cleaned before it gets here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Outbound
from saas.problems import Refused
from tenants.lti.entered import NEEDED, NEVER, InvalidValues, address_fault, key_fault, new_version
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.models import AccessToken, Deployment, Platform, PlatformKeys
from tenants.lti.wire.launch11 import issuer_of
from tenants.lti.wire.text import identifier_fault

URL_FIELDS = ("auth_url", "token_url", "jwks_url")
TEXT_FIELDS = ("name", "issuer", "client_id", *URL_FIELDS, "pasted_key", "token_audience")


@dataclass(frozen=True, slots=True)
class PlatformValues:
    """What an admin enters. ``jwks_url`` or ``pasted_key``: one of them is needed."""

    name: str
    issuer: str
    client_id: str
    auth_url: str
    token_url: str
    jwks_url: str = ""
    pasted_key: str = ""
    token_audience: str = ""
    deployment_ids: tuple[str, ...] = field(default=())
    accept_new_deployments: bool = False
    is_active: bool = False


class Platforms:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, outbound: Outbound) -> None:
        self.session = session
        self.outbound = outbound

    def all(self) -> Sequence[Platform]:
        query = sa.select(Platform).options(selectinload(Platform.deployments)).order_by(Platform.name, Platform.id)
        return self.session.scalars(query).all()

    def get(self, platform_id: UUID) -> Platform:
        platform = self.session.get(Platform, platform_id)
        if platform is None:
            raise Refused("WEB_NOT_FOUND")
        return platform

    def create(self, values: PlatformValues, *, waits_for_deployment: bool = False) -> Platform:
        """``waits_for_deployment``: its deployment ID may come later, as a question (`tenants.lti.tool.questions`)."""
        platform = Platform()
        self._apply(platform, values, waits_for_deployment=waits_for_deployment)
        self.session.add(platform)
        self.session.flush()
        self._set_deployments(platform, values.deployment_ids)
        self._forget_keys(platform)
        siblings = (Platform.issuer == platform.issuer, Platform.id != platform.id)
        self.session.execute(sa.update(Platform).where(*siblings).values(version=Platform.version + 1))
        return platform

    def edit(self, platform: Platform, values: PlatformValues, *, waits_for_deployment: bool = False) -> None:
        """A new version: processes that hold the old one notice; tokens and keys of the old one are forgotten."""
        self._apply(platform, values, waits_for_deployment=waits_for_deployment)
        new_version(platform)
        self._set_deployments(platform, values.deployment_ids)
        self._forget_keys(platform)

    def _forget_keys(self, platform: Platform) -> None:
        for kept in (AccessToken, PlatformKeys):
            self.session.execute(sa.delete(kept).where(kept.platform_id == platform.id))
        self.session.add(PlatformKeys(platform_id=platform.id, tried_at=NEVER))
        self.session.flush()

    def switch(self, platform: Platform, *, on: bool) -> None:
        """`Refused` LTI13_NOT_APPROVED for a platform our admin has not said yes to."""
        if on and platform.approved_at is None:
            raise Refused("LTI13_NOT_APPROVED", seen=platform.name)
        platform.is_active = on
        new_version(platform)

    def delete(self, platform: Platform) -> None:
        self.session.delete(platform)

    def _apply(self, platform: Platform, values: PlatformValues, *, waits_for_deployment: bool) -> None:
        faults = self.faults(values) | self._duplicate(platform, values)
        if waits_for_deployment and not values.deployment_ids:
            faults.pop("deployment_ids", None)
        if faults:
            raise InvalidValues(faults)
        for name in TEXT_FIELDS:
            setattr(platform, name, getattr(values, name))
        is_waiting = sa.inspect(platform).has_identity and platform.approved_at is None
        platform.accept_new_deployments = values.accept_new_deployments
        platform.is_active = values.is_active and not is_waiting
        platform.changed_at = clock.now()

    def faults(self, values: PlatformValues) -> dict[str, str]:
        """What is wrong with each field, in words; empty when all is well."""
        found = {name: NEEDED for name in ("name", "issuer", "client_id") if not getattr(values, name)}
        for name in ("issuer", "client_id"):
            if getattr(values, name) and (fault := _name_fault(getattr(values, name))):
                found[name] = f"This cannot be right: {fault}"
        for name in URL_FIELDS:
            if name == "jwks_url" and values.pasted_key and not values.jwks_url:
                continue
            if fault := self.address_fault(getattr(values, name)):
                found[name] = fault
        if values.pasted_key and (fault := key_fault(values.pasted_key)):
            found["pasted_key"] = fault
        long = [each for each in values.deployment_ids if identifier_fault(each)]
        if long:
            found["deployment_ids"] = "A deployment ID has at most 255 characters"
        elif not values.deployment_ids and not values.accept_new_deployments:
            found["deployment_ids"] = "Enter the deployment ID, or accept new ones as they come"
        return found

    def address_fault(self, url: str) -> str:
        """Why an address cannot be used, without calling it; empty when it can."""
        return address_fault(self.outbound, url)

    def _duplicate(self, platform: Platform, values: PlatformValues) -> dict[str, str]:
        same = sa.select(Platform).where(Platform.issuer == values.issuer, Platform.client_id == values.client_id)
        with self.session.no_autoflush:
            other = self.session.scalar(same)
        if other is None or other is platform:
            return {}
        return {"client_id": f"“{other.name}” has this issuer and client ID already"}

    def _set_deployments(self, platform: Platform, deployment_ids: Sequence[str]) -> None:
        for row in list(platform.deployments):
            if row.deployment_id not in deployment_ids:
                platform.deployments.remove(row)
        self.session.flush()
        for deployment_id in dict.fromkeys(deployment_ids):
            _list_deployment(self.session, platform, deployment_id)


def _name_fault(name: str) -> str:
    """Why it is no issuer and no client id, in words: the people of a key of LTI 1.2 are the key's."""
    return "it is how we name a key of LTI 1.2" if name.startswith(issuer_of("")) else identifier_fault(name)


def borrows(session: ScopedSession, issuer: str, jwks_url: str, *, but: Platform | None = None) -> bool:
    """Whether an approved platform of this issuer, other than ``but``, reads its keys on another site.

    People are known by issuer and id: whoever signs in an issuer's name can be any of its people here.
    """
    approved = sa.select(Platform).where(Platform.issuer == issuer, Platform.approved_at.is_not(None))
    sites = {origin_of(each.jwks_url or each.auth_url) for each in session.scalars(approved) if each is not but}
    return bool(sites) and origin_of(jwks_url) not in sites


def accept_deployment(session: ScopedSession, platform: Platform, deployment_id: str) -> None:
    """Lists a deployment that was seen in a proven launch, or that an admin said yes to."""
    if deployment_id not in {each.deployment_id for each in platform.deployments}:
        _list_deployment(session, platform, deployment_id)
        new_version(platform)
        session.flush()


def _list_deployment(session: ScopedSession, platform: Platform, deployment_id: str) -> None:
    """Whatever was thought of it before: an open question is answered with yes, a declined one has changed."""
    known = sa.select(Deployment).where(
        Deployment.platform_id == platform.id, Deployment.deployment_id == deployment_id
    )
    row = session.scalar(known)
    if row is None:
        now = clock.now()
        platform.deployments.append(
            Deployment(platform_id=platform.id, deployment_id=deployment_id, created_at=now, accepted_at=now)
        )
    elif row.accepted_at is None:
        row.accepted_at, row.declined_at = clock.now(), None
        platform.deployments.append(row)
    session.flush()
