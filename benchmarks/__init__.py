"""``make bench``: what is measured, beside whom, and how it is told."""
