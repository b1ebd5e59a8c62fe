"""The overlays of k8s/: valid, of one mind with themselves, and with the arithmetic of a drain."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import kubernetes_validate
import pytest
import yaml

from fanwire.core.backoff import BackoffLimits
from tests.support.known_settings import default_of, unknown_among
from tests.support.kustomize import OVERLAYS, Manifest, containers, documents, rendered
from tests.support.promql import asked, served_labels
from tests.support.source_tree import CHECKOUT

KUBERNETES = "1.33"
CUSTOM = {"ServiceMonitor", "ScaledObject"}
ENDING_MS = 2_000
"""deploy/README.md: the last closes and open requests."""

MARGIN_MS = 10_000
OVERLAY = pytest.mark.parametrize("overlay", ["dev", "prod"])


@cache
def manifests(overlay: str) -> list[Manifest]:
    return rendered(OVERLAYS / overlay)


def of_kind(overlay: str, kind: str) -> dict[str, Any]:
    found = [each for each in manifests(overlay) if each["kind"] == kind]
    return {each["metadata"]["name"]: each["spec"] for each in found}


def pods(overlay: str) -> dict[str, Any]:
    return {name: spec["template"] for name, spec in of_kind(overlay, "Deployment").items()}


def environment(overlay: str, server: str) -> dict[str, str]:
    (settings,) = (each for each in manifests(overlay) if each["kind"] == "ConfigMap")
    (container,) = pods(overlay)[server]["spec"]["containers"]
    own = {each["name"]: each.get("value", "from elsewhere") for each in container["env"]}
    return {**settings["data"], **own}


def selectors(overlay: str) -> Iterator[tuple[str, dict[str, str]]]:
    for name, spec in of_kind(overlay, "Service").items():
        yield f"Service {name}", spec["selector"]
    for name, spec in of_kind(overlay, "PodDisruptionBudget").items():
        yield f"PodDisruptionBudget {name}", spec["selector"]["matchLabels"]
    for name, spec in of_kind(overlay, "NetworkPolicy").items():
        yield f"NetworkPolicy {name}", spec["podSelector"].get("matchLabels", {})
    for name, spec in of_kind(overlay, "Deployment").items():
        yield f"Deployment {name}", spec["selector"]["matchLabels"]


def selected(overlay: str, labels: dict[str, str]) -> list[str]:
    return [
        name
        for name, template in pods(overlay).items()
        if labels.items() <= template["metadata"]["labels"].items()
    ]


@pytest.mark.slow
@OVERLAY
def test_every_manifest_has_the_form_that_kubernetes_asks_for(overlay: str) -> None:
    for manifest in manifests(overlay):
        if manifest["kind"] not in CUSTOM:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.slow
def test_a_manifest_with_a_misspelt_field_would_be_found() -> None:
    (service,) = (e for e in manifests("dev") if e["metadata"]["name"] == "gateway-internal")
    wrong = {**service, "spec": {**service["spec"], "clusterIp": "None"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


@pytest.mark.kubectl
@OVERLAY
def test_kubectl_renders_the_same(overlay: str) -> None:
    kubectl = shutil.which("kubectl")
    assert kubectl is not None, "kubectl is not installed"
    ran = subprocess.run(
        [kubectl, "kustomize", OVERLAYS / overlay], capture_output=True, text=True, check=True
    )

    def in_order(each: Manifest) -> tuple[str, str]:
        return each["kind"], each["metadata"]["name"]

    theirs = sorted(yaml.safe_load_all(ran.stdout), key=in_order)
    assert sorted(manifests(overlay), key=in_order) == theirs


@OVERLAY
def test_every_setting_is_one_that_a_server_knows(overlay: str) -> None:
    for server in ("gateway", "fanout"):
        assert unknown_among(list(environment(overlay, server))) == []


@OVERLAY
@pytest.mark.parametrize("server", ["gateway", "fanout"])
def test_the_ports_are_those_that_the_server_is_told(overlay: str, server: str) -> None:
    env = environment(overlay, server)
    (container,) = pods(overlay)[server]["spec"]["containers"]
    told = {int(value) for name, value in env.items() if name.endswith("_PORT")}
    assert {port["containerPort"] for port in container["ports"]} == told
    assert env[f"{server.upper()}_INTERNAL_HOST"] == "0.0.0.0"


@OVERLAY
def test_the_drain_ends_before_its_grace_period_and_outlasts_the_back_off(overlay: str) -> None:
    env, pod = environment(overlay, "gateway"), pods(overlay)["gateway"]["spec"]
    notice_ms, window_ms = (int(env[f"GATEWAY_DRAIN_{n}_MS"]) for n in ("NOTICE", "WINDOW"))
    grace_ms = pod["terminationGracePeriodSeconds"] * 1000
    assert grace_ms >= notice_ms + window_ms + ENDING_MS + MARGIN_MS
    assert window_ms > BackoffLimits().longest_ms
    ready = pod["containers"][0]["readinessProbe"]
    seen_ms = 1000 * (ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"])
    assert seen_ms < notice_ms


def test_when_one_of_the_fewest_gateways_is_lost_the_others_have_room() -> None:
    spec = of_kind("prod", "HorizontalPodAutoscaler")["gateway"]
    each = int(spec["metrics"][0]["pods"]["target"]["averageValue"])
    fewest = spec["minReplicas"]
    most = int(environment("prod", "gateway")["GATEWAY_MAX_CONNECTIONS"])
    assert each * fewest / (fewest - 1) < most
    assert most <= int(str(default_of("GATEWAY_MAX_CONNECTIONS")))


@OVERLAY
def test_the_autoscaler_alone_counts_the_gateways_that_it_scales(overlay: str) -> None:
    scaled = of_kind(overlay, "HorizontalPodAutoscaler").keys()
    counted = {name for name, s in of_kind(overlay, "Deployment").items() if "replicas" in s}
    assert scaled.isdisjoint(counted)
    assert scaled | counted == of_kind(overlay, "Deployment").keys()


@OVERLAY
def test_what_selects_pods_selects_some(overlay: str) -> None:
    for what, labels in selectors(overlay):
        assert selected(overlay, labels), what


@OVERLAY
def test_what_is_meant_for_one_server_selects_it_alone(overlay: str) -> None:
    for what, labels in selectors(overlay):
        if what.split()[1].split("-")[0] in ("gateway", "fanout"):
            assert selected(overlay, labels) == [what.split()[1].split("-")[0]], what


@OVERLAY
def test_every_port_is_named_and_every_name_is_a_port(overlay: str) -> None:
    for name, spec in of_kind(overlay, "Service").items():
        (pod,) = selected(overlay, spec["selector"])
        numbers = {
            port["name"]: port["containerPort"]
            for container in pods(overlay)[pod]["spec"]["containers"]
            for port in container["ports"]
        }
        for port in spec["ports"]:
            assert port["name"] == port["targetPort"], name
            assert numbers[port["targetPort"]] == port["port"], name


@OVERLAY
def test_every_pod_keeps_the_restricted_profile(overlay: str) -> None:
    for template in pods(overlay).values():
        pod = template["spec"]
        assert pod["enableServiceLinks"] is False
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"].keys() == {"memory"}


@OVERLAY
def test_an_image_has_the_tag_that_the_overlay_says(overlay: str) -> None:
    base = [c["image"] for name in ("gateway", "fanout") for c in base_containers(name)]
    assert set(base) == {"fanwire"}
    used = {c["image"] for each in manifests(overlay) for c in containers(each)}
    assert all(":" in image and not image.endswith(":latest") for image in used)


def base_containers(server: str) -> list[Manifest]:
    parts = documents(CHECKOUT / "k8s/base" / f"{server}.yaml")
    return [container for each in parts for container in containers(each)]


@OVERLAY
def test_only_the_ingress_reaches_clients_port_and_only_monitoring_the_internal(
    overlay: str,
) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    assert policies["nothing-by-default"]["podSelector"] == {}
    allowed = {
        (rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"], port)
        for name in ("clients-to-gateways", "monitoring-to-servers")
        for rule in policies[name]["ingress"]
        for port in [each["port"] for each in rule["ports"]]
    }
    assert allowed == {("ingress-nginx", "public"), ("monitoring", "internal")}


@OVERLAY
def test_no_probe_that_restarts_a_server_asks_redis(overlay: str) -> None:
    for server in ("gateway", "fanout"):
        (container,) = pods(overlay)[server]["spec"]["containers"]
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["httpGet"] == {"path": "/livez", "port": "internal"}
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


@OVERLAY
def test_a_secret_that_is_referred_to_is_there_or_named_in_the_readme(overlay: str) -> None:
    referred = {
        each["valueFrom"]["secretKeyRef"]["name"]
        for manifest in manifests(overlay)
        for container in containers(manifest)
        for each in container.get("env", ())
        if "secretKeyRef" in each.get("valueFrom", {})
    }
    there = {e["metadata"]["name"] for e in manifests(overlay) if e["kind"] == "Secret"}
    readme = (CHECKOUT / "k8s/README.md").read_text()
    missing = referred - there
    assert [name for name in missing if f"create secret generic {name}" not in readme] == []
    assert overlay == "dev" or not there, "no secret of production is in the repository"


def test_the_service_monitor_finds_the_internal_services_and_their_port() -> None:
    spec = of_kind("prod", "ServiceMonitor")["fanwire"]
    (wanted,) = spec["selector"]["matchExpressions"]
    (endpoint,) = spec["endpoints"]
    found = [
        each
        for each in manifests("prod")
        if each["kind"] == "Service"
        and each["metadata"]["labels"].get(wanted["key"]) in wanted["values"]
    ]
    assert {each["metadata"]["name"] for each in found} == {"gateway-internal", "fanout-internal"}
    for each in found:
        assert endpoint["port"] in [port["name"] for port in each["spec"]["ports"]]


def test_the_example_by_backlog_scales_the_workers_that_there_are() -> None:
    (scaled,) = documents(CHECKOUT / "k8s/examples/fanout-by-backlog.yaml")
    assert scaled["kind"] == "ScaledObject"
    assert scaled["spec"]["scaleTargetRef"]["name"] in of_kind("prod", "Deployment")
    assert scaled["metadata"]["namespace"] == "fanwire"
    (trigger,) = scaled["spec"]["triggers"]
    assert trigger["metadata"].keys() == {"serverAddress", "query", "threshold"}
    assert scaled["spec"]["minReplicaCount"] < scaled["spec"]["maxReplicaCount"]


def test_what_scales_and_what_is_scraped_names_series_that_are_served() -> None:
    files = [path for path in (CHECKOUT / "k8s").rglob("*") if path.suffix in {".yaml", ".md"}]
    named = {each.series for path in files for each in asked(path.read_text())}
    assert {"realtime_gateway_connections_active", "realtime_fanout_backlog"} <= named
    assert named <= served_labels().keys()
