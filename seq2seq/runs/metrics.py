"""`metrics.jsonl`: a line every few steps and one per validation."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from seq2seq.io.storage import append_to_file, flush_file, replace_file


class MetricsLog:
    """Appends records to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.records = 0
        """Records in the file."""

    def truncate(self, records: int) -> None:
        """Keep the first `records` of the file; drop later ones, complete or not."""
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.is_file() else []
        kept = lines[:records]
        if kept != lines:
            replace_file(self._path, b"".join(kept))
        self.records = len(kept)

    def read(self) -> list[dict[str, Any]]:
        """All records; what is damaged is left out."""
        lines = self._path.read_bytes().splitlines() if self._path.is_file() else []
        records = []
        for line in lines:
            with suppress(ValueError, RecursionError):
                records.append(json.loads(line))
        return [record for record in records if isinstance(record, dict)]

    def add(self, record: dict[str, Any]) -> None:
        """Append `record`, which has a `step`."""
        append_to_file(self._path, json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self.records += 1

    def flush(self) -> None:
        """Flush all records to the disk."""
        if self.records:
            flush_file(self._path)
