"""XML files of publishers, read without entities: a small file cannot grow, and no other file is read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


class DoctypeFound(ValueError):
    """A file declares a document type, in which entities may be defined; no release has one."""


class _WithoutDoctype(ElementTree.TreeBuilder):
    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Called before anything in the declaration is read."""
        del name, public, system
        raise DoctypeFound


def plain_xml(path: Path) -> ElementTree.Element:
    """The root of an XML file; raises ParseError where it is not well formed, else DoctypeFound."""
    parser = ElementTree.XMLParser(target=_WithoutDoctype())  # noqa: S314 - entities need a DOCTYPE
    return ElementTree.parse(path, parser).getroot()  # noqa: S314
