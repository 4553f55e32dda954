"""The pages for volunteers and strangers: a volunteer's own page, events near a place, guests'
pages, certificates, and call-outs (meetings at which people pledge to host parties)."""
