"""What an academy has: one folder per feature, each wired by its own ``includeme``."""
