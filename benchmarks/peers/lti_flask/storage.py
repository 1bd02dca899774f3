"""What a launch leaves behind, by the ORM in the documented style: person, score address, nonce, session, one commit."""

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


class Replayed(Exception):
    """The nonce has been used before."""


class Base(DeclarativeBase):
    """Every time is aware UTC."""

    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 -- SQLAlchemy reads this class attribute


class Person(Base):
    """Who launches, one row for each (key, user)."""

    __tablename__ = "peer_person"
    __table_args__ = (UniqueConstraint("key", "user_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    key: Mapped[str]
    user_id: Mapped[str]
    name: Mapped[str | None]
    email: Mapped[str | None]


class ScoreAddress(Base):
    """Where one person's score of one link goes, as of the last launch."""

    __tablename__ = "peer_score_address"
    __table_args__ = (UniqueConstraint("key", "link_id", "person_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    key: Mapped[str]
    link_id: Mapped[str]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id))
    title: Mapped[str | None]
    service_url: Mapped[str | None]
    sourcedid: Mapped[str | None]


class Nonce(Base):
    """A launch that was used up."""

    __tablename__ = "peer_nonce"

    key: Mapped[str] = mapped_column(primary_key=True)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    used_at: Mapped[datetime]


class LaunchSession(Base):
    """A signed-in browser; the cookie's value is kept only as a hash."""

    __tablename__ = "peer_session"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(Person.id))
    link_id: Mapped[str]
    started_at: Mapped[datetime]

    person: Mapped[Person] = relationship()


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

    def launched(self, form: Mapping[str, str]) -> tuple[str, str]:
        """Store a verified launch; return the session's cookie value and the link's id.

        Two first launches at once collide on a unique constraint: the loser finds the winner's rows the second time.
        Raises `Replayed`.
        """
        try:
            return self._store(form)
        except IntegrityError:
            with self._sessions() as session:
                if session.get(Nonce, (form["oauth_consumer_key"], form["oauth_nonce"])) is not None:
                    raise Replayed from None
            return self._store(form)

    def session(self, token: str, link_id: str) -> LaunchSession | None:
        """Who a cookie belongs to, if it was made for that link."""
        with self._sessions() as session:
            found = session.get(LaunchSession, _hashed(token))
            if found is None or found.link_id != link_id:
                return None
            _ = found.person.name
            return found

    def _store(self, form: Mapping[str, str]) -> tuple[str, str]:
        token = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        with self._writing, self._sessions.begin() as session:
            session.add(Nonce(key=form["oauth_consumer_key"], nonce=form["oauth_nonce"], used_at=now))
            person = _person(session, form)
            link_id = _score_address(session, form, person)
            session.add(LaunchSession(token_hash=_hashed(token), person=person, link_id=link_id, started_at=now))
        return token, link_id


def _person(session: Session, form: Mapping[str, str]) -> Person:
    who = {"key": form["oauth_consumer_key"], "user_id": form["user_id"]}
    person = session.scalar(select(Person).filter_by(**who))
    if person is None:
        person = Person(**who)
        session.add(person)
    person.name, person.email = form.get("lis_person_name_full"), form.get("lis_person_contact_email_primary")
    return person


def _score_address(session: Session, form: Mapping[str, str], person: Person) -> str:
    session.flush()
    which: dict[str, Any] = {
        "key": form["oauth_consumer_key"],
        "link_id": form["resource_link_id"],
        "person_id": person.id,
    }
    address = session.scalar(select(ScoreAddress).filter_by(**which))
    if address is None:
        address = ScoreAddress(**which)
        session.add(address)
    address.title = form.get("resource_link_title")
    address.service_url, address.sourcedid = form.get("lis_outcome_service_url"), form.get("lis_result_sourcedid")
    return address.link_id


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
