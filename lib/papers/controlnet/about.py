"""ControlNet: facts of the chapter."""

from lib.papers.about import About, MainTable, read_against

ABOUT = About(
    name="controlnet",
    short="ControlNet",
    title="Chest radiographs from a latent diffusion model under text and mask control",
    question="Chest radiographs: how many synthetic images, of which quality, help?",
    plain="Chest radiographs that a generator draws from words and outlines help programs that "
    "find or outline disease, nearly everywhere.",
    says="Synthetic radiographs drawn from text and masks help classifiers and segmenters nearly "
    "everywhere, most where real images are few; how many there are matters more than how good "
    "each one is, and experts' feedback adds little.",
    generators={"syn": "the ControlNet"},
    easy="One method, four tasks and two scores, named in few pages; what is drawn is asked for in "
    "words, so that a reader can check it.",
    difficult="Learning rates and the equation of the preference loss are garbled in the text, and "
    "most comparisons rest on two runs.",
    turn="Dice of films with a lesion, with its films, at least {dice} above ordinary augmentation "
    "alone in both sets would speak for a general gain, and in neither set against any",
    main=MainTable(
        item="controlnet/02_utility",
        regimes={
            "candid-10": "Pneumothorax, CANDID-like, a tenth of the real films",
            "siim-10": "Pneumothorax, SIIM-like, a tenth of the real films",
        },
        columns={"dice": "Dice of films with a lesion", "dice_all": "Dice of all films"},
        said=("dice",),
        method="syn10",
        controls=read_against("classic", "smooth10", "shuffled10"),
        classic="classic",
        oracle="oracle10",
        whole="dice_all",
        alarms="false_positive_rate",
    ),
)
