"""One gateway before a villain for all who need no other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serve.faults.villain import Stand, stand


@pytest.fixture(scope="session")
def stand_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand(tmp_path_factory.mktemp("villain")) as found:
        yield found
