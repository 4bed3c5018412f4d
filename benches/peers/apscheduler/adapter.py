"""APScheduler with a durable SQLite store: one-shots by date, and crons of seconds."""

import http.client
import itertools
import json
import os
import platform
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor as Threads
from datetime import datetime, timezone
from importlib.metadata import version
from urllib.parse import urlsplit

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from sqlalchemy import create_engine, event

DAY_SECS = 86_400
# As many at a time as every load of this tool.
IN_FLIGHT = 64
WORKERS = 20
# A run that is still on its way does not keep the next one of its cron from starting.
INSTANCES_MAX = 3
LOCK_WAIT_SECS = 30

WORK = os.environ["PEER_WORK"]
SINK = urlsplit(os.environ["PEER_SINK"])
FIRST = int(os.environ["PEER_FIRST"])
TASKS = int(os.environ["PEER_TASKS"])
DUE = int(os.environ["PEER_DUE"])
SECONDS = float(os.environ["PEER_SECONDS"])
FOLDER = os.environ["PEER_FOLDER"]
BODY = os.environ["PEER_BODY"]

local = threading.local()
# When the runs of each task that were handed to a thread are due, oldest first.
scheduled = {}


def call(number):
    """What every job does: tells the target that task `number` is due."""
    if not hasattr(local, "connection"):
        local.connection = http.client.HTTPConnection(SINK.hostname, SINK.port, timeout=30)
    headers = {
        "content-type": "application/json",
        "xcron-task-id": f"load-{number}",
        "xcron-scheduled-time": str(scheduled[str(number)].popleft()),
    }
    local.connection.request("POST", SINK.path, BODY, headers)
    answer = local.connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"the target answered {answer.status}")


class NamingExecutor(ThreadPoolExecutor):
    """Notes when the runs are due, which a job itself is not told."""

    def _do_submit_job(self, job, run_times):
        due = scheduled.setdefault(job.id, deque())
        due.extend(int(run_time.timestamp()) for run_time in run_times)
        super()._do_submit_job(job, run_times)


def durable_engine():
    """SQLite that syncs each commit."""
    path = os.path.join(FOLDER, "jobs.sqlite")
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": LOCK_WAIT_SECS})

    @event.listens_for(engine, "connect")
    def _(connection, _record):
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


def create_all(one):
    """Creates all tasks that were asked for by `one(number)`."""
    begun = time.monotonic()
    with Threads(IN_FLIGHT) as threads:
        for _ in threads.map(one, range(FIRST, FIRST + TASKS)):
            pass
    return {"created": TASKS, "seconds": time.monotonic() - begun}


def create_for(one):
    """Creates by `one(number)` for as long as was asked for."""
    begun = time.monotonic()
    numbers = itertools.count(FIRST)

    def lane(_):
        created = 0
        while time.monotonic() - begun < SECONDS:
            one(next(numbers))
            created += 1
        return created

    with Threads(IN_FLIGHT) as threads:
        created = sum(threads.map(lane, range(IN_FLIGHT)))
    return {"created": created, "seconds": time.monotonic() - begun}


def main():
    scheduler = BackgroundScheduler(
        jobstores={"default": SQLAlchemyJobStore(engine=durable_engine())},
        executors={"default": NamingExecutor(WORKERS)},
        job_defaults={
            "coalesce": False,
            # However late: what was not in time for the default of a second would be dropped.
            "misfire_grace_time": None,
            "max_instances": INSTANCES_MAX,
        },
        timezone=timezone.utc,
    )
    scheduler.start(paused=True)

    def add(trigger):
        return lambda number: scheduler.add_job(call, trigger, args=[number], id=str(number))

    def at(seconds):
        return DateTrigger(datetime.fromtimestamp(seconds, timezone.utc))

    if WORK == "create":
        created = create_for(add(at(int(time.time()) + DAY_SECS)))
    elif WORK == "drain":
        created = create_all(add(at(DUE)))
    else:
        created = create_all(add(CronTrigger(second="*", timezone=timezone.utc)))
    scheduler.resume()
    peer = f"APScheduler {version('apscheduler')}, SQLAlchemy {version('sqlalchemy')}"
    report = {"version": f"{peer}, Python {platform.python_version()}", **created}
    print(json.dumps(report), flush=True)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
