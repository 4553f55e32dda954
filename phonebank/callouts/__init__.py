"""Call-outs: evenings in a hall at which people sign in and pledge to host a party. Afterwards,
these people become hosts, and get their party and kit."""
