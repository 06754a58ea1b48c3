"""Loads XML that may be hostile into a small tree that knows its lines; no entities, no DTD, no namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml.common import DefusedXmlException
from defusedxml.sax import parseString

from commandcenter.engine.manifests.model import Unreadable

MAX_DEPTH = 200


@dataclass(slots=True)
class Node:
    """One element: its local name, attributes, stripped text, children and line."""

    tag: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, *tags: str) -> Iterator[Node]:
        """The elements at a path of tags below this one."""
        if not tags:
            yield self
            return
        for child in self.children:
            if child.tag == tags[0]:
                yield from child.all(*tags[1:])

    def first(self, *tags: str) -> Node | None:
        return next(self.all(*tags), None)

    def value(self, *tags: str) -> str | None:
        """The text of the first element at a path, None where it is missing or empty."""
        node = self.first(*tags)
        return node.text if node is not None and node.text else None

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


class _Builder(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.root: Node | None = None
        self._stack: list[Node] = []
        self._texts: list[list[str]] = []
        self._place: Locator | None = None

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - SAX's name
        self._place = locator

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - SAX's name
        line = (self._place.getLineNumber() or 0) if self._place is not None else 0
        node = Node(name.rpartition(":")[2], line, dict(attrs.items()))
        if len(self._stack) >= MAX_DEPTH:
            raise Unreadable(f"It nests deeper than {MAX_DEPTH} elements.")
        if self._stack:
            self._stack[-1].children.append(node)
        else:
            self.root = node
        self._stack.append(node)
        self._texts.append([])

    def characters(self, content: str) -> None:
        if self._texts:
            self._texts[-1].append(content)

    def endElement(self, name: str) -> None:  # noqa: N802 - SAX's name and arguments
        self._stack.pop().text = "".join(self._texts.pop()).strip()


def load_xml(data: bytes) -> Node:
    """The root element; `Unreadable` where the bytes are not XML or use a DTD or entities."""
    builder = _Builder()
    try:
        parseString(data, builder, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unreadable("It declares a document type or entities, which are not read.") from error
    except (SAXException, ValueError) as error:
        raise Unreadable(f"It is not valid XML: {error}.") from error
    if builder.root is None:
        raise Unreadable("It is empty.")
    return builder.root
