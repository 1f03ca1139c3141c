"""Rehearsal: whole stories of orders, played on a test store, and what must be true at their end."""
