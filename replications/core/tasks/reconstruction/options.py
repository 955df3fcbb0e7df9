"""What can be set about the reconstruction of pictures; free of torch."""

from replications.core.spec.options import TaskOptions


class ReconstructionOptions(TaskOptions):
    """Nothing."""

    called = ("reconstruction",)
    labels = ("picture",)
    metrics = ("psnr", "mse", "ms_ssim")
    implementation = ".task:build"
