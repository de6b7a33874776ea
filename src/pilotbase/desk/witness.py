"""The outside witness: its signature over a plan, made before the start, fixes the order.

Ed25519 signatures are deterministic (RFC 8032), so one plan has one receipt and nobody can try
orders until one fits. Plans and receipts are C2SP signed notes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pilotbase.kernel.errors import InputError, RunError
from pilotbase.kernel.home import storage_errors, write_whole
from pilotbase.kernel.text import Text
from pilotbase.record.inputs import handed_in
from pilotbase.record.rules import note

PLAN_HEAD = "pilotbase/plan/1"
RECEIPT_HEAD = "pilotbase/receipt/1"
FILE_MAX = 64 * 1024
SELF_ATTESTED = "self-attested: could have been rerun"


def plan_text(run: str, plan_hash: str) -> str:
    """What the base signs when it freezes a plan."""
    return f"{PLAN_HEAD}\n{run}\n{plan_hash}\n"


def receipt_text(plan_hash: str) -> str:
    """What the witness signs."""
    return f"{RECEIPT_HEAD}\n{plan_hash}\n"


def make_key(name: str, file: Path, entropy: Callable[[int], bytes]) -> str:
    """A new key in a new file (mode 0600); returns the verifier key for scenario files.

    Raises:
        RecordError: a name with spaces or ``+``. InputError: the file exists already.
    """
    key = note.SigningKey(name, entropy(note.KEY_SIZE))
    with storage_errors(file):
        _new_file(file)
        file.write_text(key.encode() + "\n", "ascii")
    return key.verifier.encode()


def sign_plan(plan: Path, key_file: Path, out: Path | None) -> str:
    """The witness's receipt of a signed plan file.

    Raises:
        InputError: no signed plan, no private key, or either is malformed.
    """
    with handed_in(str(plan)):
        lines = note.parse(_read(plan)).text.splitlines()
    if len(lines) != 3 or lines[0] != PLAN_HEAD or not lines[2].startswith("sha256:"):
        raise InputError(
            "witness.no_plan",
            Text("this is no signed plan", "这不是已签名的计划"),
            where=str(plan),
            next_step=Text(
                "The base makes one with `pilotbase plan FILE -o plan.txt`.",
                "由基地用 `pilotbase plan 文件 -o plan.txt` 生成。",
            ),
        )
    with handed_in(str(key_file)):
        key = note.SigningKey.parse(_read(key_file).strip())
    receipt = note.sign(receipt_text(lines[2]), [key])
    if out is not None:
        with storage_errors(out):
            write_whole(out, receipt.encode())
    return receipt


def receipt_for(plan_hash: str, vkey: str | None, file: Path | None) -> str | None:
    """The receipt in its one form, the witness's own signature line, checked against the plan.

    Raises:
        RunError: the plan names a witness who has not signed it.
        InputError: a receipt was given although the plan names no witness, or is of another plan.
        RecordError: a receipt that is malformed or whose signature does not hold.
    """
    if vkey is None and file is None:
        return None
    if vkey is None:
        raise _wrong_receipt(file, Text("the plan names no witness", "计划未指定见证人"))
    if file is None:
        raise RunError(
            "witness.receipt_missing",
            Text("the plan names a witness who has not signed it", "计划指定的见证人尚未签名"),
            next_step=HOW_TO_GET_A_RECEIPT,
        )
    key = note.VerifierKey.parse(vkey)
    signed = note.verify(_read(file), [key])
    if signed.text != receipt_text(plan_hash):
        raise _wrong_receipt(file, Text("the receipt is of another plan", "回执属于另一份计划"))
    return signed.signatures[0].line()


def to_be_attested(vkey: str | None) -> str:
    """How a plan says who will have to sign it before the start."""
    if vkey is None:
        return SELF_ATTESTED
    return f"to be witnessed by {note.VerifierKey.parse(vkey).name}; not yet signed"


def attested(vkey: str | None) -> str:
    """How a verdict says who saw the plan before the start."""
    if vkey is None:
        return SELF_ATTESTED
    return f"witnessed before the start by {note.VerifierKey.parse(vkey).name}"


HOW_TO_GET_A_RECEIPT = Text(
    "pilotbase plan FILE -o plan.txt; the witness runs `pilotbase witness sign plan.txt KEYFILE "
    "-o receipt.txt`; then pilotbase run FILE --receipt receipt.txt.",
    "先 pilotbase plan 文件 -o plan.txt; 见证人运行 `pilotbase witness sign plan.txt 密钥文件 "
    "-o receipt.txt`; 再 pilotbase run 文件 --receipt receipt.txt。",
)


def _wrong_receipt(file: Path | None, message: Text) -> InputError:
    return InputError(
        "witness.wrong_receipt", message, where=str(file), next_step=HOW_TO_GET_A_RECEIPT
    )


def _read(file: Path) -> str:
    with storage_errors(file):
        try:
            with file.open("rb") as opened:
                return opened.read(FILE_MAX).decode("utf-8", "replace")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise InputError(
                "file.missing",
                Text("there is no such file", "没有此文件"),
                where=str(file),
                next_step=Text("Check the path.", "请检查路径。"),
            ) from error


def _new_file(file: Path) -> None:
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise InputError(
            "file.exists",
            Text("there is a file of that name already", "已有同名文件"),
            where=str(file),
            next_step=Text("Choose another name with -o.", "请用 -o 另选文件名。"),
        ) from error
