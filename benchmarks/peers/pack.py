"""The twenty rules as a rule pack of claimsctl, so that it can be run on exactly the same question."""

from __future__ import annotations

from benchmarks.peers.twenty import CROSS_KINDS, DATE, NUMBER, RULES, Rule


def code(number: int) -> str:
    """Code of the n-th rule, from 1."""
    return f"HOUSE-B{number:02d}"


def expression(rule: Rule) -> str:
    """The rule in claimsctl's language, on the text as it stands in the file."""
    cell, other = f"text({rule.column})", f"text({rule.argument})"

    def both(shape: str) -> str:
        return f"matches({cell}, '{shape}') and matches({other}, '{shape}')"

    match rule.kind:
        case "required":
            return f"given({rule.column})"
        case "matches":
            return f"matches({cell}, '{rule.argument}')"
        case "one_of":
            return f"{cell} in ({', '.join(repr(value) for value in rule.argument)})"  # type: ignore[union-attr]
        case "npi":
            return f"valid_npi({cell})"
        case "number_from":
            return f"matches({cell}, '{NUMBER}') and number({cell}) >= {rule.argument}"
        case "number_not_above":
            return f"not ({both(NUMBER)}) or number({cell}) <= number({other})"
        case "date_not_after":
            return f"not ({both(DATE)}) or {cell} <= {other}"


def pack() -> str:
    """TOML text of the pack."""
    parts = ['[pack]\nname = "twenty"\ntitle = "Twenty rules to compare tools"\n']
    for number, rule in enumerate(RULES, 1):
        fields = [rule.column, str(rule.argument)] if rule.kind in CROSS_KINDS else [rule.column]
        escaped = expression(rule).replace("\\", "\\\\")
        parts.append(
            f'''[[rule]]
code = "{code(number)}"
name = "{rule.name}"
severity = "error"
category = "house"
level = "line"
fields = {fields!r}
requires = ["{rule.column}"]
rule_expression = "{escaped}"
error_message = "{rule.name}"
suggestion = "See the rule."
why = "To compare tools."
source = "benchmarks"
'''
        )
    return "\n".join(parts)
