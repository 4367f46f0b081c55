"""rules/house.toml of a new workspace: how a rule looks, with nothing in force yet."""

from __future__ import annotations

import textwrap
from typing import Final

from claimsctl.validate.rule_keys import RULE_KEYS

_HEAD: Final = """\
# Rules of your house, on top of those that come with claimsctl. Every run in this workspace uses the *.toml
# files of this directory. docs/rule-language.md describes the language.
#
#   claimsctl rules check rules/house.toml                 # compile it, run its examples
#   claimsctl process claims.csv                           # findings of these rules stand beside the others
#
# A rule says what must HOLD: a line is reported where rule_expression is false. Where a value it needs is
# missing, it says nothing. To turn the rules below on, take the # away from their lines; then change them, or
# add your own.

[pack]
name = "house"
title = "Rules of our house"

# One column, one condition.
#[[rule]]
#code = "HOUSE-001"
#name = "copay_collected_is_round"
#severity = "warning"
#fields = ["copay_amount"]
#rule_expression = "copay_amount = floor(copay_amount)"
#error_message = "Copay {copay_amount} is not in whole dollars"
#suggestion = "Our plans have copays in whole dollars: check the receipt."
#why = "Cents in a copay were always a typing error here."
#passes = [{ copay_amount = "25.00" }, { copay_amount = "" }]
#fails = [{ copay_amount = "25.50" }]

# Only some lines: `when` narrows the rule to what it is about.
#[[rule]]
#code = "HOUSE-002"
#name = "telehealth_in_the_home_has_95"
#severity = "error"
#fields = ["modifier_1", "place_of_service"]
#requires = ["place_of_service"]
#when = "place_of_service = '10'"
#rule_expression = "has_modifier('95')"
#error_message = "{procedure_code} at place 10 has no modifier 95"
#suggestion = "Add 95, or correct the place of service."
#why = "Our payers take telehealth in the home for an office visit without it."
#passes = [{ place_of_service = "10", modifier_1 = "95" }, { place_of_service = "11" }]
#fails = [{ place_of_service = "10", modifier_1 = "25" }]

# Keys of a rule:
"""


def house_pack_text() -> str:
    """The file."""
    lines = []
    for key, meaning in RULE_KEYS.items():
        if key == "builtin":
            continue
        lines += textwrap.wrap(
            f"{key}: {meaning.replace('`', '').replace('**', '')}", 110, initial_indent="#   ",
            subsequent_indent="#     ", break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return _HEAD + "\n".join(lines) + "\n"
