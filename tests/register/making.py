"""A dossier as the desk makes it: real record, real rules, made-up answers with a fixed seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from pilotbase.assess.judge import judge
from pilotbase.desk import events
from pilotbase.desk.witness import attested, plan_text, receipt_text
from pilotbase.kernel.actor import Actor
from pilotbase.kernel.canonical import decode, digest, encode
from pilotbase.kernel.event import Draft, Entry
from pilotbase.kernel.time import fixed_clock
from pilotbase.kernel.verb import Context
from pilotbase.record.events import KEY_ROTATED
from pilotbase.record.opened import Record, open_record
from pilotbase.record.rules import note
from pilotbase.scenario.schema import Scenario
from pilotbase.trial.evidence import (
    RESOLUTION,
    CriterionEvidence,
    Evidence,
    Part,
    evidence_to_json,
)
from pilotbase.trial.rules.order import committed_order, order_seed

UNITS = 442
HOSTILE = (
    "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\u202e{{7*7}}&amp;"
)
Json = dict[str, Any]


def both(en: str, zh: str) -> dict[str, str]:
    return {"en": en, "zh": zh}


@dataclass(frozen=True)
class Made:
    """What a test wants different from the usual dossier.

    ``forged`` names what a dishonest base writes into the verdict before it signs the record.
    """

    hostile: bool = False
    witnessed: bool = False
    complete: bool = False
    future: bool = False
    gap: bool = False
    rotated: bool = False
    criteria: int = 5
    seed: int = 7
    evidence: str = "sequential"
    forged: str = ""
    candidates: tuple[str, ...] = ("boosted", "logistic", "scripted")


@dataclass
class Stream:
    """Entropy that repeats: SHA-256 of a running number."""

    n: int = field(default=0)

    def __call__(self, count: int) -> bytes:
        self.n += 1
        return hashlib.sha256(str(self.n).encode()).digest()[:count]


OFFERS: dict[str, Json] = {
    "boosted": {
        "id": "boosted",
        "title": both("Boosted trees", "梯度提升树"),
        "provider": "Qinghe Medical AI",
        "estimator": "sklearn.ensemble.HistGradientBoostingClassifier",
        "claims": [{"metric": "recall", "value": 0.85}, {"metric": "brier", "value": 0.15}],
    },
    "logistic": {
        "id": "logistic",
        "title": both("Logistic regression", "逻辑回归"),
        "provider": "Public Health Lab",
        "estimator": "sklearn.linear_model.LogisticRegression",
        "claims": [{"metric": "recall", "value": 0.9}],
    },
    "scripted": {
        "id": "scripted",
        "title": both("Scripted answers", "脚本应答"),
        "provider": "Pilot base",
        "plugin": "scripted",
        "stand_in": True,
    },
}
QUALITY = {
    "boosted": (0.86, 0.13, 0.0),
    "logistic": (0.76, 0.17, 0.0),
    "scripted": (0.48, 0.27, 0.1),
}


def scenario_of(made: Made, witness: str | None) -> Json:
    """The scenario file as data."""
    offers = [dict(OFFERS[name]) for name in made.candidates]
    title = both("Follow-up triage: who needs an earlier appointment", "随访分诊: 谁需要提前复诊")
    labels = {"1": both("sex 1", "性别 1"), "2": both("sex 2", "性别 2")}
    if made.hostile:
        title = both(f"Triage {HOSTILE}", f"分诊 {HOSTILE}")
        offers[0] |= {"title": both(HOSTILE, HOSTILE), "provider": HOSTILE}
        labels["1"] = both(HOSTILE, HOSTILE)
    data = {
        "id": "triage",
        "title": title,
        "need": both(
            "Our clinic can call one patient in three back early. We need a system that finds "
            "those whose disease will progress fastest, and is as reliable for women as for men.",
            "本门诊只能提前召回三分之一的患者。我们需要一个系统找出病情进展最快的患者, "
            "且对男女同样可靠。",
        ),
        "notes": [both("Sex is coded 1 and 2 without a legend.", "性别以 1、2 编码, 未附说明。")],
        "item": "A4.3",
        "tier": "high",
        "owner": {"name": "Lakeside Community Hospital", "principal": "Dr Chen Wei"},
        "affects_people": True,
        "task": "detection",
        "data": {"dataset": "sklearn.load_diabetes"},
        "target": "progress",
        "positive": 1,
        "groups": {"sex": {"column": "sex", "title": both("Sex", "性别"), "labels": labels}},
        "split": {"by": "random", "folds": 5},
        "acceptance": [
            {"metric": "recall", "at_least": 0.7},
            {"metric": "brier", "at_most": 0.2},
            {"metric": "recall", "at_most": 0.3, "gap_by": "sex"},
            {"metric": "brier", "at_most": 0.9, "against": "majority", "blocking": False},
            {"metric": "accuracy", "between": [0.6, 0.99], "blocking": False},
        ][: made.criteria],
        "plan": {"cap": 300, "witness": witness, "choose": "recall", "evidence": made.evidence},
        "candidates": offers,
        "answers": {"one-column-bmi": both("Known at the first visit.", "首诊时即可得知。")},
    }
    scenario: Json = Scenario.model_validate(data).model_dump(mode="json", by_alias=True)
    return scenario


def plan_of(scenario: Json) -> Json:
    key = scenario["plan"]["witness"]
    rows = [(0.6, 0.0, 0.71, 70), (0.7, 0.03, 0.06, 107), (0.8, 0.82, 0.0, 74)]
    table = [
        {"quality": q, "meets": m, "fails": f, "undecided": round(1 - m - f, 4), "units": u}
        for q, m, f, u in rows
    ]
    return {
        "format": "pilotbase/plan/1",
        "scenario_id": scenario["id"],
        "scenario": digest(scenario),
        "estimand": "these cases",
        "task": "detection",
        "data": {
            "digest": digest("data"),
            "rows": UNITS,
            "units": UNITS,
            "source": both(
                "Diabetes progression, 442 patients (Efron et al. 2004)",
                "糖尿病进展数据, 442 名患者 (Efron 等, 2004)",
            ),
        },
        "order": {"receipt": {"kind": "witness", "key": key} if key else {"kind": "none"}},
        "alpha": 0.05,
        "evidence": scenario["plan"]["evidence"],
        "cap": 300,
        "several": "e-holm",
        "choose": "recall",
        "criteria": scenario["acceptance"],
        "candidates": [{"id": c["id"], "digest": digest(c)} for c in scenario["candidates"]],
        "leaks": [
            {
                "id": "one-column-bmi",
                "kind": "single column",
                "text": both(
                    "“bmi” alone reaches a recall of 58 %.", "仅凭 “bmi” 召回率即达 58%。"
                ),
                "columns": ["bmi"],
                "value": 0.58,
                "answer": scenario["answers"]["one-column-bmi"],
            }
        ],
        "odds": [{"criterion": 0, "method": "exact", "table": table}],
    }


def scaled(values: Any) -> tuple[int, ...]:
    """Values in [0, 1] as the integers of evidence."""
    return tuple(int(v) for v in np.rint(np.asarray(values) * RESOLUTION))


def parts_of(name: str, made: Made) -> list[tuple[Part, ...]]:
    """Integers of one candidate, a tuple of parts per criterion."""
    random = np.random.default_rng([made.seed, sorted(QUALITY).index(name)])
    recall, brier, gap = QUALITY[name]
    n = UNITS if made.complete else 300
    positives, size = (110, 110) if made.complete else (75, 110)
    x = (random.random(positives) < recall).astype(int)
    best = x.copy()
    lost = 2 if name == "logistic" else 0
    x[3 : 3 + lost], best[3 : 3 + lost] = 0, 1
    squares = random.beta(8 * brier, 8 * (1 - brier), n)
    majority = random.beta(2, 6, n)
    turns = random.permutation([0] * (positives // 2) + [1] * (positives - positives // 2))
    a = (random.random(positives // 2) < recall + gap).astype(int)
    b = (random.random(positives - positives // 2) < recall - gap).astype(int)
    right = (random.random(n) < 0.55 + 0.3 * recall).astype(int)
    apart = Part(
        "difference",
        False,
        scaled(a),
        scaled(b),
        turns=ints(turns),
        label="sex=1 - sex=2",
        margin=0.3,
        solve="margin",
        population=size // 2,
        population_y=size // 2,
        items="positive units",
    )
    found = Part(
        "pass_fail",
        True,
        ints(x),
        x_fails=ints(best) if lost else None,
        threshold=0.7,
        resolution=1,
        population=size,
        items="positive units",
        faults=3 if name == "scripted" else 0,
        outages=lost,
    )
    low = Part("pass_fail", True, ints(right), label="lower side", threshold=0.6, resolution=1)
    score = Part("bounded", False, scaled(squares), threshold=0.2, population=UNITS)
    return [
        (found,),
        (score,),
        (apart, _turned(apart)),
        (
            replace(
                score, kind="paired", y=scaled(majority), threshold=0.0, ratio=0.9, solve="ratio"
            ),
        ),
        (
            replace(low, population=UNITS),
            replace(low, population=UNITS, at_least=False, threshold=0.99, label="upper side"),
        ),
    ]


def ints(values: Any) -> tuple[int, ...]:
    return tuple(int(v) for v in values)


def _turned(part: Part) -> Part:
    """The same difference the other way round."""
    turns = tuple(1 - turn for turn in part.turns)
    return replace(part, x=part.y, y=part.x, turns=turns, label="sex=2 - sex=1")


META = (
    ("quality", "recall", ""), ("calibration", "brier", ""), ("fairness", "recall", "sex"),
    ("quality", "brier", "majority"), ("quality", "accuracy", ""),
)  # fmt: skip


def evidence_body(name: str, plan_hash: str, plan: Json, made: Made) -> Json:
    def criteria(shrunk: bool) -> tuple[CriterionEvidence, ...]:
        found = parts_of(name, made)
        if shrunk:
            found = [tuple(_future(part) for part in parts) for parts in found]
        if made.gap:
            found[0] = ()
        none = both("There are no positive units.", "没有阳性单元。") if made.gap else None
        return tuple(
            CriterionEvidence(
                k, *meta, plan["criteria"][k]["blocking"], found[k], None if found[k] else none
            )
            for k, meta in enumerate(META[: made.criteria])
        )

    problem = HOSTILE if made.hostile else "no number came back"
    beside: Json = {
        "importance": [
            {"column": column, "drop": drop, "lower": drop - 0.02, "upper": drop + 0.02}
            for column, drop in (("bmi", 0.12), ("bp", 0.04), ("age", -0.006))
        ],
        "problems": [{"case": "patient 17", "what": problem}] if name == "scripted" else [],
        "confusion": {"true/positive": 64, "false/negative": 11},
        "reliability": [{"said": 0.1, "seen": 0.094, "units": 120}],
    }
    body = evidence_to_json(Evidence(plan_hash, name, "these cases", criteria(False), beside))
    if made.future:
        future = Evidence(plan_hash, name, "future cases", criteria(True), {})
        body["future"] = {
            k: v for k, v in evidence_to_json(future).items() if k in ("estimand", "criteria")
        }
    return body


def _future(part: Part) -> Part:
    """The part as independent units of a hold-out."""
    return replace(part, population=None, population_y=None)


def make_dossier(home: Path, made: Made = Made()) -> Json:
    """The dossier of a run that went through the record of a fresh home."""
    witness = note.SigningKey("witness.example", hashlib.sha256(b"witness").digest())
    scenario = scenario_of(made, witness.verifier.encode() if made.witnessed else None)
    plan = plan_of(scenario)
    plan_hash = digest(plan)
    receipt = None
    if made.witnessed:
        signed = note.sign(receipt_text(plan_hash), [witness])
        receipt = note.parse(signed).signatures[0].line()
    seed = order_seed(plan_hash, receipt)
    ids = [f"row {n}" for n in range(UNITS)]
    order = committed_order(seed, ids).tolist()
    names = [HOSTILE if made.hostile and n == order[0] else f"patient {n + 1}" for n in order]
    bodies = {name: evidence_body(name, plan_hash, plan, made) for name in made.candidates}
    said = attested(plan["order"]["receipt"].get("key"))
    decoded = {name: decode(encode(body)) for name, body in bodies.items()}
    verdict = judge(decode(encode(plan)), scenario, decoded, plan_hash=plan_hash, witness=said)
    forge(verdict, made.forged)
    papers = {
        "scenario": scenario, "plan": plan, "bodies": bodies, "verdict": verdict,
        "order": {"units": [ids[n] for n in order], "names": names},
    }  # fmt: skip
    context = Context(home, "Dr Chen Wei", fixed_clock("2026-11-21T08:00:00Z"), Stream())
    actor = context.actor("case officer")
    with open_record(context) as record:
        entries = list(_history(record, made, actor, papers, plan_hash, seed, receipt))
        return _gathered(record, entries, papers, plan_hash, seed, receipt, said)


def forge(verdict: Json, what: str) -> None:
    """Write something into the verdict that the evidence does not say."""
    if not what:
        return
    candidate = verdict["candidates"][0]
    criterion = candidate["criteria"][0]
    part = criterion["parts"][0]
    if what == "candidate":
        candidate["verdict"] = "no-go"
    elif what == "bound":
        criterion["threshold"] = part["threshold"] = 0.5
    else:
        old = part[what]
        new = {"verdict": "undecided", "interval": [0.71, 0.9]}.get(what, 0.123)
        criterion[what] = part[what] = new
        assert new != old


def _history(
    record: Record, made: Made, actor: Actor, papers: Json, plan_hash: str, seed: bytes,
    receipt: str | None,
) -> Iterator[Entry]:  # fmt: skip
    run = plan_hash.removeprefix("sha256:")[:12]
    about = f"pilot:{run}"
    verdict, scenario = papers["verdict"], papers["scenario"]

    def step(happened: Any, **bodies: Any) -> Entry:
        sealed = {name.replace("__", ":"): encode(body) for name, body in bodies.items()}
        return record.append(Draft(happened, actor, about, sealed))

    yield step(
        events.Submitted("triage", "A4.3", "Hospital", "Dr Chen Wei", digest(scenario)),
        scenario=scenario,
    )
    yield step(events.Eligible(("every check passed",)))
    planned = record.sign(plan_text(run, plan_hash))
    yield step(
        events.Planned(plan_hash, papers["plan"]["data"]["digest"], planned, 1), plan=papers["plan"]
    )
    if made.rotated:
        record.rotate_key("yearly", actor)
    yield step(events.Started(seed.hex(), receipt or ""), order=papers["order"])
    digests = {name: digest(body) for name, body in papers["bodies"].items()}
    yield step(
        events.Evaluated(digests, {}, {}, 0, {}),
        **{f"evidence__{name}": body for name, body in papers["bodies"].items()},
    )
    words = {c["id"]: c["verdict"] for c in verdict["candidates"]}
    yield step(events.Judged(digest(verdict), words, verdict["chosen"]), verdict=verdict)
    proof = f"pilotbase/verdict/1\n{plan_hash}\n{digest(verdict)}\n"
    yield step(events.Evidenced(record.sign(proof)))
    if made.rotated:
        record.rotate_key("again", actor)


def _gathered(
    record: Record, entries: list[Entry], papers: Json, plan_hash: str, seed: bytes,
    receipt: str | None, said: str,
) -> Json:  # fmt: skip
    checkpoint = record.checkpoint()
    bodies = []
    for entry in entries:
        for name, committed in entry.envelope["vault"].items():
            sealed = record.vault.get(committed["commitment"])
            assert sealed is not None
            text = sealed.body.decode()
            bodies.append(
                {"entry": entry.index, "name": name, "salt": sealed.salt.hex(), "body": text}
            )
    return {
        "format": "pilotbase/report/1",
        "run": plan_hash.removeprefix("sha256:")[:12],
        "at": "2026-11-21T08:00:00.000Z",
        "scenario": papers["scenario"],
        "plan": decode(encode(papers["plan"])),
        "plan_hash": plan_hash,
        "witness": said,
        "receipt": receipt,
        "earlier": {"plans_on_same_data": 1, "exposures": 0},
        "verdict": decode(encode(papers["verdict"])),
        "order": {"seed": seed.hex(), **papers["order"]},
        "evidence": {name: decode(encode(body)) for name, body in papers["bodies"].items()},
        "bodies": bodies,
        "record": {
            "entries": [_proven(record, entry) for entry in entries],
            "rotations": [_proven(record, entry) for entry in record.entries(kind=KEY_ROTATED)],
            "size": record.size,
            "root": record.root().hex(),
            "checkpoint": checkpoint,
            "vkey": record.vkey,
        },
    }


def _proven(record: Record, entry: Entry) -> Json:
    proof = [h.hex() for h in record.inclusion(entry.index)]
    return {"index": entry.index, "text": entry.data.decode(), "proof": proof}
