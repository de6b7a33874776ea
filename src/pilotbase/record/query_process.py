"""The process that answers one question in SQL; see `pilotbase.record.query`.

It reads ``{"database", "sql", "rows", "memory_mib"}`` from its input and writes ``{"columns",
"rows", "more"}`` or ``{"refused": reason}``.
"""

from __future__ import annotations

import json
import math
import sys
from datetime import date, datetime
from typing import Any

ANSWER_SIZE_MAX = 32 * 2**20
_SETTINGS = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",
    "threads": "2",
    # Last: nothing of this can be changed by what is asked.
    "lock_configuration": "true",
}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """Answer one question, or say why not."""
    import duckdb

    memory = {"memory_limit": f"{asked['memory_mib']}MiB"}
    database = duckdb.connect(asked["database"], read_only=True, config={**memory, **_SETTINGS})
    with database as connection:
        try:
            statements = connection.extract_statements(asked["sql"])
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                return {"refused": "it is not one SELECT"}
            found = connection.execute(statements[0])
            columns = [column[0] for column in found.description or []]
            rows = found.fetchmany(asked["rows"] + 1)
        except duckdb.Error as error:
            return {"refused": str(error).split("\n\n", 1)[0].strip()[:2000]}
    more = len(rows) > asked["rows"]
    shown = [[_value(value) for value in row] for row in rows[: asked["rows"]]]
    return {"columns": columns, "rows": shown, "more": more}


def _value(value: Any) -> Any:
    """A value as JSON has it; what JSON has no form for as its text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _value(item) for key, item in value.items()}
    return value.hex() if isinstance(value, (bytes, bytearray)) else str(value)


def _bound(memory_mib: int) -> None:
    """Limits that the system keeps: memory for DuckDB and Python together, and no file written."""
    try:
        import resource
    except ImportError:  # Windows: DuckDB's own limits and the parent's clock remain
        return
    size = (3 * memory_mib + 512) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    asked = json.load(sys.stdin)
    _bound(int(asked["memory_mib"]))
    said = json.dumps(answer(asked))
    if len(said) > ANSWER_SIZE_MAX:
        said = json.dumps({"refused": f"the answer is larger than {ANSWER_SIZE_MAX} bytes"})
    sys.stdout.write(said)


if __name__ == "__main__":
    main()
