"""One at a time for each key."""

import asyncio

import pytest

from gateway.session.keyed_locks import KeyedLocks


async def test_those_of_one_key_take_turns_in_the_order_in_which_they_came() -> None:
    turns, log = KeyedLocks(), []

    async def act(name: str) -> None:
        async with turns.of("key"):
            log.append(f"{name} begins")
            await asyncio.sleep(0)
            log.append(f"{name} ends")

    await asyncio.gather(act("a"), act("b"))
    assert log == ["a begins", "a ends", "b begins", "b ends"]


async def test_those_of_different_keys_do_not_wait_for_each_other() -> None:
    turns = KeyedLocks()
    async with turns.of("a"), asyncio.timeout(1), turns.of("b"):
        pass


async def test_nobody_in_between_gives_up_the_first_turn() -> None:
    # The joiner relies on it: a socket's join comes before any change of it.
    turns = KeyedLocks()
    taking = turns.of("key").__aenter__()
    with pytest.raises(StopIteration):
        taking.send(None)


async def test_a_turn_that_failed_or_was_given_up_passes_on() -> None:
    turns = KeyedLocks()
    async with turns.of("key"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), turns.of("key"):
                pass
    with pytest.raises(KeyError):
        async with turns.of("key"):
            raise KeyError
    async with asyncio.timeout(1), turns.of("key"):
        pass


async def test_no_lock_is_kept_of_a_key_that_nobody_uses() -> None:
    turns = KeyedLocks()

    async def act(key: int) -> None:
        async with turns.of(key):
            await asyncio.sleep(0)

    await asyncio.gather(*(act(number % 3) for number in range(9)))
    assert vars(turns) == vars(KeyedLocks())
