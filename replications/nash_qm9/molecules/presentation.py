"""How the properties of molecules are named."""

from replications.core.presentation import Presentation

_NAMES = {
    "mu": r"$\mu$",
    "alpha": r"$\alpha$",
    "homo": "HOMO",
    "lumo": "LUMO",
    "r2": "$R^2$",
    "zpve": "ZPVE",
    "u0": "$U_0$",
    "u298": "$U$",
    "h298": "$H$",
    "g298": "$G$",
    "cv": "$c_v$",
}
PRESENTATIONS = {task: Presentation(name, {"mae": "MAE"}) for task, name in _NAMES.items()}
