"""Compare `proto/` with a checkout of mezonai/mezon-protocol: `python tools/upstream.py CHECKOUT`.

Run by `make proto-upstream` and by the nightly workflow, in the environment of the protobuf compiler. Lists every
message, field, oneof and enum value that only one side has or that differs in number, type or label. Ends with code 1
if there is a difference: then `proto/` needs an update (CONTRIBUTING.md, "A message of the schema").
"""

from __future__ import annotations

import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def compiled(root: Path) -> FileDescriptorSet:
    """Return the descriptors of every schema below a directory."""
    schemas = sorted(path for path in root.rglob("*.proto"))
    if not schemas:
        sys.exit(f"there is no .proto file below {root}")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "set"
        arguments = [
            "protoc",
            f"-I{root}",
            f"-I{files('grpc_tools') / '_proto'}",
            f"--descriptor_set_out={out}",
        ]
        if protoc.main([*arguments, *map(str, schemas)]) != 0:
            sys.exit(f"protoc could not compile the schemas below {root}")
        return FileDescriptorSet.FromString(out.read_bytes())


def facts(descriptors: FileDescriptorSet) -> dict[str, str]:
    """Return what the wire format depends on, by full name."""
    found: dict[str, str] = {}

    def add_enum(prefix: str, enum: EnumDescriptorProto) -> None:
        for value in enum.value:
            found[f"{prefix}.{enum.name}.{value.name}"] = f"enum value {value.number}"

    def add_message(prefix: str, message: DescriptorProto) -> None:
        name = f"{prefix}.{message.name}"
        found[name] = "message"
        for field in message.field:
            kind = field.type_name or f"type {field.type}"
            oneof = (
                f", oneof {message.oneof_decl[field.oneof_index].name}"
                if field.HasField("oneof_index")
                else ""
            )
            found[f"{name}.{field.name}"] = f"field {field.number}, {kind}, label {field.label}{oneof}"
        for inner in message.nested_type:
            add_message(name, inner)
        for enum in message.enum_type:
            add_enum(name, enum)

    for file in descriptors.file:
        for message in file.message_type:
            add_message(file.package, message)
        for enum in file.enum_type:
            add_enum(file.package, enum)
    return found


def main() -> None:
    """Print the differences."""
    if len(sys.argv) != 2:
        sys.exit("usage: upstream.py CHECKOUT, the directory of a checkout of mezonai/mezon-protocol")
    ours, theirs = facts(compiled(ROOT / "proto")), facts(compiled(Path(sys.argv[1]).resolve()))
    different = 0
    for name in sorted(ours.keys() | theirs.keys()):
        if ours.get(name) != theirs.get(name):
            different += 1
            print(f"{name}: here {ours.get(name, 'missing')}; upstream {theirs.get(name, 'missing')}")
    print(f"{different} differences in {len(ours)} names")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
