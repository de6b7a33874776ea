"""`pilotbase serve` and `pilotbase up` on a terminal: they run until they are ended."""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

import click

from pilotbase.kernel.home import default_home
from pilotbase.kernel.text import Language, Text
from pilotbase.kernel.verb import Context

KEY = "PILOTBASE_KEY"
NOT_FILED = "serve.not_filed"
SERVING = Text(
    "Serving at {address} ({processes} {noun}, Ctrl-C ends it). The register: {address}/register",
    "已在 {address} 提供服务 ({processes} 个进程, Ctrl-C 结束)。备案登记: {address}/register",
)
STARTING = Text("The candidates' workers are starting …", "候选方案的工作进程正在启动 …")
FILED = Text("Filed, and served:", "已备案并提供服务:")
NOTHING = Text(
    "Nothing is filed here. `{tour}` tries and files the built-in scenarios.",
    "此处尚无备案。`{tour}` 可试验并备案内置场景。",
)
BEGIN = Text(
    "`{tour}` tries and files the built-in scenarios; then there is something to serve.",
    "`{tour}` 可试验并备案内置场景, 之后即可提供服务。",
)
REFUSED = Text("Not served:", "未提供服务:")
BAD_WORKER = Text("its worker cannot serve: {reason}", "其工作进程无法提供服务: {reason}")
STATES = {
    "waiting": Text("waiting", "待调用"),
    "starting": Text("starting", "正在启动"),
    "ready": Text("ready", "就绪"),
    "refused": Text("refused", "拒绝服务"),
    "down": Text("down", "已停止"),
}
A_KEY = Text(
    "A key made on the spot, for the party local-operator, good until {until} or until this ends:",
    "现场生成的密钥, 持有方为 local-operator, 有效至 {until} 或本命令结束:",
)
CURL = Text("Call it with curl:", "用 curl 调用:")
CLIENT = Text(
    "With the OpenAI client (pip install openai):", "用 OpenAI 客户端 (pip install openai):"
)
MCP = Text(
    "As a tool of an MCP client (pip install mcp):", "作为 MCP 客户端的工具 (pip install mcp):"
)
A2A = Text("As an agent, over A2A; its card: {card}", "作为智能体, 经 A2A 调用; 其名片: {card}")
MCP_CODE = """\
import asyncio, os, httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main():
    key = {{"Authorization": "Bearer " + os.environ["{key}"]}}
    async with httpx2.AsyncClient(headers=key) as http:
        async with Client(streamable_http_client("{address}/mcp", http_client=http)) as client:
            print((await client.call_tool("{service}", {case})).content[0].text)

asyncio.run(main())"""
USAGE = Text("See what was used:", "查看用量:")
STOP = Text("Stop it for good, and make the same call again:", "永久终止后, 再次发起同一调用:")
OTHERS = Text("What is not filed is refused, with the reason:", "未备案的会被拒绝, 并说明原因:")


def serve(context: Context, request: Any, language: Language, as_json: bool) -> int:
    """`pilotbase serve`."""
    from pilotbase.serve.running.parent import Running, run

    def announce(said: Mapping[str, Any]) -> None:
        click.echo(json.dumps(said) if as_json else _serving(said, language))

    def settled(said: Mapping[str, Any]) -> None:
        if not as_json:
            _workers(said["workers"], language)

    return run(context, Running(**dataclasses.asdict(request)), announce, settled)


def _serving(said: Mapping[str, Any], language: Language) -> str:
    noun = "process" if said["processes"] == 1 else "processes"
    return SERVING.format(**said, noun=noun).in_language(language)


def up(context: Context, request: Any, language: Language, as_json: bool) -> int:
    """`pilotbase up`."""
    from pilotbase.kernel.errors import RecordError
    from pilotbase.serve.running.up import up as everything

    def say(said: Mapping[str, Any]) -> None:
        if as_json:
            click.echo(json.dumps(said, ensure_ascii=False))
        elif "services" not in said:
            click.echo(_serving(said, language))
            click.echo(STARTING.in_language(language))
        else:
            for line in shown(said, context, language):
                click.echo(line)

    try:
        return everything(context, request, say)
    except RecordError as error:
        if error.code != "record.missing":
            raise
        step = BEGIN.format(tour=_command(context, "tour"))
        raise RecordError(error.code, error.message, where=error.where, next_step=step) from None


def shown(said: Mapping[str, Any], context: Context, language: Language) -> Iterator[str]:
    """What `pilotbase up` prints once all is ready: lines to copy."""

    from pilotbase.register.rules.words import price as price_said

    def words(text: Text, **values: object) -> str:
        return text.format(**values).in_language(language)

    yield "\n" + (
        words(FILED) if said["services"] else words(NOTHING, tour=_command(context, "tour"))
    )
    for one in said["services"]:
        price = one["price"]
        title = one["title"][language]
        yield f"  {one['service']}  {title} · {price_said(price, language) if price else '–'}"
    for name, worker in said["workers"].items():
        if worker["state"] == "refused":
            yield f"  {name}: {words(BAD_WORKER, reason=_reason(worker, language))}"
    yield "\n" + words(A_KEY, until=said["until"])
    yield f"  export {KEY}={said['key']}"
    chosen = _simplest(said)
    if chosen is not None:
        yield from _calls(said, chosen, language)
        yield "\n" + words(USAGE)
        yield f"  {_command(context, 'gateway', 'usage')}"
        yield "\n" + words(STOP)
        reason = ("--reason", Text("tried it out", "试用").in_language(language))
        yield f"  {_command(context, 'register', 'stop', chosen['filing'], *reason)}"
    yield from _refusals(said, language)


def _refusals(said: Mapping[str, Any], language: Language) -> Iterator[str]:
    """Filings that are not live, and one call that is refused, to try."""
    shut = [one for one in said["refused"] if one["code"] != NOT_FILED]
    if shut:
        yield "\n" + REFUSED.in_language(language)
    for one in shut:
        yield f"  {one['message'][language]}"
    for one in said["refused"]:
        if one["code"] == NOT_FILED:
            yield "\n" + OTHERS.in_language(language)
            yield f"  {_curl(said['address'], one['filing'], {})}"
            yield f"  # {one['code']}: {one['message'][language]}"


def _simplest(said: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The service with the shortest example, of those that are ready; a question in words first."""

    def length(one: Mapping[str, Any]) -> tuple[bool, int]:
        case = said["examples"][one["filing"]]
        return set(case) != {"question"}, len(content_of(case))

    able = [one for one in said["services"] if one["filing"] in said["examples"]]
    return min(able, key=length, default=None)


def _calls(said: Mapping[str, Any], chosen: Mapping[str, Any], language: Language) -> Iterator[str]:
    address, case = said["address"], said["examples"][chosen["filing"]]
    yield "\n" + CURL.in_language(language)
    yield f"  {_curl(address, chosen['service'], case)}"
    yield "\n" + CLIENT.in_language(language)
    message = json.dumps({"role": "user", "content": content_of(case)}, ensure_ascii=False)
    # Quotation marks of one kind alone, so that a shell's need no escape.
    code = (
        "import os, openai; "
        f'client = openai.OpenAI(base_url="{address}/v1", api_key=os.environ["{KEY}"]); '
        f'print(client.chat.completions.create(model="{chosen["service"]}", '
        f"messages=[{message}]).choices[0].message.content)"
    )
    yield f"  python -c {shlex.quote(code)}"
    if find_spec("mcp") is not None:
        yield "\n" + MCP.in_language(language)
        service, arguments = chosen["service"], _literal(case)
        code = MCP_CODE.format(key=KEY, address=address, service=service, case=arguments)
        yield f"  python -c {shlex.quote(code)}"
    if find_spec("a2a") is not None:
        agent = f"{address}/a2a/{chosen['filing']}"
        yield "\n" + A2A.format(card=f"{agent}/.well-known/agent-card.json").in_language(language)
        yield f"  {_message(agent, case)}"


def _literal(case: Mapping[str, Any]) -> str:
    """A case as Python writes it, with quotation marks of one kind."""
    words = {None: "None", True: "True", False: "False"}
    parts = [
        f"{json.dumps(name, ensure_ascii=False)}: "
        + (
            words[one]
            if one is None or isinstance(one, bool)
            else json.dumps(one, ensure_ascii=False)
        )
        for name, one in case.items()
    ]
    return "{" + ", ".join(parts) + "}"


def content_of(case: Mapping[str, Any]) -> str:
    """The user's message of an example: a question as it is, columns as JSON."""
    if set(case) == {"question"}:
        return str(case["question"])
    return json.dumps(case, ensure_ascii=False)


def _curl(address: str, model: str, case: Mapping[str, Any]) -> str:
    message = {"role": "user", "content": content_of(case)}
    body = json.dumps({"model": model, "messages": [message]}, ensure_ascii=False)
    return (
        f'curl -s {address}/v1/chat/completions -H "Authorization: Bearer ${KEY}" '
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


def _message(agent: str, case: Mapping[str, Any]) -> str:
    """A message to an agent: JSON-RPC of A2A 1.0, section 9."""
    part = {"text": case["question"]} if set(case) == {"question"} else {"data": dict(case)}
    message = {"messageId": "1", "role": "ROLE_USER", "parts": [part]}
    call = {"jsonrpc": "2.0", "id": 1, "method": "SendMessage", "params": {"message": message}}
    body = json.dumps(call, ensure_ascii=False)
    return (
        f"curl -s {agent} -H \"Authorization: Bearer ${KEY}\" -H 'A2A-Version: 1.0' "
        f"-H 'Content-Type: application/json' -d {shlex.quote(body)}"
    )


def _command(context: Context, *words: str) -> str:
    from pilotbase.faces.cli.show_tour import program

    own = () if context.home == default_home() else ("--home", str(context.home))
    return f"{program()} {shlex.join([*words, *own])}"


def _workers(workers: Mapping[str, Any], language: Language) -> None:
    for name, one in sorted(workers.items()):
        reason = f": {_reason(one, language)}" if one["reason"] else ""
        state = STATES[one["state"]].in_language(language)
        click.echo(f"  {name} · {state}{reason}")


def _reason(worker: Mapping[str, str], language: Language) -> str:
    return worker["reason_zh" if language == "zh" else "reason"]
