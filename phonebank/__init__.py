"""Everything in Phonebank except the pages for callers (the package `callers`) and the scripts for
calls and their engine (the package `scripts_library`). This package has the pages of organisers,
hosts and others, the code that all pages share, and the programs that run beside the web server."""
