"""What a launch leaves behind, by the ORM in the documented style: person, resource link, session, one commit."""

import contextlib
import hashlib
import secrets
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, ForeignKey, UniqueConstraint, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker
from sqlalchemy.types import DateTime

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"


class Base(DeclarativeBase):
    """Every time is aware UTC."""

    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 -- SQLAlchemy reads this class attribute


class Person(Base):
    """Who launches, one row for each (issuer, subject)."""

    __tablename__ = "peer_person"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    issuer: Mapped[str]
    subject: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]


class ResourceLink(Base):
    """A placement in a course, with its grade addresses as of the last launch."""

    __tablename__ = "peer_resource_link"
    __table_args__ = (UniqueConstraint("issuer", "client_id", "deployment_id", "link_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    issuer: Mapped[str]
    client_id: Mapped[str]
    deployment_id: Mapped[str]
    link_id: Mapped[str]
    title: Mapped[str | None]
    context_id: Mapped[str | None]
    lineitems_url: Mapped[str | None]
    lineitem_url: Mapped[str | None]
    launched_at: Mapped[datetime]


class LaunchSession(Base):
    """A signed-in browser; the cookie's value is kept only as a hash."""

    __tablename__ = "peer_session"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id))
    resource_link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(ResourceLink.id))
    started_at: Mapped[datetime]

    person: Mapped[Person] = relationship()
    resource_link: Mapped[ResourceLink] = relationship()


class Storage:
    """The database of the peer; its tables are made on start."""

    def __init__(self, url: str, threads: int) -> None:
        """Connect with one pooled connection for each serving thread."""
        self._engine = create_engine(url, pool_size=threads, max_overflow=0)
        one_writer = self._engine.dialect.name == "sqlite"
        if one_writer:
            _tune_sqlite(self._engine)
        self._writing = threading.Lock() if one_writer else contextlib.nullcontext()
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        Base.metadata.create_all(self._engine)

    def launched(self, claims: Mapping[str, Any], client_id: str) -> tuple[str, uuid.UUID]:
        """Store a verified launch; return the session's cookie value and the resource link's id.

        Two first launches at once collide on a unique constraint: the loser finds the winner's rows the second time.
        """
        try:
            return self._store(claims, client_id)
        except IntegrityError:
            return self._store(claims, client_id)

    def session(self, token: str, resource_link_id: uuid.UUID) -> LaunchSession | None:
        """Who a cookie belongs to, if it was made for that resource link."""
        with self._sessions() as session:
            found = session.get(LaunchSession, _hashed(token))
            if found is None or found.resource_link_id != resource_link_id:
                return None
            _ = found.person.name, found.resource_link.title
            return found

    def _store(self, claims: Mapping[str, Any], client_id: str) -> tuple[str, uuid.UUID]:
        token = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        with self._writing, self._sessions.begin() as session:
            person = _person(session, claims)
            link = _resource_link(session, claims, client_id, now)
            session.add(LaunchSession(token_hash=_hashed(token), person=person, resource_link=link, started_at=now))
        return token, link.id


def _person(session: Session, claims: Mapping[str, Any]) -> Person:
    who = {"issuer": claims["iss"], "subject": claims["sub"]}
    person = session.scalar(select(Person).filter_by(**who))
    if person is None:
        person = Person(**who)
        session.add(person)
    person.name, person.email = claims.get("name"), claims.get("email")
    return person


def _resource_link(session: Session, claims: Mapping[str, Any], client_id: str, now: datetime) -> ResourceLink:
    resource, grades = claims[CLAIM + "resource_link"], claims.get(AGS, {})
    which = {
        "issuer": claims["iss"],
        "client_id": client_id,
        "deployment_id": claims[CLAIM + "deployment_id"],
        "link_id": resource["id"],
    }
    link = session.scalar(select(ResourceLink).filter_by(**which))
    if link is None:
        link = ResourceLink(**which)
        session.add(link)
    link.title, link.launched_at = resource.get("title"), now
    link.context_id = claims.get(CLAIM + "context", {}).get("id")
    link.lineitems_url, link.lineitem_url = grades.get("lineitems"), grades.get("lineitem")
    return link


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _tune_sqlite(engine: Engine) -> None:
    """WAL, NORMAL, and writers that announce themselves, so that none fails on a stale snapshot."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=10000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
