"""The jobs behind the lesson on the method: the model that it looks into."""

from lib.jobs import Job
from lib.papers.pavae.study import Study
from lib.profiles import Profile


def method_jobs(profile: Profile, seed: int) -> list[Job]:
    study = Study(profile, seed, "bare")
    return [study.train(0), study.guide(0), study.vae(0)]
