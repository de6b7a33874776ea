"""Every error says what, where and what next, in both languages; the tree is drawn in one place."""

from __future__ import annotations

import inspect

from pilotbase.kernel import errors
from pilotbase.kernel.errors import Fault, PilotbaseError, ScenarioError
from pilotbase.kernel.text import Text


def test_the_tree_is_drawn_whole() -> None:
    classes = [c for _, c in inspect.getmembers(errors, inspect.isclass)]
    tree = [c.__name__ for c in classes if issubclass(c, PilotbaseError)]
    assert len(tree) == 11
    assert errors.__doc__ and all(name in errors.__doc__ for name in tree)


def test_a_fault_reads_like_a_compiler_message() -> None:
    fault = Fault(
        "metric", Text("no such metric", "没有此指标"), "acceptance.0.metric", 12, 5,
        expected=Text("an installed metric", "已安装的指标"), nearest="accuracy",
    )  # fmt: skip
    assert fault.render("en", "a.yaml") == (
        "a.yaml:12:5: acceptance.0.metric: no such metric (expected: an installed metric)"
        ' Did you mean "accuracy"?'
    )
    assert "没有此指标" in fault.render("zh", "a.yaml") and "accuracy" in fault.render(
        "zh", "a.yaml"
    )


def test_a_scenario_error_shows_all_faults_and_exits_with_2() -> None:
    faults = [Fault("a", Text("first", "一")), Fault("b", Text("second", "二"))]
    error = ScenarioError("a.yaml", faults)
    assert error.exit_code == 2
    assert "first" in error.render("en") and "second" in error.render("en")
    assert "2 处错误" in error.render("zh")
    assert [f["code"] for f in error.as_dict()["faults"]] == ["a", "b"]
