"""Recordings of every kind are described and decoded; anything else is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.errors import InvalidInput, UnsupportedMedia
from ingest import media
from ingest.decoding import DecodeTally, decode_blocks
from ingest.media import probe
from tests.media_factory import FORMATS, beeps, silence, tone, write_recording, write_silent_film

RATE = 16_000
BEEPS_S = (1.0, 2.5)


def decode(path: Path, block_s: float = 30.0, tally: DecodeTally | None = None) -> np.ndarray:
    blocks = list(decode_blocks(path, block_s, tally))
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def loud_starts_s(sound: np.ndarray) -> list[float]:
    loud = np.flatnonzero(np.abs(sound) > 0.3)
    first = np.concatenate([[True], np.diff(loud) > RATE // 2])
    return [float(start) / RATE for start in loud[first]]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_container_is_described_and_keeps_its_times(tmp_path: Path, suffix: str) -> None:
    path = write_recording(tmp_path / f"a.{suffix}", beeps(BEEPS_S, 4.0), channels=2)

    info = probe(path)
    assert info.duration_ms == pytest.approx(4000, abs=60)
    assert not info.has_video
    assert info.channels == 2
    tally = DecodeTally()
    sound = decode(path, tally=tally)
    assert sound.dtype == np.float32
    assert sound.size / RATE == pytest.approx(4.0, abs=0.03)
    assert loud_starts_s(sound) == pytest.approx(BEEPS_S, abs=0.03)
    assert tally.warning(info) is None


@pytest.mark.parametrize(
    ("suffix", "video", "container", "media_type"),
    [
        ("wav", False, "wav", "audio/wav"),
        ("mp3", False, "mp3", "audio/mpeg"),
        ("m4a", False, "mp4", "audio/mp4"),
        ("mp4", True, "mp4", "video/mp4"),
        ("webm", False, "webm", "audio/webm"),
        ("webm", True, "webm", "video/webm"),
        ("opus", False, "ogg", "audio/ogg"),
        ("mkv", True, "mkv", "video/x-matroska"),
        ("mov", True, "mov", "video/quicktime"),
    ],
)
def test_the_media_type_is_read_from_the_bytes_whatever_the_file_is_called(
    tmp_path: Path, suffix: str, video: bool, container: str, media_type: str
) -> None:
    path = write_recording(tmp_path / f"a.{suffix}", tone(1.0), video=video).rename(tmp_path / "blob")
    info = probe(path)
    assert (info.container, info.media_type, info.has_video) == (container, media_type, video)


def test_sound_beside_pictures_keeps_the_players_time(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp4", beeps(BEEPS_S, 4.0), video=True)
    assert loud_starts_s(decode(path)) == pytest.approx(BEEPS_S, abs=0.03)


def test_blocks_are_of_the_asked_length_and_join_to_the_whole(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.flac", tone(3.3))
    blocks = list(decode_blocks(path, block_s=1.0))
    assert [block.size for block in blocks[:3]] == [RATE] * 3
    assert np.array_equal(np.concatenate(blocks), decode(path))


def test_decoding_again_gives_the_same_samples(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mp3", tone(2.0))
    assert np.array_equal(decode(path), decode(path))


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(InvalidInput, match="0 bytes") as caught:
        probe(tmp_path / "a.wav")
    assert caught.value.code == "empty_file"


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.mp4", "a.flac", "a.ogg", "blob"])
def test_text_under_any_name_is_no_recording(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("Anna: We talked about prices.\n" * 200)
    with pytest.raises(UnsupportedMedia) as caught:
        probe(tmp_path / name)
    assert caught.value.code == "not_media"
    assert "wav, mp3" in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile 'secret.wav'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_a_playlist_cannot_make_the_server_open_another_file(tmp_path: Path, text: str) -> None:
    write_recording(tmp_path / "secret.wav", tone(1.0))
    for name in ("a.m3u8", "a.wav", "a.sdp", "a.ffconcat"):
        (tmp_path / name).write_text(text)
        with pytest.raises(UnsupportedMedia):
            probe(tmp_path / name)


def test_random_bytes_named_mp3_are_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(np.random.default_rng(1).bytes(100_000))
    with pytest.raises(UnsupportedMedia):
        probe(tmp_path / "a.mp3")


def test_a_video_without_sound_is_refused_by_that_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no sound track") as caught:
        probe(write_silent_film(tmp_path / "a.mp4"))
    assert caught.value.code == "no_audio"


@pytest.mark.parametrize("suffix", ["mp4", "m4a", "mov"])
def test_an_mp4_without_its_table_of_contents_is_called_truncated(tmp_path: Path, suffix: str) -> None:
    path = write_recording(tmp_path / f"a.{suffix}", tone(20.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InvalidInput, match="cut off") as caught:
        probe(path)
    assert caught.value.code == "truncated_media"


@pytest.mark.parametrize("suffix", ["wav", "mp3", "flac", "webm", "mkv"])
def test_half_a_recording_is_used_as_far_as_it_goes_and_said_so(tmp_path: Path, suffix: str) -> None:
    path = write_recording(tmp_path / f"a.{suffix}", tone(20.0))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    info, tally = probe(path), DecodeTally()
    assert decode(path, tally=tally).size / RATE == pytest.approx(10.0, abs=1.0)
    assert "cut off: it promises 0:00:20" in (tally.warning(info) or "")


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_recording_of_no_length_is_no_error(tmp_path: Path, suffix: str) -> None:
    path = write_recording(tmp_path / f"a.{suffix}", silence(0.0))
    assert probe(path).duration_ms == 0
    assert list(decode_blocks(path)) == []


def test_damage_in_the_middle_is_skipped_counted_and_shifts_nothing(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.m4a", beeps((1.0, 18.0), 20.0) + 0.001 * tone(20.0))
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 400] = np.random.default_rng(2).bytes(400)
    path.write_bytes(bytes(content))
    tally = DecodeTally()
    sound = decode(path, tally=tally)
    assert tally.skipped_packets > 0
    assert "damaged" in (tally.warning(probe(path)) or "")
    assert loud_starts_s(sound)[-1] == pytest.approx(18.0, abs=0.05)


def test_a_hole_in_the_timestamps_becomes_silence(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.mkv", np.concatenate([tone(1.0), tone(1.0)]), pause_at_s=1.0, pause_s=5.0)
    sound = decode(path)
    assert sound.size / RATE == pytest.approx(7.0, abs=0.2)
    assert np.abs(sound[3 * RATE : 5 * RATE]).max() == 0.0


def test_values_that_are_no_numbers_never_leave_the_decoder(tmp_path: Path) -> None:
    header = b"RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\x03\0\x01\0\x80>\0\0\0\xfa\0\0\x04\0 \0data\xff\xff\xff\x7f"
    wild = np.tile(np.array([np.nan, np.inf, -np.inf, 3.0], np.float32), 8000)
    (tmp_path / "a.wav").write_bytes(header + wild.tobytes())
    sound = decode(tmp_path / "a.wav")
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= 1.0


def test_a_recording_longer_than_a_day_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "MAX_DURATION_MS", 1000)
    path = write_recording(tmp_path / "a.wav", tone(2.0))
    with pytest.raises(InvalidInput) as caught:
        probe(path)
    assert caught.value.code == "too_long"
