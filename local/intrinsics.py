"""CloudFormation's functions (Ref, GetAtt, Sub, If, ...) worked out on a translated template."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

ACCOUNT, REGION, PARTITION = "123456789012", "us-east-1", "aws"
_PLACE = re.compile(r"\$\{(!?)([^}]+)\}")


class _Nothing:
    """What `AWS::NoValue` comes to: the property that holds it is left out."""


NOTHING = _Nothing()


def names_in(node: Any) -> set[str]:
    """Every name that a part of a template refers to: `Table`, `Table.Arn`, `Stage`, ..."""
    found: set[str] = set()
    if isinstance(node, list):
        for part in node:
            found |= names_in(part)
    elif isinstance(node, dict):
        if set(node) == {"Ref"}:
            return {str(node["Ref"])}
        if set(node) == {"Fn::GetAtt"}:
            return {attribute_name(node["Fn::GetAtt"])}
        if set(node) == {"Fn::Sub"}:
            text, local = _sub_parts(node["Fn::Sub"])
            written = {name for bang, name in _PLACE.findall(text) if not bang} - set(local)
            return written | names_in(list(local.values()))
        for part in node.values():
            found |= names_in(part)
    return found


def attribute_name(target: Any) -> str:
    """`Fn::GetAtt`'s argument, in either form, as `Resource.Attribute`."""
    return target if isinstance(target, str) else ".".join(str(part) for part in target)


def _sub_parts(argument: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(argument, str):
        return argument, {}
    text, local = argument
    return str(text), dict(local)


class Resolver:
    """Works out values. `known` holds what Ref and GetAtt give: `Table`, `Table.Arn`, ...

    A name that is not known raises LookupError: nothing is guessed.
    """

    def __init__(
        self, template: Mapping[str, Any], *, parameters: Mapping[str, str],
        known: Mapping[str, str], stack: str,
    ) -> None:  # fmt: skip
        declared = template.get("Parameters", {})
        unknown = set(parameters) - set(declared)
        if unknown:
            raise LookupError(f"the template has no parameter {', '.join(sorted(unknown))}")
        missing = [name for name, one in declared.items()
                   if "Default" not in one and name not in parameters]  # fmt: skip
        if missing:
            raise LookupError(f"parameters without a value: {', '.join(missing)}")
        self.parameters = {name: str(parameters.get(name, one.get("Default")))
                           for name, one in declared.items()}  # fmt: skip
        self._conditions = template.get("Conditions", {})
        self._mappings = template.get("Mappings", {})
        self.known = {
            "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::Partition": PARTITION,
            "AWS::URLSuffix": "amazonaws.com", "AWS::StackName": stack,
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/{stack}/local",
            **self.parameters, **known,
        }  # fmt: skip

    def holds(self, condition: str) -> bool:
        """Whether a named condition of the template is true."""
        return bool(self.value(self._conditions[condition]))

    def value(self, node: Any) -> Any:
        """The node with every function in it worked out."""
        if isinstance(node, list):
            values = [self.value(part) for part in node]
            return [value for value in values if value is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            function = self._functions().get(name)
            if function is not None:
                return function(argument)
            if name.startswith("Fn::"):
                raise LookupError(f"{name} is not supported here")
        pairs = {name: self.value(part) for name, part in node.items()}
        return {name: value for name, value in pairs.items() if value is not NOTHING}

    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        return {
            "Ref": self._ref,
            "Fn::GetAtt": lambda target: self._look_up(attribute_name(target)),
            "Fn::Sub": self._sub,
            "Fn::Join": lambda a: str(a[0]).join(str(part) for part in self.value(a[1])),
            "Fn::If": lambda a: self.value(a[1] if self.holds(a[0]) else a[2]),
            "Fn::Equals": lambda a: str(self.value(a[0])) == str(self.value(a[1])),
            "Fn::Not": lambda a: not self.value(a[0]),
            "Fn::And": lambda a: all(self.value(part) for part in a),
            "Fn::Or": lambda a: any(self.value(part) for part in a),
            "Condition": lambda a: self.holds(a) if isinstance(a, str) else {
                "Condition": self.value(a)},
            "Fn::Select": lambda a: self.value(a[1])[int(self.value(a[0]))],
            "Fn::Split": lambda a: str(self.value(a[1])).split(str(a[0])),
            "Fn::FindInMap": self._find,
        }  # fmt: skip

    def _ref(self, name: str) -> Any:
        return NOTHING if name == "AWS::NoValue" else self._look_up(name)

    def _look_up(self, name: str) -> str:
        try:
            return self.known[name]
        except KeyError:
            raise LookupError(f"nothing is known of {name}") from None

    def _find(self, argument: list[Any]) -> Any:
        table, first, second = (self.value(part) for part in argument)
        return self._mappings[table][first][second]

    def _sub(self, argument: Any) -> str:
        text, local = _sub_parts(argument)

        def fill(place: re.Match[str]) -> str:
            bang, name = place.groups()
            if bang:
                return "${" + name + "}"
            return str(self.value(local[name]) if name in local else self._look_up(name))

        return _PLACE.sub(fill, text)


def put_in(node: Any, known: Mapping[str, str]) -> Any:
    """The node with the given names replaced by their values, all else left as it is written."""
    if isinstance(node, list):
        return [put_in(part, known) for part in node]
    if not isinstance(node, dict):
        return node
    if set(node) == {"Ref"} and node["Ref"] in known:
        return known[node["Ref"]]
    if set(node) == {"Fn::GetAtt"} and attribute_name(node["Fn::GetAtt"]) in known:
        return known[attribute_name(node["Fn::GetAtt"])]
    if set(node) == {"Fn::Sub"}:
        text, local = _sub_parts(node["Fn::Sub"])
        filled = _PLACE.sub(
            lambda place: (
                known.get(place.group(2), place.group(0))
                if not place.group(1) and place.group(2) not in local
                else place.group(0)
            ),
            text,
        )
        return {"Fn::Sub": [filled, put_in(local, known)] if local else filled}
    return {name: put_in(part, known) for name, part in node.items()}
