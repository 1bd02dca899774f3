"""What every table shares: constraint names, column types, identifiers."""

import os
import time
import zlib
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import orjson
import sqlalchemy as sa
from isal import isal_zlib
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in and out on both databases; a naive value is a programming error."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class FixedPoint(sa.types.TypeDecorator[Decimal]):
    """An exact decimal with eight digits after the point, stored as an integer, which both databases sort."""

    impl = sa.BigInteger
    cache_ok = True
    _unit = Decimal("0.00000001")

    @classmethod
    def exact(cls, value: Decimal) -> Decimal:
        """As it will be read back, so that a value computed anew equals the one that was kept."""
        return value.quantize(cls._unit, ROUND_DOWN)

    def process_bind_param(self, value: Decimal | None, _dialect: Dialect) -> int | None:
        return None if value is None else int(self.exact(value) / self._unit)

    def process_result_value(self, value: int | None, _dialect: Dialect) -> Decimal | None:
        return None if value is None else value * self._unit


#: As small as zlib's. Level 0, which packs as well here, takes half the time and a quarter more space.
_LEVEL = 1


class PackedJson(sa.types.TypeDecorator[Any]):
    """A JSON document the database keeps and never looks into: packed, it is a fraction of the writing (2 to 6 kB).

    The format is zlib's. ISA-L writes it in half the time: zlib's goes into tables for longer texts.
    """

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> bytes | None:
        if value is None:
            return None
        return isal_zlib.compress(orjson.dumps(value), _LEVEL)

    def process_result_value(self, value: bytes | None, _dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(zlib.decompress(value))


#: JSON document; JSONB where the database has it.
Json = sa.JSON().with_variant(JSONB(), "postgresql")


class Base(DeclarativeBase):
    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it from the class
        datetime: UtcDateTime(),
        Decimal: FixedPoint(),
        UUID: sa.Uuid(),
        str: sa.Text(),
        dict[str, Any]: Json,
        list[Any]: Json,
    }


def named(enum: type[StrEnum]) -> sa.Enum:
    """A column of a `StrEnum`: stored as its value, checked by the database, no native type to migrate."""
    return sa.Enum(
        enum,
        native_enum=False,
        length=32,
        create_constraint=True,
        name=enum.__name__.lower(),
        values_callable=lambda members: [member.value for member in members],
    )


def table_of(model: type[Base]) -> sa.Table:
    """The table behind a mapped class, for Core statements."""
    return cast("sa.Table", model.__table__)


def uuid7() -> UUID:
    """RFC 9562 §5.7: 48 bits of milliseconds, then random; new rows land together in the index."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
