"""Sums of what browsers report."""

from gateway.telemetry.client_health import LATENCY_BOUNDS_MS, OTHER, ClientHealth, ServiceDelivery


def a_delivery(p95_latency_ms: float | None = None, *, delivered_count: int = 1) -> ServiceDelivery:
    return ServiceDelivery(
        delivered_count=delivered_count,
        suppressed_count=2,
        reconnect_count=3,
        gap_count=4,
        p95_latency_ms=p95_latency_ms,
    )


def test_reports_of_a_service_are_summed() -> None:
    health = ClientHealth()
    health.record({"tasks": a_delivery(12.5)})
    health.record({"tasks": a_delivery(7.5), "users": a_delivery()})
    tasks = health.services["tasks"]
    assert (tasks.delivered_count, tasks.suppressed_count) == (2, 4)
    assert (tasks.reconnect_count, tasks.gap_count) == (6, 8)
    assert tasks.latency_sum_ms == 20
    assert health.report_count == 2


def test_a_latency_falls_into_the_bucket_whose_bound_it_does_not_exceed() -> None:
    health = ClientHealth()
    for latency_ms in (0, 10, 10.1, 99_999):
        health.record({"tasks": a_delivery(latency_ms)})
    counts = health.services["tasks"].latency_counts
    assert counts == [2, 1, *[0] * (len(LATENCY_BOUNDS_MS) - 2), 1]


def test_a_client_that_measured_nothing_says_nothing_of_latency() -> None:
    health = ClientHealth()
    health.record({"tasks": a_delivery(None)})
    assert sum(health.services["tasks"].latency_counts) == 0


def test_beyond_the_bound_all_services_share_one_row() -> None:
    health = ClientHealth(max_services=2)
    for service in ("a", "b", "c", "d", "a"):
        health.record({service: a_delivery()})
    counts = {service: row.delivered_count for service, row in health.services.items()}
    assert counts == {"a": 2, "b": 1, OTHER: 2}
