"""Policies as JSON-LD: every fault with its path, nothing fetched, and the way out and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib.namespace import ODRL2, RDF

from pilotbase.catalog.rights.rules.conflicts import faults, remarks
from pilotbase.catalog.rights.rules.export import exported
from pilotbase.catalog.rights.rules.jsonld import BYTES_MAX, DEPTH_MAX
from pilotbase.catalog.rights.rules.policy import Constraint, Logical, Named, Policy
from pilotbase.catalog.rights.rules.reading import policy_of, read_policy
from pilotbase.catalog.rights.rules.vocabulary import ACTIONS, CARRIED, EVALUATED, OPERATORS
from tests.catalog.rights.rules.making import Making

ODRL = "http://www.w3.org/ns/odrl.jsonld"
NAMESPACE = "http://www.w3.org/ns/odrl/2/"
MADE_UP = {"fly"}  # one of the actions that policies are made of here
RESEARCH = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}


def doc(**words: Any) -> dict[str, Any]:
    return {"@context": ODRL, "@type": "Set", "uid": "urn:pilotbase:policy:p1",
            "permission": [{"action": "read"}], **words}  # fmt: skip


def good(said: Any) -> Policy:
    policy, found = read_policy(json.dumps(said).encode())
    assert not found and policy is not None, found
    return policy


def codes(said: Any) -> set[tuple[str, str]]:
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    policy, found = read_policy(data)
    assert policy is None
    assert all(one.message.en and one.message.zh for one in found)
    return {(one.code.removeprefix("terms."), ".".join(map(str, one.path))) for one in found}


def test_the_forms_in_which_words_may_be_written_say_the_same() -> None:
    plain = good(doc(target="readings", permission={"action": "read", "constraint": RESEARCH}))
    full = {
        "@context": [ODRL, {"o": "http://www.w3.org/ns/odrl/2/", "ours": "urn:pilotbase:asset:"}],
        "@type": ["odrl:Policy", "http://www.w3.org/ns/odrl/2/Set"],
        "@id": "urn:pilotbase:policy:p1",
        "o:target": {"@id": "ours:readings"},
        "odrl:permission": [{
            "http://www.w3.org/ns/odrl/2/action": {"@id": "o:read"},
            "dc:title": "words of other vocabularies are left aside",
            "constraint": [{"leftOperand": {"@id": "odrl:purpose"}, "operator": "odrl:eq",
                            "rightOperand": {"@value": "research"}}],
        }],
    }  # fmt: skip
    assert good(full) == plain
    assert plain.rules[0].targets == (Named("readings"),)
    assert plain.rules[0].constraints == (Constraint("purpose", "eq", ("research",)),)


def test_parts_may_refer_to_one_another_in_one_graph() -> None:
    one = {"@id": "ex:c1", **RESEARCH}
    other = {"@id": "ex:c2", "leftOperand": "count", "operator": "lt", "rightOperand": 5}
    both = {"@id": "ex:both", "xone": {"@list": [{"@id": "ex:c1"}, {"@id": "ex:c2"}]}}
    head = {"@type": "Set", "uid": "p", "permission": {"action": "use", "constraint": "ex:both"}}
    graph = {"@context": [ODRL, {"ex": "http://example.org/"}], "@graph": [head, one, other, both]}
    (condition,) = good(graph).rules[0].constraints
    assert isinstance(condition, Logical) and condition.operand == "xone"
    assert [part.right for part in condition.parts if isinstance(part, Constraint)] == [
        ("research",), ("5",),
    ]  # fmt: skip
    both["xone"] = {"@list": [{"@id": "ex:both"}, {"@id": "ex:both"}]}
    assert ("circular" in {code for code, _ in codes(graph)}) is True


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"@type": "Request"}, ("type", "@type")),
        ({"uid": None}, ("no_uid", "")),
        ({"permission": []}, ("no_rules", "")),
        ({"permission": [{}]}, ("no_action", "permission.0")),
        ({"permission": ["read"]}, ("not_here", "permission.0")),
        ({"permissions": []}, ("unknown_word", "permissions")),
        ({"conflict": "first"}, ("word", "conflict")),
        ({"profile": "http://example.org/profile"}, ("profile", "profile")),
        ({"inheritFrom": "http://example.org/p"}, ("inheritFrom", "inheritFrom")),
        ({"@context": "https://example.org/odrl.jsonld"}, ("remote_context", "@context")),
        ({"@context": [ODRL, "http://x.org"]}, ("remote_context", "@context.1")),
        ({"@context": {"permission": "odrl:prohibition"}}, ("redefined", "@context.permission")),
        ({"@context": {"@base": "http://x.org/"}}, ("redefined", "@context.@base")),
        ({"@context": {"odrl": "http://x.org/"}}, ("redefined", "@context.odrl")),
        ({"@type": "Agreement"}, ("no_assigner", "")),
        ({"@type": "Agreement", "assigner": "library"}, ("no_assignee", "")),
        ({"@type": "Offer"}, ("no_assigner", "")),
        (
            {"permission": [{"action": "read", "duties": []}]},
            ("unknown_word", "permission.0.duties"),
        ),
        (
            {"permission": [{"uid": "a", "action": "read"}, {"uid": "a", "action": "use"}]},
            ("duplicate_id", ""),
        ),
    ],
)
def test_each_fault_is_told_with_its_path(
    changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in codes(doc(**changes))


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        ({**RESEARCH, "leftOperand": "purpos"}, ("left", ".leftOperand")),
        ({**RESEARCH, "operator": "equals"}, ("word", ".operator")),
        ({**RESEARCH, "rightOperand": []}, ("no_right", "")),
        ({**RESEARCH, "rightOperand": {"@value": None}}, ("right", ".rightOperand")),
        ({**RESEARCH, "and": [RESEARCH]}, ("mixed", "")),
        ({"or": []}, ("empty", ".or")),
        ({**RESEARCH, "constraint": RESEARCH}, ("unknown_word", ".constraint")),
        (7, ("no_section", "")),
    ],
)
def test_faulty_constraints(constraint: Any, expected: tuple[str, str]) -> None:
    code, tail = expected
    said = doc(permission=[{"action": "read", "constraint": [constraint]}])
    assert (code, f"permission.0.constraint.0{tail}") in codes(said)


def test_all_faults_are_told_at_once() -> None:
    said = doc(conflict="first", permission=[{"action": "read", "when": 1}, {}], also=2)
    assert len(codes(said)) == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "syntax"), (b"[1]", "no_policy"), (b'"x"', "no_policy"), (b"\xff\xfe{}", "syntax"),
        (b'{"uid": "\\u001b[2J"}', "character"),
        (b'{"uid": 1, "uid": 2}', "twice"), (b"[" * 100_000, "too_deep"),
        (b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1), "too_deep"),
        (b" " * (BYTES_MAX + 1), "too_large"), (b"[" + b"1," * 20_001 + b"1]", "too_many"),
        (b'{"uid": ' + b"9" * 5_000 + b"}", "syntax"),
    ],
)  # fmt: skip
def test_hostile_files_are_refused(data: bytes, code: str) -> None:
    assert {found for found, _ in codes(data)} == {code}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32))
def test_a_policy_goes_out_and_comes_back_the_same(seed: int) -> None:
    made = Making(seed)
    policy = made.readable()
    back, found = policy_of(json.loads(json.dumps(exported(policy))))
    assert not found and back == policy


# rdflib 7's own reader of JSON-LD uses a class of its own that it deprecates.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
def test_what_goes_out_is_odrl_to_an_independent_processor() -> None:
    """Read by rdflib, each word is one of the ontology, and nothing is lost."""
    for seed in range(12):
        policy = Making(seed).readable()
        graph = rdflib.Graph().parse(data=json.dumps(exported(policy)), format="json-ld")
        words = {str(term) for triple in graph for term in triple}
        ours = {word.removeprefix(NAMESPACE) for word in words if word.startswith(NAMESPACE)}
        unknown = {word for word in ours if word not in ODRL2} - MADE_UP
        assert not unknown
        for kind in ("permission", "prohibition", "obligation"):
            rules = list(graph.objects(predicate=ODRL2[kind]))
            assert len(rules) == sum(rule.kind == kind for rule in policy.rules)
        assert list(graph.subjects(RDF.type, ODRL2[policy.kind])) == [
            rdflib.URIRef(f"urn:pilotbase:policy:{policy.uid}")
        ]


def test_the_vocabulary_is_the_ontology_s() -> None:
    own = {word for word in ACTIONS if ":" not in word}
    for word in own | EVALUATED | CARRIED | OPERATORS:
        assert word in ODRL2, word


@pytest.mark.parametrize(
    ("conflict", "permit", "ban", "expected"),
    [
        ("invalid", {"action": "read"}, {"action": "use"}, {"contradiction"}),
        ("invalid", {"action": "use"}, {"action": "read"}, {"contradiction"}),
        ("prohibit", {"action": "read"}, {"action": "use"}, {"never_permitted"}),
        ("prohibit", {"action": "use"}, {"action": "distribute"}, set()),
        ("perm", {"action": "use"}, {"action": "read"}, {"never_prohibited"}),
        ("perm", {"action": "use", "constraint": RESEARCH}, {"action": "read"}, set()),
        ("invalid", {"action": "use"}, {"action": "sell"}, set()),
        ("invalid", {"action": "use"}, {"action": "use", "constraint": RESEARCH}, set()),
        ("invalid", {"action": "use", "assignee": "a"}, {"action": "use", "assignee": "b"}, set()),
        ("invalid", {"action": "use", "target": "a"}, {"action": "use", "target": "b"}, set()),
    ],
)
def test_certain_contradictions_are_faults(
    conflict: str, permit: dict[str, Any], ban: dict[str, Any], expected: set[str]
) -> None:
    policy = good(doc(conflict=conflict, permission=[permit], prohibition=[ban]))
    assert {one.code.removeprefix("terms.") for one in faults(policy)} == expected


def test_what_may_meet_and_what_stays_undecided_is_remarked() -> None:
    odd = {"leftOperand": "meteredTime", "operator": "lteq", "rightOperand": "PT1H"}
    naive = {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2027-01-01T00:00:00"}
    bans = [{"action": "fly"}, {"action": "read", "constraint": RESEARCH}]
    use = {"action": "use", "constraint": [odd, naive]}
    said = [one.message.en for one in remarks(good(doc(permission=[use], prohibition=bans)))]
    for words in ("permission-0, prohibition-1: may meet", "prohibition-0: fly is never decided",
                  "permission-0: meteredTime is never", "2027-01-01T00:00:00"):  # fmt: skip
        assert any(words in text for text in said), words
    times = [
        {"leftOperand": "dateTime", "operator": "gt", "rightOperand": "2027-01-01"},
        {"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2026-01-01"},
    ]
    never = good(doc(permission=[{"action": "use", "constraint": times}]))
    assert [one.code for one in faults(never)] == ["terms.empty_time"]
