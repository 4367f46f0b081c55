"""The documentation says what is so: its commands run, its output is real, its tables are current."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from cogapp import Cog

from claimsctl.cli.app import main
from claimsctl.docs import command_names, rules_markdown, shipped_packs
from claimsctl.store.workspace import Workspace
from claimsctl.validate.pack import load_pack
from tests.cli.conftest import command, read_once
from tests.commands import EXAMPLES, ROOT, Command

__all__ = ["command", "read_once"]  # fixtures

README = (ROOT / "README.md").read_text("utf-8")
RULES = (ROOT / "rules" / "README.md").read_text("utf-8")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "rules" / "README.md"])


def blocks(kind: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)


COMMANDS = [
    line.split("  #")[0].strip()
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("claimsctl ")
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with examples/, an inbox with a file, and an export whose headers need --map and --set."""
    place = tmp_path / "work"
    shutil.copytree(EXAMPLES, place / "examples")
    (place / "inbox").mkdir()
    arrived = shutil.copyfile(EXAMPLES / "claims.csv", place / "inbox" / "claims.csv")
    os.utime(arrived, (0, 0))  # nobody writes it any more
    with (EXAMPLES / "claims.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            {("Amt Due" if k == "Billed" else k): v for k, v in row.items()} for row in csv.DictReader(file)
        ]
    with (place / "export.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, [name for name in rows[0] if name != "Group NPI"], extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows(rows)
    monkeypatch.chdir(place)
    return place


def test_readme_shows_the_usual_commands() -> None:
    shown = " ".join(COMMANDS) + " ".join(re.findall(r"^\$ (claimsctl .*)$", README, flags=re.MULTILINE))
    for each in ("process", "preview", "template download", "rules check", "rules explain"):
        assert f"claimsctl {each} " in shown


@pytest.fixture
def databases(place: Path) -> None:
    """The databases that the README names, as SQLite files, the first with the example claims."""
    with (EXAMPLES / "claims.csv").open(newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    with closing(sqlite3.connect(place / "staging.db")) as staging:
        columns = ", ".join(f'"{name}" TEXT' for name in names)
        staging.execute(f"CREATE TABLE claims (updated_at TEXT, {columns})")
        marks = ", ".join("?" * len(names))
        filled = [row for row in rows if len(row) == len(names)]
        staging.executemany(f"INSERT INTO claims VALUES ('2026-06-30', {marks})", filled)
        staging.commit()
    workspace = Workspace.open(Path(os.environ["CLAIMSCTL_WORKSPACE"]))
    workspace.settings_file.write_text(f"""
[sql.staging]
url = "sqlite:///{place / "staging.db"}"
table = "claims"
watermark = "updated_at"

[sql.production]
url = "sqlite:///{place / "production.db"}"
phi = "mask"
""")


@pytest.mark.parametrize("line", dict.fromkeys(COMMANDS))
def test_commands_of_the_readme_run(command: Command, place: Path, databases: None, line: str) -> None:
    if "--to production" in line and " init " not in line:
        assert command("sql", "init", "--to", "production").code == 0
    ran = command(*shlex.split(line)[1:])
    assert ran.code == 0, ran.err
    if "--output " in line:
        assert (place / shlex.split(line)[-1]).stat().st_size > 0
    else:
        assert ran.out


def test_mapped_export_of_the_readme_reads_as_the_original(command: Command, place: Path) -> None:
    (line,) = (line for line in COMMANDS if "--map" in line)
    mapped = command(*shlex.split(line)[1:], "--json").json
    original = command("process", "examples/claims.csv", "--json", "--dry-run").json
    assert mapped["claims"] == original["claims"]
    assert mapped["mapping"]["missing"] == original["mapping"]["missing"] == []


def test_correction_of_the_readme(command: Command, place: Path) -> None:
    said = re.search(r"```text\n(Last run .*)\n```", README)
    assert said is not None
    command("process", "examples/claims.csv", "--out", "first")
    with (place / "first" / "rejected.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    fixed = Counter[str]()
    for row in rows:
        if row["Claim #"] == "MS-1030" and row["Copay"] == "250.00":
            row["Copay"] = "25.00"
            fixed["copay"] += 1
        if row["Claim #"] == "MS-1027":
            row["Provider NPI"] = "1330223946"
            fixed["provider"] += 1
    assert fixed == {"copay": 3, "provider": 1}
    with (place / "corrected.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    ran = command("process", "corrected.csv", "--out", "second")
    assert said.group(1) in ran.out.splitlines()


def test_python_of_the_readme_prints_what_it_says() -> None:
    (code,) = blocks("python")
    said = README[README.index(code) :]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "README.md", "exec"), {})
    assert printed.getvalue() == blocks("text", said)[0]


@pytest.mark.parametrize("text", [README, RULES], ids=["README.md", "rules/README.md"])
def test_rules_shown_are_rules(command: Command, tmp_path: Path, text: str) -> None:
    (shown,) = (block for block in blocks("toml", text) if "[sql." not in block)
    pack = tmp_path / "shown.toml"
    pack.write_text(shown if "[pack]" in shown else f'[pack]\nname = "shown"\n{shown}')
    ran = command("rules", "check", pack)
    assert ran.code == 0, ran.out + ran.err
    assert "1 rule compiled" in ran.out or "1 rules compiled" in ran.out


def test_rule_counts_of_the_readme() -> None:
    counts = Counter(rule.severity for pack in shipped_packs() for rule in pack.rules)
    for severity, number in counts.items():
        assert re.search(rf"^\| {severity} \| {number} \|", README, flags=re.MULTILINE), severity
    assert f"| **all** | **{counts.total()}** |" in README
    assert counts.total() >= 200


def test_every_rule_is_listed_once() -> None:
    assert rules_markdown() in RULES, "run: make docs"
    listed = Counter(re.findall(r"^\| ([A-Z]{2,6}-\d{3}) \|", RULES, flags=re.MULTILINE))
    assert listed == Counter(rule.code for pack in shipped_packs() for rule in pack.rules)


def test_every_key_of_a_rule_is_described(tmp_path: Path) -> None:
    from claimsctl.errors import RuleError
    from claimsctl.validate import packreader
    from claimsctl.validate.rule_keys import RULE_KEYS

    assert set(RULE_KEYS) == set(packreader._KEYS)
    path = tmp_path / "pack.toml"
    (shown,) = blocks("toml", RULES)
    path.write_text(shown)
    assert len(load_pack(path).rules) == 1
    required = re.findall(r"^\| `(\w+)` \| required \|", RULES, flags=re.MULTILINE)
    assert "rule_expression" in required
    for key in required:
        path.write_text(
            re.sub(
                rf"^{key} = .*\n",
                "",
                shown.replace('name = "my_clinic"', 'name="my_clinic"'),
                flags=re.MULTILINE,
            )
        )
        with pytest.raises(RuleError, match=key):
            load_pack(path)


def test_every_command_is_described() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    for path in command_names():
        title = " ".join(("claimsctl", *path))
        assert f"## {title}\n\n```text\nUsage: {title} " in page
    for block in blocks("text", page):
        assert "Example: claimsctl " in block


def test_exit_codes_of_the_readme_are_those_of_the_errors() -> None:
    from claimsctl import errors

    kinds = [errors.ClaimsctlError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    section = README[README.index("## Exit codes") :]
    table = section[: section.index("\n## ")]
    shown = {int(code) for code in re.findall(r"^\| (\d+) \| ", table, flags=re.MULTILINE)}
    assert shown == {kind.exit_code for kind in kinds} | {0, 1}


def test_output_files_of_the_readme_are_written(command: Command, place: Path) -> None:
    with (place / "examples" / "claims.csv").open("ab") as file:
        file.write(b"MS-9999,1,ragged\n")
    command("process", "examples/claims.csv", "--out", "all", "--hold-above", "0.1")
    table = README[README.index("## Output files") : README.index("## Exit codes")]
    shown = set(re.findall(r"^\| `([\w.]+)`", table, flags=re.MULTILINE))
    assert shown == {path.name for path in (place / "all").iterdir()}
    header = (place / "all" / "errors.csv").read_text("utf-8").splitlines()[0]
    assert header.split(",")[:3] == ["input", "row_number", "claim_number"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


def test_the_layout_names_every_part_of_the_package() -> None:
    layout = blocks("text", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))[0]
    parts = [f"{path.parent.name}/" for path in ROOT.glob("claimsctl/*/__init__.py")]
    parts += [
        path.name for path in ROOT.glob("claimsctl/*.py") if not path.name.startswith(("_", "settings_"))
    ]
    assert [each for each in parts if not re.search(rf"\b{re.escape(each)}", layout)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_parts_are_not_empty(page: Path) -> None:
    parts = re.findall(
        r"\[\[\[cog\n(.*?)\]\]\](.*?)\[\[\[end\]\]\]", page.read_text("utf-8"), flags=re.DOTALL
    )
    for code, made in parts:
        assert made.strip(" -><!\n"), code


def test_generated_parts_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    made = (ROOT / "Makefile").read_text("utf-8")
    named = re.search(r"^DOCS := (.*)$", made, flags=re.MULTILINE)
    assert named is not None
    pages = named.group(1).split()
    generated = [
        str(path.relative_to(ROOT))
        for path in (*ROOT.glob("*.md"), *ROOT.glob("*/*.md"))
        if "[[[cog" in path.read_text("utf-8") and not path.relative_to(ROOT).parts[0].startswith(".")
    ]
    assert sorted(pages) == sorted(generated), "DOCS in the Makefile"
    monkeypatch.setattr("claimsctl.docs.subprocess.run", run_here)
    monkeypatch.chdir(ROOT)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        status = Cog().main(["cog", "--check", "--diff", "-P", *pages])
    assert status == 0, f"run: make docs\n{said.getvalue()}"


def run_here(
    arguments: list[str], *, cwd: Path, env: dict[str, str], **_: object
) -> subprocess.CompletedProcess[str]:
    """What the examples of the pages print, without a new process for each; each reads rules of its own."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patched, contextlib.redirect_stdout(out):
        patched.chdir(cwd)
        patched.delenv("CLAIMSCTL_WORKSPACE")
        for name, value in env.items():
            patched.setenv(name, value)
        with pytest.raises(SystemExit) as stopped:
            main(arguments[3:])
    assert stopped.value.code == 0, arguments
    return subprocess.CompletedProcess(arguments, 0, out.getvalue(), "")


def test_settings_of_the_example_are_used(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy("examples/claimsctl.toml", "claimsctl.toml")
    monkeypatch.delenv("CLAIMSCTL_WORKSPACE")
    sessions = command("process", "examples/sessions.csv", "--practice", "counseling", "--json")
    assert sessions.code == 0, sessions.err
    codes = {each["code"] for each in sessions.json["findings_by_code"]}
    assert "MH-001" in codes, "practice_type and profile come from the practice"
    claims = command("process", "examples/claims.csv", "--json").json
    assert "PAY-002" not in {each["code"] for each in claims["findings_by_code"]}, (
        "NSTAR is a payer of the settings"
    )
    assert json.loads(Path(claims["outputs"]["accepted"]).parent.joinpath("summary.json").read_text())
