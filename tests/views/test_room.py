"""The gate of uploads: what fits goes in, the rest waits in order and is told its place."""

import asyncio

import pytest

from rsviz.views import room as module
from rsviz.views.room import Room, UploadGate


def test_uploads_wait_in_order_and_none_is_lost():
    async def scenario() -> list[str]:
        room, done = Room(100), []

        async def upload(name: str, needed: int) -> None:
            assert await room.enter(name, needed)
            assert room.used <= 100 or needed > 100
            done.append(name)
            await asyncio.sleep(0.01)
            await room.leave(needed)

        first = [asyncio.create_task(upload("a", 60)), asyncio.create_task(upload("b", 60))]
        await asyncio.sleep(0)
        rest = [asyncio.create_task(upload(n, 30)) for n in "cd"]
        await asyncio.sleep(0.001)
        assert [room.place(n) for n in "abcd"] == [0, 1, 2, 3]
        await asyncio.gather(*first, *rest)
        assert room.used == 0 and not any(room.place(n) for n in "abcd")
        return done

    assert asyncio.run(scenario()) == ["a", "b", "c", "d"]


def test_whoever_waits_too_long_is_let_go_and_the_next_comes(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.05)

    async def scenario() -> None:
        room = Room(100)
        assert await room.enter("a", 90)
        assert not await room.enter("b", 50)
        assert not room.place("b")
        assert await room.enter("c", 5)

    asyncio.run(scenario())


@pytest.mark.parametrize(("announced", "status"), [(b"300000000", 413), (b"1000", 200)])
def test_an_upload_that_announces_too_much_never_reaches_the_app(monkeypatch, announced, status):
    monkeypatch.setenv("RSVIZ_PROFILE", "local")
    monkeypatch.setattr(module, "room", lambda: shared)
    monkeypatch.setattr(module, "LINGER_SECONDS", 0.0)

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> int:
        sent = []

        async def send(message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "PUT",
            "path": "/_stcore/upload_file/session/file",
            "headers": [(b"content-length", announced)],
        }
        await UploadGate(app)(scope, None, send)
        await asyncio.sleep(0.01)
        return sent[0]["status"]

    shared = Room(10**9)
    assert asyncio.run(scenario()) == status
    assert shared.used == 0
