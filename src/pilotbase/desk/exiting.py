"""The end of a pilot: its exit report is recorded, which closes the duty to give one."""

from __future__ import annotations

from pathlib import Path

from pilotbase.desk import events
from pilotbase.desk.answers import ExitResponse
from pilotbase.desk.recorded import judged_pilot
from pilotbase.kernel.canonical import digest_bytes
from pilotbase.kernel.errors import InputError
from pilotbase.kernel.home import storage_errors
from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context

REPORT_SIZE_MAX = 64 * 2**20


def leave(context: Context, run: str, report: Path) -> ExitResponse:
    """Record a pilot's exit with its report; where it has exited already, the entry of that day.

    Raises:
        InputError: no such run or file. RunError: the pilot is not evidenced yet.
    """
    data = _read(report)
    with judged_pilot(context, run) as journey:
        happened = events.Exited(digest_bytes(data))
        entry = journey.step("exited", happened, {"report": data})
        return ExitResponse(journey.about.removeprefix("pilot:"), entry.index, entry.body["report"])


def _read(file: Path) -> bytes:
    with storage_errors(file):
        try:
            with file.open("rb") as opened:
                data = opened.read(REPORT_SIZE_MAX + 1)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise _unusable(file, Text("there is no such file", "没有此文件")) from error
    if not 0 < len(data) <= REPORT_SIZE_MAX:
        raise _unusable(file, Text("the file is empty or too large", "文件为空或过大"))
    return data


def _unusable(file: Path, message: Text) -> InputError:
    step = Text("Give the exit report as one file.", "请以单个文件提供退出报告。")
    return InputError("exit.bad_report", message, where=str(file), next_step=step)
