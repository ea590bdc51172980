"""`python -m kmsimport`, for a checkout that is not installed."""

import sys

from kmsimport.command import main

sys.exit(main())
