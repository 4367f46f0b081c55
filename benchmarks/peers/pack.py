"""The twenty rules as a rule pack of claimsctl, so that it can be run on exactly the same question."""

from __future__ import annotations

from benchmarks.peers.twenty import DATE, NUMBER, RULES, Rule


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
        fields = [rule.column] if rule.kind not in ("number_not_above", "date_not_after") else [
            rule.column, str(rule.argument)]  # fmt: skip
        example = "passes = [{}]\nfails = [{}]\n" if rule.kind == "required" else ""
        parts.append(
            f'[[rule]]\ncode = "{code(number)}"\nname = "{rule.name}"\nseverity = "error"\ncategory = "house"\n'
            f'level = "line"\nfields = {fields!r}\nrequires = ["{rule.column}"]\n'
            f'rule_expression = """{expression(rule)}"""\n'.replace("\\", "\\\\")
            + f'error_message = "{rule.name}"\nsuggestion = "See the rule."\nwhy = "To compare tools."\n'
            f'source = "benchmarks"\n{"" and example}'
        )
    return "\n".join(parts)
