"""Orders at Kraken by REST: fill-or-kill orders, and cancels while the private link is down.

Source: the API guide of Kraken, "AddOrder", "CancelOrder". These do not count in the limit of reads.
"""

from __future__ import annotations

from floorwire.core.remote_order_messages import CancelAnswer, CancelOrder, PlaceAnswer, PlaceOrder
from floorwire.venues.common.order_exchange import Answered, RestSteps
from floorwire.venues.common.order_outcomes import OrderOutcome
from floorwire.venues.common.request_sequences import HttpRequest
from floorwire.venues.kraken import order_messages as messages
from floorwire.venues.kraken import order_requests
from floorwire.venues.kraken.order_codes import outcome

ADD_ORDER = "/0/private/AddOrder"
CANCEL_ORDER = "/0/private/CancelOrder"


def place(command: PlaceOrder, number: int, form: str) -> RestSteps[OrderOutcome]:
    """Place an order, once. Raises ValueError where the answer says nothing."""
    answer = yield HttpRequest(ADD_ORDER, form, weight=0)
    try:
        placed = messages.result(answer, messages.Placed)
    except messages.RefusedReadError as refused:
        return (Answered(number, outcome(command, refused.error)),)
    (txid,) = placed.txid
    return (Answered(number, PlaceAnswer(command.client_id, "accepted", txid)),)


def cancel(command: CancelOrder, number: int) -> RestSteps[OrderOutcome]:
    """Cancel an order. Raises ValueError where the answer says nothing."""
    answer = yield HttpRequest(CANCEL_ORDER, order_requests.cancel_by_rest(command), weight=0)
    try:
        cancelled = messages.result(answer, messages.Cancelled)
    except messages.RefusedReadError as refused:
        return (Answered(number, outcome(command, refused.error)),)
    return (Answered(number, CancelAnswer(command.client_id, "taken" if cancelled.count else "unknown")),)
