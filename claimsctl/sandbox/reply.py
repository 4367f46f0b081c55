"""One answer of a payer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, JSON unless there is none."""

    status: int
    body: Json | None
    headers: Mapping[str, str] = field(default_factory=dict)
