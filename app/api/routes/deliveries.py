"""Deliveries: the log of a webhook, a test of its endpoint, and sending again."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from app.api.caller import Caller, OwnerRead
from app.api.contracts import (
    CURSOR,
    JSON_ANSWER,
    JSON_BODY,
    ONE_WEBHOOK,
    READ,
    Success,
    documents,
)
from app.api.dependencies import Cursor, Limit, Services
from app.api.http.accept import JSON
from app.api.http.route import StrictRoute
from app.api.routes.webhooks import WebhookId
from app.api.schemas.webhooks import DeliveryPage, OutcomeName, QueuedOut, ReplayedOut, ReplayIn
from app.domain.webhooks.deliveries import Outcome

DeliveryId = Annotated[str, Path(description="The delivery's `id`.")]
TO_THE_LOG = {"listDeliveries": {"webhook_id": "$request.path.webhook_id"}}

router = APIRouter(prefix="/v1/webhooks/{webhook_id}", tags=["deliveries"], route_class=StrictRoute)


@router.get("/deliveries", operation_id="listDeliveries")
@documents(
    answers={200: Success("A page of the log", examples=("deliveries.page",))},
    refuses=(*ONE_WEBHOOK, *READ, *CURSOR),
)
def list_deliveries(
    webhook_id: WebhookId,
    owner: OwnerRead,
    services: Services,
    status: Annotated[OutcomeName | None, Query(description="Only deliveries of this status.")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> DeliveryPage:
    """List the deliveries of a webhook, newest first. The log goes back 30 days."""
    outcome = status and Outcome(status)
    log = services.deliveries.page(owner, webhook_id, outcome=outcome, cursor=cursor, limit=limit)
    return DeliveryPage.of(log)


@router.post("/test", status_code=202, operation_id="testWebhook")
@documents(
    answers={202: Success("Queued", examples=("queued.delivery",))},
    refuses=(*ONE_WEBHOOK, *JSON_ANSWER, "webhook_disabled"),
    leads_to=TO_THE_LOG,
)
def send_test(webhook_id: WebhookId, caller: Caller, services: Services) -> QueuedOut:
    """Send an event of type `webhook.test`, once. The log shows what the endpoint says."""
    return QueuedOut.of(services.deliveries.test(caller.owner, webhook_id))


@router.post("/deliveries/{delivery_id}/replay", status_code=202, operation_id="replayDelivery")
@documents(
    answers={202: Success("Queued", examples=("queued.delivery",))},
    refuses=(*ONE_WEBHOOK, *JSON_ANSWER, "webhook_disabled", "event_gone", "concurrent_change"),
    leads_to=TO_THE_LOG,
)
def replay_delivery(
    webhook_id: WebhookId, delivery_id: DeliveryId, caller: Caller, services: Services
) -> QueuedOut:
    """Send a delivery again now, signed with the secrets of now.

    Its failures do not count against the endpoint.
    """
    return QueuedOut.of(services.deliveries.replay(caller.owner, webhook_id, delivery_id))


@router.post(
    "/replay",
    status_code=202,
    operation_id="replayDeliveries",
    responses={200: {"model": ReplayedOut}},
)
@documents(
    requests={JSON: ("replay.failed", "replay.counted")},
    answers={
        200: Success("What would be sent, with `dry_run`", examples=("replayed.more",)),
        202: Success("Queued", examples=("replayed.all",)),
    },
    refuses=(*ONE_WEBHOOK, *JSON_BODY, "webhook_disabled"),
)
def replay_deliveries(
    webhook_id: WebhookId, body: ReplayIn, caller: Caller, services: Services, response: Response
) -> ReplayedOut:
    """Send again what the log holds between two event times, at most 1,000 deliveries a call.

    Go on with `next_after`. Events whose objects were deleted are passed over.
    """
    if body.dry_run:
        response.status_code = 200
    replayed = services.deliveries.replay_all(
        caller.owner, webhook_id, body.to_domain(), dry_run=body.dry_run
    )
    return ReplayedOut.of(replayed)
