"""Secrets, queues, files and settings: what they promise when all is well and when it is not."""

from __future__ import annotations

import json
import os
from typing import Any

import boto3
import pytest

from instore.adapters.files import Files
from instore.adapters.queues import Queues
from instore.adapters.secrets import Secrets
from instore.errors import UnavailableError
from instore.runtime import services as services_module
from instore.runtime.services import Services, services, using
from instore.runtime.settings import Settings, read_settings

pytestmark = pytest.mark.skipif(
    bool(os.environ.get("DYNAMODB_ENDPOINT")), reason="only DynamoDB is real then"
)


@pytest.fixture
def vault(_aws: None) -> Any:
    return boto3.client("secretsmanager")


def test_secrets_are_kept_five_minutes_and_forgotten_on_demand(vault: Any, clock: Any) -> None:
    vault.create_secret(Name="instore/lp/1", SecretString=json.dumps({"client_id": "a"}))
    secrets = Secrets(vault, prefix="instore/", now=clock.now)
    assert secrets.account("instore/lp/1") == {"client_id": "a"}
    vault.put_secret_value(SecretId="instore/lp/1", SecretString=json.dumps({"client_id": "b"}))
    clock.advance(299)
    assert secrets.account("instore/lp/1") == {"client_id": "a"}
    secrets.forget("instore/lp/1")
    assert secrets.account("instore/lp/1") == {"client_id": "b"}
    vault.put_secret_value(SecretId="instore/lp/1", SecretString='["not an object"]')
    clock.advance(301)
    assert secrets.account("instore/lp/1") == {}
    vault.delete_secret(SecretId="instore/lp/1", ForceDeleteWithoutRecovery=True)


def test_a_secret_that_cannot_be_had_is_unavailable(vault: Any, clock: Any) -> None:
    secrets = Secrets(vault, prefix="instore/", now=clock.now)
    vault.create_secret(Name="instore/text", SecretString="not json")
    for name in ("instore/absent", "elsewhere/lp/1", "instore/text"):
        with pytest.raises(UnavailableError) as caught:
            secrets.account(name)
        assert caught.value.public_code == "secret_unavailable"
    vault.delete_secret(SecretId="instore/text", ForceDeleteWithoutRecovery=True)


@pytest.fixture
def queues(_aws: None) -> Any:
    sqs = boto3.client("sqs")
    outreach = sqs.create_queue(QueueName="outreach")["QueueUrl"]
    fifo = sqs.create_queue(QueueName="assign.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    yield sqs, Queues(sqs, outreach=outreach, assignment=fifo), outreach, fifo
    sqs.delete_queue(QueueUrl=outreach)
    sqs.delete_queue(QueueUrl=fifo)


def received(sqs: Any, url: str) -> list[Any]:
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    return list(answer.get("Messages", []))


def test_a_batch_is_queued_by_id_only(queues: Any) -> None:
    sqs, ours, outreach, _ = queues
    ours.batch_ready("B1")
    assert [m["Body"] for m in received(sqs, outreach)] == ['{"batch": "B1"}']


def test_changes_keep_their_order_per_conversation_and_duplicates_vanish(queues: Any) -> None:
    sqs, ours, _, fifo = queues
    change = {"account": "1", "conversation": "c", "ts": 5}
    ours.conversation_changes([change, change, *({**change, "ts": n} for n in range(11))])
    messages = received(sqs, fifo)
    assert {m["Attributes"]["MessageGroupId"] for m in messages} == {"1.c"}
    assert [json.loads(m["Body"])["ts"] for m in messages][:3] == [5, 0, 1]


def test_what_was_received_is_shown_again_when_it_is_asked_for(queues: Any) -> None:
    sqs, ours, _, fifo = queues
    ours.conversation_changes([{"account": "1", "conversation": f"c{n}"} for n in range(12)])
    found = [*received(sqs, fifo), *received(sqs, fifo)]  # ten at once
    assert (len(found), received(sqs, fifo)) == (12, [])
    again = Queues(sqs, outreach="", assignment="", sms=fifo)
    again.sms_again([one["ReceiptHandle"] for one in found[1:]], after_s=300)
    again.sms_again([found[0]["ReceiptHandle"]], after_s=0)
    assert [one["MessageId"] for one in received(sqs, fifo)] == [found[0]["MessageId"]]
    again.sms_again([one["ReceiptHandle"] for one in found], after_s=0)
    assert len([*received(sqs, fifo), *received(sqs, fifo)]) == 12
    again.sms_again([], after_s=0)
    again.sms_again([found[0]["ReceiptHandle"]], after_s=0)
    (late,) = received(sqs, fifo)
    ours.changes_again([late["ReceiptHandle"]], after_s=0)
    assert [one["MessageId"] for one in received(sqs, fifo)] == [late["MessageId"]]


def test_a_queue_that_is_away_is_unavailable(queues: Any) -> None:
    sqs, _, _, fifo = queues
    nowhere = fifo.replace("assign", "nowhere")
    away = Queues(sqs, outreach=nowhere, assignment=nowhere)
    with pytest.raises(UnavailableError):
        away.batch_ready("B1")
    with pytest.raises(UnavailableError):
        away.conversation_changes([{"account": "1", "conversation": "c"}])


def test_a_queue_that_refuses_one_change_loses_none() -> None:
    class Refusing:
        def send_message_batch(self, **_: Any) -> Any:
            return {"Successful": [], "Failed": [{"Id": "0"}]}

    ours = Queues(Refusing(), outreach="", assignment="x")  # type: ignore[arg-type]  # a fake
    with pytest.raises(UnavailableError):
        ours.conversation_changes([{"account": "1", "conversation": "c"}])


@pytest.mark.usefixtures("_aws")
def test_files_are_there_or_not_or_away() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="roster-test")
    s3.put_object(Bucket="roster-test", Key="roster/1/stores.csv", Body=b"group,name\n")
    files = Files(s3, bucket="roster-test")
    assert files.tag("roster/1/stores.csv") is not None
    assert files.read("roster/1/stores.csv") == b"group,name\n"
    assert files.tag("roster/1/absent.csv") is None
    with pytest.raises(UnavailableError):
        files.read("roster/1/absent.csv")


class Away:
    def __getattr__(self, _: str) -> Any:
        from botocore.exceptions import EndpointConnectionError

        def call(**__: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="x")

        return call


def test_a_bucket_that_is_away_is_unavailable() -> None:
    files = Files(Away(), bucket="b")  # type: ignore[arg-type]  # a fake
    with pytest.raises(UnavailableError):
        files.tag("k")
    with pytest.raises(UnavailableError):
        files.read("k")


def test_a_bucket_that_refuses_is_not_an_absent_file() -> None:
    class Forbidding:
        def head_object(self, **_: Any) -> Any:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "403"}}, "HeadObject")

    with pytest.raises(UnavailableError):
        Files(Forbidding(), bucket="b").tag("k")  # type: ignore[arg-type]  # a fake


def test_settings_are_the_known_variables_only() -> None:
    assert read_settings({"TABLE_NAME": "t", "HOME": "/x", "LIVEPERSON_GATEWAY": ""}) == Settings(
        table_name="t")  # fmt: skip


def test_nothing_is_built_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services_module, "_process", None)
    monkeypatch.setenv("TABLE_NAME", "of-the-environment")
    ours = services()
    assert ours is services()
    assert ours.settings.table_name == "of-the-environment"
    assert set(vars(ours)) == {"settings", "now", "sleep"}
    assert ours.now().tzinfo is not None
    other = Services(Settings(table_name="put-in-place"))
    with using(other) as inside:
        assert services() is inside is other
    assert services() is ours


def test_every_adapter_can_be_built(vault: Any) -> None:
    vault.create_secret(Name="instore/key", SecretString="k" * 64)
    ours = Services(
        Settings(table_name="t", customer_key_secret="instore/key", secret_prefix="instore/")
    )
    names = [n for n in dir(Services) if not n.startswith("_")]
    for name in names:
        assert getattr(ours, name) is getattr(ours, name)
    vault.delete_secret(SecretId="instore/key", ForceDeleteWithoutRecovery=True)
