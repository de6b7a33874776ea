"""Help that several verbs share."""

from __future__ import annotations

KEY = (
    "The base's verifier key (vkey) as you got it from the base, not from this home.",
    "基地的验证密钥 (vkey), 应从基地另行取得, 而非取自本主目录。",
)
