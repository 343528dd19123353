"""Text on its way out: terminals, files' names, CSV and HTML, each with what it must not carry.

Names come from a third party and are kept exactly as they are inside the model, the .mid and JSON.
Whatever is printed, used as a file name or opened in a spreadsheet goes through this room first.

===========  ===================================================================================
`terminal`   `printable`, `quoted` and `json_text`: whatever is printed, logged or raised
`names`      `file_stem`, `unique_stems`, `each_stem` and `folded`: names of files
`markup`     `html_text`, `script_json` and `csv_cell`: what a browser or a spreadsheet would obey
===========  ===================================================================================
"""

from __future__ import annotations

from midikit.escape.markup import csv_cell, html_text, script_json
from midikit.escape.names import each_stem, file_stem, folded, unique_stems
from midikit.escape.terminal import json_text, printable, quoted

__all__ = [
    "csv_cell",
    "each_stem",
    "file_stem",
    "folded",
    "html_text",
    "json_text",
    "printable",
    "quoted",
    "script_json",
    "unique_stems",
]
