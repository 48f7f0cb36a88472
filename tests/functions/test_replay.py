"""A changed program over stored receipts: what would differ, and what a receipt cannot know."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from local import replay
from local.samples import sample_document
from tests.bot_rig import BOSS, KATE, LEO, BotRig, associate, put_in

from instore.adapters.table import Table, encode
from instore.directory import Opening
from instore.model import iso
from instore.presence import Status
from instore.program import Program, load_program
from instore.receipts import stored_decision
from instore.replaying import LIMITS, Replayed, decides, replay_under, what_is_done

Change = dict[str, Any]


@pytest.fixture
def bot(table: Table, clock: Any) -> BotRig:
    return BotRig(table, clock)


def document(changes: Change, sample: str = "in_store") -> dict[str, Any]:
    raw: dict[str, Any] = sample_document(sample)
    for path, value in changes.items():
        put_in(raw, path, value)
    return raw


def changed(changes: Change, sample: str = "in_store") -> Program:
    return load_program(document(changes, sample))


def routed(bot: BotRig, text: str = "KateM123") -> str:
    bot.create()
    bot.say(text)
    receipt: str = bot.item()["receipt"]
    return receipt


def under(receipt: str, banner: str = "kay", **changes: Any) -> Replayed:
    program = changed({path.replace("__", "."): value for path, value in changes.items()})
    return replay_under(receipt, program=program, banner=banner)


# ------------------------------------------------------------------ one receipt


def test_the_same_program_decides_the_same(bot: BotRig) -> None:
    bot.away(KATE)
    told = under(routed(bot))
    assert told.new == told.old
    assert (told.differs, told.kind, told.unknown) == (False, "same", None)


def test_another_order_of_steps_decides_otherwise(bot: BotRig) -> None:
    bot.away(KATE)
    told = under(routed(bot), routing__steps=["associate", "manager", "least_loaded_peer", "skill"])
    assert told.new is not None
    assert (told.old.agent_id, told.new.agent_id) == (LEO, BOSS)
    assert told.differs
    assert told.kind == "least_loaded_peer -> manager"
    assert decides(told.new) == "manager: lowest load of 1 who are free"


def test_another_skill_is_another_decision_of_the_same_step(bot: BotRig) -> None:
    told = under(routed(bot), banners__0__human_skill="kay-people")
    assert told.kind == "associate, other skill"


def test_a_banner_switched_off_or_gone(bot: BotRig) -> None:
    receipt = routed(bot)
    told = under(receipt, banners__0__stopped=True)
    assert told.new is not None
    assert (told.kind, told.new.skill) == ("associate -> switched_off", "kay-virtual")
    told = under(receipt, banners__0__features={"routing": False})
    assert told.kind == "associate -> switched_off"
    assert under(receipt, banner="kays").unknown == "its banner is not in this program"


def test_presence_that_was_not_asked_for_is_not_invented(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock)
    bot.add_store(openings=(Opening(2, time(1), time(2)),))
    receipt = routed(bot)
    assert stored_decision(receipt).outcome == "closed"
    told = under(receipt, routing__triggers={"closed": False})
    assert told.new is None
    assert told.unknown == "presence was not asked for then"
    assert told.kind == "could not be replayed"
    # The closed trigger of the other program decides without it, too.
    assert not under(receipt, routing__triggers={"closed": True}).differs


def test_a_resolver_that_was_not_asked_is_not_invented(bot: BotRig) -> None:
    receipt = routed(bot, "hello there")
    token = {"routing.resolvers": ["binding", "token", "keyword"],
             "routing.token": {"alias_attribute": "personal.alias"}}  # fmt: skip
    told = replay_under(receipt, program=changed(token), banner="kay")
    assert told.unknown == "resolver `token` was not asked then"


def test_the_order_of_resolvers_may_change_when_the_finder_stays(bot: BotRig) -> None:
    receipt = routed(bot)
    assert not under(receipt, routing__resolvers=["keyword", "binding"]).differs
    assert not under(receipt, routing__resolvers=["keyword"]).differs
    gone = under(receipt, routing__resolvers=["binding"])
    assert gone.unknown == "the resolver that named the associate is not in this program"


def test_who_has_left_was_named_by_a_resolver(bot: BotRig) -> None:
    bot.bind()
    bot.add_store(associates=(associate(KATE, "Kate", on=False), associate(LEO, "Leo")))
    receipt = routed(bot, "hello there")
    assert not under(receipt, routing__resolvers=["keyword", "binding"]).differs
    gone = under(receipt, routing__resolvers=["keyword"])
    assert gone.unknown == "the resolver that named the associate is not in this program"


def test_how_long_all_were_busy_is_known_only_if_it_was_watched(bot: BotRig, clock: Any) -> None:
    off = BotRig(bot.table, clock, routing__triggers={"closed": True})
    off.online(KATE, LEO, BOSS, slots=0)
    receipt = routed(off)
    told = under(receipt, routing__triggers={"all_busy_minutes": 15})
    assert told.unknown == "how long everybody had been busy was not kept then"
    told = under(receipt, routing__triggers={"all_busy_minutes": 0})
    assert told.new is not None
    assert told.new.outcome == "all_busy"
    # Switched off again, or nobody busy: nothing needs to be known.
    assert not under(receipt, routing__triggers={"closed": True}).differs


def test_a_watched_streak_meets_a_shorter_limit(bot: BotRig) -> None:
    bot.online(KATE, LEO, BOSS, slots=0)
    routed(bot)
    bot.clock.advance(10 * 60)
    bot.create(conversation="c-2")
    bot.say("KateM123", conversation="c-2")
    receipt = bot.item("c-2")["receipt"]
    told = under(receipt, routing__triggers={"all_busy_minutes": 5})
    assert told.kind == "skill -> all_busy"
    assert not under(receipt, routing__triggers={"all_busy_minutes": 20}).differs


def test_silenced_notices_promise_no_text(table: Table, clock: Any) -> None:
    bot = BotRig(table, clock, program="one_to_one")
    bot.away(KATE)
    bot.bind()
    receipt = routed(bot, "hello")
    # An SMS conversation has no notice to begin with; the web one is turned into the same words.
    web = receipt.replace('["sms",false', '["web",true').replace("waiting_sms", "waiting")
    told = replay_under(web, program=changed({"notification.when": "never"}, "one_to_one"),
                        banner="plan")  # fmt: skip
    assert told.kind == "wait_for_associate, other message"


def test_too_many_misses_stay_too_many(bot: BotRig) -> None:
    bot.create()
    for n in range(12):
        bot.create(conversation=f"m-{n}")
        bot.say("nobody77", conversation=f"m-{n}")
    receipt = bot.item("m-11")["receipt"]
    assert stored_decision(receipt).outcome == "skill"
    told = under(receipt, routing__keyword_tries=5)
    assert told.new is not None
    assert told.new.outcome == "skill"


def test_whom_the_customer_was_offered_stands_whatever_the_resolvers(
    table: Table, clock: Any
) -> None:
    steps = ["associate", "wait_for_associate", "skill"]
    bot = BotRig(table, clock, routing__stickiness="offer_choice", routing__steps=steps)
    bot.away(KATE)
    bot.create()
    bot.say("KateM123")
    bot.say("WAIT", 1)
    receipt = bot.item()["receipt"]
    assert stored_decision(receipt).outcome == "wait_for_associate"
    same: dict[str, Any] = {"routing__stickiness": "offer_choice", "routing__steps": steps}
    assert not under(receipt, **same, routing__resolvers=["binding"]).differs
    assert under(receipt, routing__steps=["associate", "skill"]).kind == (
        "wait_for_associate -> skill"
    )


def test_a_receipt_other_code_wrote_is_told_apart(bot: BotRig) -> None:
    receipt = routed(bot).replace(f'0,"{KATE}",false]', f'0,"{LEO}",false]')
    assert under(receipt).unknown == "it no longer replays to its own answer: other code wrote it"


def test_what_is_done_leaves_reasons_out(bot: BotRig) -> None:
    told = under(routed(bot))
    assert what_is_done(told.old)[1:] == ("associate", "connecting", "kay-associates", KATE, False)


# ------------------------------------------------------------------ the command


def write(tmp_path: Path, **changes: Any) -> str:
    file = tmp_path / "changed.yaml"
    file.write_text(yaml.safe_dump(document({p.replace("__", "."): v for p, v in changes.items()})))
    return str(file)


@pytest.fixture
def run(
    bot: BotRig, dynamodb: Any, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    def go(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()  # what the bot logged
        code = replay.main(arguments, client=dynamodb)
        return code, capsys.readouterr().out

    return go


def day_of_three(bot: BotRig) -> None:
    """Kate takes one, Leo stands in for another, nobody is asked about a third."""
    bot.create(conversation="c-1")
    bot.say("KateM123", conversation="c-1")
    bot.clock.advance(16)
    bot.away(KATE, status=Status.AWAY)
    bot.create(conversation="c-2")
    bot.say("KateM123", conversation="c-2")
    bot.create(conversation="c-3", phone="+12125550199")
    bot.say("hello you", conversation="c-3")


STEPS = ["associate", "manager", "least_loaded_peer", "skill"]


def test_a_day_replayed(bot: BotRig, run: Any, tmp_path: Path) -> None:
    day_of_three(bot)
    bot.clock.advance(86400)
    bot.create(conversation="c-4")
    bot.say("KateM123", conversation="c-4")
    table = ["--table", bot.table.name, "--program", write(tmp_path, routing__steps=STEPS)]
    code, told = run(*table, "--day", "2026-11-18")
    assert code == 0
    expected = (
        f"{bot.account}/c-2  [least_loaded_peer -> manager]\n"
        f'  was  least_loaded_peer to agent {LEO} (kay-associates), says "peer"  because '
        "least_loaded_peer: lowest load of 1 who are free\n"
        f'  new  manager to agent {BOSS} (kay-associates), says "manager"  because '
        "manager: lowest load of 1 who are free\n"
        "\n      3  receipts\n      2  same decision\n      1  different\n"
        "          1  least_loaded_peer -> manager\n      0  could not be replayed\n"
    )
    assert told.startswith(expected)
    assert all(f"  - {limit}\n" in told for limit in LIMITS)
    assert run(*table, "--day", "2026-11-18", "--fail-on-difference")[0] == 1
    code, told = run(*table, "--day", "2026-11-19", "--fail-on-difference")
    assert code == 0  # the store was closed, whatever the order of steps
    assert "      1  receipts\n      1  same decision\n" in told
    code, told = run(*table, "--day", "2026-11-20", "--fail-on-difference")
    assert code == 0
    assert "      0  receipts\n" in told


def test_a_day_is_found_without_a_scan(
    bot: BotRig, run: Any, tmp_path: Path, requests_made: Any
) -> None:
    day_of_three(bot)
    requests_made.clear()
    run("--table", bot.table.name, "--program", write(tmp_path), "--day", "2026-11-18")
    assert [operation for _, operation, _ in requests_made] == ["Query"] * 10 + ["BatchGetItem"]


def test_single_conversations(bot: BotRig, run: Any, tmp_path: Path) -> None:
    day_of_three(bot)
    bot.create(conversation="c-9")
    where = ["--table", bot.table.name, "--program", write(tmp_path)]
    code, told = run(
        *where, "--conversation", f"{bot.account}/c-1", "--conversation", f"{bot.account}/c-8",
        "--conversation", f"{bot.account}/c-9",
    )  # fmt: skip
    assert code == 0
    assert told.startswith(f"not there: {bot.account}/c-8\n")
    assert "      2  receipts\n      1  same decision\n      0  different\n" in told
    assert "          1  it has no receipt: nothing was decided\n" in told


def test_an_export_of_the_table(bot: BotRig, run: Any, tmp_path: Path) -> None:
    day_of_three(bot)
    items = [bot.item(name) for name in ("c-1", "c-2", "c-3")]
    items.append({**copy.deepcopy(items[0]), "conversation": "c-7", "receipt": '{"v":99}'})
    nobody = items[0]["receipt"].replace(f'["{KATE}","O"', f'["{KATE}",5')
    assert nobody != items[0]["receipt"]
    items.append({**copy.deepcopy(items[0]), "conversation": "c-8", "receipt": nobody})
    items.append({"pk": "STORE#x", "sk": "STORE"})
    folder = tmp_path / "AWSDynamoDB" / "0179" / "data"
    folder.mkdir(parents=True)
    with gzip.open(folder / "a.json.gz", "wt") as file:
        for item in items:
            file.write(json.dumps({"Item": encode(item)}) + "\n")
    program = write(tmp_path, routing__resolvers=["keyword"])
    code, told = run("--program", program, "--export", str(tmp_path / "AWSDynamoDB"))
    assert code == 0
    assert "      5  receipts\n      3  same decision\n      0  different\n" in told
    assert "          2  its receipt cannot be read by this version\n" in told


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--table", "t"], "error: say which: --day, --conversation, or both"),
        (["--table", "t", "--day", "21.11."], "error: --day is a date like 2026-11-21"),
        (["--table", "t", "--day", "2026-11-31"], "error: --day is a date like 2026-11-21"),
        (["--export", "nowhere"], "error: no .json.gz file in nowhere"),
        (["--table", "no-such-table", "--day", "2026-11-21"], "error: "),
    ],
)
def test_wrong_use(run: Any, tmp_path: Path, arguments: list[str], said: str) -> None:
    code, told = run("--program", write(tmp_path), *arguments)
    assert code == 2
    assert told.startswith(said)


ONE = b'{"Item":{"pk":{"S":"STORE#x"},"sk":{"S":"STORE"}}}\n'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(ONE)[:-6], "error: a.json.gz cannot be read to its end"),
        (gzip.compress(ONE)[:12] + b"\xff\xff", "error: a.json.gz cannot be read to its end"),
        (gzip.compress(b"[]\n" + ONE), "error: a.json.gz, line 1 is not an item"),
        (gzip.compress(ONE + b'{"NewImage":{}}\n'), "error: a.json.gz, line 2 is not an item"),
        (
            gzip.compress(b'{"Item":{"sk":{"S":"STORE"}}}\n'),
            "error: a.json.gz, line 1 is not an item",
        ),
    ],
    # gzip writes the time: its bytes are no name for a test.
    ids=["cut", "garbled", "a list", "a change", "no key"],
)
def test_a_file_that_is_no_export(run: Any, tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.json.gz").write_bytes(content)
    code, told = run("--program", write(tmp_path), "--export", str(tmp_path))
    assert code == 2
    assert told == f"{said}\n"


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        ('{"itemCount":1}', None),
        ('{"itemCount":2}', "the export has 2 items and 1 were found: a file is missing"),
        ("{", "manifest-summary.json cannot be read"),
        ("[]", "manifest-summary.json cannot be read"),
    ],
)
def test_an_export_that_is_not_whole_is_not_replayed(
    run: Any, tmp_path: Path, summary: str, said: str | None
) -> None:
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(ONE))
    (tmp_path / "manifest-summary.json").write_text(summary)
    code, told = run("--program", write(tmp_path), "--export", str(tmp_path))
    if said is None:
        assert (code, told.split("\n")[1]) == (0, "      0  receipts")
    else:
        assert (code, told) == (2, f"error: {said}\n")


def test_a_program_with_mistakes_is_not_run(run: Any, tmp_path: Path) -> None:
    program = write(tmp_path, routing__steps=["associate"])
    code, told = run("--program", program, "--table", "t", "--day", "2026-11-21")
    assert code == 2
    assert "banners[0].routing.steps" in told


def test_times_in_the_answer_are_those_of_the_receipt(bot: BotRig) -> None:
    receipt = routed(bot)
    assert iso(bot.clock.now() - timedelta(0)).removesuffix(".000Z") in receipt
