"""A small template with small handlers, to try the local stack itself."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from local.stack import LocalStack

HEAD = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Issuer: {Type: String, Default: "https://issuer.example.com"}
Globals:
  Function:
    Runtime: python3.13
    Handler: app.handler
    Timeout: 60
    Environment: {Variables: {TABLE_NAME: !Ref Notes}}
Resources:
  Notes:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
  Jobs:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 360
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 2}
  Dead: {Type: AWS::SQS::Queue}
  Ordered:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: true, VisibilityTimeout: 360}
  Files: {Type: AWS::S3::Bucket}
"""
WORKER = """
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Events:
        Jobs: {Type: SQS, Properties: {Queue: !GetAtt Jobs.Arn, BatchSize: 20,
               MaximumBatchingWindowInSeconds: 5,
               FunctionResponseTypes: [ReportBatchItemFailures]}}
"""
ORDERED = """
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Events:
        Ordered: {Type: SQS, Properties: {Queue: !GetAtt Ordered.Arn, BatchSize: 10,
                  FunctionResponseTypes: [ReportBatchItemFailures]}}
"""
NIGHTLY = """
  Nightly:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      AutoPublishAlias: live
      SnapStart: {ApplyOn: PublishedVersions}
      DeadLetterQueue: {Type: SQS, TargetArn: !GetAtt Dead.Arn}
      Events:
        Turn: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(5 minutes)}}
"""
STREAM = """
  Reader:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Events:
        Changes: {Type: DynamoDB, Properties: {Stream: !GetAtt Notes.StreamArn, BatchSize: 10,
                  StartingPosition: TRIM_HORIZON, MaximumRetryAttempts: 1,
                  FunctionResponseTypes: [ReportBatchItemFailures],
                  DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Dead.Arn}}}}
"""
WEB = """
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: $default
      Auth:
        Authorizers:
          People:
            IdentitySource: $request.header.Authorization
            JwtConfiguration: {issuer: !Ref Issuer, audience: [shop]}
  Web:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Policies:
        - Statement:
            - Sid: Read
              Effect: Allow
              Action: [dynamodb:GetItem]
              Resource: !GetAtt Notes.Arn
              Condition: {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["NOTE#*"]}}
            - {Sid: File, Effect: Allow, Action: [s3:GetObject], Resource: !Sub "${Files.Arn}/a/*"}
      Events:
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: "/open/{name}"}}
        Fixed: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: POST, Path: /open/fixed}}
        Rest: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: ANY, Path: "/rest/{all+}"}}
        Closed: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: GET, Path: /closed,
                 Auth: {Authorizer: People, AuthorizationScopes: [notes/read]}}}
Outputs:
  Url: {Value: !Sub "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
"""

Build = Callable[..., LocalStack]


@contextmanager
def builder(folder: Path, clock: Any) -> Iterator[Build]:
    """build(template parts, code of the handler) -> an open stack, closed at the end."""
    with ExitStack() as opened:

        def make(parts: str, code: str, **options: Any) -> LocalStack:
            (folder / "worker").mkdir(exist_ok=True)
            source = "import json\nfrom instore.runtime.services import services\n"
            (folder / "worker" / "app.py").write_text(source + textwrap.dedent(code))
            (folder / "template.yaml").write_text(HEAD + parts)
            stack = LocalStack(clock, template=folder / "template.yaml", **options)
            return opened.enter_context(stack)

        yield make


def send(stack: LocalStack, queue: str, *bodies: str, **more: Any) -> None:
    for body in bodies:
        stack.client("sqs").send_message(
            QueueUrl=stack.rendered.reference(queue), MessageBody=body, **more
        )


ECHO = "def handler(event, context):\n    return event\n"
