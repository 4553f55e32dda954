"""The pages for volunteers and strangers. There are pages for a volunteer, for events near a place
and their guests, for offers to host, for trainings and certificates, and for call-outs (meetings at
which people pledge to host parties)."""
