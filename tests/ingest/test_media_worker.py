"""A recording is opened in a process that can do nothing else, and whatever happens there is an error here."""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from core.errors import AppError, InvalidInput, Unavailable
from ingest import media
from ingest.decoding import decode_blocks
from ingest.media import probe
from ingest.sandbox.messages import MessageError, header_length
from ingest.sandbox.worker import Limits, MediaWorker
from tests.media_factory import FORMATS, tone, write_recording

ROOT = Path(__file__).parents[2]
LIMITS = Limits(memory_bytes=256 * 1024**2, cpu_s=20, silence_s=60.0, waiting_s=60.0)
ENTRY = "tests.ingest.misbehaving_media_worker"

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, and the limits are Linux's")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return write_recording(tmp_path / "call.wav", tone(20.0))


def misbehaving(path: Path, task: str, limits: Limits = LIMITS) -> MediaWorker:
    return MediaWorker(path, task, limits, entry=ENTRY)


def decoding(path: Path) -> MediaWorker:
    """A worker in the middle of its work: confined, with more to say than the pipe holds."""
    worker = MediaWorker(path, "decode", LIMITS, block_size=160_000)
    assert worker.message()["kind"] == "sound"
    return worker


def error_of(path: Path, task: str, limits: Limits = LIMITS) -> AppError:
    with misbehaving(path, task, limits) as worker, pytest.raises(AppError) as caught:
        worker.message()
    return caught.value


def children() -> set[int]:
    stats = (path.read_text() for path in Path("/proc").glob("[0-9]*/stat") if path.exists())
    fields = (stat.rpartition(")") for stat in stats)
    return {int(name.split()[0]) for name, _, rest in fields if int(rest.split()[1]) == os.getpid()}


def limits_of(pid: int) -> dict[str, tuple[str, str]]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): (line[26:47].strip(), line[47:68].strip()) for line in lines}


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def wait_for_end(pid: int, timeout_s: float = 10.0) -> bool:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], timeout_s)[0])
    finally:
        os.close(handle)


@on_linux
def test_the_limits_stand_while_a_recording_is_decoded(recording: Path) -> None:
    with decoding(recording) as worker:
        limits = limits_of(worker.pid)
    assert limits["Max file size"] == ("0", "0")
    assert limits["Max core file size"] == ("0", "0")
    assert limits["Max processes"] == ("0", "0")
    assert limits["Max open files"] == ("8", "8")
    assert limits["Max cpu time"] == ("20", "21")  # a signal that says why, and then the end
    soft, hard = limits["Max address space"]
    assert soft == hard
    # what the libraries map is not the file's, and is less than half a gigabyte
    assert LIMITS.memory_bytes < int(soft) < LIMITS.memory_bytes + 512 * 1024**2


@on_linux
def test_no_privilege_no_thread_and_hardly_a_system_call_is_left(recording: Path) -> None:
    with decoding(recording) as worker:
        status = status_of(worker.pid)
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")


@on_linux
def test_nothing_is_inherited_but_the_file_and_the_pipe(recording: Path, tmp_path: Path) -> None:
    secret = os.open(tmp_path / "secret", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(secret, True)
    try:
        with decoding(recording) as worker:
            open_files = {path.readlink() for path in Path(f"/proc/{worker.pid}/fd").iterdir()}
    finally:
        os.close(secret)
    pipes = {path for path in open_files if str(path).startswith("pipe:")}
    assert len(pipes) == 1
    assert open_files - pipes == {recording, Path("/dev/null")}


@on_linux
def test_no_setting_and_no_path_reaches_the_process(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_DATABASE_URL", "postgresql://anna:secret@db/earshot")
    with decoding(recording) as worker:
        folder = Path(f"/proc/{worker.pid}")
        environment, command = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
        assert (folder / "cwd").readlink() == Path("/")
    names = {entry.split(b"=")[0] for entry in environment.split(b"\0") if entry}
    assert names <= {b"LD_LIBRARY_PATH", b"OPENBLAS_NUM_THREADS", b"OMP_NUM_THREADS"}
    assert recording.name.encode() not in command


@on_linux
def test_a_process_that_was_taken_over_can_open_send_start_and_harm_nothing(recording: Path) -> None:
    with misbehaving(recording, "trespass") as worker:
        report = worker.message()
    assert report.pop("kind") == "report"
    assert set(report.values()) == {errno.EPERM}, report
    assert len(report) == 7


@on_linux
def test_too_much_memory_is_an_error_that_says_so(recording: Path) -> None:
    assert error_of(recording, "hoard").code == "media_too_much_memory"


@on_linux
def test_a_small_file_that_asks_for_more_memory_than_it_may_take_is_told_so(tmp_path: Path) -> None:
    def atom(name: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return struct.pack(">I", len(body) + 8) + name + body

    sizes = atom(b"stsz", struct.pack(">IIII", 0, 0, 2**24, 0))
    table = atom(b"moov", atom(b"trak", atom(b"mdia", atom(b"minf", atom(b"stbl", sizes)))))
    path = tmp_path / "bomb.mp4"
    path.write_bytes(atom(b"ftyp", b"isom\0\0\0\0isom") + table)
    assert path.stat().st_size < 100
    # FFmpeg takes twice 64 MB for a table of that many sizes before it looks for the first one
    for memory_bytes, code in ((96 * 1024**2, "media_too_much_memory"), (256 * 1024**2, "not_media")):
        limits = Limits(memory_bytes, 20, 60.0, 60.0)
        with MediaWorker(path, "describe", limits) as worker, pytest.raises(InvalidInput) as caught:
            worker.message()
        assert caught.value.code == code


@on_linux
def test_too_much_processor_time_is_an_error_that_says_so(recording: Path) -> None:
    impatient = Limits(memory_bytes=2**28, cpu_s=1, silence_s=60.0, waiting_s=60.0)
    assert error_of(recording, "spin", impatient).code == "media_too_slow"


@pytest.mark.parametrize(("silence_s", "waiting_s"), [(0.2, 60.0), (60.0, 0.2)])
def test_a_process_that_hangs_is_given_up_and_ended(recording: Path, silence_s: float, waiting_s: float) -> None:
    worker = misbehaving(recording, "hang", Limits(2**28, 20, silence_s, waiting_s))
    with worker, pytest.raises(InvalidInput) as caught:
        worker.message()
    assert caught.value.code == "media_too_slow"
    assert worker._process.returncode == -signal.SIGKILL
    assert worker._waited_s < 30.0


@pytest.mark.parametrize("task", ["fall_over", "leave"])
def test_a_crash_is_an_error_about_the_file(recording: Path, task: str) -> None:
    assert error_of(recording, task).code == "media_unreadable"


def test_a_kill_from_outside_in_the_middle_of_a_block_is_the_same_error(recording: Path) -> None:
    with decoding(recording) as worker:
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(InvalidInput) as caught:
            worker.samples({"samples": 160_000}, 160_000)
    assert caught.value.code == "media_unreadable"


@pytest.mark.parametrize(
    "task", ["say_a_long_header", "say_a_pickle", "say_a_list", "say_a_nested_header", "say_an_unknown_fault"]
)
def test_nonsense_is_an_error_and_its_words_go_nowhere(
    recording: Path, task: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = error_of(recording, task)
    assert error.code == "media_unreadable"
    assert "Anna" not in error.message + caplog.text


@pytest.mark.parametrize("length", [b"\0\0\0\0", b"\0\0\x04\x01", b"\xff\xff\xff\xff"])
def test_no_header_is_waited_for_that_is_empty_or_longer_than_a_kilobyte(length: bytes) -> None:
    with pytest.raises(MessageError):
        header_length(length)


@pytest.mark.parametrize("task", ["say_an_endless_block", "say_half_a_block", "say_an_empty_block"])
def test_a_block_of_the_wrong_size_is_an_error_and_takes_no_memory(recording: Path, task: str) -> None:
    with misbehaving(recording, task) as worker:
        header = worker.message()
        with pytest.raises(InvalidInput) as caught:
            worker.samples(header, 1000)
    assert caught.value.code == "media_unreadable"


def test_samples_that_are_no_numbers_are_put_right_on_this_side(recording: Path) -> None:
    with misbehaving(recording, "say_wild_samples") as worker:
        assert worker.samples(worker.message(), 4).tolist() == [0.0, 1.0, -1.0, 1.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"container": "wav\r\nSet-Cookie: a=b"},
        {"codec": "<script>"},
        {"duration_ms": -1},
        {"duration_ms": 10**30},
        {"channels": "two"},
        {"has_video": 7},
        {"kind": "sound"},
    ],
)
def test_a_description_is_believed_only_within_bounds(
    recording: Path, wrong: dict[str, str | int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with MediaWorker(recording, "describe", LIMITS) as worker:
        honest = worker.message()
    monkeypatch.setattr(MediaWorker, "message", lambda _: {**honest, **wrong})
    with pytest.raises(InvalidInput) as caught:
        probe(recording)
    assert caught.value.code == "media_unreadable"


@on_linux
def test_closing_early_ends_the_process_and_reaps_it(recording: Path) -> None:
    before = children()
    blocks = decode_blocks(recording, block_s=1.0)
    next(blocks)
    (pid,) = children() - before
    blocks.close()
    assert children() == before
    assert wait_for_end(pid)


@on_linux
def test_no_process_is_left_after_a_whole_recording_or_an_error(recording: Path, tmp_path: Path) -> None:
    before = children()
    probe(recording)
    list(decode_blocks(recording))
    (tmp_path / "text.mp3").write_text("Anna: hello")
    with pytest.raises(InvalidInput):
        probe(tmp_path / "text.mp3")
    assert children() == before


@on_linux
def test_killing_the_server_leaves_no_process_behind(recording: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.ingest.test_media_worker import misbehaving\n"
        "worker = misbehaving(Path(sys.argv[1]), 'report_and_spin'); worker.message()\n"
        "print(worker.pid, flush=True); sys.stdin.read()"
    )
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(recording)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with server:
        assert server.stdout is not None
        pid = int(server.stdout.readline())  # busy, so that it would not notice a closed pipe for 20 s
        server.kill()
        server.wait()
        assert wait_for_end(pid)


def test_a_recording_begun_by_a_thread_that_has_ended_is_read_on(recording: Path) -> None:
    blocks = decode_blocks(recording, block_s=1.0)
    read: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: read.append(next(blocks)))
    thread.start()
    thread.join()
    read.extend(blocks)
    assert sum(block.size for block in read) == 20 * 16_000


def test_without_a_process_the_sentence_blames_the_machine_and_not_the_file(
    recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Unavailable) as caught:
        probe(recording)
    assert caught.value.code == "media_reader_missing"


@on_linux
def test_no_ordinary_recording_needs_a_tenth_of_the_memory_it_may_take(tmp_path: Path) -> None:
    tight = Limits(media.PROBE_LIMITS.memory_bytes // 10, 20, 60.0, 60.0)
    for suffix in FORMATS:
        path = write_recording(tmp_path / f"a.{suffix}", tone(3.0), channels=2)
        with MediaWorker(path, "describe", tight) as worker:
            assert worker.message()["kind"] == "description"
        with MediaWorker(path, "decode", tight, block_size=480_000) as worker:
            assert worker.message()["kind"] == "sound"


@on_linux
def test_the_server_keeps_its_own_limits(recording: Path) -> None:
    before = [resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)]
    probe(recording)
    assert before == [
        resource.getrlimit(kind) for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_NOFILE)
    ]
