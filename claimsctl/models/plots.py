"""Plots of a card, where matplotlib is installed (extra `charts`)."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from claimsctl.models.metrics import share_interval

HINT: Final = 'No plots: they need matplotlib, `pip install "claimsctl[charts]"`.'
_MOST: Final = 15


def can_plot() -> bool:
    """Whether matplotlib is there."""
    return find_spec("matplotlib") is not None


def plots_of(card: Mapping[str, Any]) -> dict[str, bytes]:
    """Path and PNG of each: calibration, and what moves the risk. Without times, so that bytes repeat."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    def png(figure: Any) -> bytes:
        FigureCanvasAgg(figure)
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=100, metadata={"Software": None})
        return out.getvalue()

    table = card["test"]["calibration_table"]
    figure = Figure(figsize=(5, 5), layout="tight")
    axes = figure.add_subplot()
    most = max([0.05, *(max(row["risk"], row["denied"]) for row in table)])
    axes.plot([0, most], [0, most], color="grey", linewidth=1)
    ends = [share_interval(row["denied"], row["claims"]) for row in table]
    risks, shares = [row["risk"] for row in table], [row["denied"] for row in table]
    below = [max(0.0, share - low) for share, (low, _) in zip(shares, ends, strict=True)]
    above = [max(0.0, high - share) for share, (_, high) in zip(shares, ends, strict=True)]
    axes.errorbar(risks, shares, [below, above], marker="o", capsize=3)
    axes.set_xlabel("mean risk")
    axes.set_ylabel("share denied, with 95 % interval")
    axes.set_title("Calibration on the test")
    found = {"plots/calibration.png": png(figure)}

    top = card["importance"][:_MOST][::-1]
    figure = Figure(figsize=(7, 5), layout="tight")
    axes = figure.add_subplot()
    axes.barh([row["feature"] for row in top], [row["moves"] for row in top])
    axes.set_xlabel("moves the log odds by, on average")
    axes.set_title("What moves the risk")
    return {**found, "plots/importance.png": png(figure)}
