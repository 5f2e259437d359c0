"""Jobs: pure functions whose results are computed once and kept."""

from lib.jobs.job import Job, JobError, fingerprint, is_done, load, run, seconds, tasks
from lib.jobs.store import Result

__all__ = ["Job", "JobError", "Result", "fingerprint", "is_done", "load", "run", "seconds", "tasks"]
