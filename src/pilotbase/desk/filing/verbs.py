"""Filing as a verb. Heavy rooms are imported when it is called: see ADR 2."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.register import verbs as register
from pilotbase.register.verbs import FilingResponse


@dataclass(frozen=True)
class FileRequest:
    run: str = asked(
        "Run id (its beginning is enough) or scenario id.", "试验编号 (可只写开头) 或场景编号。"
    )
    sheet: Path = asked("The filing sheet (YAML).", "备案表 (YAML)。")


@verb(
    "register.file",
    summary=Text(
        "File a service on an evidenced verdict, with a sheet that says the rest.",
        "凭已签证的结论为服务备案; 其余事项见备案表。",
    ),
    changes=True,
    roles=("case officer", "scenario owner", "provider"),
)
def file(context: Context, request: FileRequest) -> FilingResponse:
    from pilotbase.desk.filing.conduct import file_service

    entry = file_service(context, request.run, request.sheet)
    return register.show(context, register.ShowRequest(entry.body["filing"]))
