"""Bills of materials: what is declared is listed once, and what nothing can replace is named."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pilotbase.register.rules.parts import (
    gathered,
    part,
    parts_of_asset,
    parts_of_offer,
    single_points,
)

DATA = ("data.csv", "sha256:00")


def names(found: Any) -> list[tuple[str, str]]:
    return [(one["kind"], one["name"]) for one in found]


def test_what_a_candidate_needs() -> None:
    sklearn = {
        "estimator": "sklearn.linear_model.LogisticRegression",
        "steps": [{"estimator": "sklearn.preprocessing.StandardScaler"}],
    }
    found = gathered(parts_of_offer(sklearn, DATA, {"scikit-learn": "1.9"}))
    assert names(found) == [("software", "scikit-learn"), ("dataset", "data.csv")]
    assert found[0]["version"] == "1.9"
    chat = {"provider": "Acme", "chat": {"url": "https://llm.example.org/v1", "model": "m-1"}}
    found = gathered(parts_of_offer(chat, DATA, {}))
    assert names(found)[:2] == [("endpoint", "llm.example.org"), ("model", "m-1")]
    assert found[0]["supplier"] == "Acme"
    tool = {"mcp": {"url": None, "command": ["server", "--x"]}}
    assert names(parts_of_offer(tool, DATA, {}))[0] == ("software", "server")


def test_parts_of_parts_are_walked_once_even_in_a_circle() -> None:
    cards = {
        "a": {"kind": "agent", "parts": [{"name": "b"}, {"name": "lib", "kind": "software"}]},
        "b": {"kind": "model", "digest": "sha256:bb", "parts": [{"name": "a"}]},
    }
    found = gathered(parts_of_asset("a", cards))
    assert names(found) == [("model", "b"), ("software", "lib"), ("agent", "a")]
    assert found[0]["version"] == "sha256:bb"
    assert list(parts_of_asset("unknown", cards)) == []


PARTS = st.lists(
    st.builds(
        part,
        st.sampled_from("pqr"),
        st.sampled_from(["software", "model"]),
        substitutes=st.lists(st.sampled_from("xyz"), max_size=2),
    )
)


@given(PARTS)
def test_each_is_there_once_and_a_substitute_said_anywhere_counts(parts: list[Any]) -> None:
    found = gathered(parts)
    assert len({(one["kind"], one["name"]) for one in found}) == len(found)
    assert set(names(found)) == set(names(parts))
    lonely = {
        key for key in names(parts)
        if not any(one["substitutes"] for one in parts if (one["kind"], one["name"]) == key)
    }  # fmt: skip
    assert set(single_points(found)) == {name for _, name in lonely}
    assert gathered(found) == found
