"""Texts that would run something if a page ever took them for more than text, and a world of them.

All of them set a mark and call out when they run; see `RAN` and `CALL`.
"""

from __future__ import annotations

import json
from datetime import datetime
from html import escape
from itertools import product
from typing import Any
from urllib.parse import quote

from tagtide.simulator.protocol import Answered, ApiCall, Data

#: What a payload does when it runs.
RAN = "window.tagtideRan=1"
#: Where it calls out to: a port nobody listens on.
CALL = "//127.0.0.1:9/x"

_HANDLERS = (
    "<img src=x onerror={j}>",
    "<img src={c}>",
    "<svg onload={j}>",
    "<svg><animate onbegin={j} attributeName=x dur=1s>",
    "<svg><script>{j}</script></svg>",
    "<svg><a xlink:href=javascript:{j}><text y=20>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror={j}>",
    "<body onload={j}>",
    "<iframe srcdoc='<script>parent.{j}</script>'></iframe>",
    "<iframe src=javascript:{j}></iframe>",
    "<details open ontoggle={j}>x</details>",
    "<input autofocus onfocus={j}>",
    "<select autofocus onfocus={j}><option>x</select>",
    "<video><source onerror={j}></video>",
    "<audio src=x onerror={j}>",
    "<marquee onstart={j}>x</marquee>",
    "<object data={c}></object>",
    "<embed src={c}>",
    "<link rel=stylesheet href={c}>",
    "<style>@import '{c}';</style>",
    "<style>*{{background:url({c})}}</style>",
    "<meta http-equiv=refresh content='0;url={c}'>",
    "<base href={c}>",
    "<script>{j}</script>",
    "<script src={c}></script>",
    "<script type=module>{j}</script>",
    "<template><script>{j}</script></template>",
    "<noscript><p title='</noscript><img src=x onerror={j}>'>",
    "<form><button formaction=javascript:{j} autofocus>x",
    "<a href=javascript:{j}>x</a>",
    "<div style='background:url({c})'>x</div>",
    "<div hx-get={c} hx-trigger=load>x</div>",
    "<div hx-on:htmx:load={j} hx-trigger=load>x</div>",
    "<div data-do=theme data-item>x</div>",
    "<figure data-library={c}><div class=plot></div></figure>",
    "<dialog open>x</dialog><form action={c}><input name=password>",
)
#: Ways out of where a text may stand.
_ESCAPES = (
    "", '">', "'>", "`>", "-->", "</script>", "</style>", "</textarea>", "</title>",
    "]]>", "*/", "</option></select>",
)  # fmt: skip
_ATTRIBUTES = (
    '" onmouseover="{j}', "' onfocus='{j}' autofocus='", "x onerror={j} ",
    '" autofocus onfocus={j} x="',
    '" style="animation:x" onanimationstart="{j}', '" srcdoc="<script>parent.{j}</script>',
    '" hx-get="{c}" hx-trigger="load', '" href="javascript:{j}', '" src="{c}', '" formaction="{c}',
)  # fmt: skip
_ADDRESSES = (
    "javascript:{j}", "JaVaScRiPt:{j}", "java\tscript:{j}", "java\nscript:{j}",
    "\x01javascript:{j}",
    "javascript&colon;{j}", "data:text/html,<script>{j}</script>", "vbscript:{j}", "{c}",
    "https://www.tiktok.com@127.0.0.1:9/", "https://www.tiktok.com\\@127.0.0.1:9/",
)  # fmt: skip
_EXPRESSIONS = (
    "{{{{7*7}}}}", "{{% raw %}}", "${{{j}}}", "<%= {j} %>", "#{{{j}}}", "{{{{config}}}}",
    "');{j};//", '");{j};//', "\\u003cscript>{j}\\u003c/script>", "\u2028{j}\u2028",
    '{{"signal":"{j}"}}', "datum.x;{j}", "[constructor.constructor]('{j}')()",
    "</script><!--<script>", "<!--", "<![CDATA[", "<?xml?>", "&lt;script&gt;{j}&lt;/script&gt;",
    "%3Cscript%3E{j}%3C/script%3E", "\uff1cscript\uff1e{j}\uff1c/script\uff1e",
    "\x00<script>{j}</script>",
    "\u202e<script>{j}</script>\u2066", "<\u200bscript>{j}</script>", "+ADw-script+AD4-{j}",
)  # fmt: skip


def payloads() -> list[str]:
    """Several hundred texts, each once."""
    found: dict[str, None] = {}
    templates = [
        *(way + tag for way, tag in product(_ESCAPES, _HANDLERS)),
        *_ATTRIBUTES,
        *_ADDRESSES,
        *_EXPRESSIONS,
    ]
    for template in templates:
        found[template.format(j=RAN, c=CALL)] = None
    for template in _HANDLERS[:12]:
        text = template.format(j=RAN, c=CALL)
        found |= {escape(text): None, quote(text): None, text.upper(): None, text.swapcase(): None}
    return list(found)


class TextWorld:
    """Another world whose strangers write what they are told to: implements `Answers`."""

    def __init__(self, inner: Any, texts: list[str]) -> None:
        self._inner = inner
        self._texts = texts
        self._given: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def answer(self, at: datetime, call: ApiCall) -> Answered:
        """The answer of the world inside, with other captions and nicknames."""
        answered = self._inner.answer(at, call)
        if not isinstance(answered, Data):
            return answered
        body = json.loads(answered.json)
        for record in body.get("aweme_list") or []:
            place = self._given.setdefault(record["aweme_id"], len(self._given))
            text = self._texts[place % len(self._texts)]
            record["desc"] = text
            record["author"]["nickname"] = text
        return Data(json.dumps(body).encode())
