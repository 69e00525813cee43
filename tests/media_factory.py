"""Makes recordings for tests with PyAV: no binary, no file in the repository, any container and codec."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float32]

# container → (muxer, sound codec, sample format, rate). Opus knows only 48 kHz.
FORMATS: dict[str, tuple[str, str, str, int]] = {
    "wav": ("wav", "pcm_s16le", "s16", 16_000),
    "mp3": ("mp3", "libmp3lame", "fltp", 44_100),
    "m4a": ("ipod", "aac", "fltp", 44_100),
    "mp4": ("mp4", "aac", "fltp", 48_000),
    "webm": ("webm", "libopus", "flt", 48_000),
    "ogg": ("ogg", "libopus", "flt", 48_000),
    "opus": ("opus", "libopus", "flt", 48_000),
    "flac": ("flac", "flac", "s16", 44_100),
    "mkv": ("matroska", "flac", "s16", 48_000),
    "mov": ("mov", "pcm_s16le", "s16", 48_000),
}


def tone(duration_s: float, rate: int = 16_000, hertz: float = 440.0, level: float = 0.3) -> Samples:
    """A sine of `duration_s` seconds, shape (n,)."""
    times = np.arange(round(duration_s * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def silence(duration_s: float, rate: int = 16_000) -> Samples:
    return np.zeros(round(duration_s * rate), dtype=np.float32)


def beeps(at_s: tuple[float, ...], duration_s: float, rate: int = 16_000) -> Samples:
    """Silence with a loud fifth of a second at each of `at_s`: shows where a decoder puts a moment."""
    sound = silence(duration_s, rate)
    for start_s in at_s:
        start = round(start_s * rate)
        sound[start : start + rate // 5] = tone(0.2, rate, 1000.0, 0.8)[: sound.size - start]
    return sound


def write_recording(
    path: Path,
    sound: Samples,
    rate: int = 16_000,
    *,
    video: bool = False,
    channels: int = 1,
    pause_at_s: float = 0.0,
    pause_s: float = 0.0,
) -> Path:
    """Write `sound` (at `rate`) in the container that the file's suffix names; with `video`, a black picture
    beside it.

    With `pause_s`, the timestamps jump by that much at `pause_at_s`, as in a recorder that was paused.
    """
    muxer, codec, sample_format, codec_rate = FORMATS[path.suffix.removeprefix(".")]
    layout = {1: "mono", 2: "stereo"}[channels]
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=codec_rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        picture = container.add_stream("libvpx" if muxer == "webm" else "mpeg4", rate=5) if video else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        container.start_encoding()  # so that a recording of no samples is written too
        if picture is not None:
            for index in range(max(1, round(5 * sound.size / rate))):
                frame = av.VideoFrame(64, 48, "yuv420p")
                for plane, value in zip(frame.planes, (16, 128, 128), strict=True):
                    plane.update(bytes([value]) * plane.buffer_size)
                frame.pts = index
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        resampler = av.AudioResampler(
            format=sample_format, layout=layout, rate=codec_rate, frame_size=_frame_size(stream)
        )
        for start in range(0, sound.size, rate):
            part = av.AudioFrame.from_ndarray(np.repeat(sound[None, start : start + rate], channels, 0), "fltp", layout)
            part.sample_rate, part.pts = rate, start
            for piece in resampler.resample(part):
                _mux(container, stream.encode(piece), pause_at_s, pause_s)
        for piece in resampler.resample(None):
            _mux(container, stream.encode(piece), pause_at_s, pause_s)
        _mux(container, stream.encode(None), pause_at_s, pause_s)
    return path


def _mux(
    container: av.container.OutputContainer,
    packets: Sequence[av.Packet[av.AudioStream]],
    pause_at_s: float,
    pause_s: float,
) -> None:
    for packet in packets:
        if pause_s and packet.pts is not None and packet.pts * packet.time_base >= pause_at_s:
            packet.pts += round(pause_s / packet.time_base)
            packet.dts = packet.pts
        container.mux(packet)


def write_silent_film(path: Path, duration_s: float = 1.0) -> Path:
    """A video without a sound track."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=5)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for index in range(max(1, round(5 * duration_s))):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([128]) * plane.buffer_size)
            frame.pts = index
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
    return path


def _frame_size(stream: av.AudioStream) -> int:
    stream.codec_context.open(strict=False)
    return stream.codec_context.frame_size or 1024
