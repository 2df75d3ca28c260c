#!/usr/bin/env python3
"""Our Step Functions against another: what `infra/local` made of each case of trouble, ministack is asked for, too.

    INNKEEPER_OUTCOMES=$PWD/target/outcomes.jsonl cargo nextest run -E 'test(written_down_for_others)'
    machines.py target/outcomes.jsonl

Compared are the end, its error and cause, the output, the order of the states and the number of calls of each; a difference fails
the run. statemachines/README.md has what is left out. No server is started: the interpreter runs in this process, with the
same scripted functions.
"""
import collections
import json
import os
import sys
import threading
import time
from pathlib import Path

os.environ.update(SFN_WAIT_SCALE="0", LOG_LEVEL="WARNING")

import ministack.services.stepfunctions as machines
from rewrite import a_failed_function_fails_its_state

MACHINES = Path(__file__).resolve().parents[2] / "statemachines"

class Functions:
    """The functions of one execution. A state's function is named after it."""

    def __init__(self, troubles):
        self.troubles, self.calls, self.done = troubles, collections.Counter(), collections.Counter()
        self.lock = threading.Lock()

    def __call__(self, state, payload):
        with self.lock:
            self.calls[state] += 1
            first, nth = self.calls[state] == 1, self.done[state]
            trouble = next((t for t in self.troubles if t["state"] == state and (first or not t["once"])), None)
            if not trouble:
                self.done[state] += 1
        token = payload.get("task_token")
        if trouble and trouble["by_token"] and token:
            machines._send_task_failure({"taskToken": token, "error": trouble["error"], "cause": "said by token"})
            return None
        if trouble:
            cause = json.dumps({"errorMessage": "why", "errorType": trouble["error"]}, separators=(",", ":"))
            raise machines._ExecutionError(trouble["error"], cause)
        if token:
            machines._send_task_success({"taskToken": token, "output": "{}"})
        if state == "ListTenants":
            page = {"tenants": ["a", "b"], "then": "move"} if nth == 0 else {"tenants": [], "then": "retire"}
            return page | {"number": nth + 1}
        says = {"MoveTenant": {"done": True}, "BeginRemoval": {"due": True}}
        says |= dict.fromkeys(("RemoveMembers", "PurgeItems"), {"more": False})
        return says.get(state, {})


def states_of(machine):
    for name, state in machine["States"].items():
        yield name, state
        for part in ("ItemProcessor", "Iterator"):
            yield from states_of(state[part]) if part in state else ()


def within_maps(machine):
    outer = set(machine["States"])
    return {name for name, _ in states_of(machine)} - outer


def create(name):
    """The machine, with each state's function named after the state."""
    definition = json.loads((MACHINES / f"{name}.asl.json").read_text())
    for state, body in states_of(definition):
        if body["Type"] == "Task":
            body["Parameters"]["FunctionName"] = state
    answer = machines._create_state_machine(
        {"name": name, "definition": json.dumps(definition), "roleArn": "arn:aws:iam::000000000000:role/machine"}
    )
    assert answer[0] == 200, answer
    return json.loads(answer[2])["stateMachineArn"], definition


def play(arn, name, case):
    functions = Functions(case["troubles"])
    machines._call_lambda = functions
    started = machines._start_execution({"stateMachineArn": arn, "name": name, "input": json.dumps(case["input"])})
    assert started[0] == 200, started
    execution = machines._executions[json.loads(started[2])["executionArn"]]
    patience = time.monotonic() + 30
    while execution["status"] == "RUNNING":
        assert time.monotonic() < patience, case["troubles"]
        time.sleep(0.0005)
    entered = [
        event["stateEnteredEventDetails"]["name"] for event in execution["events"] if event["type"].endswith("StateEntered")
    ]
    output = execution["output"] if execution["status"] == "SUCCEEDED" else None
    return {
        "status": execution["status"],
        "error": execution.get("error"),
        "cause": execution.get("cause"),
        "output": json.loads(output) if output else None,
        "entered": entered,
        "calls": dict(functions.calls),
    }


def only_siblings(ours, theirs, inner):
    """Where an iteration of a Map fails, AWS and we end the others; it lets them go on to their own ends."""
    return all(theirs[state] >= ours[state] if state in inner else theirs[state] == ours[state] for state in theirs)


def main():
    cases = [json.loads(line) for line in open(sys.argv[1])]
    a_failed_function_fails_its_state()
    # It waits for a moment before each execution, and for nothing else.
    machines.time = type("Time", (), {"sleep": staticmethod(lambda _: None), "time": staticmethod(time.time)})
    machines._resolve_lambda_function_ref = lambda reference, **_: reference
    differences, siblings = collections.Counter(), collections.Counter()
    for name in sorted({case["machine"] for case in cases}):
        arn, definition = create(name)
        of_machine = [case for case in cases if case["machine"] == name]
        inner = within_maps(definition)
        for number, case in enumerate(of_machine):
            theirs = play(arn, str(number), case)
            # It tells nothing of what is entered within a Map; the calls do.
            case["entered"] = [state for state in case["entered"] if state not in inner]
            for key in (key for key, value in theirs.items() if value != case[key]):
                if key == "calls" and only_siblings(case[key], theirs[key], inner):
                    siblings[name] += 1
                    continue
                differences[name] += 1
                print(f"{name}, {case['troubles']}: {key}\n  ours   {case[key]}\n  theirs {theirs[key]}")
        print(f"{name}: {len(of_machine)} cases, {siblings[name]} with more calls of siblings, {differences[name]} differences")
    sys.exit(bool(differences.total()))


main()
