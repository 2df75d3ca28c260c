#!/usr/bin/env python3
"""Whatever is deployed gets to the functions behind `live`, and nothing is deployed that could not run: infra/deploy.sh, up to the point
where it calls `sam`, and the versions that AWS's own translator makes of its `Release`. Needs the emulator's tools: infra/check.sh versions."""
import logging
import os
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

INFRA = Path(__file__).resolve().parent
# The beginning of an ELF file, up to the processor.
ARM64, X86_64 = (b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + machine.to_bytes(2, "little") for machine in (183, 62))


class NoManagedPolicies:
    def load(self):
        return {}


def versions(package="one", **parameters):
    """The logical ids of the versions, which are new where they are to be published."""
    template = yaml_parse((INFRA / "template.yaml").read_text())
    for name, resource in template["Resources"].items():
        for place in {"CodeUri", "DefinitionUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][place] = {"Bucket": "packages", "Key": f"{name}-{package}"}
    expanded = transform(template, {"Stage": "dev"} | parameters, NoManagedPolicies())["Resources"]
    return {name for name, resource in expanded.items() if resource["Type"] == "AWS::Lambda::Version"}


def run(stage="dev", package="one", built=ARM64, before=None, after=None):
    """deploy.sh, where in one of its files `before` has become `after`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("deploy.sh", "samconfig.toml", "template.yaml"):
            text = (INFRA / name).read_text()
            (root / "infra").mkdir(exist_ok=True)
            (root / "infra" / name).write_text(text.replace(before, after) if before else text)
        for function in ("auth-login", "platform-docs") if package else ():
            (root / "target/lambda" / function).mkdir(parents=True)
            (root / "target/lambda" / function / "bootstrap").write_bytes(built + f"{function} {package}".encode())
        sam = root / "sam"
        sam.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        sam.chmod(0o755)
        path = {"PATH": f"{root}:{os.environ['PATH']}"}
        command = ["bash", root / "infra/deploy.sh", stage, "--no-confirm-changeset"]
        return subprocess.run(command, env=os.environ | path, text=True, capture_output=True)


def deployed(**changes):
    """What deploy.sh hands to `sam`."""
    done = run(**changes)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def refused(**changes):
    """What deploy.sh says where it does not call `sam`."""
    done = run(**changes)
    assert done.returncode != 0 and not done.stdout, done.stdout
    return done.stderr


def release(**changes):
    return deployed(**changes)[4].rsplit(" Release=", 1)[1]


def main():
    logging.disable(logging.WARNING)
    # Without a Release it is the package that counts, so that no code is ever left behind.
    assert not versions(package="two") & versions()
    # And what this is all for; if it fails one day, `Release` is not needed any more.
    assert versions(PublicUrl="https://other.example") == versions()

    words = deployed()
    assert words[:4] == ["deploy", "--config-env", "dev", "--parameter-overrides"] and words[5:] == ["--no-confirm-changeset"], words
    assert words[4].startswith("Stage=dev PasswordConcurrency=0 "), words
    first = release()
    assert release() == first

    assert "auth-login/bootstrap is built for x86_64, and the stack runs arm64" in refused(built=X86_64)
    assert "built for no processor" in refused(built=b"#!/bin/sh\n")
    assert "is not there" in refused(package=None)
    other = {"before": "Stage=dev", "after": "Stage=dev Architecture=x86_64"}
    assert "is built for arm64, and the stack runs x86_64" in refused(**other)
    assert "Architecture=x86_64" in deployed(built=X86_64, **other)[4]

    others = {
        "a package": release(package="two"),
        "a parameter": release(before="PasswordConcurrency=0", after="PasswordConcurrency=0 IdleTimeoutMinutes=60"),
        "the template": release(before="MemorySize: 256", after="MemorySize: 512"),
    }
    named = versions(Release=first)
    assert len(named) >= 8 and versions(package="two", Release=first) == named, named
    for what, other in others.items():
        assert not versions(Release=other) & named, f"{what} changed, and no new version is published"
    print("packages of another processor are refused")
    print(f"{len(named)} functions behind `live`: new versions where {', '.join(others)} changes, and nowhere else")


main()
