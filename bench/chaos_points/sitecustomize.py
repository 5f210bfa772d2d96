"""Kills a process at a named moment: put this folder on PYTHONPATH and a plan into ``CHAOS_PLAN``.

Python imports this module when it starts, so the program under test is the program as it is. The plan is a JSON list
of ``{"path": regex, "moment": "before" | "after", "whom": "self" | "driver"}``; a rename whose target matches is
where the blow falls, once over all processes (a file beside the plan remembers it).
"""

import json
import os
import re
import signal

if plan_path := os.environ.get("CHAOS_PLAN"):
    with open(plan_path) as file:
        PLAN = [(re.compile(blow["path"]), blow["moment"], blow["whom"]) for blow in json.load(file)]

    def strike(moment: str, target: object) -> None:
        for number, (path, when, whom) in enumerate(PLAN):
            if when != moment or not path.search(str(target)):
                continue
            try:
                os.close(os.open(f"{plan_path}.{number}", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                continue
            if whom == "driver":
                os.kill(int(os.environ["CHAOS_DRIVER"]), signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(move):  # type: ignore[no-untyped-def]
        def moved(source, target, **more):  # type: ignore[no-untyped-def]
            strike("before", target)
            move(source, target, **more)
            strike("after", target)

        return moved

    os.replace, os.rename = watched(os.replace), watched(os.rename)
