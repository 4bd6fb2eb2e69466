"""The service whole, on AWS in this process: what its functions are made of, with a clock of ours."""

from typing import cast

from app.domain.usage import Limits
from app.messaging.work_queue import WorkQueue
from app.sandbox.client import Sandbox
from app.services.editing import Editing
from app.services.objects import Objects
from app.services.processing import Processing
from app.services.purging import Purging
from app.services.quotas import Quotas
from app.services.sweeping import Sweeping
from app.services.uploads import Uploads
from app.storage.history import HistoryRepository
from app.storage.objects import ObjectRepository
from app.storage.payloads import PayloadStore
from app.storage.usage import UsageRepository
from app.worker.dispatch import Dispatcher
from tests.conftest import Aws, Clock


def unlimited(aws: Aws) -> Quotas:
    return Quotas(UsageRepository(aws.dynamodb, aws.table), Limits())


class WholeService:
    """`sandbox` runs processors; None where no payload gets so far."""

    def __init__(self, aws: Aws, clock: Clock, sandbox: object | None = None) -> None:
        self.aws = aws
        self.repository = ObjectRepository(aws.dynamodb, aws.table, shards=1)
        self.payloads = PayloadStore(aws.s3, aws.bucket, presigner=aws.s3)
        self.history = HistoryRepository(aws.dynamodb, aws.table)
        self.queue = WorkQueue(aws.sqs, aws.queue_url, aws.dead_letter_queue_url)
        uploads, quotas = Uploads(self.payloads, seconds=900), unlimited(aws)
        self.objects = Objects(
            self.repository,
            self.payloads,
            self.history,
            uploads,
            quotas,
            shards=1,
            download_seconds=300,
            clock=clock,
        )
        self.editing = Editing(self.repository, self.payloads, uploads, quotas, clock=clock)
        self.purging = Purging(self.repository, self.payloads, self.history, clock=clock)
        processing = Processing(
            self.repository,
            self.payloads,
            self.queue,
            cast(Sandbox, sandbox),
            lease_seconds=300,
            max_attempts=3,
            memory_limit=512 * 1024 * 1024,
            clock=clock,
        )
        sweeping = Sweeping(
            self.repository, self.payloads, self.queue, self.purging, max_attempts=3, clock=clock
        )
        self.dispatcher = Dispatcher(processing, self.purging, sweeping)
