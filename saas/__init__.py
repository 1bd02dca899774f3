"""The shell: hosts any tenant application and knows nothing of what an academy is."""

import warnings

# Pyramid 2.1 imports pkg_resources; nobody who runs Lyceum can act on the warning.
warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
