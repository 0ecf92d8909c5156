"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from tagtide.web.access import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody at the pages."""

    #: Key of what is kept for a person, such as when they last looked.
    name: str
    level: Need

    def may(self, need: Need) -> bool:
        """Whether a route that asks for this is open to them."""
        return self.level >= need


async def identify(request: Request) -> Visitor:
    """The visitor behind a request: everybody may read, in the open demo everybody may operate."""
    shared = request.app.state.shared
    return Visitor(name="local", level=Need.OPERATE if shared.is_open else Need.READ)
