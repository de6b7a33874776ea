"""The register's pages say everything in the reader's language."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2

from pilotbase.serve.routes.books import Reading
from pilotbase.serve.routes.pages import Pages
from tests.serve.routes.making import base

WORDS = (
    (">filed<", ">已备案<"),
    (">suspended<", ">已暂停<"),
    (">limited<", ">有限<"),
    (">case officer<", ">经办人<"),
    ("/ case<", "/ 案例<"),
    (">go<", ">通过<"),
)


def test_no_word_of_a_table_stays_in_the_other_language(tmp_path: Path) -> None:
    with base(tmp_path / "home") as made:
        made.try_("logit")
        id_ = made.file()
        made.act(id_, "suspend")
        reading = Reading(made.record)
        reading.grown()
        books = reading.books()
        pages = Pages(made.compile(), lambda: books, dict)

        async def page(path: str, language: str) -> str:
            over = httpx2.ASGITransport(app=pages.app)
            async with httpx2.AsyncClient(transport=over, base_url="http://here") as client:
                return str((await client.get(f"{path}?lang={language}")).text)

        async def both(path: str) -> tuple[str, str]:
            return await page(path, "en"), await page(path, "zh")

        en, zh = asyncio.run(both(f"/register/{id_}"))
        for own, other in WORDS:
            assert own in en and other not in en
            assert other in zh and own not in zh
        nothing = json.loads(asyncio.run(page("/v1/completions", "en")))["error"]
        assert nothing["code"] == "serve.no_path" and "此处没有内容" in nothing["message_zh"]
        nothing = json.loads(asyncio.run(page("/v2/models/m/config", "en")))
        assert (
            nothing["error"].startswith("nothing is here.") and nothing["code"] == "serve.no_path"
        )
        _, zh = asyncio.run(both("/register"))
        assert "有限" in zh and "limited" not in zh
