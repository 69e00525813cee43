"""Work that a server does now and then."""

from threading import Event

from app.periodic import Periodic


def test_it_goes_on_after_an_error_and_ends_when_it_is_stopped() -> None:
    calls: list[int] = []
    twice = Event()

    def work() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("the first time fails")
        twice.set()

    periodic = Periodic("test", work, 0.001)
    periodic.start()
    assert twice.wait(10)
    periodic.stop()
    count = len(calls)
    assert not Event().wait(0.02)
    assert len(calls) == count


def test_it_is_done_at_the_start_and_then_waits() -> None:
    once = Event()
    periodic = Periodic("test", once.set, 3600.0)
    periodic.start()
    assert once.wait(10)
    periodic.stop()
