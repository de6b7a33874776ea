"""Which installed packages a piece of code really brings in, and what is known of each."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from pilotbase.kernel.errors import RunError
from pilotbase.kernel.text import Text

SECONDS_MAX = 120
# Run by a fresh interpreter, whose modules are those that the named ones need, and no others.
_LOOK = """
import importlib, json, sys
from importlib.metadata import packages_distributions
for name in sys.argv[1:]:
    importlib.import_module(name)
tops = {name.partition(".")[0] for name in sys.modules}
owners = packages_distributions()
print(json.dumps(sorted({d for top in tops for d in owners.get(top, ())})))
"""
_EXPRESSION = re.compile(r"\(*[A-Za-z0-9.+-]+\)*( (AND|OR|WITH) \(*[A-Za-z0-9.+-]+\)*)*")
_REQUIRED = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Package:
    """An installed distribution.

    Attributes:
        hash: sha256 over what its wheel brought (`_content`); empty where that cannot be told, as
            of one that is installed from a folder under work.
        licence: an SPDX expression where it states one, else the words it uses.
        needs: names of the distributions that it requires, as far as they are named.
    """

    name: str
    version: str
    hash: str
    licence: str
    needs: tuple[str, ...]

    @property
    def purl(self) -> str:
        """Package URL (purl-spec, type pypi): lower case, dashes for underscores."""
        return f"pkg:pypi/{plain_name(self.name)}@{self.version}"


def plain_name(name: str) -> str:
    """A distribution's name in its normal form (PEP 503).

    >>> plain_name("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def is_expression(licence: str) -> bool:
    """Whether a licence has the form of an SPDX expression.

    >>> is_expression("MIT OR Apache-2.0"), is_expression("as the publisher says")
    (True, False)
    """
    return bool(_EXPRESSION.fullmatch(licence))


@cache
def packages_of(modules: tuple[str, ...]) -> tuple[Package, ...]:
    """The distributions whose code is there once ``modules`` are imported, by name.

    Measured, not declared: a fresh interpreter imports the modules and says what it holds then.

    Raises:
        RunError: one of the modules cannot be imported here.
    """
    if not modules:
        return ()
    command = [sys.executable, "-I", "-c", _LOOK, *modules]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS_MAX, check=True)
    except (subprocess.SubprocessError, OSError) as error:
        raise _not_importable(modules, error) from error
    names = json.loads(done.stdout.splitlines()[-1])
    return tuple(package for name in names if (package := package_named(name)) is not None)


def package_named(name: str) -> Package | None:
    """What is known of an installed distribution; None where it is not installed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return None
    needs = (_REQUIRED.match(said) for said in found.requires or () if "extra ==" not in said)
    return Package(
        plain_name(found.name),
        found.version,
        _content(found),
        licence_of(found.metadata.json),
        tuple(sorted({plain_name(match[0]) for match in needs if match})),
    )


def licence_of(metadata: Mapping[str, str | list[str]]) -> str:
    """The licence that a distribution's metadata state (core metadata, PEP 639); empty if none.

    >>> licence_of({"classifier": ["License :: OSI Approved :: MIT License"]})
    'MIT License'
    """
    said = str(metadata.get("license_expression") or "")
    kinds = [str(c) for c in metadata.get("classifier") or () if str(c).startswith("License ::")]
    words = str(metadata.get("license") or "").strip()
    # A whole licence text in the field of its name is no name.
    short = words if len(words.splitlines()) == 1 and len(words) <= 80 else ""
    return said or short or (kinds[-1].rpartition(" :: ")[2] if kinds else "")


def _content(found: Distribution) -> str:
    """sha256 over the sorted lines ``path,hash`` of the files that its wheel brought.

    Without what the installer adds (compiled files, scripts, its own notes), so that the same wheel
    gives the same hash on every machine.
    """
    if "editable" in (found.read_text("direct_url.json") or ""):
        return ""
    lines = sorted(
        f"{file.as_posix()},{file.hash.value}"
        for file in found.files or ()
        if file.hash is not None and _is_of_the_wheel(file.as_posix())
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def _is_of_the_wheel(path: str) -> bool:
    notes = (".pyc", "/INSTALLER", "/REQUESTED", "/RECORD", "/direct_url.json")
    return not path.startswith("..") and not path.endswith(notes)


def needed(wanted: Iterable[str], packages: Sequence[Package]) -> list[str]:
    """Those of the packages, by purl, whose names are wanted."""
    names = set(wanted)
    return sorted(package.purl for package in packages if package.name in names)


def _not_importable(modules: tuple[str, ...], error: Exception) -> RunError:
    said = getattr(error, "stderr", b"") or str(error).encode()
    last = said.decode("utf-8", "replace").strip().splitlines()[-1:]
    names = ", ".join(modules)
    return RunError(
        "provenance.not_importable",
        Text(f"{names} cannot be imported here: {last}", f"此处无法导入 {names}: {last}"),
        where=names,
        next_step=Text(
            "Install what the candidate needs, or write the card alone with --card.",
            "请安装候选方案所需的软件, 或用 --card 仅导出模型卡。",
        ),
    )
