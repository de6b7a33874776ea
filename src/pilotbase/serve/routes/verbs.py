"""What one can ask of the gateway's routes. Heavy rooms are imported when a verb is called.

``serve`` and ``up`` run until they are ended: the command line has them run by `serve.running`; as
plain verbs they say what would be served.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.kernel.verb import Context, asked, verb
from pilotbase.serve.routes import events as events
from pilotbase.serve.routes import views as views

PERSON = ("The person of the catalog who says so.", "作出安排的自然人 (目录编号)。")
HOST = ("The address to listen on.", "监听地址。")
PORT = ("The port; 0 takes any that is free.", "端口; 0 表示任取一个空闲端口。")


@dataclass(frozen=True)
class ServedResponse:
    """What is served at present and what is not.

    Attributes:
        services: of each live route ``{"filing", "service", "speaks", "title", "tier", "said",
            "principal", "expires", "price", "upstreams", "own", "served", "arranged_by",
            "declared", "fallback", "arranged", "source", "tokens", "caps", "guards", "handoff",
            "content"}``; ``own``: nobody named upstreams, and the base serves it with a worker of
            its own; from ``tokens`` on as arranged, without secrets.
        refused: of each filing that is not served ``{"filing", "code", "message"}``.
    """

    services: tuple[dict[str, Any], ...]
    refused: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class ServeRequest:
    host: str = asked(*HOST, default="127.0.0.1")
    port: int = asked(*PORT, default=8470)
    workers: int = asked("Gateway processes.", "网关进程数。", default=1)
    drain: int = asked(
        "Seconds that calls under way get to end when it is stopped.",
        "停止时留给进行中调用的秒数。",
        default=30,
    )
    memory: int = asked(
        "Most memory of a worker with a candidate, in MiB.",
        "每个候选方案工作进程的内存上限 (MiB)。",
        default=2048,
    )
    development: bool = asked(
        "Also serve what is not filed; every answer says so.",
        "同时提供未备案的服务; 每个应答均予注明。",
        default=False,
    )
    doors: str = asked(
        "The protocols that are spoken, with commas between.",
        "所用的接口协议, 以逗号分隔。",
        default="openai,oip",
    )
    metrics: int = asked(
        "A port of this machine on which /metrics needs no key; 0 for none.",
        "本机端口, 其上 /metrics 无需密钥; 0 表示不设。",
        default=0,
    )
    log: str = asked(
        "A file for a line of JSON a call, without content; - for standard error.",
        "调用日志文件, 每次调用一行 JSON, 不含内容; - 表示标准错误。",
        default="",
    )
    telemetry: bool = asked(
        "Send traces and metrics by OpenTelemetry, as its environment variables say.",
        "按 OpenTelemetry 环境变量发送追踪与指标。",
        default=False,
    )
    address: str = asked(
        "The gateway's address as callers know it, if not where it listens; stands in agent cards.",
        "调用方所知的网关地址, 与监听地址不同时填写; 写入智能体名片。",
        default="",
    )


@verb(
    "serve",
    summary=Text(
        "Serve what is filed, for whoever has a key, until it is stopped.",
        "为持有密钥者提供已备案的服务, 直至停止。",
    ),
    changes=True,
    roles=("compute operator",),
)
def serve(context: Context, request: ServeRequest) -> ServedResponse:
    return _served(context, request.development)


@dataclass(frozen=True)
class UpRequest:
    host: str = asked(*HOST, default="127.0.0.1")
    port: int = asked(*PORT, default=8470)
    term: str = asked(
        "How long the key is good that is made on the spot.",
        "现场生成的密钥的有效期。",
        default="PT12H",
    )


@verb(
    "up",
    summary=Text(
        "Serve everything that is filed on this machine, with a key made on the spot, and show "
        "how to call it.",
        "在本机提供全部已备案的服务, 现场生成密钥, 并说明如何调用。",
    ),
    changes=True,
    roles=("compute operator",),
)
def up(context: Context, request: UpRequest) -> ServedResponse:
    return _served(context, False)


@dataclass(frozen=True)
class OfferRequest:
    sheet: Path = asked("The arrangement sheet (YAML).", "安排表 (YAML)。")
    as_: str = asked(*PERSON, default="")
    development: bool = asked(
        "For services without a filing, which only `serve --development` serves.",
        "用于未备案的服务, 仅 `serve --development` 提供。",
        default=False,
    )


@dataclass(frozen=True)
class OfferResponse:
    """What was arranged: by filing, the entry that says so; what should be known of it, as
    ``{"en", "zh"}``."""

    arranged: dict[str, int]
    remarks: tuple[dict[str, str], ...] = ()


@verb(
    "gateway.offer",
    summary=Text(
        "Arrange how filed services are served: upstreams, prices of tokens, limits, guards.",
        "安排已备案服务的提供方式: 上游、词元价格、限额与防护。",
    ),
    changes=True,
    roles=("compute operator",),
)
def offer(context: Context, request: OfferRequest) -> OfferResponse:
    from pilotbase.record.opened import open_record
    from pilotbase.serve.routes.offer import offer as offered
    from pilotbase.serve.routes.offer import remarks

    with open_record(context, create=False) as record:
        made = offered(record, context, request.sheet, request.as_, development=request.development)
        told = tuple(one.as_dict() for one in remarks(record, made))
    return OfferResponse({entry.body["filing"]: entry.index for entry in made}, told)


@dataclass(frozen=True)
class ShowRequest:
    development: bool = asked(
        "Show also what is served in development.", "同时显示开发模式的服务。", default=False
    )


@verb(
    "gateway.show",
    summary=Text(
        "Show what is served at present, and why the rest is not.",
        "显示当前提供的服务, 以及其余服务未提供的原因。",
    ),
    changes=False,
    roles=("public",),
)
def show(context: Context, request: ShowRequest) -> ServedResponse:
    return _served(context, request.development)


def _served(context: Context, development: bool) -> ServedResponse:
    from pilotbase.serve.routes.shown import served

    return served(context, development=development)


@dataclass(frozen=True)
class DrillRequest:
    filing: str = asked("The filing whose upstream is cut off.", "切断其上游的备案。")
    upstream: str = asked(
        "The upstream's name; the first where left out.", "上游名称; 省略时取第一个。", default=""
    )
    seconds: int = asked("For how long.", "持续秒数。", default=10)
    address: str = asked(
        "Where the gateway listens.", "网关地址。", default="http://127.0.0.1:8470"
    )
    key: str = asked(
        "The environment variable that holds a key which opens the service.",
        "存有可用密钥的环境变量。",
        default="PILOTBASE_KEY",
    )
    request: Path | None = asked(
        "A file with the request's JSON body, or a tool's arguments; where left out, a short "
        "message, or the example that the service itself gives.",
        "请求体或工具参数 (JSON) 文件; 省略时为一条简短的消息, 或服务自身给出的示例。",
        default=None,
    )
    operation: str = asked(
        "How to ask: chat, infer, tool, message, embeddings or responses; where left out, as the "
        "request's file or the service has it.",
        "调用方式: chat、infer、tool、message、embeddings 或 responses; 省略时由请求或服务决定。",
        default="",
    )
    pace: int = asked("Calls a second.", "每秒调用次数。", default=5)
    as_: str = asked(*PERSON, default="")


@dataclass(frozen=True)
class DrillResponse:
    """What a drill found, as recorded (`serve.drilled/1`), and its entry."""

    found: dict[str, Any]
    entry: int

    @property
    def charged(self) -> int:
        """Calls that the key paid for: those served meanwhile, and the one before the cut, without
        which there is no drill."""
        return int(self.found["served"]) + 1


@verb(
    "gateway.drill",
    summary=Text(
        "Cut an upstream of a running service off for a while, and measure what callers notice.",
        "短时切断运行中服务的一个上游, 测量调用方受到的影响。",
    ),
    changes=True,
    roles=("compute operator", "case officer"),
)
def drill(context: Context, request: DrillRequest) -> DrillResponse:
    from pilotbase.serve.routes.drill import drilled

    entry = drilled(context, request)
    return DrillResponse(dict(entry.body), entry.index)
