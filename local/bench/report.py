"""docs/benchmarks.md, generated whole: ratios and counts first, times of this machine last."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from instore.program_parts import Rate

from ..cost import OWN_S, REQUEST_S, VENDOR_S, cost_of, costs_of, price_list, read_on
from ..template import read_template, resources_of
from .operations import STALE, Counted, Speed

WHERE = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
MILLION = 1_000_000
SENDER_MB = 512  # proactive_batch
CPU = Path("/proc/cpuinfo")


@dataclass(slots=True)
class Findings:
    """All that was measured. `starts` are rows of startup.summary, `maps` of agent_map.measure."""

    command: str
    day: date
    counted: list[Counted] = field(default_factory=list)
    speeds: list[Speed] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    rounds: int = 0
    maps: list[dict[str, Any]] = field(default_factory=list)
    traced: dict[str, Any] = field(default_factory=dict)


def document(found: Findings) -> str:
    """The whole file."""
    parts = [_head(found), _operations(found.counted), _cost(found.counted)]
    parts += [_starts(found), _map(found), _speeds(found.speeds)]
    return "\n".join(line for part in parts for line in (*part, "")).rstrip() + "\n"


def counted_again(page: str, counted: Sequence[Counted], *, day: date) -> str:
    """A page with its counts, and what follows from them, as counted on another day: counts hold on
    any machine, and times are not taken anew for their sake."""
    for section in (_operations, _cost):
        new = list(section(counted))
        if section is _operations:
            new[2] += f" Counted again on {day.isoformat()}."
        begins = page.index(f"{new[0]}\n")
        ends = page.index("\n## ", begins)
        page = page[:begins] + "\n".join(new) + "\n" + page[ends:]
    return page


def machine() -> str:
    """What this machine is, in one line."""
    model = ""
    if CPU.exists():
        lines = CPU.read_text("utf-8", errors="replace").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")
    name = f" ({model})" if model else ""
    return (f"{os.cpu_count()} cores{name}, {platform.system()} {platform.machine()}, "
            f"Python {platform.python_version()}")  # fmt: skip


def _head(found: Findings) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield f"Made by `{found.command}` on {found.day.isoformat()}; nothing here is written by hand."
    yield f"Machine: {machine()}."
    yield ""
    yield ("Counts, units and ratios hold anywhere. **Milliseconds, seconds and operations a second "
           "are this machine's**: compare them with each other, and not with Lambda.")  # fmt: skip


def _operations(counted: Sequence[Counted]) -> Iterator[str]:
    yield "## What an operation asks for"
    yield ""
    yield ("Requests are seen by a hook around every AWS call, vendor calls by the simulator. Units "
           "are our own arithmetic over item sizes (`local/units.py`): moto makes its own up. Upper "
           "bounds are budgets in the tests.")  # fmt: skip
    yield ""
    rows = [
        (one.name, one.per, one.dynamodb, _n(one.write_units), _n(one.read_units), one.queue,
         one.vendor, _n(one.write_units / one.per))
        for one in counted
    ]  # fmt: skip
    yield from table(("operation", "does", "DynamoDB requests", "write units", "read units",
                      "queue requests", "vendor calls", "write units each"), rows)  # fmt: skip
    yield ""
    yield "The first conversation of a new process also reads secrets and LivePerson's addresses."


OUTREACH = ("Batch of 10 accepted", "Ten batches sent in one call",
            "Ten batches settled by the sweep")  # fmt: skip


def used_per_recipient(counted: Iterable[Counted]) -> dict[str, float]:
    """Everything a proactive text uses, from the app's request to the settled outcome."""
    total: dict[str, float] = {}
    for one in counted:
        if one.name in OUTREACH:
            for unit, amount in one.used().items():
                total[unit] = total.get(unit, 0.0) + amount / one.per
    if total:
        total["http_requests"] = 0.1  # one request for ten recipients
        total["queue_requests"] += 0.2  # Lambda's own receive and delete, one message each
    return total


def used_per_conversation(counted: Iterable[Counted]) -> dict[str, float]:
    """Everything the routing of a conversation uses, presence looked up."""
    found = next((one for one in counted if one.name == STALE), None)
    return {**found.used(), "http_requests": 2.0} if found else {}


def _cost(counted: Sequence[Counted]) -> Iterator[str]:
    yield "## What a million costs"
    yield ""
    yield (f"Counted units at the prices of `local/prices.yaml` (read {read_on()}). Lambda's time is "
           f"assumed: {OWN_S * 1000:.0f} ms of work a call, {REQUEST_S * 1000:.0f} ms an AWS request, "
           f"{VENDOR_S * 1000:.0f} ms a vendor call. Storage, logs and waiting for the pace are not "
           "in it.")  # fmt: skip
    yield ""
    rows = []
    for name, used in (("proactive texts, accepted to settled", used_per_recipient(counted)),
                       ("conversations routed", used_per_conversation(counted))):  # fmt: skip
        for unit, dollars in costs_of(**used).items():
            what = price_list()[unit].what.split(" (")[0]
            rows.append((name, what, _n(used[unit]), f"${dollars * MILLION:.2f}"))
        rows.append((f"**{name}**", "**all of it**", "", f"**${cost_of(**used) * MILLION:.2f}**"))
    yield from table(("a million", "of what", "units each", "dollars"), rows)
    yield ""
    texts = cost_of(segments=1) * MILLION
    share = cost_of(**used_per_recipient(counted)) * MILLION / texts
    rate = Rate()
    bulk = rate.messages_per_s * (1 - rate.notification_share)
    waiting = cost_of(lambda_gb_s=MILLION / bulk * SENDER_MB / 1024)
    yield (f"A function that waits for its turn is paid for, too: at the default rate ({bulk:.1f} "
           f"texts a second for bulk) a million texts take {MILLION / bulk / 3600:.0f} hours, and "
           f"each sender kept waiting throughout costs ${waiting:.2f}.")  # fmt: skip
    yield ""
    yield (f"The texts themselves cost ${texts:,.0f} a million (one segment each): our part is "
           f"{share:.3%} of that.")  # fmt: skip


def _starts(found: Findings) -> Iterator[str]:
    yield "## Start-up, as a ratio to the floor"
    yield ""
    yield ("Built functions under the Lambda runtime interface, a new process each time. The floor is "
           "a function that makes a DynamoDB client and an httpx client and does nothing "
           "(`local/bench/floor/app.py`). *Loaded* ends with the answer to an empty event (refused by "
           "most, work for the scheduled ones), *first answer* with that to a real one after it, AWS "
           "and vendor on loopback. Both begin when the "
           f"first event is handed over. Medians of {found.rounds} cold starts, interleaved; "
           f"SnapStart, which {_snapshots()} have, is in no emulator.")  # fmt: skip
    yield ""
    rows = [
        (one["function"], f"{one['loaded']:.2f}", f"{one['lowest']:.2f} to {one['highest']:.2f}",
         f"{one['answered']:.2f}", f"{one['loaded_ms']:.0f}", f"{one['answered_ms']:.0f}")
        for one in found.starts
    ]  # fmt: skip
    yield from table(("function", "loaded / floor", "spread", "first answer / floor",
                      "loaded, ms here", "first answer, ms here"), rows)  # fmt: skip


def _snapshots() -> str:
    functions = resources_of(read_template(), "AWS::Serverless::Function")
    return ", ".join(name for name, one in functions.items() if "SnapStart" in one["Properties"])


def _map(found: Findings) -> Iterator[str]:
    yield "## The agent map"
    yield ""
    if not found.maps:
        return
    first = found.maps[0]
    yield (f"{first['agents']:,} agents in {first['stores']:,} stores, one account, through the real "
           "LivePerson client and flow; stores and names are kept in this process in place of moto. "
           f"Seconds are CPU time of {len(found.maps)} runs, the table's left out; memory is what "
           "Python's objects took at the most.")  # fmt: skip
    yield ""
    rows = []
    for n, run in enumerate(first["runs"]):
        seconds = [one["runs"][n]["seconds"] for one in found.maps]
        rows.append((run["name"], run["requests"], run["writes"], _n(run["write_units"]),
                     f"{found.traced['runs'][n]['traced_mb']:.0f}" if found.traced else "",
                     _spread(seconds, "{:.2f}")))  # fmt: skip
    yield from table(("rebuild", "DynamoDB requests", "items written", "write units",
                      "MB at the most", "seconds here"), rows)  # fmt: skip


def _speeds(speeds: Sequence[Speed]) -> Iterator[str]:
    yield "## How many a second, one core, this machine"
    yield ""
    yield ("Handlers called in process, everything warm, against moto and the simulator, which take "
           "most of the time; *own* is what is left for our code. Median (lowest to highest) of "
           "CPU time.")  # fmt: skip
    yield ""
    rows = [(one.name, one.unit, _spread(one.per_s, "{:.0f}"), _spread(one.own_ms, "{:.2f}"))
            for one in speeds]  # fmt: skip
    yield from table(("operation", "what", "a second", "own ms each"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A Markdown table; numbers to the right."""
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "---:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(str(cell) for cell in row) + " |"


def _spread(values: Sequence[float], form: str) -> str:
    low, high = form.format(min(values)), form.format(max(values))
    return f"{form.format(statistics.median(values))} ({low} to {high})"


def _n(value: float) -> str:
    """A count without needless digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"
