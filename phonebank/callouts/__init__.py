"""Call-outs: evenings in a hall at which people sign in and pledge to host a party. Afterwards, the
people who pledged become hosts, and each gets a party and a kit to print."""
