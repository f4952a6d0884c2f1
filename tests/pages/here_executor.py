"""An executor that runs jobs at once in the process of the test, with toys as models."""

from rsviz.io import catalog
from rsviz.jobs import tasks
from rsviz.jobs.job import Job, JobState


class HereExecutor:
    """Runs jobs at once in this process."""

    def __init__(self):
        self.jobs: list[Job] = []
        self.results = {}

    def submit(self, job: Job) -> str:
        self.jobs.append(job)
        source = catalog.open_scene(job.scene_ref)
        scene = source.read()
        source.close()
        run_id = f"run-{len(self.jobs)}"
        quiet = (lambda *_: None, lambda: False, lambda _: None)
        self.results[run_id] = tasks.perform(scene, job, *quiet)
        return run_id

    def events(self, run_id: str) -> JobState:
        return JobState("done", 1, 1)

    def result(self, run_id: str):
        return self.results[run_id]

    def machine(self, wait_seconds: float = 0.0) -> dict:
        return {"state": "ready", "devices": [], "scan": {}, "threads": 2}
