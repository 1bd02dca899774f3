"""Storage: one schema and one code on SQLite (embedded) and PostgreSQL (scale-out)."""
