"""The LTI protocol and nothing else: pure functions and frozen dataclasses, no database, no framework, no network."""
