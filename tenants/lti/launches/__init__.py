"""The launch log and its inspector."""
