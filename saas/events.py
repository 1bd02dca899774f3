"""In-process observers: a feature announces what happened, features above it react inside the same transaction.

This is how `learning` tells `grades` without importing it. Observers run synchronously in the order they subscribed;
an exception in one undoes the whole change, because the change and its consequences are one fact.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

EventT = TypeVar("EventT")


class Events:
    def __init__(self) -> None:
        self._observers: dict[type, list[Callable[[Any, Any], None]]] = defaultdict(list)

    def subscribe(self, event: type[EventT], observer: Callable[[Any, EventT], None]) -> None:
        """``observer(session, event)`` is called for each announced ``event``."""
        self._observers[event].append(observer)

    def announce(self, session: Any, event: object) -> None:
        for observer in self._observers[type(event)]:
            observer(session, event)
