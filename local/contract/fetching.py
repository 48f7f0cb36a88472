"""What the contract needs from npm, pinned by hash, under build/contract and never committed."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

from .document import Document

HERE = Path(__file__).resolve().parent
SCRATCH = HERE.parent.parent / "build" / "contract"
# Twilio's command line tool carries Twilio's own OpenAPI documents (github.com/twilio/twilio-oai).
# Packed, not installed: nothing else of it is wanted.
CARRIER = "@twilio/cli-core@8.3.2"
CARRIER_FILE = "twilio-cli-core-8.3.2.tgz"
CARRIER_SHA512 = "qRTAZS15i/nseKHu2zZIb1BD78WFRVOWM65iC9JqjZdNpz5KQaiEI1klsLcWDi1pwXH9JG6pbFXJrIiYRJw/dw=="  # fmt: skip
_DOCUMENTS = ("twilio_api_v2010.json", "twilio_messaging_v1.json")
_FOLDER = "package/src/services/twilio-api/"


def fetch(scratch: Path = SCRATCH) -> list[Document]:
    """Install Prism and unpack the documents, unless it is done; the documents, api first."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise SystemExit("make contract needs Node.js 18 or newer with npm")
    scratch.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(
        (HERE / "package-lock.json").read_bytes() + CARRIER_SHA512.encode()
    ).hexdigest()
    done = scratch / "done"
    if not done.exists() or done.read_text() != wanted:
        _install(scratch)
        _unpack(scratch)
        done.write_text(wanted)
    return [json.loads((scratch / name).read_bytes()) for name in _DOCUMENTS]


def prism(scratch: Path = SCRATCH) -> list[str]:
    """The command that starts Prism, without its arguments."""
    return ["node", str(scratch / "node_modules/@stoplight/prism-cli/dist/index.js")]


def _install(scratch: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, scratch / name)
    _npm(scratch, "ci", "--ignore-scripts", "--no-audit", "--no-fund")


def _unpack(scratch: Path) -> None:
    _npm(scratch, "pack", "--ignore-scripts", CARRIER)
    packed = scratch / CARRIER_FILE
    found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if found != CARRIER_SHA512:
        raise SystemExit(f"{CARRIER_FILE} is not what it was when it was pinned")
    with tarfile.open(packed) as archive:
        for name in _DOCUMENTS:
            member = archive.extractfile(_FOLDER + name)
            assert member is not None, name
            (scratch / name).write_bytes(member.read())


def _npm(folder: Path, *arguments: str) -> None:
    log = folder / "npm.log"
    with log.open("ab") as said:
        done = subprocess.run(["npm", *arguments], cwd=folder, stdout=said, stderr=said,
                              env=os.environ | {"npm_config_update_notifier": "false"},
                              timeout=600, check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"npm {arguments[0]} failed:\n{log.read_text(errors='replace')[-2000:]}")
