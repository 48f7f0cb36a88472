"""A day's summary in words, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .checks import Broken
from .figures import Minute
from .picture import first_day, sparkline

SENTENCES = {
    "I1": "texted without consent", "I2": "texted outside the window",
    "I3": "associates over their daily limit", "I4": "texted twice for one row",
    "I5": "texted by two within one lease", "I6": "another answer to the same question",
    "I9": "texted after an acknowledged opt-out, or an opt-out unheard",
    "I13": "rows lost, stuck or untrue",
}  # fmt: skip


def tell(found: Mapping[str, Any], course: Sequence[Minute]) -> str:
    """The readable text: build/day.txt and the screen."""
    rate, wait = found["vendor_rate"], found["wait_s"]
    day = first_day(course)
    scaled = "as contracted, not scaled down" if rate["as_contracted"] else (
        f"= {rate['at_full_scale']:g}/s at full scale")  # fmt: skip
    lines = [
        f"A selling day at {found['scale']} of 16,000 associates x 100 texts, seed {found['seed']}",
        f"  faults {found['faults']}, kills {found['kills_per_call']:g} per call, vendor rate "
        f"{rate['messages_per_s']:g} texts/s ({scaled})",
        "",
        _row("associates, customers", f"{found['associates']:,}, {found['customers']:,}"),
        _row("asked for", f"{found['asked']:,}  ({_many(found['verdicts'])})"),
        _row("  blocked when asked", _many(found["blocked_when_asked"])),
        _row("  not gone later", _many(found["blocked_later"])),
        _row("reached a handset", f"{found['reached']:,}"),
        _row("rows in the end", _many(found["ends"])),
        _row("unknown left", f"{found['unknown_left']} (unresolved: a person looks; "
                             f"{found['unknown_that_reached']} of them had reached a handset)"),
        _row("claimed too much", f"{found['claimed_too_much']} (sent by our books, refused by the "
                                 "vendor in a lost answer)"),
        "",
        *(_row(f"{name} {SENTENCES[name]}", count) for name, count in found["broken"].items()),
        "",
        _row("wait until the vendor has it", f"p50 {wait['p50']:g} s, p99 {wait['p99']:g} s, "
                                             f"longest {wait['longest']:g} s"),
        _row("queue at its longest, oldest", f"{found['peak_queue']:,} texts, "
                                             f"{found['peak_queue_age_s']:g} s"),
        _row("conversations", f"{found['conversations']:,}"),
        _row("kills", f"{sum(found['kills'].values())}  ({_many(found['kills'])})"),
        _row("faults met", f"{sum(found['faults_met'].values())}  ({_many(found['faults_met'])})"),
        _row("duplicates", _many(found["duplicates"])),
        "",
        *(_row(f"a recipient, {name.replace('_', ' ')}",
               f"{used['dynamodb_requests']:g} DynamoDB requests, {used['write_units']:g} write "
               f"units, {used['read_units']:g} read units, {used['queue_requests']:g} queue "
               f"requests; ${found['dollars_per_million_recipients'][name]:g} a million")
          for name, used in found["per_recipient"].items()),
        _row("write units of outreach, by kind of item", ", ".join(
            f"{kind} {units:g}" for kind, units in found["write_units_by_kind"].items())),
        _row("vendor calls a recipient", ", ".join(
            f"{name.replace('_', ' ')} {count:g}"
            for name, count in found["vendor_calls_per_recipient"].items())),
    ]  # fmt: skip
    if day:
        lines += [
            "",
            f"  {day[0].at:%H:%M} UTC to {day[-1].at:%H:%M} UTC",
            f"  texts a minute  {sparkline([m.sent for m in day])}  highest {max(m.sent for m in day)}",
            f"  oldest waits    {sparkline([m.oldest_s for m in day])}  highest "
            f"{max(m.oldest_s for m in day):.0f} s",
        ]  # fmt: skip
    return "\n".join([*lines, "", _row("wall time", f"{found['wall_s']:g} s")])


def complain(broken: Sequence[Broken], *, seed: int, most: int = 8) -> str:
    """The first broken promises with the events that show them."""
    lines = [f"{len(broken)} broken promises, seed {seed}; the first:"]
    for one in broken[:most]:
        lines.append(f"  {one.promise}: {one.what}")
        lines += [f"      {event}" for event in one.events]
    return "\n".join(lines)


def _row(label: str, value: Any) -> str:
    return f"  {label:<48} {value}"


def _many(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda pair: -pair[1])
    return ", ".join(f"{name} {count:,}" for name, count in ranked) or "none"
