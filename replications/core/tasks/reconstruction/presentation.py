"""How the reconstruction of pictures is named."""

from replications.core.presentation import Presentation

PRESENTATION = Presentation(
    "복원", {"psnr": "PSNR", "mse": "MSE", "ms_ssim": "MS-SSIM"}, english="reconstruction"
)
