#!/usr/bin/env python3
"""A rolling update: old and new binaries of every function behind one API, as while an alias shifts, and then back.

    drill.py OLD NEW        folders of binaries, e.g. target/debug of a work tree of the commit before, and of this one

Four phases over one store: old; mixed, where each new process is either; new; old again, which is the roll-back. In each, people
sign up, activate, sign in and refresh; everybody of the phases before goes on with the session and the password that they
have; and sign-ups that one phase has begun are provisioned in the next. So what either writes, the other reads.
"""
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
PASSWORD = "seven purple lanterns, drifting"
PORT, FRONT = os.environ.get("GATEWAY_PORT", "4570"), os.environ.get("FRONT_PORT", "4571")
AWS, URL = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{FRONT}"
CHOICE = """#!/bin/sh
case $(cat '{phase}') in
  old) version=old ;;
  new) version=new ;;
  mixed) [ $(($(od -An -N1 -tu1 /dev/urandom) % 2)) = 0 ] && version=old || version=new ;;
esac
[ -x '{old}' ] || version=new
echo "$version" >>'{tally}'
[ $version = old ] && exec '{old}' || exec '{new}'
"""


def call(method, path, body=None, token=None, expect=200):
    headers = {"content-type": "application/json"} if body else {}
    if token:
        headers["authorization"] = f"Bearer {token}"
    request = urllib.request.Request(URL + path, json.dumps(body).encode() if body else None, headers, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=40)
    except urllib.error.HTTPError as error:
        answer = error
    text = answer.read()
    assert answer.status == expect, f"{method} {path}: {answer.status} {text[:500]}"
    return json.loads(text) if text else None


class Person:
    """The admin of a tenant of their own."""

    def __init__(self, name):
        self.email = f"ada@{name}.example"
        body = {"company_name": "Lantern Works", "subdomain": name, "admin_name": "Ada Admin", "admin_email": self.email}
        self.tenant = call("POST", "/api/v1/tenants", body, expect=202)

    def settle(self):
        until = time.monotonic() + 60
        while (status := self.status())["status"] != "READY":
            assert status["status"] != "FAILED" and time.monotonic() < until, status
            time.sleep(0.2)
        while not (texts := [mail["text"] for mail in call("GET", "/_local/mail") if self.email in mail["to"]]):
            assert time.monotonic() < until, f"no mail: {self.status()}"
            time.sleep(0.2)
        token = texts[0].split("token=")[1].split()[0]
        call("POST", "/api/v1/auth/activate", {"token": token, "password": PASSWORD})
        self.session = self.sign_in()
        return self

    def status(self):
        return call("GET", self.tenant["status_url"], token=self.tenant["status_token"])

    def sign_in(self):
        return call("POST", "/api/v1/auth/login", {"email": self.email, "password": PASSWORD})

    def go_on(self):
        """With the session of before, and with a new one."""
        assert self.status()["status"] == "READY"
        for session in (self.session, self.sign_in()):
            who = call("GET", "/api/v1/auth/whoami", token=session["access_token"])
            assert (who["tenant_id"], who["role"]) == (self.tenant["tenant_id"], "owner"), who
        self.session = call("POST", "/api/v1/auth/refresh", {"refresh_token": self.session["refresh_token"]})


class Deployment:
    def __init__(self, old, new, work):
        self.phase, self.tally = work / "phase", work / "tally"
        self.mix = work / "mix"
        self.mix.mkdir()
        template = (HERE.parent / "template.yaml").read_text()
        self.functions = [part.split("/")[0] for part in template.split("CodeUri: ../target/lambda/")[1:]]
        for name in self.functions:
            script = self.mix / name
            paths = {"phase": self.phase, "tally": self.tally, "old": old / name, "new": new / name}
            script.write_text(CHOICE.format(**paths))
            script.chmod(0o755)

    def enter(self, phase):
        """New processes for every function, as a deployment makes; each chooses what it is."""
        self.phase.write_text(phase)
        self.tally.write_text("")
        for process in subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout.splitlines():
            pid, parent, *words = process.split()
            if parent == str(self.emulator.pid) and Path(words[0]).name in self.functions:
                os.kill(int(pid), 15)

    def start(self, log):
        environment = os.environ | {"GATEWAY_PORT": PORT, "FRONT_PORT": FRONT}
        self.emulator = subprocess.Popen([sys.executable, HERE / "emulator.py"], env=environment, stdout=log, stderr=log)
        while subprocess.run(["curl", "--silent", "--fail", f"{AWS}/_ministack/health"], stdout=subprocess.DEVNULL).returncode:
            assert self.emulator.poll() is None, "the emulator ended"
            time.sleep(0.2)
        subprocess.run([sys.executable, HERE / "deploy.py", AWS, URL, self.mix], check=True, stdout=log, stderr=log)


def main():
    old, new = (Path(folder).resolve() for folder in sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, open(Path(folder) / "log", "w") as log:
        deployment = Deployment(old, new, Path(folder))
        deployment.phase.write_text("old")
        try:
            deployment.start(log)
            people, begun = [], []
            for number, phase in enumerate(["old", "mixed", "new", "old"]):
                began = time.monotonic()
                deployment.enter(phase)
                settled = [person.settle() for person in begun + [Person(f"drill-{number}-{n}") for n in range(3)]]
                for person in people + settled:
                    person.go_on()
                people += settled
                begun = [Person(f"drill-{number}-late-{n}") for n in range(2)]
                versions = deployment.tally.read_text().split()
                counted = ", ".join(f"{versions.count(version)} {version}" for version in ("old", "new") if version in versions)
                print(f"{phase}: {len(people)} people go on, {len(settled)} of them new; processes started: {counted}; {time.monotonic() - began:.0f} s")
            for person in begun:
                person.settle().go_on()
        finally:
            deployment.emulator.terminate()
            deployment.emulator.wait()


main()
