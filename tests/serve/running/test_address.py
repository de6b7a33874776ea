"""Where a gateway is asked to listen."""

from __future__ import annotations

from pathlib import Path

import pytest

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.verb import Context
from pilotbase.record.opened import open_record
from pilotbase.serve.running.parent import Running, run


@pytest.mark.parametrize(
    ("running", "word"),
    [
        (Running(port=99_999), "--port"),
        (Running(port=-1), "--port"),
        (Running(metrics=65_536), "--metrics"),
    ],
)
def test_what_is_no_port_is_told(tmp_path: Path, running: Running, word: str) -> None:
    context = Context(tmp_path / "home")
    open_record(context).close()
    with pytest.raises(RunError, match="is no port") as refused:
        run(context, running, print)
    assert (refused.value.where, refused.value.code) == (word, "serve.port")
