"""Thin adapters: each talks to one thing outside (a table, a queue, a vendor) and thinks little."""
