"""The house rules of template.yaml, kept by a machine: roles, logs, dead letters, alarms."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from local.template import ROOT, read_template, resources_of

from instore.outreach_chunks import CLAIM_FOR
from instore.runtime.observability import METRICS, NAMESPACE
from instore.runtime.settings import Settings

TEMPLATE = read_template()
FUNCTIONS = resources_of(TEMPLATE, "AWS::Serverless::Function")
QUEUES = resources_of(TEMPLATE, "AWS::SQS::Queue")
ALARMS = resources_of(TEMPLATE, "AWS::CloudWatch::Alarm")
GLOBALS = TEMPLATE["Globals"]["Function"]
EACH_FUNCTION = pytest.mark.parametrize("name", FUNCTIONS)


def folder(name: str) -> str:
    """RoutingBot -> routing_bot."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def properties(name: str) -> dict[str, Any]:
    return {**GLOBALS, **FUNCTIONS[name]["Properties"]}


def statements(name: str) -> list[dict[str, Any]]:
    found = []
    for policy in FUNCTIONS[name]["Properties"]["Policies"]:
        assert isinstance(policy, dict), "no managed policies"
        found += policy["Statement"]
    return found


def variables(name: str) -> set[str]:
    own = FUNCTIONS[name]["Properties"].get("Environment", {}).get("Variables", {})
    return {*GLOBALS["Environment"]["Variables"], *own}


@EACH_FUNCTION
def test_a_function_is_a_folder_with_one_short_file(name: str) -> None:
    place = ROOT / FUNCTIONS[name]["Properties"]["CodeUri"]
    assert place == ROOT / "functions" / folder(name)
    assert [p.name for p in place.iterdir() if p.name != "__pycache__"] == ["app.py"]
    assert len((place / "app.py").read_text().splitlines()) <= 60


@EACH_FUNCTION
def test_a_function_has_its_own_logs_kept_for_a_while(name: str) -> None:
    group = properties(name)["LoggingConfig"]["LogGroup"]["Ref"]
    assert group == f"{name}Logs"
    assert TEMPLATE["Resources"][group]["Properties"]["RetentionInDays"] == {
        "Ref": "LogRetentionDays"
    }


@EACH_FUNCTION
def test_permissions_name_their_resources(name: str) -> None:
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        assert not [a for a in statement["Action"] if "*" in a]
        resources = statement["Resource"]
        for resource in resources if isinstance(resources, list) else [resources]:
            text = resource if isinstance(resource, str) else json.dumps(resource)
            assert text not in ("*", '"*"')
            assert "arn:aws:" not in text, "another partition would break"
        table_actions = [a for a in statement["Action"] if a.startswith("dynamodb:")]
        if table_actions and table_actions != ["dynamodb:Query"]:
            keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            assert all(key == "PROGRAM" or key.endswith("#*") for key in keys)


@EACH_FUNCTION
def test_a_function_ends_before_its_caller_gives_up(name: str) -> None:
    timeout = properties(name)["Timeout"]
    assert timeout <= 300
    for event in FUNCTIONS[name]["Properties"]["Events"].values():
        if event["Type"] == "HttpApi":
            assert timeout < 29, "API Gateway answers for us at 29 s"
        if event["Type"] == "SQS":
            queue = QUEUES[event["Properties"]["Queue"]["Fn::GetAtt"][0]]["Properties"]
            window = event["Properties"].get("MaximumBatchingWindowInSeconds", 0)
            assert queue["VisibilityTimeout"] >= 6 * timeout + window
            assert event["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_sends_are_gathered_bounded_and_never_all_failed_for_one() -> None:
    """One invocation fills calls of a hundred; a bounded number of invocations share the pace."""
    event = FUNCTIONS["ProactiveBatch"]["Properties"]["Events"]["Batches"]["Properties"]
    assert event["Queue"] == {"Fn::GetAtt": ["OutreachQueue", "Arn"]}
    assert (event["BatchSize"], event["MaximumBatchingWindowInSeconds"]) == (100, 5)
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "SendConcurrency"}}
    concurrency = TEMPLATE["Parameters"]["SendConcurrency"]
    assert concurrency["MinValue"] == 2, "AWS takes no less"
    assert 2 <= concurrency["Default"] <= 10
    queue = QUEUES["OutreachQueue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * properties("ProactiveBatch")["Timeout"] + 5
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5
    claim = CLAIM_FOR.total_seconds()
    assert properties("ProactiveBatch")["Timeout"] < claim < queue["VisibilityTimeout"]


def test_the_age_of_what_waits_is_seen() -> None:
    """Back-pressure shows as age: of queue messages, of due work, and nothing is dropped first."""
    watched = {name: (a["Properties"]["MetricName"], a["Properties"]["Statistic"],
                      a["Properties"]["Threshold"]) for name, a in ALARMS.items()}  # fmt: skip
    assert watched["OutreachQueueOld"] == ("ApproximateAgeOfOldestMessage", "Maximum", 900)
    assert watched["DueWorkOld"] == ("OldestDueSeconds", "Maximum", 600)
    assert watched["SendsLate"] == ("OldestSendSeconds", "Maximum", 3600)
    assert watched["NumbersHeld"] == ("NumberHeld", "Sum", 1)
    assert watched["TextsNeverResolved"] == ("UnknownClosed", "Sum", 1)
    assert QUEUES["OutreachQueue"]["Properties"]["MessageRetentionPeriod"] == 4 * 86400


@EACH_FUNCTION
def test_what_arrives_unasked_has_dead_letters(name: str) -> None:
    for event in FUNCTIONS[name]["Properties"]["Events"].values():
        if event["Type"] == "SQS":
            queue = QUEUES[event["Properties"]["Queue"]["Fn::GetAtt"][0]]["Properties"]
            target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
            assert QUEUES[target]["Properties"].get("FifoQueue") == queue.get("FifoQueue")
        if event["Type"] == "ScheduleV2":
            target = event["Properties"]["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
            assert properties(name)["DeadLetterQueue"]["TargetArn"]["Fn::GetAtt"][0] == target
        if event["Type"] in ("SQS", "ScheduleV2"):
            watched = [a["Properties"]["Dimensions"][0]["Value"] for a in ALARMS.values()]
            assert {"Fn::GetAtt": [target, "QueueName"]} in watched
            assert QUEUES[target]["Properties"]["MessageRetentionPeriod"] == 1209600


@EACH_FUNCTION
def test_a_function_that_fails_is_noticed(name: str) -> None:
    alarm = ALARMS[f"{name}Errors"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", "Errors")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]


@EACH_FUNCTION
def test_every_variable_is_a_setting(name: str) -> None:
    settings = {field.name.upper() for field in fields(Settings)}
    assert {v for v in variables(name) if not v.startswith("POWERTOOLS_")} <= settings


def test_every_setting_is_a_variable_of_some_function() -> None:
    given = set().union(*(variables(name) for name in FUNCTIONS))
    assert {field.name.upper() for field in fields(Settings)} <= given


def test_every_event_file_has_a_function_and_every_function_an_event_file() -> None:
    named = {path.name.split(".")[0] for path in (ROOT / "events").glob("*.json")}
    assert named == {folder(name) for name in FUNCTIONS}
    for path in (ROOT / "events").glob("*.json"):
        json.loads(path.read_text())


VENDOR_METRICS = {
    "AWS/Lambda": {"Errors", "Throttles", "Invocations", "Duration"},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage"},
}
DIMENSIONS = {"AWS/Lambda": "FunctionName", "AWS/SQS": "QueueName", NAMESPACE: "service"}


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_can_fire_and_says_what_to_do(name: str) -> None:
    alarm = ALARMS[name]["Properties"]
    known = {**VENDOR_METRICS, NAMESPACE: METRICS}
    assert alarm["MetricName"] in known[alarm["Namespace"]]
    (dimension,) = alarm["Dimensions"]
    assert dimension["Name"] == DIMENSIONS[alarm["Namespace"]]
    if alarm["Namespace"] == NAMESPACE:
        assert dimension["Value"] == "instore"
    else:
        target = json.dumps(dimension["Value"])
        assert any(f'"{resource}"' in target for resource in TEMPLATE["Resources"])
    assert f"## {name}\n" in (ROOT / "docs" / "runbook.md").read_text()


def test_the_runbook_speaks_of_no_alarm_that_is_gone() -> None:
    entries = re.findall(r"^## (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.M)
    assert sorted(entries) == sorted(ALARMS)


def emitted() -> set[str]:
    """First arguments of `count(...)` in the layer and the functions."""
    names = set()
    declared = ROOT / "layers/common/instore/runtime/observability.py"
    for path in [
        *(ROOT / "layers/common/instore").rglob("*.py"),
        *(ROOT / "functions").rglob("*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and node.value in METRICS and path != declared:
                names.add(node.value)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "count":
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant):
                    assert first.value in METRICS, f"{path.name} counts {first.value!r}"
                    names.add(first.value)
    return names


def test_every_metric_is_emitted_somewhere() -> None:
    assert METRICS - {"Arrived"} - emitted() == set()


SCHEDULE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)\Z")


def test_schedules_are_ones_aws_takes() -> None:
    for name, function in FUNCTIONS.items():
        for event in function["Properties"]["Events"].values():
            if event["Type"] == "ScheduleV2":
                text = event["Properties"]["ScheduleExpression"]
                if isinstance(text, dict):
                    text = TEMPLATE["Parameters"][text["Ref"]]["Default"]
                assert SCHEDULE.match(text), f"{name}: {text}"


# Routes without the JWT authorizer are LivePerson's and Twilio's: its token or signature is checked in code.
CHECKED_IN_CODE = {"RoutingBot", "PlatformEvents", "SmsWebhook", "IvrDeflection"}


def test_every_route_is_guarded() -> None:
    seen = set()
    for name, function in FUNCTIONS.items():
        for event in function["Properties"]["Events"].values():
            if event["Type"] != "HttpApi":
                continue
            route = (event["Properties"]["Method"], event["Properties"]["Path"])
            assert route not in seen
            seen.add(route)
            if name in CHECKED_IN_CODE:
                assert "Auth" not in event["Properties"]
            else:
                auth = event["Properties"]["Auth"]
                assert auth["Authorizer"] == "Outreach"
                assert auth["AuthorizationScopes"]
    assert len(seen) == 37


def test_the_table_can_be_restored_and_forgets_on_time() -> None:
    table = TEMPLATE["Resources"]["Table"]
    assert table["DeletionPolicy"] == "Retain"
    assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert table["Properties"]["TimeToLiveSpecification"]["AttributeName"] == "expires_at"
    assert table["Properties"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"


def test_what_lambda_gets_is_pinned_with_hashes_and_no_address() -> None:
    pins = [*(ROOT / "requirements").glob("*.txt"), ROOT / "layers/common/requirements.txt"]
    for path in pins:
        text = path.read_text()
        assert "://" not in text
        names = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==", text, re.M)
        assert len(names) > 0
        assert len(re.findall(r"^\S+==.*\\\n    --hash=sha256:", text, re.M)) == len(names)


def test_the_arrows_are_stated_for_every_subject() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    stated = set(rules["contracts"][0]["source_modules"])
    files = {p.stem for p in (ROOT / "layers/common/instore").glob("*.py")} - {"__init__"}
    assert stated == {f"instore.{name}" for name in files}


CLOCKS = re.compile(r"datetime\.now|time\.time\(|utcnow|date\.today|random\.|uuid4|os\.environ")


def test_subjects_read_no_clock_no_chance_and_no_environment() -> None:
    subjects = (ROOT / "layers/common/instore").glob("*.py")
    assert [p.name for p in subjects if CLOCKS.search(p.read_text())] == []


def test_functions_do_not_know_each_other() -> None:
    names = "|".join(folder(name) for name in FUNCTIONS)
    for path in (ROOT / "functions").glob("*/app.py"):
        assert not re.search(rf"^(from|import) ({names})", path.read_text(), re.M)


@EACH_FUNCTION
def test_only_who_answers_clients_loads_what_clients_ask_for(name: str) -> None:
    """Request models take time to build, and whoever works from a queue or a schedule has none."""
    loads = subprocess.run(
        [sys.executable, "-c", "import sys, app; print(*sys.modules)"],
        env={"PYTHONPATH": f"{ROOT / 'layers/common'}:{ROOT / 'functions' / folder(name)}"},
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    rooms = {m.removeprefix("instore.runtime.") for m in loads if m.startswith("instore.runtime.")}
    asked = any("Auth" in event["Properties"] for event in properties(name)["Events"].values())
    assert "services" in rooms
    assert ("outreach_http" in rooms) is asked
    assert any(room.endswith("_models") for room in rooms) is asked


def test_rooms_stay_small() -> None:
    rooms = [*(ROOT / "layers/common/instore").rglob("*.py"), *(ROOT / "local").rglob("*.py")]
    long = {p.name: n for p in rooms if (n := len(p.read_text().splitlines())) > 320}
    assert long == {}


def test_house_words(capsys: Any) -> None:
    """No unfinished words, no machine's path in what is committed."""
    sources = [p for p in ROOT.rglob("*") if p.suffix in (".py", ".md", ".yaml", ".toml", ".csv")
               and not {".venv", ".tools", ".git", ".aws-sam", "build"} & set(p.relative_to(ROOT).parts)
               and not any(part.startswith(".venv") for part in p.relative_to(ROOT).parts)]  # fmt: skip
    wrong = re.compile("TO" + "DO|FIX" + "ME|/ro" + "ot/|/wo" + r"rk/|\.\./sha" + "red")
    assert [p.name for p in sources if wrong.search(p.read_text(encoding="utf-8"))] == []
    assert Path(ROOT / ".python-version").read_text().strip() == "3.13"
