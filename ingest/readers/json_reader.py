"""Our own JSON → segments and metadata: what the export writes and POST /api/v1/interviews takes, or a bare list.

Keys that we do not know are passed over here: a file may come from a newer Earshot or from another tool.
"""

from __future__ import annotations

import json

from pydantic import ConfigDict, ValidationError

from core.errors import InvalidInput
from ingest.readers.values import ReadTranscript
from ingest.schemas import RecordingIn, SegmentIn
from ingest.values import TimedSegment


class _Segment(SegmentIn):
    model_config = ConfigDict(extra="ignore")


class _File(RecordingIn):
    model_config = ConfigDict(extra="ignore")

    segments: list[_Segment]


def read_json(text: str) -> ReadTranscript:
    """Return the segments as they stand. Raises: InvalidInput `invalid_json` or `invalid_transcript`."""
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            "invalid_json", f"The file is no JSON: {error.msg} in line {error.lineno}.", line=error.lineno
        ) from error
    except (RecursionError, ValueError) as error:  # nested thousands deep, or a number of thousands of digits
        raise InvalidInput("invalid_json", "The file is no JSON that a transcript would be.") from error
    try:
        file = _File.model_validate({"segments": parsed} if isinstance(parsed, list) else parsed)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InvalidInput(
            "invalid_transcript", f"The transcript's `{where}` cannot be used: {first['msg']}.", field=where
        ) from error
    sent = {name: getattr(file, name) for name in file.model_fields_set if name != "segments"}
    segments = tuple(TimedSegment(s.text, s.start_ms, s.end_ms, s.speaker) for s in file.segments)
    return ReadTranscript(segments, RecordingIn.model_construct(_fields_set=set(sent), **sent))
