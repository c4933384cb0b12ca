"""The open loop: walks a schedule and starts each request when it is due, answered or not."""

from gevent.pool import Group

from harness.load.arrivals import schedule, share
from harness.load.order import route_of
from harness.load.sender import Ticket
from harness.load.worker import Worker
from harness.transports.gevent import GeventTransport


def drive(
    worker: Worker, transport: GeventTransport, *, scenario: str, routes: tuple[str, ...]
) -> None:
    """Send this worker's share of the schedule; returns when it has ended and all is answered.

    A request that is due while the bound of requests under way is reached is recorded as dropped.
    """
    plan = worker.plan
    if plan.rate is None:
        raise ValueError("an open loop needs a rate")
    due = schedule(
        plan.arrivals,
        rate=plan.rate,
        seconds=plan.total_s,
        seed=plan.seed,
        shape=plan.gamma_shape,
    )
    bound = max(plan.bound // plan.workers, 1)
    under_way = Group()
    try:
        for index, at_ns in share(due, worker=worker.index, workers=plan.workers):
            due_ns = worker.started_ns + at_ns
            if not worker.wait_until(due_ns):
                break
            route = route_of(routes, index=index, seed=plan.seed)
            ticket = Ticket(index, route, scenario, worker.phase(due_ns), due_ns)
            if len(under_way) >= bound:
                worker.drop(transport, ticket)
            else:
                under_way.spawn(_send, worker, transport, ticket)
        worker.stop(plan.drain_s)
        under_way.join()
    finally:
        under_way.kill()


def _send(worker: Worker, transport: GeventTransport, ticket: Ticket) -> None:
    try:
        worker.perform(transport, ticket)
    except Exception as error:  # noqa: BLE001 - a Locust task: our own error ends the run, recorded
        worker.fail(error)
