"""What a run writes for its user: accepted lines, rejected rows, findings, malformed records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from claimsctl.claim import BY_NAME
from claimsctl.facts.typed import DTYPES, verbatim_cells
from claimsctl.price.line import OUTPUT as PRICES
from claimsctl.process.intake import Input
from claimsctl.process.request import OutputFormat
from claimsctl.process.routing import Reviewed
from claimsctl.process.treating import PLAIN, Treating
from claimsctl.score.risk import RISK
from claimsctl.security.policy import Treatment
from claimsctl.validate.findings import FINDING
from claimsctl.write.accepted import AcceptedWriter
from claimsctl.write.errors import ErrorsWriter, MalformedWriter
from claimsctl.write.files import OutputDir
from claimsctl.write.rejected import (
    AS_CSV,
    HELD_COLUMNS,
    OTHER_LINE,
    OWN_COLUMNS,
    RejectedWriter,
    rejected_names,
)

CENTS = pl.Decimal(12, 2)


@dataclass
class FileOutputs:
    """The files of design 3.2 in one directory; they appear together when it is committed."""

    directory: OutputDir
    output_format: OutputFormat
    inputs: Sequence[Input]
    safe_csv: bool = False
    priced: bool = False
    scored: bool = False
    treating: Treating = PLAIN
    _treatment: Treatment = field(init=False)
    _accepted: AcceptedWriter = field(init=False)
    _errors: ErrorsWriter = field(init=False)
    _malformed: MalformedWriter = field(init=False)
    _rejected: dict[tuple[str, int], RejectedWriter] = field(init=False, default_factory=dict)
    _treatments: dict[RejectedWriter | MalformedWriter, Treatment] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._schema = accepted_schema(self.inputs, priced=self.priced, scored=self.scored)
        self._treatment = self.treating.treatment()
        self._accepted = AcceptedWriter(
            self.directory,
            self.output_format,
            self._treatment.schema(pl.Schema(self._schema)),
            safe_csv=self.safe_csv,
        )
        self._errors = ErrorsWriter(self.directory, FINDING, parquet=self.output_format == "parquet")
        self._malformed = MalformedWriter(self.directory, safe_csv=self.safe_csv)

    def findings(self, findings: pl.DataFrame) -> None:
        """Append described findings."""
        self._errors.write(findings)

    def malformed(self, input_name: str, malformed: pl.DataFrame) -> None:
        """Append unreadable records."""
        treated = self.treating.malformed(malformed, self._treated_as(self._malformed))
        self._malformed.write(input_name, treated)

    def lines(self, part: Reviewed, rejected: pl.Series) -> None:
        """Append a decided part: accepted lines typed, rejected and held rows as they came."""
        accepted = part.accepted(rejected)
        if accepted.any():
            lines = accepted_frame(part, accepted, self._schema)
            patients = self.treating.patients(part.frame, accepted)
            self._accepted.write(self._treatment.lines(lines, patients))
        if rejected.any():
            writer = self._writer("rejected", part.input)
            rows, findings = self._as_given(part, rejected, writer)
            writer.write(rows, findings, otherwise=_otherwise(part.input))
        if part.held is not None and part.held.any():
            risk = part.frame.filter(part.held)
            writer = self._writer("held", part.input)
            rows, findings = self._as_given(part, part.held, writer)
            writer.write(
                rows, findings, otherwise=risk["risk_reasons"].fill_null(""),
                codes=risk["denial_risk"].cast(pl.String),
            )  # fmt: skip

    def _writer(self, what: str, each: Input) -> RejectedWriter:
        """The writer of the rejected or the held rows of an input."""
        index = (what, each.source.index)
        if index not in self._rejected:
            names = rejected_names([other.source for other in self.inputs], what)
            self._rejected[index] = RejectedWriter(
                self.directory,
                names[self.inputs.index(each)],
                each.source,
                _fields(each),
                own_columns=each.header_map.own_columns,
                safe_csv=self.safe_csv,
                added=OWN_COLUMNS if what == "rejected" else HELD_COLUMNS,
            )
        return self._rejected[index]

    def _as_given(
        self, part: Reviewed, rows: pl.Series, writer: RejectedWriter
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Some rows of a part as they came, treated as settings say, and their findings."""
        blank = "" if part.input.source.format in AS_CSV else None
        given = verbatim_cells(part.rows.filter(rows), blank=blank)
        return self.treating.rows(part, rows, given, self._treated_as(writer), writer.names)

    def _treated_as(self, writer: RejectedWriter | MalformedWriter) -> Treatment:
        return self._treatments.setdefault(writer, self.treating.treatment())

    @property
    def notes(self) -> list[str]:
        """What the file formats could not hold, for the user; complete after close."""
        return [*self._accepted.notes, *(note for writer in self._rejected.values() for note in writer.notes)]

    def close(self) -> Mapping[str, Path]:
        """Finish all files; they get their names when the directory is committed."""
        paths = {"accepted": self._accepted.close()[0]}
        for (what, index), writer in self._rejected.items():
            key = what if len(self.inputs) == 1 else f"{what}/{self.inputs[index].source.name}"
            path = writer.close()[0]
            if path is not None:
                paths[key] = path
        malformed = self._malformed.close()[0]
        if malformed is not None:
            paths["malformed"] = malformed
        for path in self._errors.close()[0]:
            paths["errors" if path.suffix == ".csv" else "errors_parquet"] = path
        return paths


def _fields(each: Input) -> dict[str, int]:
    """Canonical name -> raw column, so that bad cells are marked; split names stand in one cell."""
    header_map = each.header_map
    fields = dict(header_map.columns)
    for who, index in (
        ("patient", header_map.patient_name_index),
        ("subscriber", header_map.subscriber_name_index),
    ):
        if index is not None:
            fields.setdefault(f"{who}_last_name", index)
            fields.setdefault(f"{who}_first_name", index)
    return fields


def _otherwise(each: Input) -> str:
    """What a rejected row without an error of its own says."""
    if each.header_map.missing:
        return f"The input lacks {', '.join(each.header_map.missing)}; no claim of it can be billed."
    return OTHER_LINE


def accepted_schema(
    inputs: Sequence[Input], *, priced: bool = False, scored: bool = False
) -> dict[str, pl.DataType]:
    """Canonical columns some input can fill, money in cents, those of pricing and of risks, then the unmapped
    ones as x_<name>."""
    given = [
        name for name in BY_NAME if name == "line_number" or any(each.layout.gives(name) for each in inputs)
    ]
    schema: dict[str, pl.DataType] = {name: _accepted_type(name) for name in given}
    schema |= PRICES if priced else {}
    schema |= RISK if scored else {}
    for each in inputs:
        for name in each.header_map.x_names.values():
            schema.setdefault(name, pl.String())
    return schema


def _accepted_type(name: str) -> pl.DataType:
    kind = BY_NAME[name].cell_type
    if kind == "money":
        return CENTS
    dtype = DTYPES[kind]
    return dtype() if isinstance(dtype, type) else dtype


def accepted_frame(part: Reviewed, accepted: pl.Series, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """The accepted lines of a part with the columns and types of the schema."""
    x_columns = {name: f"c{index}" for index, name in part.input.header_map.x_names.items()}
    columns: list[pl.Expr | pl.Series] = []
    given = part.frame.schema
    for name, dtype in schema.items():
        if name == "line_number":
            columns.append(part.frame["line_number_in_claim"].alias(name))
        elif name in x_columns:
            columns.append(part.rows[x_columns[name]].cast(pl.String).alias(name))
        elif name in given:
            columns.append(part.frame[name].cast(dtype) if given[name] != dtype else part.frame[name])
        else:
            columns.append(pl.lit(None, dtype).alias(name))
    return part.frame.select(columns).filter(accepted)
