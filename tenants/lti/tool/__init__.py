"""We are the tool: platforms, launches in, scores out."""
