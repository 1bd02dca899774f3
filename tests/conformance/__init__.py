"""Conformance cases and their runner: ``python -m tests.conformance``; the list is docs/conformance.md."""
