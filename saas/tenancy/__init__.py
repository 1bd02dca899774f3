"""Tenants: who lives here, under which host names, with which features."""
