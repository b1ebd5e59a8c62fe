"""Renders the overlays of k8s/: exactly the features of Kustomize that they use, and no other.

So that the tests need no binary that neither Debian nor PyPI has in a current version. What it
makes of the overlays is compared with `kubectl kustomize` by `pytest -m kubectl`.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import yaml

from tests.support.source_tree import CHECKOUT

OVERLAYS: Final = CHECKOUT / "k8s" / "overlays"
UNDERSTOOD: Final = {
    "apiVersion", "kind", "namespace", "resources", "labels", "replicas", "images", "patches",
}  # fmt: skip

Manifest = dict[str, Any]


def rendered(folder: Path) -> list[Manifest]:
    """Return the manifests of a kustomization."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(kustomization) <= UNDERSTOOD, set(kustomization) - UNDERSTOOD
    manifests = [each for name in kustomization["resources"] for each in _resource(folder / name)]
    for patch in kustomization.get("patches", ()):
        (change,) = documents(folder / patch["path"])
        _merge(_found(manifests, change["kind"], change["metadata"]["name"]), change)
    for labels in kustomization.get("labels", ()):
        assert labels.keys() == {"pairs", "includeTemplates"}
        _label(manifests, labels["pairs"])
    for count in kustomization.get("replicas", ()):
        _found(manifests, "Deployment", count["name"])["spec"]["replicas"] = count["count"]
    for image in kustomization.get("images", ()):
        _set_image(manifests, image)
    if "namespace" in kustomization:
        _set_namespace(manifests, kustomization["namespace"])
    return manifests


def documents(path: Path) -> list[Manifest]:
    """Return the documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text()))


def containers(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the containers of a workload; none for what is no workload."""
    template = manifest.get("spec", {}).get("template", {})
    yield from template.get("spec", {}).get("containers", ())


def _resource(path: Path) -> list[Manifest]:
    return rendered(path.resolve()) if path.is_dir() else documents(path)


def _found(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (e for e in manifests if (e["kind"], e["metadata"]["name"]) == (kind, name))
    return found


def _merge(target: Manifest, change: Manifest) -> None:
    """Merge strategically: mappings by key, lists whose items have names by name."""
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        elif isinstance(value, list) and all("name" in item for item in value):
            target[key] = _merged_by_name(target.get(key, []), value)
        else:
            target[key] = deepcopy(value)


def _merged_by_name(old: list[Manifest], new: list[Manifest]) -> list[Manifest]:
    known = {item["name"]: item for item in old}
    for item in new:
        if item["name"] in known:
            _merge(known[item["name"]], item)
    # Kustomize puts what is new in front.
    return [deepcopy(item) for item in new if item["name"] not in known] + old


def _label(manifests: list[Manifest], pairs: dict[str, str]) -> None:
    for each in manifests:
        templates = [each["spec"]["template"]] if "template" in each.get("spec", {}) else []
        for labelled in (each, *templates):
            labelled["metadata"].setdefault("labels", {}).update(pairs)


def _set_image(manifests: list[Manifest], image: dict[str, str]) -> None:
    for each in manifests:
        for container in containers(each):
            if container["image"].split(":")[0] == image["name"]:
                name = image.get("newName", image["name"])
                container["image"] = f"{name}:{image['newTag']}"


def _set_namespace(manifests: list[Manifest], namespace: str) -> None:
    for each in manifests:
        if each["kind"] != "Namespace":
            each["metadata"]["namespace"] = namespace
