"""The values a column of a `StrEnum` may have (`saas.db.base.named`), for migrations: a new column, or other values."""

from sqlalchemy.engine import Connection


def add_choice(connection: Connection, table: str, column: str, name: str, values: tuple[str, ...], first: str) -> None:
    """A new column with its check; rows that are there get ``first``."""
    connection.exec_driver_sql(
        f"ALTER TABLE \"{table}\" ADD COLUMN {column} VARCHAR(32) DEFAULT '{first}' NOT NULL"
        f" CONSTRAINT ck_{table}_{name} CHECK ({column} IN ({_listed(values)}))"
    )


def change_choices(
    connection: Connection, table: str, column: str, name: str, old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    """Replaces the values a check lets pass.

    SQLite has no statement for that. Making the table anew would drop it first and so delete, by cascade, what hangs on
    its rows; a check, which rows on disk do not show, may be rewritten in the schema (sqlite.org/lang_altertable.html).
    """
    constraint = f"ck_{table}_{name}"
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            f'ALTER TABLE "{table}" DROP CONSTRAINT {constraint},'
            f" ADD CONSTRAINT {constraint} CHECK ({column} IN ({_listed(new)}))"
        )
        return
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    changed = connection.exec_driver_sql(
        "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? AND instr(sql, ?) > 0",
        (f"IN ({_listed(old)})", f"IN ({_listed(new)})", table, f"{column} IN ({_listed(old)})"),
    )
    if changed.rowcount != 1:
        raise RuntimeError(f"{constraint} is not as an earlier migration left it")
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = OFF")


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{each}'" for each in values)
