"""What final headers say of calls that kill runners, and what the own one waits for."""

import asyncio
from dataclasses import replace

import pytest

from quorate.api.storage.v1 import storage_pb2 as pb
from quorate.core.blocks import NO_SUSPECT, Suspect
from quorate.storage import poison, wiring

HEIGHT = 2
TRAP = frozenset({0})
HERE = Suspect(HEIGHT, 0)


class Dying:
    """A chain's executor whose runner dies at the first call of block HEIGHT, while it does."""

    def __init__(self, chain):
        self._real = chain._executor.execute
        self.poisons = chain.poisons
        self.dies = True
        self.used = {}
        chain._executor.execute = self.execute

    async def execute(self, block, before):
        height = block.header.height
        used = self.poisons.find(height)
        while height == HEIGHT and self.dies and not used:
            await self.poisons.claim(height, 0)
            await self.poisons.wait_decided(height, 0)
            used = self.poisons.find(height)
        self.used[height] = used
        return await self._real(block, before)


class Story:
    """A chain of three blocks whose second one kills, and what comes on top."""

    def __init__(self, node, forge):
        self.node, self.forge = node, forge
        self.blocks = forge.extend(3)
        self.dying = Dying(node.chain)

    async def put(self):
        await self.node.put([each for _, batches in self.blocks for each in batches])

    def add(self, proposer, suspect=HERE, **changes):
        """Return the next block, empty, of a seat that suspects a call."""
        block = self.forge.block(self.blocks[-1][0], proposer=proposer, suspect=suspect, **changes)
        self.blocks.append((block, []))
        return block


@pytest.fixture
async def story(node, forge):
    story = Story(node, forge)
    await story.put()
    return story


async def send_all(engine, story):
    for block, _ in story.blocks:
        await engine.send([block])


async def release(engine, told):
    # A wait of another name is not meant.
    await engine.call.write(pb.CommitRequest(released_ticket=told.survived_ticket - 1))
    await engine.call.write(pb.CommitRequest(released_ticket=told.survived_ticket))


async def test_a_quorum_of_headers_above_makes_the_call_a_trap(story, node):
    async with node.attach() as engine:
        await send_all(engine, story)
        told = await engine.wait(lambda a: a.suspect_height)
        assert (told.suspect_height, told.suspect_position) == (HEIGHT, 0)
        await engine.send([story.add(0)])
        await engine.send([story.add(0)])
        await engine.send([story.add(1)])
        await engine.send([story.add(2, Suspect(HEIGHT, 1))])
        await engine.send([story.add(3)])
        await engine.wait_synced(8)
    assert story.dying.used == {
        each: TRAP if each == HEIGHT else frozenset() for each in range(1, 9)
    }
    assert node.chain.poisons.own == NO_SUSPECT


async def test_who_does_not_die_takes_the_decision_of_the_others(story, node):
    story.dying.dies = False
    for seat in range(3):
        story.add(seat)
    async with node.attach() as engine:
        await engine.send([block for block, _ in story.blocks])
        await engine.wait_synced(6)
    assert story.dying.used[HEIGHT] == TRAP


async def test_what_survives_after_all_waits_until_no_own_header_can_count(
    story, node, monkeypatch
):
    monkeypatch.setattr(poison, "TRY_S", 0.01)
    async with node.attach() as engine:
        await send_all(engine, story)
        await engine.wait(lambda a: a.suspect_height)
        story.dying.dies = False
        told = await engine.wait(lambda a: a.survived_height)
        assert told.survived_height == HEIGHT
        assert node.chain.height == HEIGHT - 1
        await release(engine, told)
        await engine.wait_synced(3)
    assert story.dying.used[HEIGHT] == frozenset()
    assert node.chain.poisons.own == NO_SUSPECT


async def test_a_decision_that_comes_while_a_result_waits_replaces_it(story, node, monkeypatch):
    monkeypatch.setattr(poison, "TRY_S", 0.01)
    async with node.attach() as engine:
        await send_all(engine, story)
        await engine.wait(lambda a: a.suspect_height)
        story.dying.dies = False
        await engine.wait(lambda a: a.survived_height)
        for seat in range(3):
            await engine.send([story.add(seat)])
        await engine.wait_synced(6)
    assert story.dying.used[HEIGHT] == TRAP


async def test_a_carried_result_lets_a_survivor_go_on_by_itself(story, node, monkeypatch):
    monkeypatch.setattr(poison, "TRY_S", 0.01)
    async with node.attach() as engine:
        await send_all(engine, story)
        await engine.wait(lambda a: a.suspect_height)
        claim = replace(story.blocks[-1][0].header.executed, height=HEIGHT)
        await engine.send([story.add(1, NO_SUSPECT, executed=claim)])
        story.dying.dies = False
        await engine.wait_synced(4)
    assert story.dying.used[HEIGHT] == frozenset()


async def test_a_restarted_storage_still_waits_for_what_it_said(story, node, monkeypatch):
    async with node.attach() as engine:
        await send_all(engine, story)
        await engine.wait(lambda a: a.suspect_height)
    await node.stop()
    await node.start()
    assert node.chain.poisons.own == Suspect(HEIGHT, 0)
    async with node.attach() as engine:
        await send_all(engine, story)
        told = await engine.wait(lambda a: a.survived_height)
        assert node.chain.height == HEIGHT - 1
        await release(engine, told)
        await engine.wait_synced(3)


async def test_a_decision_outlives_a_restart_without_the_headers_that_made_it(story, node):
    for seat in range(3):
        story.add(seat)
    await node.chain.note_final(tuple(block for block, _ in story.blocks))
    assert node.chain.poisons.find(HEIGHT) == TRAP
    await node.stop()
    await node.start()
    assert node.chain.poisons.find(HEIGHT) == TRAP
    again = Dying(node.chain)
    await node.commit(story.blocks)
    assert again.used[HEIGHT] == TRAP


async def test_headers_count_in_order_whatever_order_they_come_in(story, node):
    for seat in range(3):
        story.add(seat)
    story.add(2, NO_SUSPECT)
    blocks = [block for block, _ in story.blocks]
    await node.chain.note_final(tuple(blocks[4:]))
    assert node.chain.poisons.find(HEIGHT) == frozenset()
    await node.chain.note_final(tuple(blocks[:4]))
    assert node.chain.poisons.find(HEIGHT) == TRAP


async def test_a_run_that_waits_does_not_keep_storage_from_serving(story, node, monkeypatch):
    async with node.attach() as engine:
        await engine.send([block for block, _ in story.blocks])
        await engine.wait(lambda a: a.suspect_height)
    await node.stop()
    monkeypatch.setattr(wiring, "OPEN_S", 0.2)
    await node.start()
    # The run lies on disk; the runner survives now, and the result waits to be released.
    opened, _, _ = await node.open_chain()
    assert opened.head == node.forge.root.encode()
    async with node.attach() as engine:
        await release(engine, await engine.wait(lambda a: a.survived_height))
        await engine.wait_synced(3)


async def test_a_block_executed_before_its_call_became_a_trap_is_a_fault(story, node):
    story.dying.dies = False
    async with node.attach() as engine:
        await send_all(engine, story)
        await engine.wait_synced(3)
        for seat in range(3):
            await engine.send([story.add(seat)])
        told = await engine.wait(lambda a: a.fault)
    assert told.fault.startswith("STATE_DIVERGED: block 2 ")


async def test_a_trap_that_was_kept_is_no_fault_when_headers_name_it_again(story, node):
    for seat in range(3):
        story.add(seat)
    await node.commit(story.blocks)
    await node.stop()
    await node.start()
    for seat in (3, 0, 1, 2):
        story.add(seat)
    await node.commit(story.blocks[6:])
    assert not node.chain.get_fault()


async def test_waiting_for_a_decision_ends_for_another_try_later_each_time(node, monkeypatch):
    monkeypatch.setattr(poison, "TRY_S", 0.01)
    poisons = node.chain.poisons
    await poisons.claim(1, 0)
    async with asyncio.timeout(60):
        assert [await poisons.wait_decided(1, 0) for _ in range(3)] == [False] * 3
    assert poisons._try_s == pytest.approx(0.08)


async def test_who_catches_up_to_the_call_looks_ahead_for_the_decision(
    story, node, make_node, make_gossip
):
    story.dying.dies = False
    for seat in range(3):
        story.add(seat)
    await node.commit(story.blocks)
    end = story.blocks[2][0]
    joiner = await make_node("joiner")
    dying, gossip = Dying(joiner.chain), await make_gossip(joiner, node)

    def cut(response):
        if response.blocks[:1] == [story.blocks[0][0].encode()]:
            # A run that ends between the call and what decides about it.
            del response.blocks[3:]
            response.certificate = story.forge.certify(end)
        return response

    gossip.spoil = cut
    gossip.announce(6)
    await joiner.wait_height(6)
    assert dying.used[HEIGHT] == TRAP
    assert gossip.fetches[:2] == [1, 4]
    assert not gossip.reports
