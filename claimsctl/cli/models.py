"""What `claimsctl model` does and prints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claimsctl.cli.joblist import print_document, screen_of
from claimsctl.cli.modellist import print_card, print_figures
from claimsctl.cli.run import notifier, open_workspace
from claimsctl.cli.state import State
from claimsctl.errors import OutputError, UsageError
from claimsctl.models.artefact import Loaded, ModelStore, require_name
from claimsctl.models.keeping import bring, card_of_model, keep, map_text
from claimsctl.security import audit
from claimsctl.security.audit_names import named

if TYPE_CHECKING:
    from claimsctl.cli.model import How
    from claimsctl.models.training import Labelled
    from claimsctl.settings import Settings
    from claimsctl.store.workspace import Workspace


def train_model(
    state: State,
    inputs: Sequence[str],
    how: How,
    algorithm: str,
    split_date: date | None,
    name: str | None,
    seed: int,
    *,
    replace: bool,
) -> None:
    """Train, keep, and show what came of it."""
    from claimsctl.models.plots import HINT, can_plot
    from claimsctl.models.training import train

    settings, workspace = open_workspace(state)
    store, name = ModelStore(workspace), name or algorithm
    require_name(name)
    if name in store.names() and not replace:
        raise UsageError(
            f"There is a model {name!r} already.", hint="Give another --name, or replace it with --yes."
        )
    claims = _labelled(state, inputs, how, settings, workspace)
    audit.record(workspace, "model train", notify=notifier(state), count=claims.features.height, model=name)
    trained = train(name, claims, algorithm, split_date=split_date, seed=seed)
    card = keep(store, trained, claims, seed, replace=replace)
    if not can_plot():
        notifier(state)(HINT)
    print_card(state, card, store.path(name))
    if not state.json and not state.quiet:
        screen_of(state).line(f"\nHave runs score with it: claimsctl model use {name}")


def _labelled(
    state: State, inputs: Sequence[str], how: How, settings: Settings, workspace: Workspace
) -> Labelled:
    from claimsctl.facts.table import Context
    from claimsctl.ingest.mapping import parse_map, parse_set
    from claimsctl.learning.labelled import Asked, read_labelled
    from claimsctl.learning.stored import read_decided
    from claimsctl.process.house_terms import house_rulebook, house_terms

    today = date.today()
    terms = house_terms(
        settings, practice_id=how.practice or state.practice, constants=parse_set(how.constants or ())
    )
    rulebook = house_rulebook(settings, terms.selection, (), practice_id=terms.practice_id, run_date=today)
    if not inputs:
        if how.label or how.date or how.mapping or how.also:
            raise UsageError(
                "--label, --date, --map and --also go with labelled files.",
                hint="Name one, or leave them out.",
            )
        context = Context(today, terms.practice_id, rulebook.payers)
        return read_decided(workspace, rulebook, context, notify=notifier(state))
    with workspace.scratch() as spool:
        reading = Asked(
            inputs, how.label, how.date, parse_map(how.mapping or ()), terms.constants, settings.mapping,
            how.also or (), terms.profile, terms.practice_id, today,
        )  # fmt: skip
        return read_labelled(reading, rulebook, spool)


def evaluate_models(state: State, names: Sequence[str], inputs: Sequence[str], how: How) -> None:
    """Figures of models on labelled claims."""
    figures = _figures_on(state, names, inputs, how)
    if state.json:
        print_document({"models": figures} if len(names) > 1 else {"name": names[0], **figures[names[0]]})
        return
    screen = screen_of(state)
    first = figures[names[0]]
    screen.line(f"{first['claims']:,} claims, {first['denied']:,} denied")
    for name in names:
        if figures[name]["lacking"]:
            unknown = ", ".join(figures[name]["lacking"])
            screen.labelled("lacking", f"{name} counts as unknown what the claims do not say: {unknown}")
    print_figures(state, {name: figures[name]["metrics"] for name in names})


def _figures_on(
    state: State, names: Sequence[str], inputs: Sequence[str], how: How
) -> dict[str, dict[str, Any]]:
    import numpy as np

    from claimsctl.models.card import figures

    settings, workspace = open_workspace(state)
    store = ModelStore(workspace)
    loaded = {name: store.load(name) for name in names}
    claims = _labelled(state, inputs, how, settings, workspace)
    audit.record(workspace, "model evaluate", notify=notifier(state), count=claims.features.height)
    found = {}
    for name, each in loaded.items():
        lacking = [n for n in each.model.needed if n not in claims.kinds]
        if len(lacking) == len(each.model.needed):
            raise UsageError(
                f"The claims have no feature that the model {name!r} reads.",
                hint=f"It reads {', '.join(each.model.needed[:5])}, ...: map headers with --map, or use "
                "your own columns with --also.",
            )
        if (each.document.get("data") or {}).get("sha256") == claims.digest:
            notifier(state)(
                f"{name} was trained on most of these claims, so its figures are too good; "
                f"`claimsctl model show {name}` has those of its test."
            )
        rows = np.arange(claims.features.height)
        found[name] = {**figures(each.model, claims, rows, 0), "lacking": lacking}
    return found


def compare_models(state: State, names: Sequence[str], inputs: Sequence[str], how: How) -> None:
    """Figures of models side by side: on labelled claims, else on the test of each."""
    if inputs:
        evaluate_models(state, names, inputs, how)
        return
    _, workspace = open_workspace(state)
    store = ModelStore(workspace)
    cards = {name: card_of_model(store.load(name)) for name in names}
    for name, card in cards.items():
        if "test" not in card:
            raise UsageError(
                f"The model {name!r} was imported and has no test.", hint="Name claims with --on FILE."
            )
    tests = {(card["data"]["sha256"], str(card["split"]["test"])) for card in cards.values()}
    if state.json:
        told = {name: {"algorithm": c["algorithm"], **c["test"]} for name, c in cards.items()}
        print_document({"models": told, "same_test": len(tests) == 1})
        return
    if len(tests) > 1:
        screen_of(state).line(
            "These models were measured on different claims; compare them on the same with --on FILE.",
            "yellow",
        )
    print_figures(state, {name: card["test"]["metrics"] for name, card in cards.items()})


def use_model(state: State, name: str | None, *, points: bool) -> None:
    """Choose what scores."""
    if (name is None) != points:
        raise UsageError("Name a model, or give --points.", hint="`claimsctl model list` shows the models.")
    _, workspace = open_workspace(state)
    ModelStore(workspace).use(name)
    audit.record(workspace, "model use", model=name)
    if state.json:
        print_document({"active": name})
    elif not state.quiet:
        screen_of(state).line(
            f"Runs score with {'points' if name is None else f'the model {name}'} from now on."
        )


def export_model(state: State, name: str, to: Path, *, replace: bool) -> None:
    """Write a model as ONNX, and the map of its columns."""
    from claimsctl.models.onnx import INPUT, OUTPUT, to_onnx

    _, workspace = open_workspace(state)
    loaded = ModelStore(workspace).load(name)
    if to.suffix != ".onnx":
        raise UsageError(f"{to} does not end in .onnx.", hint="Models are exported as ONNX.")
    beside = to.with_suffix(".features.toml")
    for path in (to, beside):
        if path.exists() and not replace:
            raise UsageError(f"{path} exists.", hint="Replace it with --yes, or name another file.")
    described = loaded.document["estimator"]
    text = map_text(
        loaded.model.columns,
        input_=described.get("input") or INPUT,
        output=described.get("output") or OUTPUT,
    )
    data = to_onnx(loaded.model)
    audit.record(workspace, "model export", model=name, file=named(workspace, to))
    try:
        to.write_bytes(data)
        beside.write_text(text, "utf-8")
    except OSError as error:
        raise OutputError(f"Cannot write {to}: {error.strerror or error}.") from None
    if state.json:
        print_document({"model": name, "onnx": str(to), "features": str(beside)})
    elif not state.quiet:
        screen_of(state).line(f"Wrote {to} and {beside}.")


def import_model(state: State, file: Path, features: Path, name: str | None, *, replace: bool) -> None:
    """Bring an ONNX model."""
    _, workspace = open_workspace(state)
    found: Loaded = bring(ModelStore(workspace), name or file.stem.lower(), file, features, replace=replace)
    audit.record(workspace, "model import", file=named(workspace, file))
    print_card(state, card_of_model(found), found.path)
