"""`python -m fanwire.cli`, for where the script is not on the path."""

from fanwire.cli import main

main()
