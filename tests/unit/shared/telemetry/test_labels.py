"""However many services there are, the series are as many as the deployment named."""

from shared.telemetry.labels import OTHER, ServiceLabels

KNOWN = ServiceLabels(["tasks", "users"])


def test_a_service_that_was_not_named_shares_a_label() -> None:
    assert [KNOWN.of(service) for service in ("tasks", "chat")] == ["tasks", OTHER]


def test_ten_thousand_services_make_three_series() -> None:
    services = ["tasks", "users", *(f"s{number}" for number in range(10_000))]
    assert KNOWN.sums((service, 2) for service in services) == {
        ("tasks",): 2,
        ("users",): 2,
        (OTHER,): 20_000,
    }


def test_of_values_that_cannot_be_added_the_highest_is_told() -> None:
    values = [("tasks", 30.0), ("chat", 150.0), ("mail", 40.0)]
    assert KNOWN.peaks(values) == {("tasks",): 30.0, (OTHER,): 150.0}
