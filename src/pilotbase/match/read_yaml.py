"""A list as YAML: a list of mappings, by itself or under ``needs:`` or ``products:``."""

from __future__ import annotations

from pilotbase.kernel.errors import Fault
from pilotbase.kernel.text import Text
from pilotbase.match.rows import ROWS_MAX, Row, Sheet, too_many
from pilotbase.scenario.check import fault_at
from pilotbase.scenario.decode import check_lines, decoded
from pilotbase.scenario.finding import Path, Unreadable
from pilotbase.scenario.tree import Tree, tree_of


def yaml_sheet(raw: bytes, section: str) -> Sheet:
    """Rows of a YAML file; ``title: {en, zh}`` is the same as ``title_en`` and ``title_zh``."""
    try:
        text = decoded(raw)
        check_lines(text)
        tree = tree_of(text)
    except Unreadable as error:
        fault = fault_at(error.finding, error.place)
        said = Fault(
            "sheet.unreadable", fault.message, "", fault.line, fault.column, fault.expected
        )
        return Sheet({}, (), (said,))
    faults = [fault_at(finding, place) for finding, place in tree.findings]
    where: Path = (section,) if isinstance(tree.data, dict) else ()
    listed = tree.at(where)
    if not isinstance(listed, list):
        said_text = Text(f"no list of {section} is in here", f"文件中没有 {section} 列表")
        expected = Text(f"`{section}:` and a list below it", f"`{section}:` 及其下的列表")
        return Sheet({}, (), (Fault("sheet.unreadable", said_text, "", 1, 1, expected),))
    if len(listed) > ROWS_MAX:
        faults.append(too_many(ROWS_MAX + 1, tree.place((*where, ROWS_MAX))[0]))
    return _rows(tree, where, len(listed[:ROWS_MAX]), faults)


def _rows(tree: Tree, where: Path, count: int, faults: list[Fault]) -> Sheet:
    columns: dict[str, tuple[int, int]] = {}
    rows = []
    for number in range(count):
        path = (*where, number)
        one = tree.at(path)
        line, column = tree.place(path)
        if not isinstance(one, dict):
            said = Text("this is no mapping", "此处不是字段与值")
            faults.append(Fault("sheet.unreadable", said, "", line, column))
            continue
        cells = {}
        for name, value in one.items():
            inner = (*path, name)
            if name in ("title", "text") and isinstance(value, dict):
                for language, text in value.items():
                    cells[f"{name}_{language}"] = (text, tree.place((*inner, language))[1])
                    columns.setdefault(f"{name}_{language}", tree.place((*inner, language)))
                continue
            cells[name] = (value, tree.place(inner)[1])
            columns.setdefault(name, tree.place(inner, at_key=True))
        rows.append(Row(line, cells))
    return Sheet(columns, tuple(rows), tuple(faults))
