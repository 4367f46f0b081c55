"""What came of a job as files: the status of each claim, what went wrong, the summary's numbers.

Written in batches, in the order of the input. Claims are named by their numbers and row; nothing of a
patient stands in these files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from claimsctl.asking.checkpoint import Checkpoint, Question
from claimsctl.payers.inquiry import Answer, Match
from claimsctl.process.storing import DETAIL
from claimsctl.security.files import FILE_MODE, disk_errors
from claimsctl.validate.findings import FINDING
from claimsctl.write.files import OutputDir
from claimsctl.write.parquet import ParquetStream
from claimsctl.write.text import CsvStream, neutralise_columns

Format = Literal["csv", "parquet"]
_MONEY: Final = pl.Decimal(14, 2)
_AMOUNTS: Final = ("charge_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount")
_DATES: Final = (
    "service_date_from", "service_date_to", "processed_date", "effective_date", "paid_date",
)  # fmt: skip

STATUS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "input": pl.String, "row_number": pl.Int64, "claim_number": pl.String, "practice_id": pl.String,
    "payer_id": pl.String, "route": pl.String, "status": pl.String, "category_code": pl.String,
    "category_text": pl.String, "status_code": pl.String, "status_text": pl.String,
    "entity_code": pl.String, "payer_claim_number": pl.String,
    **dict.fromkeys(_AMOUNTS, _MONEY), **dict.fromkeys(_DATES, pl.Date),
    "check_number": pl.String, "payment_method": pl.String, "adjustments": pl.String, "flags": pl.String,
    "matches": pl.Int64, "partial": pl.Boolean, "payer_ids": pl.String, "trace_id": pl.String,
    "asked_at": pl.String, "cached": pl.Boolean, "raw": pl.String,
}  # fmt: skip
"""Columns of status.csv: one row per claim that was answered, of several matches the headline."""

OTHERS: Final = {"input": pl.String, "row_number": pl.Int64, "claim_number": pl.String, "match": pl.Int64} | {
    name: kind for name, kind in STATUS.items()
    if name not in ("input", "row_number", "claim_number", "practice_id", "matches", "partial", "cached",
                    "trace_id", "asked_at", "payer_id", "route")
}  # fmt: skip
"""Columns of matches.csv: the further claims that the payer told of, numbered from 2."""

LINES: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "input": pl.String, "row_number": pl.Int64, "claim_number": pl.String, "match": pl.Int64,
    "line_number": pl.Int64, "procedure_code": pl.String, "modifiers": pl.String,
    **dict.fromkeys(_AMOUNTS, _MONEY), "adjustments": pl.String,
}  # fmt: skip
"""Columns of lines.csv: the service lines that the payer told of."""

ERRORS: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "input": pl.String, "row_number": pl.Int64, "claim_number": pl.String, "error_type": pl.String,
    **{name: kind for name, kind in FINDING.items() if name not in ("input", "row_number", "claim_number")},
    "route": pl.String, "retryable": pl.Boolean, "trace_id": pl.String,
}  # fmt: skip
"""Columns of errors.csv; error_type is validation, api, network or auth."""

_UNASKED: Final = {
    "network": ("NOT-REACHED", "Run `claimsctl jobs retry last` when the payer can be reached again."),
    "auth": ("NOT-SET-UP", "Set the route up as docs/status.md says, then run `claimsctl jobs retry last`."),
}


@dataclass
class Told:
    """Claims by what became of them; `by_status` are those found."""

    answered: int = 0
    cached: int = 0
    failed: int = 0
    refused: int = 0
    unasked: int = 0
    partial: int = 0
    several: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    by_status: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    codes: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Errors by type, code, message and suggestion."""
    paid: Decimal = Decimal("0.00")


@dataclass
class Results:
    """Writes the files of a job; they appear together when the directory is committed.

    `details` is where the job keeps its findings; what the payers' answers add is put there too.
    """

    directory: OutputDir
    format: Format
    details: Path
    told: Told = field(default_factory=Told)
    _streams: dict[str, CsvStream | ParquetStream] = field(default_factory=dict)
    _kept: int = 0

    def findings(self) -> None:
        """What the status rules found, as the intake left it."""
        for path in sorted(self.details.glob("found-*.parquet")):
            found = pl.read_parquet(path)
            more = [
                pl.lit("validation").alias("error_type"), pl.lit(None, pl.String).alias("route"),
                pl.lit(False).alias("retryable"), pl.lit(None, pl.String).alias("trace_id"),
            ]  # fmt: skip
            self._write("errors", found.with_columns(more).select(list(ERRORS)))

    def claims(self, checkpoint: Checkpoint, lost: Mapping[str, tuple[str, str]]) -> None:
        """Everything that was asked; `lost` says of routes without an answer the error type and why."""
        for batch in checkpoint.told_of():
            statuses, others, lines, errors = [], [], [], []
            for question, answer, cached in batch:
                if answer is None:
                    errors.append(self._unasked(question, lost))
                    continue
                self._count(answer, cached=cached)
                if answer.outcome == "error" or answer.error_code:
                    errors.append(self._failed(question, answer))
                if answer.outcome == "error":
                    continue
                statuses.append(_status(question, answer, cached=cached))
                others += list(_others(question, answer))
                lines += list(_lines(question, answer))
            for name, rows, schema in (
                ("status", statuses, STATUS), ("matches", others, OTHERS), ("lines", lines, LINES),
                ("errors", [each for each in errors if each], ERRORS),
            ):  # fmt: skip
                if rows:
                    frame = pl.DataFrame(rows, schema=dict(schema), orient="row")
                    self._write(name, frame)
                    if name == "errors":
                        self._keep(frame)

    def close(self) -> dict[str, Path]:
        """Finish the files; status and errors are there also without rows."""
        for name, schema in (("status", STATUS), ("errors", ERRORS)):
            self._write(name, pl.DataFrame(schema=dict(schema)))
        for stream in self._streams.values():
            stream.close()
        order = [name for name in ("status", "matches", "lines", "errors") if name in self._streams]
        return {name: self._streams[name].path for name in order}

    def _write(self, name: str, rows: pl.DataFrame) -> None:
        stream = self._streams.get(name)
        if stream is None:
            csv = name == "errors" or self.format == "csv"
            stream = (
                CsvStream(self.directory, f"{name}.csv", rows.columns)
                if csv
                else ParquetStream(self.directory, f"{name}.parquet", rows.schema)
            )
            self._streams[name] = stream
        if isinstance(stream, CsvStream):
            texts = [column for column, kind in rows.schema.items() if kind == pl.String]
            rows = neutralise_columns(rows, texts) if rows.height else rows
        stream.write(rows)

    def _keep(self, errors: pl.DataFrame) -> None:
        """As findings, for `claimsctl jobs errors`."""
        self.details.mkdir(mode=0o700, exist_ok=True)
        path = self.details / f"found-answers-{self._kept:05d}.parquet"
        self._kept += 1
        more = [pl.col("message").alias("cause"), pl.lit(None, pl.UInt64).alias("claim_id")]
        with disk_errors(path, "write"):
            errors.with_columns(more).select(DETAIL).write_parquet(path, compression="zstd")
            path.chmod(FILE_MODE)

    def _count(self, answer: Answer, *, cached: bool) -> None:
        told = self.told
        told.outcomes[answer.outcome] += 1
        if answer.outcome == "error":
            told.failed += 1
            return
        told.answered += 1
        told.cached += cached
        told.partial += answer.partial
        told.several += len(answer.matches) > 1
        told.by_status[_headline_status(answer)] += 1
        if answer.matches and answer.matches[0].paid_amount is not None:
            told.paid += answer.matches[0].paid_amount

    def _failed(self, question: Question, answer: Answer) -> list[Any]:
        kind = answer.error_type or "api"
        severity = "error" if answer.outcome == "error" else "warning"
        code = answer.error_code or kind.upper()
        message = answer.error_message or "The payer gave no reason."
        fix = (
            "Ask again later: claimsctl jobs retry last" if answer.retryable
            else "Correct what it names, and ask again."
        )  # fmt: skip
        if severity == "error":
            self.told.errors[kind] += 1
            self.told.codes[kind, code, message, fix] += 1
        return _error(question, kind, severity, code, message, fix, answer)

    def _unasked(self, question: Question, lost: Mapping[str, tuple[str, str]]) -> list[Any] | None:
        if question.refusal is not None:
            self.told.refused += 1
            code, message, fix = (question.refusal[name] for name in ("code", "message", "suggestion"))
            self.told.errors["validation"] += 1
            self.told.codes["validation", code, message, fix] += 1
            return _error(question, "validation", "error", code, message, fix)
        self.told.unasked += 1
        if question.route is None or question.route not in lost:
            return None
        kind, why = lost[question.route]
        code, fix = _UNASKED[kind]
        self.told.errors[kind] += 1
        self.told.codes[kind, code, why, fix] += 1
        return _error(question, kind, "error", code, why, fix)


def _headline_status(answer: Answer) -> str:
    if answer.outcome == "not_found":
        return "NOT_FOUND"
    return answer.matches[0].status if answer.matches else "UNKNOWN"


def _text(question: Question, name: str) -> str | None:
    value = question.values.get(name)
    return None if value is None else str(value)


def _status(question: Question, answer: Answer, *, cached: bool) -> list[Any]:
    match = answer.matches[0] if answer.matches else Match("UNKNOWN")
    found = _of_match(match) | {
        "input": question.input, "row_number": question.row_number,
        "claim_number": _text(question, "claim_number"), "practice_id": question.practice_id,
        "payer_id": _text(question, "payer_id") or _text(question, "payer_name"), "route": answer.route,
        "status": _headline_status(answer), "matches": len(answer.matches), "partial": answer.partial,
        "trace_id": answer.trace_id, "asked_at": f"{answer.asked_at:%Y-%m-%dT%H:%M:%SZ}", "cached": cached,
    }  # fmt: skip
    return [found[name] for name in STATUS]


def _others(question: Question, answer: Answer) -> Iterator[list[Any]]:
    for number, match in enumerate(answer.matches[1:], 2):
        found = _of_match(match) | {
            "input": question.input, "row_number": question.row_number,
            "claim_number": _text(question, "claim_number"), "match": number,
        }  # fmt: skip
        yield [found[name] for name in OTHERS]


def _lines(question: Question, answer: Answer) -> Iterator[list[Any]]:
    for number, match in enumerate(answer.matches, 1):
        for line in match.lines:
            yield [
                question.input, question.row_number, _text(question, "claim_number"), number,
                line.line_number, line.procedure_code, ";".join(line.modifiers) or None,
                *(getattr(line, name) for name in _AMOUNTS), ";".join(line.adjustments) or None,
            ]  # fmt: skip


def _of_match(match: Match) -> dict[str, Any]:
    same = ("status", "category_code", "category_text", "status_code", "status_text", "entity_code",
            "payer_claim_number", *_AMOUNTS, *_DATES, "check_number", "payment_method")  # fmt: skip
    joined: dict[str, Sequence[str]] = {
        "adjustments": match.adjustments, "flags": match.flags, "payer_ids": match.payer_ids,
    }  # fmt: skip
    raw = json.dumps(dict(match.raw), sort_keys=True) if match.raw else None
    return (
        {name: getattr(match, name) for name in same}
        | {name: ";".join(each) or None for name, each in joined.items()}
        | {"raw": raw}
    )


def _error(
    question: Question,
    kind: str,
    severity: str,
    code: str,
    message: str,
    suggestion: str,
    answer: Answer | None = None,
) -> list[Any]:
    found: dict[str, Any] = {
        "input": question.input, "row_number": question.row_number,
        "claim_number": _text(question, "claim_number"), "error_type": kind, "severity": severity,
        "code": code, "category": kind if kind != "validation" else "status",
        "field": "payer_id" if kind == "validation" else None, "message": message,
        "suggestion": suggestion, "route": question.route,
        "retryable": answer.retryable if answer is not None else kind != "validation",
        "trace_id": answer.trace_id if answer is not None else None,
    }  # fmt: skip
    return [found.get(name) for name in ERRORS]
