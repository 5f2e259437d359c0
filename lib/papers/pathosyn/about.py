"""PathoSyn: facts of the chapter."""

from lib.papers.about import About, MainTable

ABOUT = About(
    name="pathosyn",
    short="PathoSyn",
    title="PathoSyn: Imaging-Pathology MRI Synthesis via Disentangled Deviation Diffusion",
    question="Brain MRI: are lesions, drawn as deviations from a healthy image, realistic and "
    "useful?",
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
    ),
)
