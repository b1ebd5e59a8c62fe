"""Types of the settings that say where claims stand and what they grant.

Each refuses what it cannot be with a sentence that follows the variable's name.
"""

from typing import Annotated

from pydantic import AfterValidator

from fanwire.auth.claim_mapping import granted_properties, granted_services, scope_services
from fanwire.auth.claim_paths import claim_name_problem
from fanwire.core.ids import id_fault, is_valid_id
from shared.settings.types import CommaSeparated


def _claim_name(name: str) -> str:
    problem = claim_name_problem(name)
    if problem:
        raise ValueError(problem)
    return name


def _org(org: str) -> str:
    if not is_valid_id(org):
        raise ValueError(f"{id_fault(org)}: it must be the id of an org")
    return org


def _services(names: tuple[str, ...]) -> tuple[str, ...]:
    granted_services(names)
    return names


def _properties(names: tuple[str, ...]) -> tuple[str, ...]:
    granted_properties(names)
    return names


def _scopes(entries: tuple[str, ...]) -> tuple[str, ...]:
    scope_services(entries)
    return entries


ClaimName = Annotated[str, AfterValidator(_claim_name)]
OrgId = Annotated[str, AfterValidator(_org)]
ServiceList = Annotated[CommaSeparated, AfterValidator(_services)]
PropertyList = Annotated[CommaSeparated, AfterValidator(_properties)]
ScopeTable = Annotated[CommaSeparated, AfterValidator(_scopes)]
