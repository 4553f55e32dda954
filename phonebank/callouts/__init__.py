"""Call-outs: evenings in a hall on which people become hosts. They sign in, pledge to host, and get
their party and kit afterwards."""
