"""Documents tell the truth: what they name is there, and what they tell to type can be typed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from local.template import ROOT, read_template

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.M))
EACH = pytest.mark.parametrize("page", DOCUMENTS, ids=[str(p.relative_to(ROOT)) for p in DOCUMENTS])


def words_in_code(text: str) -> str:
    """Only what a page shows as something to type: code spans and indented lines."""
    spans = re.findall(r"`([^`\n]+)`", text)
    return "\n".join([*spans, *(line for line in text.splitlines() if line.startswith("    "))])


@EACH
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    gone = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert gone == []


@EACH
def test_named_files_exist(page: Path) -> None:
    named = set(re.findall(r"\b(?:docs|local|functions|events|tests|layers)/[\w./-]*\w",
                           page.read_text()))  # fmt: skip
    gone = {name for name in named
            if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}*"))}  # fmt: skip
    assert gone == set()


@EACH
def test_make_targets_exist(page: Path) -> None:
    told = set(re.findall(r"\bmake ([a-z][a-z-]+)", words_in_code(page.read_text())))
    assert told <= TARGETS


def test_every_target_is_phony_and_explained() -> None:
    listed = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.M)
    assert listed is not None
    assert set(listed.group(1).split()) == TARGETS
    shown = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout  # fmt: skip
    inner = {"build-dir", "known-stage", "right-python"}  # what others need first
    assert set(re.findall(r"^  make ([a-z-]+)", shown, re.M)) == TARGETS - inner


def test_the_readme_lists_every_scope() -> None:
    events = [event["Properties"] for resource in read_template()["Resources"].values()
              if resource["Type"] == "AWS::Serverless::Function"
              for event in resource["Properties"]["Events"].values()]  # fmt: skip
    asked = {scope for event in events
             for scope in event.get("Auth", {}).get("AuthorizationScopes", ())}  # fmt: skip
    table = re.findall(
        r"^\| (`(?:outreach/|customers/|kpis/|requests/|relay:).+?) \|",
        (ROOT / "README.md").read_text(),
        re.M,
    )
    told = {scope for row in table for scope in re.findall(r"`([a-z]+[/:][a-z]+)`", row)}
    assert told == asked | {"outreach/behalf", "outreach/admin", "kpis/all"}
