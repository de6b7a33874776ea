"""The end of a pilot: its exit report is recorded, which closes the duty to give one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pilotbase.desk import events
from pilotbase.desk.answers import ExitResponse
from pilotbase.desk.recorded import judged_pilot
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import read_attached
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context

REPORT_SIZE_MAX = 64 * 2**20


def leave(context: Context, run: str, report: Path) -> ExitResponse:
    """Record a pilot's exit with its report; where it has exited already, the entry of that day.

    Raises:
        InputError: no such run or file. RunError: the pilot is not evidenced yet.
    """
    data = read_attached(report, REPORT_SIZE_MAX, partial(_unusable, report))
    with judged_pilot(context, run) as journey:
        happened = events.Exited(digest_bytes(data))
        entry = journey.step("exited", happened, {"report": data})
        return ExitResponse(journey.about.removeprefix("pilot:"), entry.index, entry.body["report"])


def _unusable(file: Path, message: Text) -> InputError:
    step = Text("Give the exit report as one file.", "请以单个文件提供退出报告。")
    return InputError("exit.bad_report", message, where=str(file), next_step=step)
