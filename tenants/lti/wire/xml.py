"""XML of strangers, read without a document type, without entities and without a tree that grows on its own.

expat does the reading; the first sign of a DTD ends it, before anything in it could be expanded or fetched.
"""

from dataclasses import dataclass
from xml.parsers import expat

MAX_DOCUMENT = 64 * 1024
MAX_DEPTH = 20
MAX_ELEMENTS = 500


class NotXml(ValueError):
    """No XML we read; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Element:
    """An element by the local names from the root down, and its text without that of its children."""

    path: tuple[str, ...]
    text: str


def read_elements(document: bytes) -> tuple[Element, ...]:
    """Every element in the order they begin; prefixes and namespaces do not matter. `NotXml` if it is none."""
    if len(document) > MAX_DOCUMENT:
        raise NotXml(f"{len(document)} bytes, at most {MAX_DOCUMENT}")
    reading = _Reading()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reading.doctype
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.words
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError) as fault:
        if isinstance(fault, NotXml):
            raise
        raise NotXml("not well-formed") from None
    return tuple(Element(path, "".join(parts)) for path, parts in reading.elements)


class _Reading:
    def __init__(self) -> None:
        self.elements: list[tuple[tuple[str, ...], list[str]]] = []
        self._open: list[int] = []

    def doctype(self, *_: object) -> None:
        raise NotXml("a document type is declared, and none is read")

    def start(self, name: str, _: object) -> None:
        if len(self._open) >= MAX_DEPTH or len(self.elements) >= MAX_ELEMENTS:
            raise NotXml("too many elements")
        above = self.elements[self._open[-1]][0] if self._open else ()
        self._open.append(len(self.elements))
        self.elements.append(((*above, name.rpartition(" ")[2]), []))

    def end(self, _: str) -> None:
        self._open.pop()

    def words(self, text: str) -> None:
        self.elements[self._open[-1]][1].append(text)
