"""The demo is a story, too: every check in it holds, and it is quick."""

from __future__ import annotations

import time

import pytest
from local import demo

pytestmark = pytest.mark.enable_socket


@pytest.mark.slow
def test_the_demo_passes_in_under_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    assert demo.main(quiet=True) == 0, capsys.readouterr().err
    assert time.monotonic() - started < 60
