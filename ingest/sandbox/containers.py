"""Opens a recording with FFmpeg and finds out what it holds. Runs in the worker process and nowhere else.

In: an open file descriptor with a stranger's bytes, never a path. Out: the fields of `ingest.values.MediaInfo` as a
message, or a `MediaError`. `sound.py` opens the recording through `open_recording` too.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import av

# PyAV imports these when a recording has subtitles or the like, and then no file can be opened any more.
import av.subtitles.codeccontext
import av.subtitles.stream
from av.audio.stream import AudioStream
from av.stream import Discard, Disposition

from ingest.sandbox.messages import Header, MediaError

if TYPE_CHECKING:
    from av.container import InputContainer

# The descriptor on which the server hands over the file.
FILE = 0
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
    "fd": str(FILE),
    "protocol_whitelist": "fd",
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


def describe() -> Header:
    """Describe the recording without decoding more than its first frames.

    Raises: MediaError.
    """
    with open_recording() as (container, stream):
        stated_ms = _stated_duration_ms(container, stream)
        _require_decodable(container, stream, stated_ms)
        kind = _container_kind(container.format.name)
        has_video = any(not _is_picture(video) for video in container.streams.video)
        codec, rate, channels = stream.codec_context.name, stream.sample_rate, stream.channels
    duration_ms = stated_ms
    if duration_ms is None or kind in _GUESSED_LENGTH:
        duration_ms = _measured_duration_ms()
    return {
        "kind": "description",
        "duration_ms": duration_ms,
        "promised_ms": _promised_ms(kind, duration_ms, stated_ms),
        "has_video": int(has_video),
        "container": kind,
        "codec": codec.removesuffix("float"),
        "sample_rate_hz": rate,
        "channels": channels,
    }


@contextlib.contextmanager
def open_recording() -> Iterator[tuple[InputContainer, AudioStream]]:
    """Open the file and its main sound stream; only that stream's packets are read.

    Raises: MediaError.
    """
    os.lseek(FILE, 0, os.SEEK_SET)
    try:
        container = av.open("fd:", mode="r", metadata_errors="ignore", container_options=_OPEN_OPTIONS)
    except (av.error.FFmpegError, ValueError) as error:
        pass_on_want_of_memory(error)
        raise MediaError(_why_unreadable()) from error
    with container:
        stream = _main_sound(container)
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        yield container, stream


def pass_on_want_of_memory(error: Exception) -> None:
    """Raise `error` when it says that memory ran out, which is nothing to skip."""
    if isinstance(error, MemoryError):
        raise error


def _why_unreadable() -> str:
    head = os.pread(FILE, 64, 0)
    if head[4:8] in (b"ftyp", b"mdat", b"moov", b"wide") or head[:4] == b"\x1aE\xdf\xa3":
        return "cut_off_header"
    return "not_media"


def _main_sound(container: InputContainer) -> AudioStream:
    sound = container.streams.best("audio")
    if not isinstance(sound, AudioStream):
        raise MediaError("no_audio" if container.streams.video else "no_streams")
    # A codec that libavcodec does not know leaves the context None, whatever the stubs say.
    decoder = getattr(getattr(sound.codec_context, "codec", None), "name", "unknown")
    if decoder not in _DECODERS:
        raise MediaError("unsupported_codec", decoder)
    sound.codec_context.thread_count = 1  # no thread can be started any more
    return sound


def _require_decodable(container: InputContainer, stream: AudioStream, stated_ms: int | None) -> None:
    """Decode the first frames, because headers prove nothing and chance finds a frame of MP3 in random bytes.

    More pieces must decode than fail. No piece at all is a recording of zero length.
    """
    tried = balance = 0
    for packet in container.demux(stream):
        if packet.size == 0 or tried >= _PACKETS_TRIED or balance >= _ENOUGH_DECODED:
            break
        tried += 1
        try:
            balance += len(packet.decode()) > 0
        except av.error.FFmpegError as error:
            pass_on_want_of_memory(error)
            balance -= 1
    if balance > 0:
        return
    if tried:
        raise MediaError("not_decodable")
    if stated_ms:
        raise MediaError("cut_off_sound", stated_ms)


def _stated_duration_ms(container: InputContainer, stream: AudioStream) -> int | None:
    if stream.duration is not None and stream.time_base is not None:
        return max(0, round(float(stream.duration * stream.time_base) * 1000))
    if container.duration is not None:
        return max(0, container.duration // 1000)
    return None


def _measured_duration_ms() -> int:
    """Read all packets, decoding none, and add up: exact, and a 4-hour MP3 takes about a second."""
    end_s, summed_s, first_s = 0.0, 0.0, None
    with open_recording() as (container, stream):
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


def _promised_ms(kind: str, duration_ms: int, stated_ms: int | None) -> int:
    """Return the length that the header announces, 0 where it announces none or a wrong one."""
    head = os.pread(FILE, 65536, 0)
    if kind == "mp3":  # a Xing or Info frame counts the frames; without one the stated length is a guess
        return stated_ms or 0 if b"Xing" in head or b"Info" in head else 0
    data = head.find(b"data") if kind == "wav" else -1
    if data < 0:
        return 0
    announced = int.from_bytes(head[data + 4 : data + 8], "little")
    present = os.fstat(FILE).st_size - data - 8
    # 0 and all ones are what programs write that do not know the length yet.
    return round(duration_ms * announced / present) if 0 < present < announced < 0xFFFF_FF00 else 0


def _is_picture(video: object) -> bool:
    return bool(getattr(video, "disposition", 0) & Disposition.attached_pic)


def _container_kind(demuxer: str) -> str:
    """Name the container as people do: libavformat reads MP4 and MOV, WebM and MKV with one demuxer each."""
    head = os.pread(FILE, 4096, 0)
    if demuxer.startswith("mov"):
        return "mov" if head[4:12] == b"ftypqt  " or head[4:8] != b"ftyp" else "mp4"
    if demuxer.startswith("matroska"):
        return "webm" if b"\x42\x82\x84webm" in head else "mkv"
    return demuxer
