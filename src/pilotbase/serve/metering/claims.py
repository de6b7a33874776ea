"""Whether what the journal says of keys and services is what the record says of them.

Terms stand in the journal so that it can be read alone; links and sums would hold over other terms
too. Here each is held against the log's entries: the filing and its price, the prices of tokens
that were arranged for it, the key, its holder and the delegations up the chain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pilotbase.kernel.text import Text
from pilotbase.record.opened import Record
from pilotbase.serve.call import Grant, Tariff
from pilotbase.serve.rules.frames import Terms
from pilotbase.serve.rules.tariff import tariff_of

LINKS_MAX = 100
_NO_TARIFF = Tariff("")


class Claims:
    """What the log says of filings, arrangements, keys and delegations, read once."""

    def __init__(self, record: Record) -> None:
        def bodies(kind: str) -> Iterator[Any]:
            return (entry.body for entry in record.entries(kind=kind))

        self._filings = {one["filing"]: one for one in bodies("register.filed/1")}
        self._keys = {one["key"]: one for one in bodies("catalog.key_created/1")}
        self._links = {one["delegation"]: one for one in bodies("catalog.delegated/1")}
        self._tokens = dict[str, list[dict[str, str]]]()
        for one in bodies("serve.arranged/1"):
            self._tokens.setdefault(one["filing"], [{}]).append(one["tokens"])
        self._known = dict[Terms, tuple[Text, ...]]()

    def faults(self, terms: Terms) -> tuple[Text, ...]:
        """What is said otherwise in the record."""
        found = self._known.get(terms)
        if found is None:
            found = self._known[terms] = (*self._of_service(terms), *self._of_key(terms))
        return found

    def _of_service(self, terms: Terms) -> Iterator[Text]:
        filing, tariff = self._filings.get(terms.filing), terms.tariff
        if terms.source == "development":
            if filing is not None:
                yield IS_FILED.format(filing=terms.filing)
            if tariff != _NO_TARIFF:
                yield NOT_FREE.format(filing=terms.filing)
            return
        if filing is None:
            yield NOT_FILED.format(filing=terms.filing)
            return
        if tariff not in self._tariffs(terms.filing, filing):
            yield NO_TARIFF.format(filing=terms.filing, tariff=_shown(tariff))
        if terms.service != terms.filing.rpartition("-")[0]:
            yield OTHER.format(what=NAMES["service"], said=terms.service, of=terms.filing)
        if terms.version != filing["asset"]["version"]:
            yield OTHER.format(what=NAMES["version"], said=terms.version, of=terms.filing)

    def _tariffs(self, name: str, filing: Any) -> list[Tariff]:
        """All that were ever arranged for a filing, and its price alone."""
        found = list[Tariff]()
        for tokens in self._tokens.get(name, [{}]):
            with suppress(ValueError):  # such an arrangement was never served
                found.append(tariff_of(filing["price"], tokens))
        return found

    def _of_key(self, terms: Terms) -> Iterator[Text]:
        key = self._keys.get(terms.key)
        if key is None:
            yield NO_KEY.format(key=terms.key)
            return
        links, principal = self._chain(key)
        mine = {"holder": key["holder"], "principal": principal, "links": links}
        for what, value in mine.items():
            said = getattr(terms, what)
            if said != value:
                yield OTHER.format(what=NAMES[what], said=_plain(said), of=terms.key)
        grant = Grant(terms.key, key["holder"], links, principal, "", 0.0)
        if terms.accounts != tuple(dict.fromkeys(grant.accounts(terms.service))):
            yield OTHER.format(what=NAMES["accounts"], said=_plain(terms.accounts), of=terms.key)

    def _chain(self, key: Any) -> tuple[tuple[str, ...], str]:
        """The delegations that a key acts under, upwards, and who stands at their end."""
        links, under, actor = list[str](), key["under"], key["holder"]
        while under in self._links and len(links) < LINKS_MAX:
            links.append(under)
            actor, under = self._links[under]["giver"], self._links[under]["under"]
        return tuple(links), actor


def _plain(said: Any) -> str:
    return said if isinstance(said, str) else ", ".join(said) or "-"


def _shown(tariff: Tariff) -> str:
    parts = {
        name: getattr(tariff, name) for name in ("call", "case", "input_token", "output_token")
    }
    return ", ".join(f"{name} {nano}" for name, nano in parts.items() if nano) or "0"


NOT_FILED = Text("the record has no filing {filing}", "记录中没有备案 {filing}")
IS_FILED = Text(
    "{filing} is filed, and was metered as a service in development",
    "{filing} 已备案, 却按开发中的服务计量",
)
NOT_FREE = Text(
    "{filing} is not filed: such calls have no price", "{filing} 未备案: 此类调用没有价格"
)
NO_TARIFF = Text(
    "this tariff was never arranged for {filing}, in nano-units: {tariff}",
    "从未为 {filing} 约定过此资费 (纳单位): {tariff}",
)
NO_KEY = Text("the record has no key {key}", "记录中没有密钥 {key}")
OTHER = Text(
    "the record does not have {said} as the {what} of {of}", "记录中 {of} 的{what}并非 {said}"
)
NAMES = {
    "service": Text("service", "服务"),
    "version": Text("version", "版本"),
    "holder": Text("holder", "持有人"),
    "principal": Text("principal", "责任主体"),
    "links": Text("chain of delegations", "委托链"),
    "accounts": Text("accounts", "账户"),
}
