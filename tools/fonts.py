"""Make the fonts of the PDF reports again, from Debian's packages of the Noto fonts.

Not part of tagtide: needs `pip install fonttools pillow`, and a folder with what
`apt-get download fonts-noto-core fonts-noto-cjk fonts-noto-color-emoji` brought, unpacked by
`dpkg-deb --extract`. Usage: `python tools/fonts.py FOLDER`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from PIL import Image

HERE = Path(__file__).parent.parent / "src" / "tagtide" / "renderers" / "fonts"

LATIN = "0020-02FF 0300-052F 1E00-1FFF 2000-209F 20A0-20CF 2100-218F 2190-23FF 2580-25FF FB00-FB06"
SYMBOLS = "2300-27BF 2B00-2BFF 1F100-1F1FF 1F650-1F67F 1F780-1F8FF"
MATH = "2190-22FF 25A0-25FF 27C0-27FF 1D400-1D7FF"
#: A picture of an emoji is made so much smaller, with so many colours.
SMALLER, COLOURS = 0.42, 40


def main(folder: Path) -> None:
    truetype = folder / "usr" / "share" / "fonts" / "truetype" / "noto"
    opentype = folder / "usr" / "share" / "fonts" / "opentype" / "noto"
    for name, points in (
        ("NotoSans-Regular", spans(LATIN)),
        ("NotoSans-Bold", spans(LATIN)),
        ("NotoSansArabic-Regular", None),
        ("NotoSansArabic-Bold", None),
        ("NotoSansHebrew-Regular", None),
        ("NotoSansThai-Regular", None),
        ("NotoSansDevanagari-Regular", None),
        ("NotoSansSymbols2-Regular", spans(SYMBOLS)),
        ("NotoSansMath-Regular", spans(MATH)),
    ):
        cut(truetype / f"{name}.ttf", f"{name}.ttf", points)
    cut(opentype / "NotoSansCJK-Regular.ttc", "NotoSansCJK-Regular.otf", cjk(), number=2)
    shrink(truetype / "NotoColorEmoji.ttf")


def spans(text: str) -> set[int]:
    found: set[int] = set()
    for span in text.split():
        first, last = span.split("-")
        found |= set(range(int(first, 16), int(last, 16) + 1))
    return found


def cjk() -> set[int]:
    """What the national character sets of China, Japan, Korea and Taiwan hold, and all Hangul."""
    found = set(range(0x3000, 0x3100)) | set(range(0xFF00, 0xFFF0)) | set(range(0xAC00, 0xD7A4))
    for codec, leads in (
        ("gb2312", range(0x81, 0xFF)),
        ("shift_jis", range(0x81, 0xFF)),
        ("euc_kr", range(0x81, 0xFF)),
        # Its first level: characters in common use.
        ("big5", range(0xA1, 0xC7)),
    ):
        for lead in leads:
            for trail in range(0x40, 0xFF):
                text = bytes([lead, trail]).decode(codec, "ignore")
                found |= {ord(char) for char in text if ord(char) >= 0x2460}
    return {point for point in found if not 0xE000 <= point <= 0xF8FF}


def cut(source: Path, name: str, points: set[int] | None, number: int = -1) -> None:
    """Keep the glyphs of some code points (None: all), without hints."""
    font = TTFont(source, fontNumber=number, lazy=True)
    options = subset.Options(hinting=False, notdef_outline=True, layout_features=["*"])
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 13, 14, 16, 17]
    options.drop_tables += ["MATH"]
    if number >= 0:
        options.drop_tables += ["GPOS", "GSUB", "VORG", "vhea", "vmtx"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=font.getBestCmap().keys() if points is None else points)
    subsetter.subset(font)
    font.save(HERE / name)


def shrink(source: Path) -> None:
    """Smaller pictures of the emoji: a report shows them as high as its text."""
    font = TTFont(source)
    for strike in font["CBLC"].strikes:
        size = strike.bitmapSizeTable
        size.ppemX, size.ppemY = round(size.ppemX * SMALLER), round(size.ppemY * SMALLER)
        for line in (size.hori, size.vert):
            for field in ("ascender", "descender", "widthMax"):
                setattr(line, field, round(getattr(line, field) * SMALLER))
    for strike in font["CBDT"].strikeData:
        for glyph in strike.values():
            shrink_glyph(glyph)
    font.save(HERE / "NotoColorEmoji.ttf")


def shrink_glyph(glyph: object) -> None:
    glyph.ensureDecompiled()
    picture = Image.open(io.BytesIO(glyph.imageData)).convert("RGBA")
    size = round(picture.width * SMALLER), round(picture.height * SMALLER)
    small = picture.resize(size, Image.LANCZOS).quantize(COLOURS, method=Image.FASTOCTREE)
    written = io.BytesIO()
    small.save(written, "PNG", optimize=True)
    glyph.imageData = written.getvalue()
    glyph.metrics.width, glyph.metrics.height = size
    for field in ("BearingX", "BearingY", "Advance"):
        setattr(glyph.metrics, field, round(getattr(glyph.metrics, field) * SMALLER))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
