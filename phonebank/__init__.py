"""Everything in Phonebank except the pages for callers, which are in the package `callers`. This
package has the pages of organisers, hosts and others, and the code that all pages share."""
