"""The inbox: answers that need action. A job finds them in the calls, and organisers act on
them."""
