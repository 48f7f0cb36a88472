"""Handlers by the hundred: their table is moto's own code without HTTP between (tests/straight.py).

The tests of tests/adapters go the whole way, and tests/story runs the handlers behind real HTTP.
"""

from tests.straight import straight

__all__ = ["straight"]
