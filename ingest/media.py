"""Looks into an uploaded file: is it a recording, how long, in what container and codec?

In: the path of bytes a stranger sent. Out: `MediaInfo`, or an error whose sentence the uploader can act on.
The upload calls `probe` before anything is queued; `decoding.py` opens files through `open_recording`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InvalidInput, UnsupportedMedia
from ingest.values import MediaInfo

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# Demuxers a stranger's bytes may reach: self-contained recordings only. Playlists, manifests, concatenations,
# image sequences, devices and network inputs are left out because they open other files or addresses.
_DEMUXERS = (
    "wav",
    "mp3",
    "aac",
    "flac",
    "ogg",
    "mov",
    "matroska",
    "avi",
    "aiff",
    "caf",
    "amr",
    "asf",
    "w64",
    "mpegts",
)
# Sound codecs only, so no video decoder ever sees the bytes (libavformat would open one to fill in details).
_DECODERS = (
    *("aac", "aac_latm", "alac", "flac", "vorbis", "opus", "libopus", "speex", "gsm", "gsm_ms", "wavpack"),
    *(
        "mp1",
        "mp1float",
        "mp2",
        "mp2float",
        "mp3",
        "mp3float",
        "ac3",
        "eac3",
        "wmav1",
        "wmav2",
        "wmapro",
        "wmavoice",
    ),
    *(
        "amrnb",
        "amrwb",
        "libopencore_amrnb",
        "libopencore_amrwb",
        "adpcm_ms",
        "adpcm_ima_wav",
        "adpcm_ima_qt",
    ),
    *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le", "pcm_s32be"),
    *("pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be", "pcm_alaw", "pcm_mulaw"),
)
# libavformat's options (ffmpeg-formats(1)): the whitelists, and a bound on streams a header may announce.
_OPEN_OPTIONS = {
    "protocol_whitelist": "file",
    "format_whitelist": ",".join(_DEMUXERS),
    "codec_whitelist": ",".join(_DECODERS),
    "max_streams": "64",
}
# Containers whose stated length is a guess from the bit rate, or may be missing.
_GUESSED_LENGTH = ("mp3", "aac")
# Packets tried before a file counts as undecodable (about five seconds of MP3), and by how many the decoded
# ones must lead to stop earlier.
_PACKETS_TRIED = 200
_ENOUGH_DECODED = 3
# Nothing anybody said in one go is longer; bounds the work a small file of compressed silence can cause.
MAX_DURATION_MS = 24 * 3_600_000

READABLE = "wav, mp3, m4a, mp4, webm, ogg, opus, flac, mkv or mov"


def probe(path: Path) -> MediaInfo:
    """Describe the recording at `path` without decoding more than its first frames.

    Raises: InvalidInput with code `empty_file`, `truncated_media`, `no_audio` or `too_long`; UnsupportedMedia
    with code `not_media` or `unsupported_codec`.
    """
    with open_recording(path) as (container, stream):
        stated_ms = _stated_duration_ms(container, stream)
        _require_decodable(container, stream, stated_ms)
        kind = _container_kind(container.format.name, path)
        has_video = any(not _is_picture(video) for video in container.streams.video)
        codec, rate, channels = stream.codec_context.name, stream.sample_rate, stream.channels
    duration_ms = stated_ms
    if duration_ms is None or kind in _GUESSED_LENGTH:
        duration_ms = _measured_duration_ms(path)
    promised_ms = _promised_ms(kind, path, duration_ms, stated_ms)
    if duration_ms > MAX_DURATION_MS:
        raise InvalidInput(
            "too_long",
            f"The recording is {duration_ms // 3_600_000} hours long; at most "
            f"{MAX_DURATION_MS // 3_600_000} hours are accepted. Cut it and upload the parts.",
        )
    return MediaInfo(
        duration_ms=duration_ms,
        has_video=has_video,
        container=kind,
        codec=codec.removesuffix("float"),
        sample_rate_hz=rate,
        channels=channels,
        media_type=_media_type(kind, has_video),
        promised_ms=promised_ms,
    )


@contextlib.contextmanager
def open_recording(path: Path) -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open the file and its main sound stream; only that stream's packets are read.

    Raises: as `probe`, except `too_long`.
    """
    import av
    from av.stream import Discard

    if path.stat().st_size == 0:
        raise InvalidInput(
            "empty_file", "The file is empty (0 bytes). Check the export or the upload and send it again."
        )
    try:
        # "file:" keeps a colon in a path from being read as a protocol.
        container = av.open(
            f"file:{path.resolve()}", mode="r", metadata_errors="ignore", container_options=_OPEN_OPTIONS
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise _unreadable(path) from error
    with container:
        stream = _main_sound(container)
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        yield container, stream


def _unreadable(path: Path) -> InvalidInput:
    with path.open("rb") as file:
        head = file.read(64)
    if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide") or head[:4] == b"\x1aE\xdf\xa3":
        return InvalidInput(
            "truncated_media",
            "The recording was cut off: its table of contents is missing, so nothing in it can be played. "
            "Save or download it again completely and upload it again.",
        )
    return UnsupportedMedia(
        "not_media", f"The file is not a recording Earshot can read. Send sound or video as {READABLE}."
    )


def _main_sound(container: InputContainer) -> AudioStream:
    from av.audio.stream import AudioStream

    sound = container.streams.best("audio")
    if not isinstance(sound, AudioStream):
        if not container.streams.video:
            raise UnsupportedMedia("not_media", f"The file holds neither sound nor video. Send {READABLE}.")
        raise InvalidInput(
            "no_audio",
            "The video has no sound track, so there is nothing to transcribe. Export it again with sound.",
        )
    # A codec that libavcodec does not know leaves the context None, whatever the stubs say.
    decoder = getattr(getattr(sound.codec_context, "codec", None), "name", "unknown")
    if decoder not in _DECODERS:
        raise UnsupportedMedia(
            "unsupported_codec",
            f"The sound is stored as {decoder!r}, which is not accepted. Convert it to mp3, m4a or wav.",
        )
    return sound


def _require_decodable(container: InputContainer, stream: AudioStream, stated_ms: int | None) -> None:
    """Decode the first frames, because headers prove nothing and chance finds a frame of MP3 in random bytes.

    More pieces must decode than fail. No piece at all is a recording of zero length.
    """
    import av

    tried = balance = 0
    for packet in container.demux(stream):
        if packet.size == 0 or tried >= _PACKETS_TRIED or balance >= _ENOUGH_DECODED:
            break
        tried += 1
        try:
            balance += len(packet.decode()) > 0
        except av.error.FFmpegError:
            balance -= 1
    if balance > 0:
        return
    if tried:
        raise UnsupportedMedia(
            "not_media", f"Nothing in the file can be decoded as sound. Send a recording as {READABLE}."
        )
    if stated_ms:
        raise InvalidInput(
            "truncated_media",
            f"The recording was cut off: it promises {stated_ms / 1000:.0f} s of sound and holds none. "
            "Save or download it again completely and upload it again.",
        )


def _stated_duration_ms(container: InputContainer, stream: AudioStream) -> int | None:
    if stream.duration is not None and stream.time_base is not None:
        return max(0, round(float(stream.duration * stream.time_base) * 1000))
    if container.duration is not None:
        return max(0, container.duration // 1000)
    return None


def _measured_duration_ms(path: Path) -> int:
    """Read all packets, decoding none, and add up: exact, and a 4-hour MP3 takes about a second."""
    end_s, summed_s, first_s = 0.0, 0.0, None
    with open_recording(path) as (container, stream):
        base = float(stream.time_base or 0)
        for packet in container.demux(stream):
            if packet.size == 0:
                break
            length_s = float(packet.duration or 0) * base
            summed_s += length_s
            if packet.pts is not None:
                first_s = packet.pts * base if first_s is None else first_s
                end_s = max(end_s, packet.pts * base + length_s - first_s)
    return round((end_s or summed_s) * 1000)


def _promised_ms(kind: str, path: Path, duration_ms: int, stated_ms: int | None) -> int:
    """Return the length that the header announces, 0 where it announces none or a wrong one."""
    with path.open("rb") as file:
        head = file.read(65536)
    if kind == "mp3":  # a Xing or Info frame counts the frames; without one the stated length is a guess
        return stated_ms or 0 if b"Xing" in head or b"Info" in head else 0
    data = head.find(b"data") if kind == "wav" else -1
    if data < 0:
        return 0
    announced = int.from_bytes(head[data + 4 : data + 8], "little")
    present = path.stat().st_size - data - 8
    # 0 and all ones are what programs write that do not know the length yet.
    return round(duration_ms * announced / present) if 0 < present < announced < 0xFFFF_FF00 else 0


def _is_picture(video: object) -> bool:
    from av.stream import Disposition

    return bool(getattr(video, "disposition", 0) & Disposition.attached_pic)


def _container_kind(demuxer: str, path: Path) -> str:
    """Name the container as people do: libavformat reads MP4 and MOV, WebM and MKV with one demuxer each."""
    with path.open("rb") as file:
        head = file.read(4096)
    if demuxer.startswith("mov"):
        return "mov" if head[4:12] == b"ftypqt  " or head[4:8] != b"ftyp" else "mp4"
    if demuxer.startswith("matroska"):
        return "webm" if b"\x42\x82\x84webm" in head else "mkv"
    return demuxer


def _media_type(kind: str, has_video: bool) -> str:
    if kind in ("mp4", "webm", "ogg"):
        return f"{'video' if has_video else 'audio'}/{kind}"
    return {
        "mp3": "audio/mpeg",
        "mov": "video/quicktime",
        "mkv": "video/x-matroska" if has_video else "audio/x-matroska",
        "avi": "video/x-msvideo",
        "asf": "video/x-ms-asf" if has_video else "audio/x-ms-wma",
        "mpegts": "video/mp2t",
        "caf": "audio/x-caf",
        "w64": "audio/x-w64",
    }.get(kind, f"audio/{kind}")
