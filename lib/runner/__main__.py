"""python -m lib.runner"""

import sys

from lib.runner.command import main

sys.exit(main())
