"""Stories: every vendor and the HTTP API over real HTTP, the table without it (tests/straight.py)."""

from tests.straight import straight

__all__ = ["straight"]
