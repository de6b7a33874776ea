"""Agent cards of services (A2A 1.0, section 8), signed with the base's own key.

A card says where its service is, so it is signed for the gateway's own address alone, never for one
that a request names: a signed card that leads elsewhere would be worth stealing.
"""

from __future__ import annotations

from typing import Any

from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentCardSignature,
    AgentExtension,
    AgentInterface,
    AgentProvider,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)
from google.protobuf.json_format import MessageToDict

from pilotbase.kernel import canonical
from pilotbase.serve.call import Route
from pilotbase.serve.doors.beside import Beside
from pilotbase.serve.gateway.headers import register_path

EXTENSION = "https://pilotbase.dev/a2a/register/v1"
"""Names the extension: what a service's filing says. It asks nothing of clients."""
KIND = "application/a2a-agent-card+json"
WORDS, DATA = "text/plain", "application/json"
CARDS_MAX = 1_000
Json = dict[str, Any]


class Cards:
    """Cards by filing; each is made and signed once for as long as its route stands."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        self._kept: dict[str, tuple[Route, Json]] = {}

    async def of(self, route: Route) -> Json:
        """The card as JSON."""
        kept = self._kept.get(route.filing)
        if kept is not None and kept[0] is route:
            return kept[1]
        card = card_of(route, self._beside.address)
        protected, signature = await self._beside.sign(KIND, payload_of(card))
        card.signatures.append(AgentCardSignature(protected=protected, signature=signature))
        said: Json = MessageToDict(card)
        if len(self._kept) >= CARDS_MAX:
            self._kept.clear()
        self._kept[route.filing] = route, said
        return said


def card_of(route: Route, address: str) -> AgentCard:
    """The card of a service, not yet signed.

    Args:
        address: of the gateway, without a path.
    """
    at = f"{address}/a2a/{route.filing}"
    modes = [WORDS, DATA]
    state = "Not filed: in development. 未备案: 开发模式。" if route.source != "filed" else ""
    title = f"{route.title.en} / {route.title.zh}"
    return AgentCard(
        name=route.service,
        description=f"{title}. {state}".strip(),
        version=route.version or route.filing,
        provider=AgentProvider(
            organization=route.principal or "unknown",
            url=address + register_path(route.filing),
        ),
        documentation_url=address + register_path(route.filing),
        supported_interfaces=[
            AgentInterface(url=at, protocol_binding="JSONRPC", protocol_version="1.0"),
            AgentInterface(url=f"{at}/rest", protocol_binding="HTTP+JSON", protocol_version="1.0"),
        ],
        capabilities=AgentCapabilities(streaming=True, extensions=[_extension(route)]),
        security_schemes={
            "key": SecurityScheme(
                http_auth_security_scheme=HTTPAuthSecurityScheme(
                    scheme="bearer", description="A key of the base: pbk_… / 基地密钥"
                )
            )
        },
        security_requirements=[SecurityRequirement(schemes={"key": StringList()})],
        default_input_modes=modes,
        default_output_modes=modes,
        skills=[
            AgentSkill(id=route.service, name=title, description=title, tags=sorted(route.speaks))
        ],
    )


def _extension(route: Route) -> AgentExtension:
    """The register's id, the digest of the evidence, and who answers for it."""
    params = {
        "filing": route.filing,
        "register": register_path(route.filing),
        "verdict": route.verdict,
        "said": route.said,
        "tried": route.tried,
        "asset": route.asset,
        "tier": route.tier,
        "principal": route.principal,
        "person": route.person,
        "expires": route.expires_at,
        "source": route.source,
        "served": route.served if route.filed else "",
    }
    made = AgentExtension(
        uri=EXTENSION, description="What the public register says of this service", required=False
    )
    made.params.update({name: value for name, value in params.items() if value})
    return made


def payload_of(card: AgentCard) -> bytes:
    """What is signed: the card without signatures and without what is empty, as RFC 8785 has it
    (A2A 1.0, section 8.4)."""
    said: Json = MessageToDict(card)
    said.pop("signatures", None)
    return canonical.encode(_full(said))


def _full(value: Any) -> Any:
    """Without empty texts, lists and objects, at every level."""
    if isinstance(value, dict):
        kept = {name: inner for name, one in value.items() if (inner := _full(one)) is not None}
        return kept or None
    if isinstance(value, list):
        return [inner for one in value if (inner := _full(one)) is not None] or None
    return None if value == "" else value
