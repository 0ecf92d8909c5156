"""Reports as neutral blocks: what is said, in which order, without any medium's syntax.

A block holds plain text. Strangers' text in it has been through `clean_text` and is marked
``foreign``; escaping is for the renderer. The first paragraph says what changed, in a sentence.
"""

from tagtide.core.charts.base import Chart as Chart
from tagtide.core.messages.blocks import Block as Block
from tagtide.core.messages.blocks import BulletList as BulletList
from tagtide.core.messages.blocks import Cell as Cell
from tagtide.core.messages.blocks import Column as Column
from tagtide.core.messages.blocks import Definition as Definition
from tagtide.core.messages.blocks import Definitions as Definitions
from tagtide.core.messages.blocks import Figure as Figure
from tagtide.core.messages.blocks import Heading as Heading
from tagtide.core.messages.blocks import KeyFigures as KeyFigures
from tagtide.core.messages.blocks import Kind as Kind
from tagtide.core.messages.blocks import Link as Link
from tagtide.core.messages.blocks import Note as Note
from tagtide.core.messages.blocks import Paragraph as Paragraph
from tagtide.core.messages.blocks import Sparkline as Sparkline
from tagtide.core.messages.blocks import Table as Table
from tagtide.core.messages.blocks import Tone as Tone
from tagtide.core.messages.blocks import creator_url as creator_url
from tagtide.core.messages.blocks import language_of as language_of
from tagtide.core.messages.blocks import safe_link as safe_link
