"""How JSON spells what Python calls `lane_bytes`."""


def camel_case(name: str) -> str:
    """Return the name of a field as JSON has it."""
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
