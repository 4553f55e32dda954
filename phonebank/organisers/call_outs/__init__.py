"""The organiser's pages about call-outs: meetings at which people pledge to host parties."""
