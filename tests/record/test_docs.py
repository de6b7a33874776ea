"""The programs on the record's page, run as they stand there on the golden proof."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pilotbase.record.rules.commitment import commit

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "record" / "proof.json"
PROOF = json.loads(GOLDEN.read_text("utf-8"))


def blocks(language: str, kind: str) -> list[str]:
    page = (ROOT / "docs" / language / "record.md").read_text("utf-8")
    return re.findall(rf"```{kind}\n(.*?)\n```", page, re.DOTALL)


@pytest.mark.parametrize("language", ["en", "zh"])
class TestPage:
    def run(self, language: str, proof: Path) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", blocks(language, "python")[0], str(proof), PROOF["vkey"]]
        environment = {"PYTHONIOENCODING": "utf-8"}
        return subprocess.run(
            words, capture_output=True, text=True, encoding="utf-8", env=environment, check=False
        )

    def test_the_verifier_accepts_the_golden_proof(self, language: str) -> None:
        run = self.run(language, GOLDEN)
        assert run.returncode == 0 and run.stdout.strip() == PROOF["entry"], run.stderr

    def test_the_verifier_refuses_changes(self, language: str, tmp_path: Path) -> None:
        changes = {
            "index": 4,
            "entry": PROOF["entry"].replace('"n":5', '"n":6'),
            "proof": PROOF["proof"][:-1],
            "checkpoint": PROOF["checkpoint"].replace("\n10\n", "\n11\n"),
        }
        file = tmp_path / "proof.json"
        for field, value in changes.items():
            assert PROOF[field] != value
            file.write_text(json.dumps({**PROOF, field: value}), "utf-8")
            assert self.run(language, file).returncode != 0, field

    def test_the_commitment(self, language: str) -> None:
        scope: dict[str, object] = {}
        exec(blocks(language, "python")[1], scope)
        made = scope["commitment"](bytes(32), b"x")  # type: ignore[operator]
        assert made == commit(bytes(32), b"x")

    @pytest.mark.skipif(
        not all(map(shutil.which, ("openssl", "jq", "xxd", "base64"))), reason="needs the tools"
    )
    def test_the_signature_in_the_shell(self, language: str, tmp_path: Path) -> None:
        (script,) = blocks(language, "sh")
        for changed in ("", "\n11\n"):
            note = PROOF["checkpoint"].replace("\n10\n", changed or "\n10\n")
            proof = json.dumps({**PROOF, "checkpoint": note})
            (tmp_path / "proof.json").write_text(proof, "utf-8")
            run = subprocess.run(
                ["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
            )
            assert ("Verified Successfully" in run.stdout) == (not changed), run.stderr


def test_both_pages_say_the_same_programs() -> None:
    def bare(language: str) -> list[str]:
        return [re.sub(r" *#.*", "", block) for block in blocks(language, "python")]

    assert bare("en") == bare("zh") and blocks("en", "sh") == blocks("zh", "sh")
