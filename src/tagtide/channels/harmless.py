"""Strangers' words in media that read more into text than text.

Both functions take one clean line, and what they give reads the same to a person.
"""

from __future__ import annotations

import re

#: Shows nothing; keeps apart what a program would read together.
_BREAK = "\u200b"
#: Where a mail program, a chat or a phone sees a link: a scheme, a dot of a host name, an address.
_LINKS = re.compile(
    r"(?<=[^\W\d_])(:)(?=\S)"
    r"|(?<=\w)([.\u3002\uff0e\uff61])(?=[^\W\d_])"
    r"|(?<=[^\W\d_])([.\u3002\uff0e\uff61])(?=\w)"
    r"|(?<=\w)(@)(?=\w)"
    r"|(/)(?=/)"
)
#: Signs of markup and what looks like them and is none.
_LOOKALIKES = str.maketrans("<>&*_~`[]|\\#@", "‹›＆∗＿∼‵［］｜＼＃＠")
#: What begins a list or a heading at the begin of a line, a picture or a broadcast before a word.
_SIGNS = re.compile(r"^(?=[-+=]|\d+[.)])|(?<=!)(?=\w)|(?<=:)(?=[A-Za-z_+-])")


def unlinked(text: str) -> str:
    """For plain text: nothing that a program would turn into a link by itself."""
    return _LINKS.sub(lambda found: found.group() + _BREAK, text)


def without_markup(text: str) -> str:
    """For media that read markup of any kind: signs of it become signs that look alike."""
    return _SIGNS.sub(_BREAK, unlinked(text).translate(_LOOKALIKES))
