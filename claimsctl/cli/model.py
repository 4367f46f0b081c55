"""`claimsctl model`: risk models the house trains itself, brings or takes along."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from claimsctl.cli import options as given

app = typer.Typer(
    help="Models that judge how likely a payer denies a claim.\n\nExample: claimsctl model list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Algorithm(StrEnum):
    """What a model is made with."""

    logistic = "logistic"
    random_forest = "random-forest"
    gradient_boosting = "gradient-boosting"
    svm = "svm"
    mlp = "mlp"


Labelled = Annotated[
    list[str] | None,
    typer.Argument(
        help="Labelled claims: CSV, Parquet, Excel; without, those of the store.", show_default=False
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Replace a model of that name.")]


@dataclass(frozen=True)
class How:
    """How labelled claims are read."""

    label: Annotated[
        str | None,
        typer.Option(help="Column that says yes or no, 1 or 0, denied or paid; else found by name."),
    ] = None
    date: Annotated[str | None, typer.Option(help="Column of the claim's day or month, if it needs one.")] = (
        None
    )
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help='Header to column or feature, as in "Lag=days_to_file".'),
    ] = None
    also: Annotated[
        list[str] | None,
        typer.Option(
            help="Use a column of your own too, or all of them; it must be known before the payer decides."
        ),
    ] = None
    constants: given.Set = None
    practice: given.Practice = None


@app.command("train")
@given.with_groups
def train(
    context: typer.Context,
    how: How,
    labelled: Labelled = None,
    algorithm: Annotated[Algorithm, typer.Option(help="What learns.")] = Algorithm.logistic,
    split_date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Claims from this day on measure; else the last quarter."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; else the algorithm's.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Number that settles what is left to chance.")
    ] = 0,
    yes: Yes = False,
    json: given.Json = False,
) -> None:
    """Train a model on claims whose outcome is known, and measure it on later ones.

    Example: claimsctl model train examples/decided.csv --label Denied
    """
    from claimsctl.cli.models import train_model

    day = split_date.date() if split_date is not None else None
    state = context.obj.with_options(json=json)
    train_model(state, labelled or (), how, algorithm.value, day, name, seed, replace=yes or state.yes)


@app.command("list")
def list_(context: typer.Context, json: given.Json = False) -> None:
    """List the models, and which one scores.

    Example: claimsctl model list
    """
    from claimsctl.cli.modellist import print_models

    print_models(context.obj.with_options(json=json))


@app.command("show")
def show(context: typer.Context, name: Name, json: given.Json = False) -> None:
    """Show the card of a model: data, figures, features.

    Example: claimsctl model show logistic
    """
    from claimsctl.cli.modellist import print_model

    print_model(context.obj.with_options(json=json), name)


@app.command("features")
def features(context: typer.Context, json: given.Json = False) -> None:
    """List the features that models read, with meaning and why each is known in time.

    Example: claimsctl model features
    """
    from claimsctl.cli.modellist import print_features

    print_features(context.obj.with_options(json=json))


@app.command("evaluate")
@given.with_groups
def evaluate(
    context: typer.Context,
    how: How,
    name: Name,
    labelled: Labelled = None,
    json: given.Json = False,
) -> None:
    """Measure a model on labelled claims it was not trained on.

    Example: claimsctl model evaluate logistic examples/decided.csv
    """
    from claimsctl.cli.models import evaluate_models

    evaluate_models(context.obj.with_options(json=json), [name], labelled or (), how)


@app.command("compare")
@given.with_groups
def compare(
    context: typer.Context,
    how: How,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Models.", show_default=False)],
    on: Annotated[
        list[str] | None, typer.Option(help="Labelled claims; else the tests of the models.")
    ] = None,
    json: given.Json = False,
) -> None:
    """Put the figures of models side by side.

    Example: claimsctl model compare logistic svm
    """
    from claimsctl.cli.models import compare_models

    compare_models(context.obj.with_options(json=json), names, on or (), how)


@app.command("use")
def use(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Name of a model.", show_default=False)
    ] = None,
    points: Annotated[
        bool, typer.Option("--points", help="Score with points again, without a model.")
    ] = False,
    json: given.Json = False,
) -> None:
    """Have runs score with a model from now on.

    Example: claimsctl model use logistic
    """
    from claimsctl.cli.models import use_model

    use_model(context.obj.with_options(json=json), name, points=points)


@app.command("export")
def export(
    context: typer.Context,
    name: Name,
    to: Annotated[Path, typer.Option(metavar="FILE.onnx", help="The file to write.")],
    yes: given.Yes = False,
    json: given.Json = False,
) -> None:
    """Write a model as ONNX, with a map of its columns beside it (FILE.features.toml).

    Example: claimsctl model export logistic --to risk.onnx
    """
    from claimsctl.cli.models import export_model

    state = context.obj.with_options(json=json)
    export_model(state, name, to, replace=yes or state.yes)


@app.command("import")
def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="An ONNX model.", show_default=False)],
    features: Annotated[Path, typer.Option(metavar="MAP.toml", help="Which feature is which column of it.")],
    name: Annotated[str | None, typer.Option(help="Name of the model; else the file's.")] = None,
    yes: Yes = False,
    json: given.Json = False,
) -> None:
    """Bring a model that another tool made, as ONNX.

    Example: claimsctl model import risk.onnx --features risk.features.toml
    """
    from claimsctl.cli.models import import_model

    state = context.obj.with_options(json=json)
    import_model(state, file, features, name, replace=yes or state.yes)
