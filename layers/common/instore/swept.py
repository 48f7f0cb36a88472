"""What a sweep did, and how one item that fails stops no other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from .errors import InstoreError

if TYPE_CHECKING:
    from .batch import Batch


@dataclass(slots=True)
class Swept:
    """What a sweep did: metric name -> count, age of the oldest due work, age of the oldest text
    that waits for its turn, items that failed, batches with texts left to a person, banners whose
    number was held."""

    counts: dict[str, int] = field(default_factory=dict)
    oldest_s: float = 0.0
    oldest_send_s: float = 0.0
    failed: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)

    def add(self, name: str, count: int = 1) -> None:
        if count:
            self.counts[name] = self.counts.get(name, 0) + count

    def note_wait(self, batch: Batch, *, now: datetime) -> None:
        """Remember how long the oldest text that may go has waited."""
        age = now - (batch.ready_since(now) or now)
        self.oldest_send_s = max(self.oldest_send_s, age.total_seconds())

    def take_in(self, other: Swept) -> None:
        """What somebody did at the same time; ages are told by whoever looked at the whole."""
        for name, count in other.counts.items():
            self.add(name, count)
        self.failed += other.failed


def guarded(step: Callable[[], None], name: str, swept: Swept) -> bool:
    """Run one item's step; a failure leaves the item due and is noted, by key and kind alone.
    Whether it went well."""
    try:
        step()
    except InstoreError as error:
        swept.failed.append(f"{name} {error.public_code}")
    except Exception as error:  # noqa: BLE001 - one item nobody foresaw must not stop all others
        swept.failed.append(f"{name} {type(error).__name__}")
    else:
        return True
    return False
