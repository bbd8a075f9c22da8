"""``python -m mapscope.cli``, the same as ``mapscope``."""

import sys

from mapscope.cli.app import main

sys.exit(main())
