"""Many inputs in, a stream of outcomes out, in one process or in several.

=============  =================================================================================
`files`        `convert_files`: a folder of answers and .mid files to a folder of .mid files
`engine`       `run`: any function over any stream of items; order, chunks, what failed
`workers`      the processes: how they start, die and end
=============  =================================================================================
"""

from __future__ import annotations

from midikit.batch.engine import Outcome, run
from midikit.batch.files import ConvertedFile, convert_files

__all__ = ["ConvertedFile", "Outcome", "convert_files", "run"]
