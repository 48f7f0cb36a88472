"""Orders and crashes by the thousand: the table's calls go to moto's own code without HTTP between.

The same moto, the same conditions and indexes; only the making and reading of requests is left
out, which is four fifths of the time. The tests of tests/adapters go the whole way.
"""

from tests.straight import straight

__all__ = ["straight"]
