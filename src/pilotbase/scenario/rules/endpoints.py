"""Endpoints: an address that may be reached, secrets where they belong, prices that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pilotbase.kernel.text import Text
from pilotbase.scenario.draft import Draft, Known
from pilotbase.scenario.finding import Finding, Path, listed
from pilotbase.scenario.offer import Candidate, Endpoint, Infer, Key, Mcp

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_ADDRESS = re.compile(r"(?P<scheme>https?)://(?P<rest>[^/?#\s]+)\S*", re.IGNORECASE)
# Prefixes by which providers let scanners find keys; a token of three parts is a JSON Web Token
# (RFC 7519); a Bearer header was copied whole; else a long run of mixed letters and figures.
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|hf|gsk|xai|gh[opsu]|glpat|xox[abp])[-_](?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{16,}"
    r"|\bAKIA[0-9A-Z]{16}\b|\bAIza[A-Za-z0-9_-]{30,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}"
    r"|\b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}"
)
_RUN = re.compile(r"[A-Za-z0-9_-]{32,}")
_MIXED = tuple(re.compile(form) for form in ("[a-z]", "[A-Z]", "[0-9]"))
_QUERY_SECRET = re.compile(r"[?&](?:api[-_]?)?(?:key|token|secret|password|sig)=", re.IGNORECASE)
KEPT_OUT = Text(
    "key: {env: NAME} or key: {file: PATH}; a scenario file is shown to others, secrets are not",
    "key: {env: 变量名} 或 key: {file: 路径}; 场景文件会给人看, 密钥不行",
)
# Task → what an inference endpoint has to give for it.
OUTPUTS = {
    "classification": ("label", "probability"),
    "detection": ("label", "score", "probability"),
    "regression": ("value",),
    "forecast": ("value",),
}


def looks_secret(text: str) -> bool:
    """Whether a text is likely to hold a key.

    >>> looks_secret("sk-live4f9aK2mQx81Zp"), looks_secret("risk-adjusted-return-2024")
    (True, False)
    """
    return _SECRET.search(text) is not None


def _telling(name: str) -> bool:
    """Whether what should name a key may be one: also a long run of mixed letters and figures."""
    return looks_secret(name) or any(
        all(form.search(run) for form in _MIXED) for run in _RUN.findall(name)
    )


def _endpoints(draft: Draft) -> Iterator[tuple[Path, Endpoint | Mcp]]:
    for number, offer in draft.candidates:
        for word in ("chat", "infer", "mcp"):
            endpoint = getattr(offer, word)
            if endpoint is not None:
                yield ("candidates", number, word), endpoint
    for name, judge in draft.judges:
        if judge.chat is not None:
            yield ("judges", name, "chat"), judge.chat


def addresses(draft: Draft, known: Known) -> Iterator[Finding]:
    """https, or http inside a network that is declared private; no names or keys in the address.

    Where a name leads is found out when a trial starts, not here: a check asks no network.
    """
    for path, endpoint in _endpoints(draft):
        if endpoint.url is None:
            continue
        place = (*path, "url")
        read = _ADDRESS.fullmatch(endpoint.url)
        if read is None:
            said = Text("this is no address of a service", "这不是服务地址")
            expected = Text("https://…, without blanks", "https://…, 不含空格")
            yield Finding(place, "scenario.url", said, expected)
        elif "@" in read["rest"] or _QUERY_SECRET.search(endpoint.url):
            said = Text("a secret stands in the address", "地址中含有密钥")
            yield Finding(place, "scenario.secret", said, KEPT_OUT)
        elif read["scheme"].lower() == "http" and not endpoint.private:
            said = Text("http is readable on its way", "http 在传输途中可被窃读")
            expected = Text(
                "https, or `private: true` for a machine of your own network",
                "https; 若为自己网络内的机器, 写明 `private: true`",
            )
            yield Finding(place, "scenario.not_https", said, expected, about=((*path, "private"),))


def keys(draft: Draft, known: Known) -> Iterator[Finding]:
    """Exactly one of env, file, and neither is the secret itself."""
    for path, endpoint in _endpoints(draft):
        if endpoint.key is not None:
            yield from _key((*path, "key"), endpoint.key)


def _key(path: Path, key: Key) -> Iterator[Finding]:
    if (key.env is None) == (key.file is None):
        said = Text("where the key lies is not said once", "密钥所在须恰好写一处")
        expected = Text("exactly one of env, file", "env, file 中恰好一个")
        about = ((*path, "env"), (*path, "file"))
        yield Finding(path, "scenario.one_key", said, expected, at_key=True, about=about)
    elif key.env is not None and (_telling(key.env) or not _VARIABLE.fullmatch(key.env)):
        said = Text(
            "this is no name of an environment variable, and may be the key itself",
            "这不是环境变量名, 可能是密钥本身",
        )
        yield Finding((*path, "env"), "scenario.secret", said, KEPT_OUT)
    elif key.file is not None and _telling(key.file):
        said = Text("this looks like the key itself", "这像是密钥本身")
        yield Finding((*path, "file"), "scenario.secret", said, KEPT_OUT)


def no_secret_elsewhere(draft: Draft, known: Known) -> Iterator[Finding]:
    """Words of a program, parameters and prompts are kept and shown: no key stands in them."""
    for number, offer in draft.candidates:
        for inner, text in _words(offer):
            if looks_secret(text):
                said = Text("this looks like a key", "这像是密钥")
                yield Finding(("candidates", number, *inner), "scenario.secret", said, KEPT_OUT)
    for name, judge in draft.judges:
        if judge.chat is not None and looks_secret(judge.chat.system or ""):
            said = Text("this looks like a key", "这像是密钥")
            yield Finding(("judges", name, "chat", "system"), "scenario.secret", said, KEPT_OUT)


def _words(offer: Candidate) -> Iterator[tuple[Path, str]]:
    yield from ((("command", at), word) for at, word in enumerate(offer.command or ()))
    if offer.mcp is not None:
        yield from ((("mcp", "command", at), w) for at, w in enumerate(offer.mcp.command or ()))
    if offer.chat is not None:
        yield ("chat", "prompt"), offer.chat.prompt
        yield ("chat", "system"), offer.chat.system or ""
    for name, value in offer.parameters.items():
        if isinstance(value, str):
            yield ("parameters", name), value


def mcp_server(draft: Draft, known: Known) -> Iterator[Finding]:
    """An MCP server is reached by address or started as a program; words go with one of the two."""
    for path, endpoint in _endpoints(draft):
        if not isinstance(endpoint, Mcp):
            continue
        if (endpoint.url is None) == (endpoint.command is None):
            yield Finding(
                path,
                "scenario.mcp_server",
                Text("where the server is, is not said once", "服务器所在须恰好写一处"),
                Text("exactly one of url, command", "url, command 中恰好一个"),
                at_key=True,
                about=((*path, "url"), (*path, "command")),
            )
            continue
        for word in sorted({"key", "private"} & endpoint.model_fields_set):
            if endpoint.url is None:
                yield Finding(
                    (*path, word),
                    "scenario.no_effect",
                    Text(
                        f"`{word}` has no effect beside `command`",
                        f"与 `command` 同用时 `{word}` 不起作用",
                    ),
                    Text(f"`{word}` only beside `url`", f"`{word}` 只与 `url` 同用"),
                    at_key=True,
                    about=((*path, "url"),),
                )


def infer_outputs(draft: Draft, known: Known) -> Iterator[Finding]:
    """An inference endpoint says which tensor holds what the task asks for."""
    wanted = OUTPUTS.get(draft.task or "")
    for path, endpoint in _endpoints(draft):
        if not isinstance(endpoint, Infer) or wanted is None:
            continue
        given = [w for w in ("label", "probability", "score", "value") if getattr(endpoint, w)]
        if not set(given) & set(wanted):
            yield Finding(
                path,
                "scenario.no_output",
                Text(
                    f"no output tensor is named that a {draft.task} can use",
                    f"没有指明 {draft.task} 任务可用的输出张量",
                ),
                Text(f"one of {listed(wanted)}", f"{listed(wanted)} 之一"),
                at_key=True,
                about=(*((*path, word) for word in wanted), ("task",)),
            )


RULES = (addresses, keys, no_secret_elsewhere, mcp_server, infer_outputs)
