"""The items of a DynamoDB table export, and whether all of it is there.

An export to S3 (DYNAMODB_JSON) is a folder of .json.gz files, an item a line in no order, beside
a manifest-summary.json that says how many items there are.
"""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from instore.adapters.table import Item, decode


def items(folder: Path, *, wrong: list[str]) -> Iterator[Item]:
    """Every item of the files anywhere below `folder`, with a line of progress a file (stderr).

    What is wrong with the export is added to `wrong` as sentences, and reading goes on: whoever
    asks for the items says what they are still worth. Raises FileNotFoundError without a file.
    """
    files = sorted(folder.rglob("*.json.gz"))
    if not files:
        raise FileNotFoundError(f"no .json.gz file in {folder}")
    count = 0
    for number, file in enumerate(files, start=1):
        for item in _items_of(file, wrong):
            count += 1
            yield item
        print(f"file {number} of {len(files)}: {count} items", file=sys.stderr)
    wrong += _missing(folder, count)


def _items_of(file: Path, wrong: list[str]) -> Iterator[Item]:
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                item = _item(line)
                if item is None:
                    wrong.append(f"{file.name}, line {number} is not an item")
                else:
                    yield item
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError):
        wrong.append(f"{file.name} cannot be read to its end")


def _item(line: str) -> Item | None:
    try:
        item = decode(json.loads(line)["Item"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return item if {"pk", "sk"} <= item.keys() else None


def _missing(folder: Path, count: int) -> Iterator[str]:
    """What the export's own summary says of how many items there are."""
    for summary in folder.rglob("manifest-summary.json"):
        try:
            told = json.loads(summary.read_text(encoding="utf-8")).get("itemCount")
        except (ValueError, AttributeError):
            yield f"{summary.name} cannot be read"
            continue
        if told is not None and told != count:
            yield f"the export has {told} items and {count} were found: a file is missing"
