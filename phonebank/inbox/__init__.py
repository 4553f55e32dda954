"""The inbox: answers that need action. A job finds these answers in the calls, and organisers act
on them."""
