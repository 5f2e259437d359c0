"""PathoSyn: facts of the chapter."""

from lib.papers.about import About, MainTable, read_against

ABOUT = About(
    name="pathosyn",
    short="PathoSyn",
    title="PathoSyn: Imaging-Pathology MRI Synthesis via Disentangled Deviation Diffusion",
    question="Brain MRI: are lesions, drawn as deviations from a healthy image, realistic and "
    "useful?",
    plain="Lesions that a generator draws onto healthy brain MRI look real, and help programs that "
    "outline or recognise lesions.",
    says="A diffusion model that draws only the lesion's deviation, on an anatomy that stays as it "
    "is, gives slices that are harder to tell from real ones than those of whole-image models, "
    "keeps the anatomy by construction, separates lesion from anatomy, and helps segmenters and "
    "classifiers.",
    generators={
        "pathosyn_diff": "PathoSyn-Diff", "pathosyn_vaegan": "PathoSyn-VAE-GAN",
        "brain_ldm": "Brain-LDM", "maskdiff": "MaskDiff", "meta_auto": "Meta-Auto",
    },
    easy="Fifteen equations and two algorithms say what is trained; the phantom's own healthy twin "
    "and deviation test each step alone.",
    difficult="None of the eight loss weights is printed. Text and algorithms contradict each "
    "other, two losses cannot both be met, and one is zero whatever the network does. What the "
    "paired tests pair is not said, and competing methods are named without settings.",
    turn="Dice with its slices at least {dice} above both ordinary augmentation and blurred copies "
    "would speak for it, and Dice above neither of them against it",
    main=MainTable(
        item="pathosyn/table2_segmentation",
        regimes={
            "unet": "Segmentation of brain FLAIR, U-Net",
            "nnunet": "Segmentation of brain FLAIR, DynUNet (nnU-Net-style)",
        },
        columns={
            "dice": "Dice", "dice_q1": "Dice, smallest lesions", "pixel_recall": "recall of pixels"
        },
        said=("dice",),
        method="pathosyn_diff",
        controls=read_against("classic", "smooth", "shuffled"),
        classic="classic",
    ),
)
