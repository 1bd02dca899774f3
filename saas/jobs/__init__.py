"""Work that outlives a request: outbox → relay → Dramatiq → execution. The database is the truth."""
