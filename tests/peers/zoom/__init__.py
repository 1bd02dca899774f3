"""Practice Zoom: not Zoom."""

import warnings

# Pyramid 2.1 imports pkg_resources; nobody who runs this can act on the warning.
warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
