"""LTI: we open our activities to other LMSs (tool) and embed theirs (platform)."""
