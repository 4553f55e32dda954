"""The rules about who may be called, when and how often. The modules of this package use no
database and do not depend on a request."""
