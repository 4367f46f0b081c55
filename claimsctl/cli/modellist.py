"""What `claimsctl model` prints: models, cards, figures, features."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.screen import new_table
from claimsctl.cli.state import State
from claimsctl.errors import ClaimsctlError
from claimsctl.inquiry.scope import scope_of
from claimsctl.models.artefact import ModelStore
from claimsctl.models.keeping import card_of_model
from claimsctl.process.watching import watched

_SHOWN: Final = {
    "auc": "AUC", "average_precision": "Average precision", "brier": "Brier",
    "precision_top_5": "Denied in top 5 %", "precision_top_10": "Denied in top 10 %",
    "dollars_top_10": "Dollars in top 10 %",
}  # fmt: skip
_BASELINES: Final = {"base_rate": "Base rate", "rules_only": "Rules only"}


def print_models(state: State) -> None:
    """All models, one a line; the one that scores is marked. One that cannot be read says so."""
    _, workspace = open_workspace(state)
    store = ModelStore(workspace)
    active = store.active_name()
    rows = [_listed(store, name, active) for name in store.names()]
    if state.json:
        print_document({"models": rows, "active": active})
        return
    screen = screen_of(state)
    if not rows:
        screen.line("No model yet; `claimsctl model train` makes one. Runs score with points.")
        return
    table = new_table("Name", "Algorithm", "Trained on", "AUC", "95 % interval", "")
    for row in rows:
        said = "scores" if row["active"] else row.get("problem") or ""
        auc = "" if row.get("auc") is None else f"{row['auc']:.3f}"
        claims = f"{row['claims']:,}" if "claims" in row else ""
        cells = (row["name"], row.get("algorithm"), claims, auc, row.get("interval"), said)
        table.add_row(*(screen.text("" if cell is None else str(cell)) for cell in cells))
    screen.block(table, 0, least=80)


def _listed(store: ModelStore, name: str, active: str | None) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "active": name == active}
    try:
        card = card_of_model(store.load(name))
    except ClaimsctlError as error:
        return {**row, "problem": error.message}
    row["algorithm"] = card.get("algorithm")
    if "test" in card:
        figure = card["test"]["metrics"]["auc"]
        row |= {
            "claims": card["split"]["train"]["claims"],
            "auc": figure["value"],
            "interval": _interval(figure),
        }
    return row


def print_model(state: State, name: str) -> None:
    """The card of a model."""
    settings, workspace = open_workspace(state)
    loaded = ModelStore(workspace).load(name)
    practice = state.practice or settings.process.practice or "default"
    practices = scope_of(workspace).practices
    if practices is not None and practice not in practices:
        # What payers decided of another practice is nothing to this user.
        practice = next(iter(practices)) if len(practices) == 1 and state.practice is None else ""
    seen = watched(workspace, practice, name, notifier(state))
    print_card(state, {**card_of_model(loaded), **seen}, loaded.path)
    if not state.json and not state.quiet:
        _print_watched(state, seen)


def _print_watched(state: State, seen: Mapping[str, Any]) -> None:
    """How the model does in runs: drift of the last one, and what payers decided by month."""
    screen = screen_of(state)
    if (drift := seen["drift"]) is not None:
        moved = {"none": "are like", "some": "are not quite like", "other": "are others than"}[drift["moved"]]
        most = ", ".join(f"{each['words']} {each['index']:.2f}" for each in drift["features"])
        text = f"claims of job {drift['job_id']} {moved} those of the training"
        text += f" (stability index of the risk {drift['risk']:.2f}" if drift["risk"] is not None else " ("
        screen.labelled("drift", f"{text}{'; ' + most if most else ''})")
    if (outcomes := seen["outcomes"]) is not None:
        table = new_table("month", "claims", "predicted", "denied", "")
        for month in outcomes["months"]:
            table.add_row(
                month["month"], f"{month['claims']:,}", f"{month['predicted']:.1%}", f"{month['denied']:.1%}",
                "not as predicted" if month["off"] else "",
            )  # fmt: skip
        screen.block(table, 0, least=60)


def print_card(state: State, card: Mapping[str, Any], path: Path) -> None:
    """What a card says, for the terminal."""
    if state.json:
        print_document({**card, "path": str(path)})
        return
    if state.quiet:
        return
    screen = screen_of(state)
    screen.line(f"Model {card['name']}: {card.get('algorithm')}", "bold")
    if "test" not in card:
        screen.line(f"Imported; it reads {len(card.get('features') or ())} features.")
        return
    split = card["split"]
    for label, part in (("trained", split["train"]), ("measured", split["test"])):
        period = f", {part['from']} to {part['to']}" if part["from"] else ""
        screen.labelled(label, f"{part['claims']:,} claims, {part['denied']:,} denied{period}")
    for note in card["notes"]:
        screen.labelled("note", note)
    for name, why in card["left_out"].items():
        screen.labelled("left out", f"{name} {why}")
    for name, alone in card["suspects"].items():
        if name not in card["left_out"]:
            screen.labelled(
                "look at", f"{name}: alone it ranks claims well (AUC {alone:.2f}); is it known in time?"
            )
    screen.gap()
    baselines = {_BASELINES[name]: figures for name, figures in card["baselines"].items()}
    print_figures(state, {"Model": card["test"]["metrics"], **baselines})
    test = card["test"]
    screen.line(
        f"Mean distance of risk and share denied: {test['calibration_error']:.3f} (exactly right risks stay "
        f"below {test['calibration_error_by_chance']:.3f})"
    )
    moving = ", ".join(each["feature"] for each in card["importance"][:5])
    screen.labelled("moved by", moving)
    screen.labelled("card", str(path / "card.md"))


def print_figures(state: State, columns: Mapping[str, Mapping[str, Any]]) -> None:
    """Figures of models or baselines side by side, by their names."""
    screen = screen_of(state)
    table = new_table("", *columns)
    for key, words in _SHOWN.items():
        cells = [_figure(figures[key]) for figures in columns.values()]
        table.add_row(words, *(screen.text(cell) for cell in cells))
    screen.block(table, 0, least=80)


def _figure(entry: Mapping[str, float | None]) -> str:
    if entry["value"] is None:
        return "-"
    interval = _interval(entry)
    return f"{entry['value']:.3f}" + (f" ({interval})" if interval else "")


def _interval(entry: Mapping[str, float | None]) -> str:
    return "" if entry["low"] is None else f"{entry['low']:.3f} to {entry['high']:.3f}"


def print_features(state: State) -> None:
    """Every feature."""
    from claimsctl.score.features import FEATURES

    if state.json:
        names = ("name", "kind", "meaning", "unit", "source", "leak")
        print_document({"features": [{n: getattr(each, n) for n in names} for each in FEATURES]})
        return
    screen = screen_of(state)
    table = new_table("Feature", "Kind", "Meaning", "Known in time")
    for each in FEATURES:
        table.add_row(each.name, each.kind, screen.text(each.meaning), screen.text(each.leak))
    screen.block(table, 0, least=80)
