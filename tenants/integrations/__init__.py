"""The Integrations menu."""
