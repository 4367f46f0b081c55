"""What the Medicare Claims Processing Manual says of modifiers, as tables.

The rows of EFFECTS are in the order in which they are applied (Pub 100-04 ch. 12 s. 40.6 and 40.7: the
bilateral adjustment comes before the ranking of several procedures, shares of a surgery and of its surgeons
after it). All of them are percents of the amount, so the order shows only where ranking comes between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from claimsctl.price import status


@dataclass(frozen=True)
class Effect:
    """Modifiers of one meaning, and what they do.

    `indicator` is the column of the fee row that says whether and how they apply; `percents` maps its values
    to percents, or to a status where nothing is paid. Without an indicator `percent` holds, or the
    sum of `shares`, columns of the fee row with parts of one. `notes` of a value are said of a priced line.
    `usual` is the percent where a contract is the only source, so that there is no indicator.
    """

    modifiers: tuple[str, ...]
    manual: str
    indicator: str | None = None
    percents: Mapping[str, Decimal | str] = field(default_factory=dict)
    percent: Decimal | None = None
    shares: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    usual: Decimal = Decimal(100)


_APPLIES: Final = MappingProxyType({"9": status.MODIFIER_NOT_VALID})
_BY_REPORT: Final = "Paid only with documentation of the medical necessity."
_ASSISTANT: Final = Decimal(16)
# 85 % of what a physician would be paid for it.
_NURSE_ASSISTANT: Final = Decimal("13.6")

EFFECTS: Final[tuple[Effect, ...]] = (
    Effect(
        ("50",),
        "Pub 100-04 ch. 12 s. 40.7; RVU26B, bilateral surgery indicator",
        "bilateral",
        {"0": Decimal(100), "1": Decimal(150), "2": Decimal(100), "3": Decimal(200), **_APPLIES},
        usual=Decimal(150),
    ),
    Effect(("54",), "Pub 100-04 ch. 12 s. 40.4", shares=("pre_op", "intra_op")),
    Effect(("55",), "Pub 100-04 ch. 12 s. 40.4", shares=("post_op",)),
    Effect(("56",), "Pub 100-04 ch. 12 s. 40.4", shares=("pre_op",)),
    Effect(("78",), "Pub 100-04 ch. 12 s. 40.4", shares=("intra_op",)),
    Effect(
        ("62",),
        "Pub 100-04 ch. 12 s. 40.8",
        "co_surgeon",
        {"0": status.MODIFIER_NOT_PAID, "1": Decimal("62.5"), "2": Decimal("62.5"), **_APPLIES},
        notes={"1": _BY_REPORT},
        usual=Decimal("62.5"),
    ),
    Effect(
        ("66",),
        "Pub 100-04 ch. 12 s. 40.8",
        "team_surgeon",
        {
            "0": status.MODIFIER_NOT_PAID,
            "1": status.CONTRACTOR_PRICED,
            "2": status.CONTRACTOR_PRICED,
            **_APPLIES,
        },
    ),
    Effect(
        ("80", "81", "82"),
        "Pub 100-04 ch. 12 s. 20.4.3",
        "assistant",
        {"0": _ASSISTANT, "1": status.MODIFIER_NOT_PAID, "2": _ASSISTANT, **_APPLIES},
        notes={"0": _BY_REPORT},
        usual=_ASSISTANT,
    ),
    Effect(
        ("AS",),
        "Pub 100-04 ch. 12 s. 110.2",
        "assistant",
        {"0": _NURSE_ASSISTANT, "1": status.MODIFIER_NOT_PAID, "2": _NURSE_ASSISTANT, **_APPLIES},
        notes={"0": _BY_REPORT},
        usual=_NURSE_ASSISTANT,
    ),
    Effect(
        ("QK", "QX", "QY"),
        "Pub 100-04 ch. 12 s. 50 C and 140.3",
        "fee_status",
        {"J": Decimal(50)},
        usual=Decimal(50),
    ),
)
"""Modifiers that change what a physician is paid."""

FACILITY: Final = {"73": Decimal(50), "74": Decimal(100)}
"""A procedure that a surgery centre broke off before and after anesthesia (Pub 100-04 ch. 14 s. 40.4); not
for physicians, who use 53."""
SHARED: Final = ("54", "55", "56")
CONTRADICTIONS: Final = (
    ("26", "TC"), ("50", "LT"), ("50", "RT"), ("52", "53"), ("54", "55"), ("54", "56"), ("55", "56"),
    ("54", "78"), ("55", "78"), ("56", "78"), ("62", "66"), ("62", "80"), ("62", "81"), ("62", "82"),
    ("62", "AS"),
    ("66", "80"), ("66", "81"), ("66", "82"), ("66", "AS"), ("80", "81"), ("80", "82"), ("81", "82"),
    ("80", "AS"), ("81", "AS"), ("82", "AS"), ("73", "74"), ("53", "73"), ("53", "74"), ("76", "77"),
    ("JW", "JZ"), ("GA", "GZ"), ("AA", "QK"), ("AA", "QX"), ("AA", "QY"), ("AA", "QZ"), ("AA", "AD"),
    ("AD", "QK"), ("AD", "QX"), ("AD", "QY"), ("AD", "QZ"), ("QK", "QX"), ("QK", "QY"), ("QK", "QZ"),
    ("QX", "QY"), ("QX", "QZ"), ("QY", "QZ"),
)  # fmt: skip
"""Pairs of which a line can have only one."""
DENIED: Final = {
    "GY": "GY says that the statute excludes it (Pub 100-04 ch. 1 s. 60).",
    "GZ": "GZ says that a denial as not necessary is expected (Pub 100-04 ch. 1 s. 60).",
}
SAID: Final = {
    "22": "22: the contractor may pay more, by report (Pub 100-04 ch. 12 s. 20.4.6).",
    "GA": "GA: a waiver of liability is on file; the amount is that of a covered service.",
    "55": "55: where several physicians share the postoperative care, each is paid by days.",
    "AD": "AD: one more unit is paid for presence at induction, if documented.",
}
"""What is said of a priced line with the modifier."""
STATUTORY: Final = {
    "AJ": (Decimal(75), "clinical social worker, Pub 100-04 ch. 12 s. 150"),
    "CQ": (Decimal(85), "physical therapist assistant, 42 CFR 410.60"),
    "CO": (Decimal(85), "occupational therapy assistant, 42 CFR 410.59"),
}
"""Percents that a statute takes off after pricing; shown apart."""
SOCIAL_WORKER: Final = "AJ"
"""Says what the taxonomy of the provider says too."""
RANKING: Final = {
    "51": "RVU26B, multiple procedure indicator; Pub 100-04 ch. 12 s. 40.6",
    "endoscopy": "Pub 100-04 ch. 12 s. 40.6",
    "2 sides": "RVU26B, bilateral surgery indicator; Pub 100-04 ch. 12 s. 40.7",
    "other side": "RVU26B, bilateral surgery indicator; Pub 100-04 ch. 12 s. 40.7",
    "TC": "RVU26B, multiple procedure indicators 4, 6 and 7; MM9647, MM7848",
    "26": "RVU26B, multiple procedure indicator 4; MM9647",
    "PE": "RVU26B, multiple procedure indicator 5; Pub 100-04 ch. 5 s. 10.7",
}
"""What several services of a day do to a line, by its word in modifier_adjustment."""
BY_TEXT: Final = {
    **RANKING,
    **{modifier: effect.manual for effect in EFFECTS for modifier in effect.modifiers},
    "LT/RT": EFFECTS[0].manual,
    **dict.fromkeys(FACILITY, "Pub 100-04 ch. 14 s. 40.4"),
    "52": "your terms (reduced_services_percent)",
}
"""Where what a word of modifier_adjustment says is written."""
