"""Call-outs: evenings in a hall at which people sign in and pledge to host a party. Afterwards, the
people who pledged and gave an e-mail address can become hosts: each gets a party and a kit to
print."""
