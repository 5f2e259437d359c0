"""stub"""
from lib.datasets import chest
from lib.datasets import volumes as vols
from lib.jobs import Job


class Images:
    truth = True
    def __init__(self, law): self.law = law
    def train(self, n, stream): return Job(chest.image_set, law=self.law, n=n, stream=stream)
    validation = test = fresh = train
class Volumes:
    truth = True
    def __init__(self, m): self.m = m
    def train(self, n, stream): return Job(vols.volume_set, modality=self.m, n=n, stream=stream)
    test = train
    def fresh_slices(self, n, stream): return Job(vols.fresh_slices, modality=self.m, n=n, stream=stream)
def images(dataset, law, root): return Images(law)
def volumes(dataset, modality, root): return Volumes(modality)
