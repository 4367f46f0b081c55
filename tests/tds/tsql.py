"""T-SQL text: tokens, and where one statement ends and the next begins (semicolons are optional there)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from tests.tds.errors import SqlError, untranslatable

_TOKENS = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<text>N?'(?:[^']|'')*')
      | (?P<name>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")
      | (?P<word>[@#]{0,2}[A-Za-z_][\w@#$]*)
      | (?P<number>0x[0-9A-Fa-f]*|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
      | (?P<sign><>|<=|>=|!=|\+=|-=|.)""",
    re.X | re.S,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text if self.kind == "sign" else ""

    @property
    def name(self) -> str:
        """An identifier without its brackets or quotes."""
        if self.kind == "name":
            close = self.text[-1]
            return self.text[1:-1].replace(close * 2, close)
        return self.text


def tokens_of(text: str) -> list[Token]:
    """All tokens but blanks and comments."""
    found = (Token(str(m.lastgroup), m[0], m.start(), m.end()) for m in _TOKENS.finditer(text))
    return [token for token in found if token.kind != "space"]


@dataclass
class Statement:
    """One statement; `head` is its first word, blocks and IF carry what belongs to them."""

    head: str
    text: str
    condition: str = ""
    body: list[Statement] = field(default_factory=list)
    otherwise: list[Statement] = field(default_factory=list)


_STARTS = set(
    "SELECT INSERT UPDATE DELETE WITH CREATE DROP ALTER TRUNCATE SET DECLARE EXEC EXECUTE IF BEGIN COMMIT "
    "ROLLBACK SAVE PRINT RAISERROR THROW RETURN USE MERGE GRANT DENY REVOKE WAITFOR WHILE".split()
)
# Words that start a statement elsewhere, but belong to a statement with this head the first time they occur.
_INSIDE = {
    "INSERT": {"SELECT", "WITH", "EXEC", "EXECUTE"},
    "UPDATE": {"SET"},
    "WITH": {"SELECT", "INSERT", "UPDATE", "DELETE", "SET"},
    "DROP": {"IF"},
    "ALTER": {"DROP", "ALTER", "SET", "WITH"},
    "CREATE": {"SELECT", "WITH"},
    "TRUNCATE": set(),
}
_RIGHTS = {"GRANT", "DENY", "REVOKE"}


class _Splitter:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at = text, tokens_of(text), 0

    def word(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.tokens[at].word if at < len(self.tokens) else ""

    def block(self, *, until_end: bool) -> list[Statement]:
        statements = []
        while self.at < len(self.tokens):
            if self.word() == ";":
                self.at += 1
            elif until_end and self.word() == "END":
                self.at += 1
                return statements
            else:
                statements.append(self.statement())
        if until_end:
            raise SqlError(102, "Incorrect syntax near 'BEGIN'.")
        return statements

    def statement(self) -> Statement:
        start = self.at
        head = self.word()
        if head == "BEGIN" and self.word(1) not in ("TRAN", "TRANSACTION"):
            if self.word(1) in ("TRY", "CATCH"):
                raise untranslatable("it does not know TRY and CATCH", self.text)
            self.at += 1
            body = self.block(until_end=True)
            return Statement("BLOCK", self.since(start), body=body)
        if head == "IF":
            return self.condition(start)
        self.at += 1
        if head in ("BEGIN", "COMMIT", "ROLLBACK", "SAVE"):
            return self.transaction(start, head)
        self.rest(head or self.tokens[start].text)
        return Statement(head or self.tokens[start].text, self.since(start))

    def since(self, start: int) -> str:
        if self.at <= start:
            return ""
        return self.text[self.tokens[start].start : self.tokens[self.at - 1].end]

    def condition(self, start: int) -> Statement:
        self.at += 1
        begins = self.at
        self.rest("IF")
        condition = self.since(begins)
        body = [self.statement()]
        if self.word() == ";" and self.word(1) == "ELSE":
            self.at += 1
        otherwise = []
        if self.word() == "ELSE":
            self.at += 1
            otherwise = [self.statement()]
        return Statement("IF", self.since(start), condition, body, otherwise)

    def transaction(self, start: int, head: str) -> Statement:
        if self.word() in ("TRAN", "TRANSACTION", "WORK"):
            self.at += 1
        if self.at < len(self.tokens) and self.word() not in _STARTS | {";", "END", "ELSE"}:
            self.at += 1  # the transaction's name
        return Statement("BEGIN TRANSACTION" if head == "BEGIN" else head, self.since(start))

    def rest(self, head: str) -> None:
        """Go on to the end of the statement."""
        depth = cases = 0
        inside = set(_INSIDE.get(head, set()))
        while self.at < len(self.tokens):
            word, before = self.word(), self.tokens[self.at - 1].word
            if word == "(":
                depth += 1
            elif word == ")":
                depth -= 1
            elif word == "CASE":
                cases += 1
            elif word == "END" and cases:
                cases -= 1
            elif depth == 0 and not cases:
                if word in (";", "END", "ELSE"):
                    return
                if word in _STARTS and not self.belongs(word, before, inside, head):
                    return
                inside.discard(word)
            self.at += 1

    def belongs(self, word: str, before: str, inside: set[str], head: str) -> bool:
        if head in _RIGHTS or word in inside:
            return True
        if word == "WITH":
            return self.word(1) == "("
        if word == "SELECT":
            return before in ("UNION", "ALL", "EXCEPT", "INTERSECT")
        if word == "SET":
            return head == "WITH"
        return word in ("DELETE", "UPDATE") and before in ("ON", "FOR")


@lru_cache(maxsize=500)
def split(text: str) -> list[Statement]:
    """The statements of a batch."""
    return _Splitter(text).block(until_end=False)


def listed(tokens: list[Token]) -> list[list[Token]]:
    """Tokens between commas that stand in no brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def text_of(token: Token) -> str:
    """The value of a text literal."""
    return token.text[token.text.index("'") + 1 : -1].replace("''", "'")


class Cursor:
    """Tokens, read one after the other."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self.tokens, self.at, self.text = tokens, 0, text

    @property
    def word(self) -> str:
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def take(self, *words: str) -> bool:
        """Step over these words, if they come next."""
        following = [token.word for token in self.tokens[self.at : self.at + len(words)]]
        if following != list(words):
            return False
        self.at += len(words)
        return True

    def name(self) -> str:
        if self.at >= len(self.tokens) or self.tokens[self.at].kind not in ("name", "word"):
            raise SqlError(102, "Incorrect syntax near the end of the statement.")
        self.at += 1
        return self.tokens[self.at - 1].name

    def names(self) -> list[str]:
        """A name with its schema and database."""
        parts = [self.name()]
        while self.take("."):
            parts.append(self.name())
        return parts

    def group(self) -> list[Token]:
        """What stands between the parentheses that come next."""
        if not self.take("("):
            raise untranslatable("a ( was expected", self.text)
        start, depth = self.at, 1
        while depth:
            if self.at >= len(self.tokens):
                raise SqlError(102, "Incorrect syntax near '('.")
            depth += {"(": 1, ")": -1}.get(self.word, 0)
            self.at += 1
        return self.tokens[start : self.at - 1]

    def source(self, tokens: list[Token]) -> str:
        return self.text[tokens[0].start : tokens[-1].end] if tokens else ""

    def key_columns(self) -> tuple[str, ...]:
        return tuple(part[0].name for part in listed(self.group()))

    def unknown(self) -> SqlError:
        return untranslatable(f"it does not know '{self.word}' there", self.text)
