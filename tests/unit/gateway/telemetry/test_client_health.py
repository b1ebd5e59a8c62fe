"""Sums of what browsers report."""

from gateway.telemetry.client_health import OTHER, ClientHealth, ServiceDelivery


def a_delivery() -> ServiceDelivery:
    return ServiceDelivery(
        delivered_count=1,
        suppressed_count=2,
        reconnect_count=3,
        gap_count=4,
        p95_latency_ms=12.5,
    )


def test_reports_of_a_service_are_summed() -> None:
    health = ClientHealth()
    health.record({"tasks": a_delivery()})
    health.record({"tasks": a_delivery(), "users": a_delivery()})
    tasks = health.services["tasks"]
    assert (tasks.delivered_count, tasks.suppressed_count) == (2, 4)
    assert (tasks.reconnect_count, tasks.gap_count) == (6, 8)
    assert health.report_count == 2


def test_beyond_the_bound_all_services_share_one_row() -> None:
    health = ClientHealth(max_services=2)
    for service in ("a", "b", "c", "d", "a"):
        health.record({service: a_delivery()})
    counts = {service: row.delivered_count for service, row in health.services.items()}
    assert counts == {"a": 2, "b": 1, OTHER: 2}
